"""Rounded triangles: one shape for every surface, with exact distances and rays in bulk.

A rounded triangle is all that lies within a radius of a triangle. With no radius it is the triangle
itself (a wall, a face of a mesh); where its corners fall on a line it is a capsule (a round pipe),
where they fall together a ball or a point. So one kernel serves every pair.

Distances: two triangles that do not pierce one another are nearest at two edges, or at a corner and
a face (C. Ericson, *Real-Time Collision Detection*, 2005, §5.1.10). Rays: T. Möller and B.
Trumbore, *Fast, Minimum Storage Ray/Triangle Intersection* (1997); a rounded triangle is bounded by
its two faces, moved out by the radius, and the capsules about its edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.clearance.distance import segment_segment

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_CHUNK: Final = 40_000
#: Area (m²) and determinant below which a triangle has no face.
_FLAT: Final = 1e-12
#: Rounding that a ray may pass an edge by, as a share of the triangle.
_SLACK: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Gaps:
    """n distances between triangles, radii not taken off: ``distance`` (n,) and the closest points
    ``on_a``, ``on_b`` (n, 3). 0 where they pierce one another."""

    distance: Array
    on_a: Array
    on_b: Array


def gaps(a: Array, b: Array) -> Gaps:
    """Distances between triangles ``a`` and ``b`` (n, 3, 3), pair by pair."""
    parts = [_gaps(a[i : i + _CHUNK], b[i : i + _CHUNK]) for i in range(0, max(len(a), 1), _CHUNK)]
    return Gaps(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in ("distance", "on_a", "on_b"))
    )


def _gaps(a: Array, b: Array) -> Gaps:
    origin = b[:, :1]  # near it, so that large coordinates cost no digits
    a, b = a - origin, b - origin
    edge_a, edge_b = np.roll(a, -1, axis=1) - a, np.roll(b, -1, axis=1) - b
    s, t = segment_segment(a[:, :, None], edge_a[:, :, None], b[:, None], edge_b[:, None])
    on_a = a[:, :, None] + s[..., None] * edge_a[:, :, None]
    on_b = b[:, None] + t[..., None] * edge_b[:, None]
    on_b = np.broadcast_to(on_b, on_a.shape)
    best = _nearest(on_a.reshape(len(a), 9, 3), on_b.reshape(len(a), 9, 3))
    best = _closer(best, *_corners_to_face(a, b))
    there, here = _corners_to_face(b, a)
    best = _closer(best, here, there)
    for edges, corners, face in ((edge_a, a, b), (edge_b, b, a)):
        hit, place = _pierced(corners, edges, face)
        rows = hit.any(axis=1)
        if rows.any():
            first = hit[rows].argmax(axis=1)
            point = place[rows, first]
            best[0][rows], best[1][rows] = point, point
    distance = np.linalg.norm(best[0] - best[1], axis=1)
    return Gaps(distance, best[0] + origin[:, 0], best[1] + origin[:, 0])


def _nearest(p: Array, q: Array) -> tuple[Array, Array]:
    between = p - q
    best = np.einsum("nki,nki->nk", between, between).argmin(axis=1)
    every = np.arange(len(p))
    return p[every, best], q[every, best]


def _closer(best: tuple[Array, Array], p: Array, q: Array) -> tuple[Array, Array]:
    old, new = best[0] - best[1], p - q
    with np.errstate(invalid="ignore"):
        nearer = (new**2).sum(axis=1) < (old**2).sum(axis=1)
    return np.where(nearer[:, None], p, best[0]), np.where(nearer[:, None], q, best[1])


def _corners_to_face(corners: Array, face: Array) -> tuple[Array, Array]:
    """The corner (n, 3) nearest to the inside of the face, and the place there; NaN where none of
    them stands over it."""
    u, v = face[:, 1] - face[:, 0], face[:, 2] - face[:, 0]
    normal = np.cross(u, v)
    square = (normal**2).sum(axis=1)
    w = corners - face[:, :1]
    with np.errstate(invalid="ignore", divide="ignore"):
        height = np.einsum("nki,ni->nk", w, normal) / square[:, None]
        beta = np.einsum("nki,ni->nk", np.cross(w, v[:, None]), normal) / square[:, None]
        gamma = np.einsum("nki,ni->nk", np.cross(u[:, None], w), normal) / square[:, None]
    over = (beta >= 0) & (gamma >= 0) & (beta + gamma <= 1) & (square > _FLAT**2)[:, None]
    rise = np.where(over, np.abs(height), np.inf)
    best = rise.argmin(axis=1)
    every = np.arange(len(corners))
    corner = corners[every, best]
    corner = np.where(over[every, best][:, None], corner, np.nan)
    return corner, corner - height[every, best][:, None] * normal


def _pierced(start: Array, step: Array, face: Array) -> tuple[Mask, Array]:
    """Which steps (n, 3) from the starts go through the face, and where (n, 3, 3)."""
    t = cross(start, step, face[:, None])
    hit = (t >= 0) & (t <= 1)
    return hit, start + np.where(hit, t, 0.0)[..., None] * step


def cross(start: Array, step: Array, face: Array) -> Array:
    """Parameter of ``start + t step`` (…, 3) on the triangles ``face`` (…, 3, 3); NaN where it
    passes them by or runs along them."""
    u, v = face[..., 1, :] - face[..., 0, :], face[..., 2, :] - face[..., 0, :]
    p = np.cross(step, v)
    determinant = (u * p).sum(axis=-1)
    size = np.linalg.norm(np.cross(u, v), axis=-1) * np.linalg.norm(step, axis=-1)
    flat = np.abs(determinant) <= _FLAT * np.maximum(size, 1e-300)
    with np.errstate(invalid="ignore", divide="ignore"):
        w = start - face[..., 0, :]
        beta = (w * p).sum(axis=-1) / determinant
        q = np.cross(w, u)
        gamma = (step * q).sum(axis=-1) / determinant
        t = (v * q).sum(axis=-1) / determinant
        inside = (beta >= -_SLACK) & (gamma >= -_SLACK) & (beta + gamma <= 1 + _SLACK)
    out: Array = np.where(inside & ~flat, t, np.nan)
    return out


def ray(start: Array, step: Array, triangles: Array, radius: Array) -> tuple[Array, Array]:
    """Where ``start + t step`` (3,) enters and leaves rounded triangles (n, 3, 3), as parameters t
    of the whole line; NaN where it does not meet them. A face without radius is met at one t."""
    moved = triangles - start
    here = np.zeros(3)
    u, v = moved[:, 1] - moved[:, 0], moved[:, 2] - moved[:, 0]
    normal = np.cross(u, v)
    size = np.linalg.norm(normal, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        out = np.where((size > _FLAT)[:, None], normal / size[:, None], np.nan) * radius[:, None]
    found = [cross(here, step, moved + side * out[:, None]) for side in (1.0, -1.0)]
    round_ = np.flatnonzero(radius > 0)
    for corner in range(3):
        ends = moved[round_, corner], moved[round_, (corner + 1) % 3]
        for t in _capsule(step, *ends, radius[round_]):
            column = np.full(len(moved), np.nan)
            column[round_] = t
            found.append(column)
    every = np.stack(found)
    met = ~np.isnan(every).all(axis=0)
    first, last = np.full(len(moved), np.nan), np.full(len(moved), np.nan)
    first[met], last[met] = np.nanmin(every[:, met], axis=0), np.nanmax(every[:, met], axis=0)
    return first, last


def _capsule(step: Array, a: Array, b: Array, radius: Array) -> list[Array]:
    """Both parameters at which the line ``t step`` meets the cylinder between ``a`` and ``b`` and
    the balls at its ends; NaN where it does not."""
    along = b - a
    square = (along**2).sum(axis=1)
    out = []
    with np.errstate(invalid="ignore", divide="ignore"):
        d, m = np.broadcast_to(step, a.shape), -a
        dn, mn = (d * along).sum(axis=1), (m * along).sum(axis=1)
        qa = square * (step @ step) - dn**2
        qb = square * (d * m).sum(axis=1) - dn * mn
        qc = square * ((m**2).sum(axis=1) - radius**2) - mn**2
        root = np.sqrt(qb**2 - qa * qc)
        for sign in (-1.0, 1.0):
            t = (-qb + sign * root) / qa
            place = mn + t * dn
            out.append(np.where((place >= 0) & (place <= square) & (qa > 0), t, np.nan))
        for end in (a, b):
            qb = -(end @ step)
            root = np.sqrt(qb**2 - (step @ step) * ((end**2).sum(axis=1) - radius**2))
            out += [(-qb + sign * root) / (step @ step) for sign in (-1.0, 1.0)]
    return out
