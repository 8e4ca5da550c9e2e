"""Ground heights where an analysis needs them: from terrain, else from the survey's own points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import Delaunay, QhullError, cKDTree

Array = npt.NDArray[np.float64]
Sampler = Callable[[Array, Array], Array]

#: Outside the triangles between survey points the two nearest points count, up to this far (m).
REACH: Final = 60.0

SOURCES: Final = {
    "terrain": ("地形模型", "terrain model"),
    "mixed": ("地形模型，其外为管线点地面高程内插", "terrain model; outside it survey points"),
    "points": ("管线点地面高程内插", "interpolated between ground heights of survey points"),
    "none": ("无地面高程", "no ground heights"),
}


@dataclass(frozen=True)
class Ground:
    """Heights of the ground (1985, metres) at storage positions; ``source`` a key of SOURCES."""

    source: str
    sample: Sampler = field(repr=False)

    @property
    def zh(self) -> str:
        """Where the heights come from, in Chinese."""
        return SOURCES[self.source][0]

    @property
    def en(self) -> str:
        """Where the heights come from, in English."""
        return SOURCES[self.source][1]


def ground(east: Array, north: Array, height: Array, terrain: Sampler | None = None) -> Ground:
    """Ground heights from ``terrain``, and where it has none from survey points.

    Between points heights are linear on their Delaunay triangles; outside these the mean of the
    two nearest points within :data:`REACH`, weighted by inverse distance (which is linear between
    two points). Points without a height are left out; places farther away are NaN.
    """
    points = from_points(east, north, height)
    if terrain is None:
        return points
    covered = np.isfinite(terrain(east, north)) if len(east) else np.array([True])
    if covered.all() or points.source == "none":
        return Ground("terrain", terrain)

    def sample(e: Array, n: Array) -> Array:
        found = terrain(e, n)
        return np.where(np.isnan(found), points.sample(e, n), found)

    return Ground("mixed" if covered.any() else "points", sample)


def from_points(east: Array, north: Array, height: Array) -> Ground:
    """Ground heights of survey points alone, see :func:`ground`."""
    known = np.isfinite(east) & np.isfinite(north) & np.isfinite(height)
    if not known.any():
        return Ground("none", lambda e, n: np.full(np.shape(e), np.nan))
    plan = np.column_stack([east[known], north[known]])
    origin = plan.mean(axis=0)  # Qhull loses millimetres in coordinates of millions of metres
    plan, first = np.unique(np.round(plan - origin, 4), axis=0, return_index=True)
    heights = height[known][first]
    nearest = cKDTree(plan)
    inside = _triangles(plan, heights)

    def sample(e: Array, n: Array) -> Array:
        at = np.column_stack([np.ravel(e), np.ravel(n)]) - origin
        found = np.full(len(at), np.nan) if inside is None else inside(at)
        rest = np.isnan(found) & np.isfinite(at).all(axis=1)
        if rest.any():
            found[rest] = _two_nearest(nearest, heights, at[rest])
        return found.reshape(np.shape(e))

    return Ground("points", sample)


def _triangles(plan: Array, heights: Array) -> Callable[[Array], Array] | None:
    """Heights inside the Delaunay triangles of ``plan`` (p, 2), NaN outside; None without any.

    Triangles are found by their boxes: points along streets make slivers by the thousand, which
    scipy's interpolator first inverts one by one.
    """
    if len(plan) < 3:
        return None
    try:
        corners = Delaunay(plan).simplices
    except QhullError:  # all on one line
        return None
    places = plan[corners]
    tree = shapely.STRtree(shapely.polygons(places))

    def inside(at: Array) -> Array:
        out = np.full(len(at), np.nan)
        # GEOS takes a place that is not a number for one at infinity, or for an empty point
        asked = np.flatnonzero(np.isfinite(at).all(axis=1))
        row, found = tree.query(shapely.points(at[asked]), predicate="intersects")
        place, (a, b, c) = at[asked[row]], places[found].transpose(1, 0, 2)
        whole = _cross(b - a, c - a)
        solid = np.abs(whole) > 1e-6  # m2; what has no area has no slope
        second, third = _cross(place - a, c - a), _cross(b - a, place - a)
        z = heights[corners[found]]
        with np.errstate(divide="ignore", invalid="ignore"):
            height = (z[:, 1] - z[:, 0]) * second + (z[:, 2] - z[:, 0]) * third
            height = z[:, 0] + height / whole
        out[asked[row[solid]]] = height[solid]
        return out

    return inside


def _cross(a: Array, b: Array) -> Array:
    out: Array = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return out


def _two_nearest(tree: cKDTree, heights: Array, at: Array) -> Array:
    away, row = tree.query(at, k=2, distance_upper_bound=REACH)
    near = np.isfinite(away)
    weight = np.where(near, 1.0 / np.maximum(away, 1e-6), 0.0)
    values = np.where(near, heights[np.where(near, row, 0)], 0.0)
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean: Array = (weight * values).sum(axis=1) / total
    return mean
