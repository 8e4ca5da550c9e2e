"""Normals of a triangle soup: round where faces meet softly, flat at creases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tiles.content import F32, F64
from tiles.mesh.ragged import I64, positions_in_group, starts_of
from tiles.mesh.surface import unit

#: Vertices closer than this (m) are one while faces are compared.
_WELD: Final = 1e-5
#: Corners that meet at one vertex beyond this many are shaded flat; pairs would cost its square.
_MANY: Final = 256
#: Triangles, and pairs of corners, looked at in one go: some tens of megabytes.
_FACES: Final = 200_000
_PAIRS: Final = 1_000_000


def creased(
    positions: F64, indices: npt.NDArray[np.uint32], angle: float = 30.0
) -> tuple[I64, F32, I64, npt.NDArray[np.bool_]]:
    """Split vertices where faces meet at more than ``angle`` degrees.

    ``positions`` (n, 3), ``indices`` (m, 3). Returns ``source`` (v,) the old vertex of each new
    one, ``normals`` (v, 3), ``corners`` (t, 3) new indices, and ``kept`` (m,) which triangles have
    an area: the others are left out, t = kept.sum().
    """
    face, corner, kept = _faces(positions, indices)
    old = indices[kept].ravel()
    if not len(old):
        empty = np.empty(0, np.int64)
        return empty, np.empty((0, 3), np.float32), empty.reshape(0, 3), kept
    vertex = _welded(positions)[old]  # (3t,) of each corner
    normals = _blend(vertex, face, corner, angle)

    same = vertex.astype(np.int64)  # 30 bits are left for the vertex
    for column in normals.T:
        same = same << 11 | np.round(column.astype(np.float64) * 1000).astype(np.int64) + 1000
    number, found = pd.factorize(same)
    first = np.empty(len(found), np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    return old[first].astype(np.int64), normals[first], number.reshape(-1, 3), kept


def _faces(
    positions: F64, indices: npt.NDArray[np.uint32]
) -> tuple[F32, F32, npt.NDArray[np.bool_]]:
    """Normals (t, 3) and the angles of the corners (t, 3) of the triangles that have an area, and
    which these are (m,); angles, so that cutting a face in two changes no normal."""
    kept = np.zeros(len(indices), bool)
    faces, corners = [np.empty((0, 3), np.float32)], [np.empty((0, 3), np.float32)]
    for start in range(0, len(indices), _FACES):
        some = slice(start, start + _FACES)
        tri = positions[indices[some]]
        side = np.roll(tri, -1, axis=1) - tri
        cross = np.cross(side[:, 0], -side[:, 2])
        length = np.sqrt(np.einsum("tci,tci->tc", side, side))
        twice = np.sqrt(np.einsum("ti,ti->t", cross, cross))
        sound = twice > 1e-7 * np.maximum(length.max(axis=1), 1e-6)
        along = side[sound] / np.maximum(length[sound], 1e-12)[..., None]
        back = np.einsum("tci,tci->tc", along, -np.roll(along, 1, axis=1))
        kept[some] = sound
        faces.append(unit(cross[sound]).astype(np.float32))
        corners.append(np.arccos(np.clip(back, -1, 1)).astype(np.float32))
    return np.concatenate(faces), np.concatenate(corners), kept


def _welded(positions: F64) -> npt.NDArray[np.int32]:
    """A number (n,) for each vertex, the same for those in one place."""
    cell = np.round((positions - positions.min(axis=0)) / _WELD).astype(np.int64)
    order = np.lexsort(cell.T[::-1])
    new = np.any(np.diff(cell[order], axis=0, prepend=cell[order[:1]] - 1), axis=1)
    out = np.empty(len(positions), np.int32)
    out[order] = np.cumsum(new) - 1
    return out


def _blend(vertex: npt.NDArray[np.int32], face: F32, corner: F32, angle: float) -> F32:
    """Each corner's normal: the mean of the faces at its vertex that are within ``angle``,
    weighted by their angles there."""
    flat, weight = np.repeat(face, 3, axis=0), corner.ravel()
    count = int(vertex.max()) + 1
    sums = [np.bincount(vertex, weight * way, count) for way in flat.T]
    total: F64 = np.column_stack(sums).astype(np.float64)
    mean = unit(total).astype(np.float32)
    # Where all faces are within half the angle of their mean, any two of them are within it.
    leaning = np.einsum("ij,ij->i", flat, mean[vertex]) < np.cos(np.radians(angle / 2))
    sharp = np.zeros(count, bool)
    sharp[vertex[leaning]] = True
    sharp |= (total**2).sum(axis=1) < 1e-12
    own = np.flatnonzero(sharp[vertex])
    out: F32 = mean[vertex]
    out[own] = _among(vertex[own], flat[own], weight[own], angle)
    return out


def _among(vertex: npt.NDArray[np.int32], flat: F32, weight: F32, angle: float) -> F32:
    """As :func:`_blend`, pair by pair, for corners (k,) of which all at a vertex are given."""
    total = np.zeros((len(vertex), 3))
    for own, other in _pairs(vertex):
        close = np.einsum("ij,ij->i", flat[own], flat[other]) > np.cos(np.radians(angle))
        own, other = own[close], other[close]
        if len(own):
            low, count = int(own[0]), int(own[-1] - own[0]) + 1
            for i in range(3):
                share = weight[other] * flat[other, i]
                total[low : low + count, i] += np.bincount(own - low, share, count)
    blended: F32 = unit(total).astype(np.float32)
    weak = (total**2).sum(axis=1) < 1e-12
    blended[weak] = flat[weak]
    return blended


def _pairs(vertex: npt.NDArray[np.int32]) -> Iterator[tuple[I64, I64]]:
    """Pairs of corners that meet at a vertex, each with itself too, in order of the first."""
    order = np.argsort(vertex, kind="stable")
    counts = np.bincount(vertex)
    start, valence = starts_of(counts), counts[vertex]
    soft = np.flatnonzero(valence <= _MANY)
    pairs = np.cumsum(valence[soft])
    last = np.searchsorted(pairs, np.arange(_PAIRS, pairs[-1] if len(pairs) else 0, _PAIRS))
    for some in np.split(soft, np.unique(last[last < len(soft)])):
        near = np.repeat(start[vertex[some]], valence[some]) + positions_in_group(valence[some])
        yield np.repeat(some, valence[some]), order[near]
