"""The shape of an excavation: level floor, sides at a slope, volume, and what lies in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from models.crs import StorageCrs
from twin.analyses.errors import BadRequestError
from twin.analyses.ground import Sampler
from twin.analyses.measure import area_factor

Array = npt.NDArray[np.float64]

_GRID = 60


@dataclass(frozen=True, slots=True)
class Pit:
    """``floor`` and ``top`` outlines in the storage CRS; ``floor_h`` height of the floor,
    ``ground`` (least, mean, greatest) over it, metres of 1985 heights; ``slope`` metres out per
    metre up; ``floor_area`` and ``top_area`` in m², ``volume`` in m³, true measures on the
    ellipsoid."""

    floor: shapely.Polygon
    top: shapely.Polygon
    floor_h: float
    ground: tuple[float, float, float]
    slope: float
    floor_area: float
    top_area: float
    volume: float

    def bottom_at(self, xy: Array, nearer: Array) -> Array:
        """Height (n,) of the pit's lower surface at the place of the pit that is nearest to ``xy``
        (n, 2) within ``nearer`` (n,) metres; infinite where the pit is farther away."""
        off = shapely.distance(shapely.points(xy), self.floor) - nearer
        out = np.where(off <= 0, self.floor_h, np.inf)
        if self.slope > 0:
            out = np.where(off > 0, self.floor_h + off / self.slope, out)
        return np.asarray(out, np.float64)


def dig(
    outline: shapely.Polygon,
    depth: float,
    slope: float,
    working_width: float,
    sample: Sampler,
    storage: StorageCrs,
    ground: float | None = None,
) -> Pit:
    """The pit under ``outline``: its floor is the outline widened by ``working_width`` and lies
    ``depth`` below the mean ground over it; sides rise 1 : ``slope`` with mitred corners.

    The volume is the prismoid's, h / 6 (A floor + 4 A middle + A top), at the mean depth h.
    ``ground`` (m) replaces the sampled heights. Raises :class:`BadRequestError` where the ground is
    unknown.
    """
    floor = _widened(outline, working_width)
    heights = np.array([ground]) if ground is not None else _heights(floor, sample)
    if not len(heights):
        raise BadRequestError(
            "The ground height is not known here. Give it as 'ground' (metres, 1985 datum).",
            "此处地面高程未知。请以 ground 给出（米，1985 国家高程基准）。",
        )
    mean = float(heights.mean())
    middle, top = (_widened(floor, slope * depth * share) for share in (0.5, 1.0))
    factor = area_factor(floor, storage)
    volume = depth / 6 * (floor.area + 4 * middle.area + top.area) * factor
    return Pit(
        floor,
        top,
        mean - depth,
        (float(heights.min()), mean, float(heights.max())),
        slope,
        floor.area * factor,
        top.area * factor,
        volume,
    )


def _widened(shape: shapely.Polygon, by: float) -> shapely.Polygon:
    if by <= 0:
        return shape
    return shapely.buffer(shape, by, join_style="mitre", mitre_limit=5.0)


def _heights(floor: shapely.Polygon, sample: Sampler) -> Array:
    """Ground heights at the middles of a grid over the floor, and where none falls in, at its
    corners."""
    west, south, east, north = floor.bounds
    step = max(east - west, north - south) / _GRID
    x, y = np.meshgrid(
        np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step)
    )
    inside = shapely.contains_xy(floor, x, y)
    at = np.column_stack([x[inside], y[inside]])
    if not len(at):
        at = shapely.get_coordinates(floor)
    found = sample(at[:, 0], at[:, 1])
    return np.asarray(found[np.isfinite(found)], np.float64)
