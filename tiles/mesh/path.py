"""Centre lines to straight pieces with a frame at both ends, ready to sweep.

At an inner vertex the neighbours meet in the mitre plane. Where a line turns by more than 120°,
or bends so fast that the mitres of one piece would cross, it is cut instead: both sides end flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tiles.content import F64
from tiles.mesh.ragged import I64, positions_in_group, starts_of
from tiles.mesh.surface import unit

#: Vertices of a line closer than this (m) are one.
RESOLUTION = 0.001
_SHARPEST = -0.5  # cosine of the greatest turn that is mitred
_STEEP = 0.7071  # sine of the slope above which "up" has no meaning for a cross-section


@dataclass(frozen=True, slots=True)
class Pieces:
    """s straight pieces of p paths.

    ``a``, ``b`` (s, 3) ends; ``path`` (s,); ``first``, ``last`` (s,) whether the end is capped;
    ``right``, ``up`` (s, 3) unit frame square to the piece, ``up`` × ``right`` along it;
    ``right_a`` … ``up_b`` (s, 3) that frame moved along the piece onto its end planes.
    """

    a: F64
    b: F64
    path: I64
    first: npt.NDArray[np.bool_]
    last: npt.NDArray[np.bool_]
    right: F64
    up: F64
    right_a: F64
    up_a: F64
    right_b: F64
    up_b: F64


def pieces(points: F64, starts: I64, reach: F64, upright: npt.NDArray[np.bool_]) -> Pieces:
    """Straight pieces of paths ``points`` (n, 3), ``starts`` (p + 1), metres with z up.

    ``reach`` (p,) is the cross-section's greatest half-size; ``upright`` (p,) keeps its height
    vertical (boxes), unless the path is steeper than 45° anywhere; the rest, and vertical runs,
    carry their frame along by reflection, which does not twist. A path shorter than
    :data:`RESOLUTION` has no pieces.
    """
    points, path = _distinct(points, starts)
    same = path[1:] == path[:-1]
    i = np.flatnonzero(same)
    a, b, path = points[i], points[i + 1], path[i]
    length = np.linalg.norm(b - a, axis=1)
    d = (b - a) / length[:, None]
    joined = path[1:] == path[:-1]  # (s - 1,) piece j goes on in piece j + 1
    joined &= ~_cut(d, length, path, joined, reach)
    first = np.ones(len(d), bool)
    first[1:] = ~joined
    last = np.ones(len(d), bool)
    last[:-1] = ~joined

    mitre_a, mitre_b = d.copy(), d.copy()
    j = np.flatnonzero(joined)
    mitre_b[j] = mitre_a[j + 1] = unit(d[j] + d[j + 1])
    steep = np.zeros(len(starts) - 1, bool)
    steep[path[np.abs(d[:, 2]) > _STEEP]] = True
    level = (upright & ~steep)[path]

    right = _carried(d, mitre_a, first)
    right[level] = _horizontal(d[level])
    up = np.cross(right, d)
    right_a, up_a = _onto(right, d, mitre_a), _onto(up, d, mitre_a)
    right_b, up_b = _onto(right, d, mitre_b), _onto(up, d, mitre_b)
    if level.any():
        _upright(right_a, up_a, right_b, up_b, d, joined, level)
    return Pieces(a, b, path, first, last, right, up, right_a, up_a, right_b, up_b)


def _distinct(points: F64, starts: I64) -> tuple[F64, I64]:
    """Points of paths without repetitions, and their path."""
    counts = np.diff(starts)
    path = np.repeat(np.arange(len(counts)), counts)
    keep = np.ones(len(points), bool)
    if len(points) > 1:
        near = np.linalg.norm(np.diff(points, axis=0), axis=1) < RESOLUTION
        keep[1:] = ~near | (path[1:] != path[:-1])
    return points[keep], path[keep]


def _cut(
    d: F64, length: F64, path: I64, joined: npt.NDArray[np.bool_], reach: F64
) -> npt.NDArray[np.bool_]:
    """Joints (s - 1,) that cannot be mitred."""
    if len(d) < 2:
        return np.zeros(max(len(d) - 1, 0), bool)
    cosine = np.einsum("ij,ij->i", d[1:], d[:-1])
    cut: npt.NDArray[np.bool_] = joined & (cosine < _SHARPEST)
    half = np.sqrt(np.maximum(0, (1 - cosine) / np.maximum(1 + cosine, 1e-9)))  # tan(turn / 2)
    half = np.where(joined & ~cut, half, 0.0)
    taken = np.zeros(len(d))
    taken[:-1] += half
    taken[1:] += half
    crossing = taken * reach[path] > length
    cut |= joined & (half > 0) & (crossing[:-1] | crossing[1:])
    return cut


def _horizontal(d: F64) -> F64:
    """The horizontal unit vector to the right of each direction; south for a vertical one."""
    side = np.column_stack([d[:, 1], -d[:, 0], np.zeros(len(d))])
    vertical = np.abs(side).max(axis=1, initial=0) < 1e-6
    side[vertical] = (0.0, -1.0, 0.0)
    return unit(side)


def _carried(d: F64, mitre_a: F64, first: npt.NDArray[np.bool_]) -> F64:
    """Frames that start horizontal and are reflected at each mitre plane (no twist)."""
    right = np.zeros_like(d)
    right[first] = _horizontal(d[first])
    starts = np.append(np.flatnonzero(first), len(d))
    ordinal = positions_in_group(np.diff(starts))
    order = np.argsort(ordinal, kind="stable")
    bounds = starts_of(np.bincount(ordinal)) if len(ordinal) else np.zeros(1, np.int64)
    for k in range(1, len(bounds) - 1):  # as often as the longest path has vertices
        j = order[bounds[k] : bounds[k + 1]]
        t = mitre_a[j]
        r = right[j - 1]
        right[j] = r - 2 * np.einsum("ij,ij->i", r, t)[:, None] * t
    return right


def _onto(vector: F64, d: F64, plane: F64) -> F64:
    """``vector`` moved along ``d`` until it lies in the plane with normal ``plane``."""
    slip = np.einsum("ij,ij->i", vector, plane) / np.einsum("ij,ij->i", d, plane)
    out: F64 = vector - d * slip[:, None]
    return out


def _upright(
    right_a: F64,
    up_a: F64,
    right_b: F64,
    up_b: F64,
    d: F64,
    joined: npt.NDArray[np.bool_],
    level: npt.NDArray[np.bool_],
) -> None:
    """End frames in vertical planes, mitred in plan, so that floors stay level across.

    The vertical half-size is stretched by 1/cos(slope), so that the size square to the axis and
    with it the volume stay true.
    """
    side = _horizontal(d)
    rise = 1 / np.sqrt(np.maximum(1 - d[:, 2] ** 2, 1e-9))
    end_a, end_b, tall_a, tall_b = side.copy(), side.copy(), rise.copy(), rise.copy()
    j = np.flatnonzero(joined)
    between = unit(side[j] + side[j + 1])
    between /= np.maximum(np.einsum("ij,ij->i", between, side[j]), 0.4)[:, None]
    end_b[j] = end_a[j + 1] = between
    tall_b[j] = tall_a[j + 1] = (rise[j] + rise[j + 1]) / 2
    z = np.array([0.0, 0.0, 1.0])
    right_a[level], up_a[level] = end_a[level], tall_a[level][:, None] * z
    right_b[level], up_b[level] = end_b[level], tall_b[level][:, None] * z
