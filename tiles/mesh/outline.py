"""Edges that a person would draw: where faces meet at an angle, and where a surface ends."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tiles.content import F64, U32
from tiles.mesh.ragged import I64
from tiles.mesh.surface import unit

#: Vertices of a feature closer than this (m) are one while faces are compared.
_WELD: Final = 1e-4
#: Twice the area (m²) below which a triangle has no direction of its own.
_NOTHING: Final = 1e-9


def outline(
    positions: F64, indices: npt.NDArray[np.integer], features: U32, angle: float = 30.0
) -> U32:
    """Edges (k, 2) of triangles, as numbers of their vertices, each once, in order.

    ``positions`` (n, 3) m, ``indices`` (m, 3), ``features`` (n,). Triangles of one feature whose
    edges lie in the same place are neighbours there, whatever their vertices. An edge is drawn
    where two of them lean by more than ``angle`` degrees from each other, and where there is just
    one; by all triangles that have it, since each may have vertices of its own.
    """
    corners = indices.astype(np.int64)
    a, b, c = (positions[corners[:, at]] for at in range(3))
    across = np.cross(b - a, c - a)
    sound = np.einsum("ij,ij->i", across, across) > _NOTHING**2
    corners, normals = corners[sound], unit(across[sound])
    if not len(corners):
        return np.empty((0, 2), np.uint32)
    ends = np.stack([corners, np.roll(corners, -1, axis=1)], axis=2).reshape(-1, 2)
    places = np.sort(_welded(positions, features)[ends], axis=1)
    key = places[:, 0] * len(positions) + places[:, 1]
    order = np.argsort(key, kind="stable")
    start = np.flatnonzero(np.diff(key[order], prepend=-1))
    count = np.diff(start, append=len(order))
    facing = normals[order // 3]
    along = np.einsum("ij,ij->i", facing, np.repeat(facing[start], count, axis=0))
    back_to_back = np.repeat(count > 2, count)  # two sheets on each other: one plane, no fold
    along[back_to_back] = np.abs(along[back_to_back])
    drawn = np.minimum.reduceat(along, start) < np.cos(np.radians(angle))
    drawn |= count == 1
    edges = np.sort(ends[order[np.repeat(drawn, count)]], axis=1)
    found: U32 = np.unique(edges, axis=0).astype(np.uint32)
    return found


def _welded(positions: F64, features: U32) -> I64:
    """A number (n,) for each vertex, the same for those of one feature in one place."""
    cell = np.rint((positions - positions.min(axis=0)) / _WELD).astype(np.int64)
    keys = np.column_stack([features, cell])
    order = np.lexsort(keys.T)
    new = np.any(np.diff(keys[order], axis=0, prepend=keys[order[:1]] - 1), axis=1)
    out = np.empty(len(positions), np.int64)
    out[order] = np.cumsum(new) - 1
    return out
