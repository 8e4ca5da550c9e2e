"""Plots: street blocks that take footprints without overlap."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import numpy as np
import shapely
from shapely import Polygon, affinity

from .layout import Block, Site

CLEAR = 1.2  # m, least distance between two footprints


@dataclass
class Building:
    """One row of a building table; a part names its building in ``part_of``.

    ``ground`` is the ground height (1985), ``base`` the height of the foot of the walls above it.
    """

    key: str
    name: str
    use: str
    storeys: int
    height: float
    built: int
    address: str
    shape: Polygon
    block: str
    part_of: str | None = None
    base: float = 0.0
    ground: float = 0.0


@dataclass
class Plot:
    """A block as a rectangle in its own frame, and the buildings on it so far."""

    site: Site
    block: Block
    rng: Random
    water: shapely.Geometry
    found: list[Building] = field(default_factory=list)

    def __post_init__(self) -> None:
        u, v = self.block.u, self.block.v
        self.width, self.depth = u[1] - u[0], v[1] - v[0]
        origin, x, y = self.site.frame(sum(u) / 2, sum(v) / 2)
        self.matrix = [x[0], y[0], x[1], y[1], origin[0], origin[1]]
        self.room = self.block.outline.buffer(-3.0)
        self.year = self.rng.randint(2004, 2021)

    def add(
        self,
        shape: Polygon,
        use: str,
        storeys: int,
        height: float,
        *,
        name: str = "",
        year: int | None = None,
        gap: float = CLEAR,
        parts: list[tuple[Polygon, str, int, float, float]] | None = None,
    ) -> Building | None:
        """Take a footprint in local metres if it has room. ``parts``: shape, name, storeys,
        height, base above the ground."""
        real = self._real(shape)
        if not self.room.covers(real) or shapely.intersects(self.water, real):
            return None
        taken = np.array([b.shape for b in self.found if b.part_of is None])
        if len(taken) and shapely.distance(taken, real).min() < gap:
            return None
        number = sum(b.part_of is None for b in self.found) + 1
        key = f"{self.block.number}-{number:03d}"
        address = f"{self.block.street}{20 + 2 * number + 40 * (ord(self.block.number[0]) % 9)}号"
        building = Building(
            key,
            name or f"{self.block.number}地块{number}号楼",
            use,
            storeys,
            height,
            year or self.year,
            address,
            real,
            self.block.number,
        )
        self.found.append(building)
        for k, (part, title, floors, tall, base) in enumerate(parts or [], start=1):
            self.found.append(
                Building(
                    f"{key}-P{k}",
                    title,
                    use,
                    floors,
                    tall,
                    building.built,
                    address,
                    self._real(part),
                    self.block.number,
                    key,
                    base,
                )
            )
        return building

    def _real(self, shape: Polygon) -> Polygon:
        moved = affinity.affine_transform(shape, self.matrix)
        return shapely.orient_polygons(shapely.set_precision(moved, 0.001, mode="pointwise"))
