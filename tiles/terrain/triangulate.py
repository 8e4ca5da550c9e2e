"""A grid of heights as few triangles within an error, with borders that fit the neighbours'.

Vertices are grid nodes. Those on a side are chosen from the heights of that side alone, so both
tiles at a border choose the same; inside, the worst node of every triangle is put in, all at once,
and the nodes are triangulated anew (Delaunay) until none is off by more than the tolerance: greedy
insertion (Garland and Heckbert, "Fast polygonal approximation of terrains and height fields", 1995)
in rounds. Ready libraries for this (Martini, Delatin) cannot hold a border.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import Delaunay

from tiles.content import F64

I64 = npt.NDArray[np.int64]
_ROUNDS: Final = 64


def triangulate(heights: F64, tolerance: float, seeds: int = 1) -> tuple[I64, I64]:
    """Vertices and triangles of ``heights`` (n + 1, n + 1), rows from south to north.

    Gives vertices (k, 2) as column and row, and triangles (m, 3), counter-clockwise with columns to
    the east and rows to the north. At every node the surface is within ``tolerance`` metres of its
    height. ``seeds`` divides each side into so many parts at least, for the Earth's curvature.
    """
    intervals = len(heights) - 1
    chosen = np.zeros(heights.shape, dtype=bool)
    step = intervals // seeds
    chosen[::step, ::step] = True
    for side in ((0, ...), (-1, ...), (..., 0), (..., -1)):
        chosen[side] |= simplified(heights[side], chosen[side], tolerance)
    inner = np.zeros_like(chosen)
    inner[1:-1, 1:-1] = True
    nodes = np.indices(heights.shape)[::-1].reshape(2, -1).T
    for _ in range(_ROUNDS):
        vertices = nodes[chosen.ravel()]
        triangles = upright(vertices, Delaunay(vertices).simplices.astype(np.int64))
        worst = _worst(vertices, triangles, heights, inner & ~chosen, tolerance)
        if not len(worst):
            return vertices, triangles
        chosen.ravel()[worst] = True
    raise RuntimeError(f"no triangulation within {tolerance} m after {_ROUNDS} rounds")


def simplified(
    heights: F64, keep: npt.NDArray[np.bool_], tolerance: float
) -> npt.NDArray[np.bool_]:
    """Which points of a side are needed for ``tolerance``, the ends and ``keep`` among them."""
    chosen = keep.copy()
    chosen[[0, -1]] = True
    every = np.arange(len(heights))
    while True:
        at = np.flatnonzero(chosen)
        off = np.abs(np.interp(every, at, heights[at]) - heights)
        parts = np.maximum.reduceat(off, at[:-1])
        bad = np.flatnonzero(parts > tolerance)
        if not len(bad):
            return chosen
        for part in bad:
            start, end = at[part], at[part + 1]
            chosen[start + int(np.argmax(off[start:end]))] = True


def upright(vertices: I64, triangles: I64) -> I64:
    """Counter-clockwise triangles without those of no area."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    turned = np.where((area < 0)[:, None], triangles[:, [0, 2, 1]], triangles)
    out: I64 = turned[area != 0]
    return out


def nodes_within(corners: I64) -> tuple[I64, I64, I64]:
    """Triangle, column and row of every grid node in each triangle, its border included.

    ``corners`` (m, 3, 2) are whole numbers, counter-clockwise. Row by row the three sides bound the
    columns, in integers and so exactly. (SciPy can locate points as well, by a LAPACK call a
    triangle, which costs ten times as much on a busy machine.)
    """
    low, high = corners[:, :, 1].min(axis=1), corners[:, :, 1].max(axis=1)
    triangle, row = _spread(low, high)
    first = np.full(len(row), np.iinfo(np.int64).min)
    last = np.full(len(row), np.iinfo(np.int64).max)
    for side in range(3):
        start, end = corners[triangle, side], corners[triangle, (side + 1) % 3]
        dx, dy = (end - start).T
        # Left of the side: dx (y - y0) - dy (x - x0) >= 0.
        bound = dx * (row - start[:, 1])
        slant = np.where(dy == 0, 1, dy)
        right = start[:, 0] + np.floor_divide(bound, slant)
        left = start[:, 0] - np.floor_divide(-bound, slant)
        last = np.where(dy > 0, np.minimum(last, right), last)
        first = np.where(dy < 0, np.maximum(first, left), first)
    some = first <= last
    at, column = _spread(first[some], last[some])
    return triangle[some][at], column, row[some][at]


def _spread(first: I64, last: I64) -> tuple[I64, I64]:
    """Every whole number from ``first`` to ``last`` of each row, with the number of its row."""
    count = last - first + 1
    row = np.repeat(np.arange(len(first)), count)
    before = np.repeat(np.cumsum(count) - count, count)
    return row, first[row] + np.arange(len(row)) - before


def _worst(
    vertices: I64,
    triangles: I64,
    heights: F64,
    candidates: npt.NDArray[np.bool_],
    tolerance: float,
) -> I64:
    """The worst of the ``candidates`` in each triangle where it is off by more than ``tolerance``,
    as numbers of nodes."""
    corners = vertices[triangles]
    triangle, column, row = nodes_within(corners)
    wanted = candidates[row, column]
    triangle, column, row = triangle[wanted], column[wanted], row[wanted]
    z = heights[corners[:, :, 1], corners[:, :, 0]]
    (ax, ay), (bx, by) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    area, az, bz = ax * by - ay * bx, z[:, 1] - z[:, 0], z[:, 2] - z[:, 0]
    east, north = (az * by - bz * ay) / area, (bz * ax - az * bx) / area
    found = z[triangle, 0]
    found = found + east[triangle] * (column - corners[triangle, 0, 0])
    found += north[triangle] * (row - corners[triangle, 0, 1])
    off = np.abs(found - heights[row, column])
    bad = np.flatnonzero(off > tolerance)
    order = bad[np.lexsort((-off[bad], triangle[bad]))]
    _, first = np.unique(triangle[order], return_index=True)
    picked = order[first]
    out: I64 = row[picked] * heights.shape[1] + column[picked]
    return out
