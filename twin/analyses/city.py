"""Everything that a twin holds, as questions about space see it: read by index when asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from models.clearance.bodies import bodies
from models.crs import StorageCrs
from models.db import read, space
from models.db.connection import Connection
from models.db.space import Moment, ReadPool, SpaceSource
from models.features import THEME_TABLES, Theme
from models.space.soup import Soup, joined, of_pipes, of_points, of_prisms
from models.terrain import Terrain, open_terrain
from twin.analyses.errors import BadRequestError

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Layers by the names of the collections, with their tables.
LAYERS: Final = {
    "buildings": "building",
    "building-parts": "building_part",
    "bim-elements": "bim_element",
    "pipe-segments": "pipe_segment",
    "pipe-points": "pipe_point",
}
#: What tells a feature of each table to a reader.
SHOWN: Final = {
    "building": ("key", "name", "function", "storeys", "height", "base_height", "address"),
    "building_part": ("key", "building_key", "name", "storeys", "height", "base_height"),
    "bim_element": ("key", "ifc_class", "name", "storey_name", "building_name"),
    "pipe_segment": ("key", "class_code", "material", "shape", "width_mm", "owner", "road"),
    "pipe_point": ("key", "exp_no", "class_code", "feature", "appurtenance", "ground_h"),
}
#: What else its body is made of.
_BODY: Final = {
    "building": ("geom",),
    "building_part": ("geom",),
    "bim_element": ("geom", "mesh", "placement"),
    "pipe_segment": (
        "geom", "height_mm", "od_mm", "id_mm", "wall_mm", "quality_level", "from_depth", "to_depth",
    ),
    "pipe_point": ("geom", "sigma_xy", "sigma_z"),
}  # fmt: skip
#: Pipe sizes are looked up again when a dataset has a new revision.
_KEPT: Final = 256


@dataclass(frozen=True)
class Things:
    """Features that a question may be about. ``layer`` (n,) names each one's layer, ``row`` (n,)
    its row of ``tables[layer]``; ``soup`` is their bodies, owners being 0..n-1; ``sigma`` (n, 2)
    mean errors in plan and height, NaN where unknown."""

    tables: dict[str, pd.DataFrame]
    layer: npt.NDArray[np.object_]
    row: Ints
    soup: Soup
    sigma: Array

    def __len__(self) -> int:
        return len(self.row)

    def bodiless(self) -> int:
        """How many have no body, since a height, a size or the geometry is unknown."""
        return len(self) - len(np.unique(self.soup.owner))

    def describe(self, chosen: Ints) -> list[dict[str, Any]]:
        """What tells each of them to a reader; unknown values are left out."""
        out: list[dict[str, Any]] = [{} for _ in chosen]
        for layer, table in self.tables.items():
            at = np.flatnonzero(self.layer[chosen] == layer)
            rows = table.iloc[self.row[chosen[at]]]
            columns = [("id", rows["id"].to_list(), [True] * len(rows))]
            for name in SHOWN[LAYERS[layer]]:
                columns.append((name, rows[name].to_list(), rows[name].notna().to_list()))
            for i, place in enumerate(at.tolist()):
                out[place] = {n: values[i] for n, values, known in columns if known[i]}
                out[place]["layer"] = layer
        return out


@dataclass(frozen=True)
class City:
    """One twin at one moment over an open connection; ``terrain`` where it has a DEM."""

    twin: str
    conn: Connection = field(repr=False)
    storage: StorageCrs
    sources: Sequence[SpaceSource]
    datetime: dt.datetime | None
    as_of: dt.datetime | None
    terrain: Terrain | None = field(default=None, repr=False)
    half_size: float = 0.0

    def moment(self, table: str) -> Moment:
        """Which state of which datasets a table is read at."""
        held = [s.id for s in self.sources if table in THEME_TABLES[Theme(s.theme)]]
        return Moment(self.datetime, self.as_of, held)

    def near(self, layers: Sequence[str], boxes: Array, most: int = space.MOST) -> Things:
        """Features of ``layers`` whose bodies may meet one of ``boxes`` (n, 6).

        Raises :class:`BadRequestError` where they are more than ``most`` of a layer.
        """
        tables = {}
        for layer in layers:
            table = LAYERS[layer]
            wide = boxes
            if table == "pipe_segment" and self.half_size:
                wide = boxes + self.half_size * np.array([-1, -1, -1, 1, 1, 1])
            columns = (*SHOWN[table], *_BODY[table])
            tables[layer] = space.near(self.conn, table, wide, columns, self.moment(table), most)
            if len(tables[layer]) > most:
                raise BadRequestError(
                    f"More than {most} features of '{layer}' lie there. Ask for a smaller place, "
                    "or for fewer layers.",
                    f"该处“{layer}”要素超过 {most} 个，请缩小范围或减少图层。",
                )
        return self.things(tables)

    def named(self, ids: Sequence[str]) -> Things:
        """The features with these ids, whatever their layer."""
        tables = {}
        for layer, table in LAYERS.items():
            columns = (*SHOWN[table], *_BODY[table])
            found = space.by_id(self.conn, table, ids, columns, self.moment(table))
            if len(found):
                tables[layer] = found
        return self.things(tables)

    def things(self, tables: dict[str, pd.DataFrame]) -> Things:
        """Features of ``tables``, by layer, with their bodies."""
        soups, layers, rows, sigma, start = [], [], [], [], 0
        for layer, table in tables.items():
            soup, errors = _BODIES[LAYERS[layer]](self, table)
            soups.append(Soup(soup.triangles, soup.radius, soup.owner + start, soup.closed))
            layers.append(np.full(len(table), layer, dtype=object))
            rows.append(np.arange(len(table)))
            sigma.append(errors)
            start += len(table)
        return Things(
            tables,
            np.concatenate([np.empty(0, object), *layers]),
            np.concatenate([np.empty(0, np.int64), *rows]).astype(np.int64),
            joined(soups),
            np.concatenate([np.empty((0, 2)), *sigma]),
        )


class Cities:
    """Opens :class:`City` for one question each, over connections that stay open.

    ``url`` is the read role's; ``home`` holds the twins' terrain; ``seconds`` is what a statement
    may take. Any number of threads may ask.
    """

    def __init__(self, url: str, home: Path | None = None, seconds: float = 10.0) -> None:
        self._pool = ReadPool(url, seconds)
        self._home = home
        self._sizes: dict[tuple[int, int], float] = {}
        self._lock = Lock()

    @contextmanager
    def open(
        self, twin: str, datetime: dt.datetime | None = None, as_of: dt.datetime | None = None
    ) -> Iterator[City]:
        """The twin at a moment. Raises :class:`models.errors.DatabaseError`."""
        with self._pool.connection() as conn:
            storage = StorageCrs(read.storage_srid(conn))
            sources = space.sources(conn, twin, as_of)
            terrain = None if self._home is None else open_terrain(self._home, twin, storage)
            half = max((self._half_size(conn, s) for s in sources), default=0.0)
            yield City(twin, conn, storage, sources, datetime, as_of, terrain, half)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.close()

    def _half_size(self, conn: Connection, source: SpaceSource) -> float:
        if "pipe_segment" not in THEME_TABLES[Theme(source.theme)]:
            return 0.0
        key = (source.id, source.revision)
        if key not in self._sizes:
            found = space.widest(conn, source.id)
            with self._lock:
                if len(self._sizes) >= _KEPT:
                    self._sizes.clear()
                self._sizes[key] = found
        return self._sizes[key]


def _prisms(city: City, table: pd.DataFrame) -> tuple[Soup, Array]:
    geometry = table["geom"].to_numpy(object)
    low = pd.to_numeric(table["base_height"]).to_numpy(np.float64)
    xyz, of = shapely.get_coordinates(geometry, include_z=True, return_index=True)
    foot = np.full(len(table), np.inf)
    np.minimum.at(foot, of, np.nan_to_num(xyz[:, 2], nan=np.inf))
    low = np.where(np.isnan(low) & np.isfinite(foot), foot, low)
    height = pd.to_numeric(table["height"]).to_numpy(np.float64)
    return of_prisms(geometry, low, low + height), np.full((len(table), 2), np.nan)


def _pipes(city: City, table: pd.DataFrame) -> tuple[Soup, Array]:
    pieces = bodies(table)
    errors = np.full((len(table), 2), np.nan)
    errors[pieces.owner] = np.column_stack([pieces.sigma_xy, pieces.sigma_z])
    return of_pipes(pieces), errors


def _points(city: City, table: pd.DataFrame) -> tuple[Soup, Array]:
    geometry = table["geom"].to_numpy(object)
    xyz = np.full((len(table), 3), np.nan)
    places, of = shapely.get_coordinates(geometry, include_z=True, return_index=True)
    xyz[of] = places
    errors = [pd.to_numeric(table[name]).to_numpy(np.float64) for name in ("sigma_xy", "sigma_z")]
    return of_points(xyz), np.column_stack(errors)


def _meshes(city: City, table: pd.DataFrame) -> tuple[Soup, Array]:
    """Bodies of BIM elements: their meshes, each where its placement (row-major 4x4) puts it."""
    keys = table["mesh"].to_numpy(object)
    known = read.read_meshes(city.conn, [k for k in keys if k is not None])
    parts = []
    for row, key in enumerate(keys):
        placement = table["placement"].iat[row]
        if key not in known or placement is None:
            continue
        turn = np.asarray(placement, np.float64).reshape(4, 4)
        mesh = known[key]
        corners = (mesh.positions @ turn[:3, :3].T + turn[:3, 3])[mesh.indices]
        count = len(corners)
        parts.append(Soup(corners, np.zeros(count), np.full(count, row, np.int64)))
    return joined(parts), np.full((len(table), 2), np.nan)


_BODIES: Final = {
    "building": _prisms,
    "building_part": _prisms,
    "bim_element": _meshes,
    "pipe_segment": _pipes,
    "pipe_point": _points,
}
