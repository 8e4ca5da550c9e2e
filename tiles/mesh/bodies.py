"""Small closed bodies around their own origin, to be drawn many times as instances."""

from __future__ import annotations

from functools import cache

import numpy as np

from tiles.content import F64
from tiles.mesh import profile
from tiles.mesh.surface import Surface, unit
from tiles.mesh.tube import sweep

_AXIS = np.array([[0.0, 0, -1], [0, 0, 0]])


@cache
def cylinder(sides: int = 16) -> Surface:
    """Diameter 1, from z = -1 up to z = 0."""
    return _column(profile.circle(sides))


@cache
def cube() -> Surface:
    """Sides 1, from z = -1 up to z = 0."""
    return _column(profile.box())


def _column(section: profile.Profile) -> Surface:
    half = np.array([0.5])
    return sweep(
        _AXIS, np.array([0, 2]), half, half, section, np.zeros(1, np.uint32), upright=False
    )


@cache
def ball() -> Surface:
    """Diameter 1 around the origin: an icosahedron with each face cut in four, shaded round."""
    g = (1 + np.sqrt(5)) / 2
    corners = np.array([(s, t * g, 0) for s in (-1, 1) for t in (-1, 1)], float)
    points = unit(np.vstack([np.roll(corners, k, axis=1) for k in range(3)]))
    faces = _hull_faces(points)
    middles = (points[faces] + points[np.roll(faces, -1, axis=1)]) / 2  # (20, 3, 3)
    a, b, c = points[faces].transpose(1, 0, 2)
    ab, bc, ca = middles.transpose(1, 0, 2)
    quarters = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    corners = unit(np.vstack([np.stack(t, axis=1) for t in quarters]).reshape(-1, 3))
    _, first, inverse = np.unique(corners.round(9), axis=0, return_index=True, return_inverse=True)
    directions = corners[first]
    return Surface(
        directions / 2,
        directions.astype(np.float32),
        inverse.reshape(-1, 3).astype(np.uint32),
        np.zeros(len(directions), np.uint32),
    )


def _hull_faces(points: F64) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The 20 faces of an icosahedron: triples of neighbours, turned outward."""
    n = len(points)
    near = points @ points.T > 0.4
    i, j, k = np.array(
        [
            (i, j, k)
            for i in range(n)
            for j in range(i + 1, n)
            for k in range(j + 1, n)
            if near[i, j] and near[j, k] and near[i, k]
        ]
    ).T
    turn = np.einsum("ij,ij->i", np.cross(points[i], points[j]), points[k])
    return np.column_stack([i, np.where(turn > 0, j, k), np.where(turn > 0, k, j)])
