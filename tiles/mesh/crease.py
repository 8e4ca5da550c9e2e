"""Normals of a triangle soup: round where faces meet softly, flat at creases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tiles.content import F32, F64
from tiles.mesh.ragged import I64, positions_in_group, starts_of
from tiles.mesh.surface import unit

#: Vertices closer than this (m) are one while faces are compared.
_WELD = 1e-5
#: Corners that meet at one vertex beyond this many are shaded flat; pairs would cost its square.
_MANY = 256
#: Pairs of corners looked at in one go: a hundred megabytes.
_PAIRS = 1_000_000


def creased(
    positions: F64, indices: npt.NDArray[np.uint32], angle: float = 30.0
) -> tuple[I64, F32, I64, npt.NDArray[np.bool_]]:
    """Split vertices where faces meet at more than ``angle`` degrees.

    ``positions`` (n, 3), ``indices`` (m, 3). Returns ``source`` (v,) the old vertex of each new
    one, ``normals`` (v, 3), ``corners`` (t, 3) new indices, and ``kept`` (m,) which triangles have
    an area: the others are left out, t = kept.sum().
    """
    tri = positions[indices]
    cross = np.cross(tri[:, 1] - tri[:, 0], tri[:, 2] - tri[:, 0])
    twice = np.linalg.norm(cross, axis=1)
    longest = np.linalg.norm(tri - np.roll(tri, 1, axis=1), axis=2).max(axis=1, initial=0)
    kept = twice > 1e-7 * np.maximum(longest, 1e-6)
    tri, cross, old = tri[kept], cross[kept], indices[kept].astype(np.int64)
    if not len(old):
        empty = np.empty(0, np.int64)
        return empty, np.empty((0, 3), np.float32), empty.reshape(0, 3), kept
    face = unit(cross)
    weight: F64 = _angles(tri).ravel()[:, None] * np.repeat(face, 3, axis=0)

    vertex = _welded(positions)[old].ravel()  # (3t,) of each corner
    normals = _blend(vertex, np.repeat(np.arange(len(old)), 3), face, weight, angle)

    x, y, z = np.round(normals * 1000).astype(np.int64).T + 1000
    same = ((vertex << 11 | x) << 11 | y) << 11 | z  # 30 bits are left for the vertex
    _, first, inverse = np.unique(same, return_index=True, return_inverse=True)
    return (
        old.ravel()[first],
        normals[first].astype(np.float32),
        inverse.reshape(-1, 3),
        kept,
    )


def _welded(positions: F64) -> I64:
    """A number (n,) for each vertex, the same for those in one place."""
    cell = np.round((positions - positions.min(axis=0)) / _WELD).astype(np.int64)
    order = np.lexsort(cell.T[::-1])
    new = np.any(np.diff(cell[order], axis=0, prepend=cell[order[:1]] - 1), axis=1)
    out = np.empty(len(positions), np.int64)
    out[order] = np.cumsum(new) - 1
    return out


def _angles(tri: F64) -> F64:
    """(t, 3) the angle of each corner, so that cutting a face in two changes no normal."""
    ahead, back = unit(np.roll(tri, -1, axis=1) - tri), unit(np.roll(tri, 1, axis=1) - tri)
    out: F64 = np.arccos(np.clip(np.einsum("tci,tci->tc", ahead, back), -1, 1))
    return out


def _blend(vertex: I64, face_of: I64, face: F64, weight: F64, angle: float) -> F64:
    """Each corner's normal: the mean of the faces at its vertex that are within ``angle``."""
    order = np.argsort(vertex, kind="stable")
    counts = np.bincount(vertex[order])
    start = starts_of(counts)
    valence = counts[vertex]
    soft = np.flatnonzero(valence <= _MANY)
    total: F64 = np.zeros((len(vertex), 3))
    pairs = np.cumsum(valence[soft])
    last = np.searchsorted(pairs, np.arange(_PAIRS, pairs[-1] if len(pairs) else 0, _PAIRS))
    for some in np.split(soft, np.unique(last[last < len(soft)])):
        own = np.repeat(some, valence[some])
        near = np.repeat(start[vertex[some]], valence[some]) + positions_in_group(valence[some])
        other = order[near]
        close = np.einsum("ij,ij->i", face[face_of[own]], face[face_of[other]]) > np.cos(
            np.radians(angle)
        )
        own, other = own[close], other[close]
        if len(own):
            low, count = int(own[0]), int(own[-1] - own[0]) + 1
            for i in range(3):
                total[low : low + count, i] += np.bincount(own - low, weight[other, i], count)
    flat = face[face_of]
    blended = unit(total)
    weak = np.linalg.norm(total, axis=1) < 1e-9
    blended[weak] = flat[weak]
    return blended
