"""Cross-sections swept along centre lines to closed solids: pipes, channels, duct banks."""

from __future__ import annotations

import numpy as np

from tiles.content import F64, U32
from tiles.mesh.path import Pieces, pieces
from tiles.mesh.profile import Profile
from tiles.mesh.ragged import I64, take
from tiles.mesh.surface import Surface, join, unit


def sweep(
    points: F64,
    starts: I64,
    half_width: F64,
    half_height: F64,
    profile: Profile,
    features: U32,
    *,
    upright: bool,
) -> Surface:
    """Sweep ``profile`` along p paths; all ends are capped.

    ``points`` (n, 3) metres with z up and ``starts`` (p + 1); ``half_width``, ``half_height`` and
    ``features`` (p,). ``upright`` as in :func:`tiles.mesh.path.pieces`; a cross-section that is
    not round wants it. Paths without length add nothing.
    """
    level = np.full(len(half_width), upright)
    parts = pieces(points, starts, np.maximum(half_width, half_height), level)
    if not len(parts.a):
        return Surface.empty()
    w, h = half_width[parts.path], half_height[parts.path]
    feature = features[parts.path].astype(np.uint32)
    return join(
        [
            _sides(parts, profile, w, h, feature),
            _caps(parts, profile, w, h, feature, parts.first, at_start=True),
            _caps(parts, profile, w, h, feature, parts.last, at_start=False),
        ]
    )


def _ring(centre: F64, right: F64, up: F64, offsets: F64) -> F64:
    """(s, k, 3) points of a cross-section at each centre."""
    ring: F64 = (
        centre[:, None] + offsets[:, :, :1] * right[:, None] + offsets[:, :, 1:] * up[:, None]
    )
    return ring


def _sides(parts: Pieces, profile: Profile, w: F64, h: F64, feature: U32) -> Surface:
    size = np.column_stack([w, h])[:, None]
    offsets = profile.points * size
    count, k = len(w), len(profile.points)
    rings = np.concatenate(
        [
            _ring(parts.a, parts.right_a, parts.up_a, offsets),
            _ring(parts.b, parts.right_b, parts.up_b, offsets),
        ],
        axis=1,
    )
    local = profile.normals / size  # a stretched section's normals shrink where it grows
    normals = unit(local[:, :, :1] * parts.right[:, None] + local[:, :, 1:] * parts.up[:, None])
    i, j = profile.edges.T
    strip = np.column_stack([i, i + k, j + k, i, j + k, j]).reshape(-1, 3)
    faces = (2 * k * np.arange(count))[:, None, None] + strip
    return Surface(
        rings.reshape(-1, 3),
        np.concatenate([normals, normals], axis=1).reshape(-1, 3).astype(np.float32),
        faces.reshape(-1, 3).astype(np.uint32),
        np.repeat(feature, 2 * k),
    )


def _caps(
    parts: Pieces,
    profile: Profile,
    w: F64,
    h: F64,
    feature: U32,
    which: np.ndarray[tuple[int], np.dtype[np.bool_]],
    *,
    at_start: bool,
) -> Surface:
    rows = np.flatnonzero(which)
    centre = (parts.a if at_start else parts.b)[rows]
    right = (parts.right_a if at_start else parts.right_b)[rows]
    up = (parts.up_a if at_start else parts.up_b)[rows]
    size = np.column_stack([w[rows], h[rows]])[:, None]
    ring = _ring(centre, right, up, profile.points[profile.corners] * size)
    k = len(profile.corners)
    fan = np.column_stack([np.zeros(k - 2, int), np.arange(1, k - 1), np.arange(2, k)])
    outward = unit(np.cross(right, up).astype(np.float64))
    if not at_start:
        fan, outward = fan[:, ::-1], -outward
    return Surface(
        ring.reshape(-1, 3),
        np.repeat(outward.astype(np.float32), k, axis=0),
        ((k * np.arange(len(rows)))[:, None, None] + fan).reshape(-1, 3).astype(np.uint32),
        np.repeat(feature[rows], k),
    )


def paths(points: F64, starts: I64, rows: I64) -> tuple[F64, I64]:
    """The paths ``rows`` of ``points``, ``starts``."""
    index, taken = take(starts, rows)
    return points[index], taken
