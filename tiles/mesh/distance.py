"""How far points are from triangles."""

from __future__ import annotations

import numpy as np

from tiles.content import F64


def to_triangles(points: F64, triangles: F64) -> F64:
    """Distance (n,) of each of ``points`` (n, 3) from its own of ``triangles`` (n, 3, 3).

    A triangle without area is its longest side.
    """
    a, after = triangles, np.roll(triangles, -1, axis=1)
    side, away = after - a, points[:, None] - a
    square = np.einsum("nci,nci->nc", side, side)
    along = np.einsum("nci,nci->nc", side, away) / np.maximum(square, 1e-18)
    rest = away - np.clip(along, 0, 1)[..., None] * side
    out = np.sqrt(np.einsum("nci,nci->nc", rest, rest)).min(axis=1)
    normal = np.cross(side[:, 0], side[:, 1])
    size = np.sqrt(np.einsum("ni,ni->n", normal, normal))
    turn = np.einsum("nci,ni->nc", np.cross(side, away), normal)
    over = (turn >= 0).all(axis=1) & (size > 1e-12)
    height = np.abs(np.einsum("ni,ni->n", away[:, 0], normal)) / np.maximum(size, 1e-12)
    return np.where(over, height, out)
