"""Net distances between outer surfaces, for arrays of pairs.

Two segments: the closest points of C. Ericson, *Real-Time Collision Detection* (2005), §5.1.9. Two
boxes: the separating axes of S. Gottschalk, M. Lin and D. Manocha, *OBBTree* (1996), tell whether
they overlap and how deep; apart, their closest points lie on two edges or on a corner and the
other box. All are exact up to rounding; a distance below zero is how far the bodies must be moved
to part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models.clearance.joints import F64
from models.clearance.solids import Solids

#: Corners of a box as signs, and its edges as pairs of corners.
_CORNERS: Final = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_EDGES: Final = np.array([(i, i | bit) for i in range(8) for bit in (4, 2, 1) if not i & bit])
#: Pairs that are worked on at a time: two boxes have 144 pairs of edges.
_CHUNK: Final = {False: 100_000, True: 3_000}
_TINY: Final = 1e-12
_PARALLEL: Final = 1e-9
#: Cores that are nearer than this (m) touch.
_TOUCH: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Gaps:
    """Net distances of n pairs: ``distance`` (n,), below zero where they overlap; ``on_a``,
    ``on_b`` (n, 3) the closest points of the surfaces; ``normal`` (n, 3) unit from b to a. Metres;
    NaN where a height or size is unknown."""

    distance: F64
    on_a: F64
    on_b: F64
    normal: F64


def segment_segment(p: F64, d: F64, q: F64, e: F64) -> tuple[F64, F64]:
    """Parameters in 0..1 of the closest points ``p + s d`` and ``q + t e`` (…, 3); either segment
    may have no length."""
    r = p - q
    a, b, c = _dot(d, d), _dot(d, e), _dot(d, r)
    f, h = _dot(e, r), _dot(e, e)
    a, h = np.broadcast_arrays(a + 0 * h, h + 0 * a)
    long_a, long_b = a > _TINY, h > _TINY
    safe_a, safe_b = np.where(long_a, a, 1.0), np.where(long_b, h, 1.0)
    denominator = a * h - b * b
    skew = denominator > _TINY * a * h
    s = np.where(skew, (b * f - c * h) / np.where(skew, denominator, 1.0), 0.0)
    s = np.where(long_b, np.clip(s, 0, 1), np.clip(-c / safe_a, 0, 1))
    t = np.where(long_b, (b * s + f) / safe_b, 0.0)
    beyond = (t < 0) | (t > 1)
    t = np.clip(t, 0, 1)
    s = np.where(beyond, np.clip((b * t - c) / safe_a, 0, 1), s)
    return np.where(long_a, s, 0.0), t


def spatial(a: Solids, b: Solids) -> Gaps:
    """Net distance in space of n pairs of solids."""
    out = Gaps(np.full(len(a), np.nan), *(np.full((len(a), 3), np.nan) for _ in range(3)))
    known = np.isfinite(a.centre + a.half + b.centre + b.half).all(axis=1)
    slim_a, slim_b = ((s.half[:, 1:] == 0).all(axis=1) for s in (a, b))
    for one, other in ((True, True), (True, False), (False, True), (False, False)):
        rows = np.flatnonzero(known & (slim_a == one) & (slim_b == other))
        size = _CHUNK[not (one and other)]
        for part in np.split(rows, range(size, len(rows), size)):
            _fill(out, part, a[part], b[part], one, other)
    return out


def _fill(out: Gaps, rows: Any, a: Solids, b: Solids, slim_a: bool, slim_b: bool) -> None:
    if not len(rows):
        return
    origin = b.centre  # near it, so that large coordinates cost no digits
    a, b = a.moved(-origin), b.moved(-origin)
    on_a, on_b, depth, push = _cores(a, b, slim_a, slim_b)
    between = on_a - on_b
    apart = np.linalg.norm(between, axis=1)
    inside = (apart <= _TOUCH) | (depth < 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        normal = np.where(inside[:, None], push, between / apart[:, None])
    core = np.where(inside, np.minimum(depth, 0), apart)
    out.distance[rows] = core - a.radius - b.radius
    out.on_a[rows] = origin + on_a - normal * a.radius[:, None]
    out.on_b[rows] = origin + on_b + normal * b.radius[:, None]
    out.normal[rows] = normal


def _cores(a: Solids, b: Solids, slim_a: bool, slim_b: bool) -> tuple[F64, F64, F64, F64]:
    """Closest points of the cores, how far they are apart on the best axis (below zero: how deep
    they overlap), and that axis, from b to a."""
    edges_a, edges_b = _edges(a, slim_a), _edges(b, slim_b)
    p, d = edges_a[0][:, :, None], edges_a[1][:, :, None]
    q, e = edges_b[0][:, None], edges_b[1][:, None]
    s, t = segment_segment(p, d, q, e)
    on_a, on_b = p + s[..., None] * d, q + t[..., None] * e
    between = on_a - on_b
    best = _dot(between, between).reshape(len(a), -1).argmin(axis=1)
    every = np.arange(len(a))
    on_a = on_a.reshape(len(a), -1, 3)[every, best]
    on_b = on_b.reshape(len(a), -1, 3)[every, best]
    if slim_a and slim_b:
        return on_a, on_b, np.zeros(len(a)), _across(a, b)
    depth, push = _separation(a, b)
    if not slim_b:
        on_a, on_b = _closer(on_a, on_b, *_corners_to_box(_ends(edges_a), b))
    if not slim_a:
        on_b, on_a = _closer(on_b, on_a, *_corners_to_box(_ends(edges_b), a))
    return on_a, on_b, depth, push


def _closer(p: F64, q: F64, other_p: F64, other_q: F64) -> tuple[F64, F64]:
    nearer = _square(other_p - other_q) < _square(p - q)
    return np.where(nearer[:, None], other_p, p), np.where(nearer[:, None], other_q, q)


def _corners_to_box(corners: F64, box: Solids) -> tuple[F64, F64]:
    """Of ``corners`` (n, k, 3) the one (n, 3) that is closest to the box, and the box point."""
    local = np.einsum("nij,nkj->nki", box.axes, corners - box.centre[:, None])
    kept = np.clip(local, -box.half[:, None], box.half[:, None])
    nearest = np.einsum("nij,nki->nkj", box.axes, kept) + box.centre[:, None]
    best = _square(local - kept).argmin(axis=1)
    every = np.arange(len(corners))
    return corners[every, best], nearest[every, best]


def _edges(solid: Solids, slim: bool) -> tuple[F64, F64]:
    """Starts and vectors (n, k, 3) of the core's edges; a segment is its only edge."""
    if slim:
        along = solid.axes[:, :1] * solid.half[:, :1, None]
        return solid.centre[:, None] - along, 2 * along
    corners = np.einsum("ki,ni,nij->nkj", _CORNERS, solid.half, solid.axes)
    corners += solid.centre[:, None]
    starts = corners[:, _EDGES[:, 0]]
    return starts, corners[:, _EDGES[:, 1]] - starts


def _ends(edges: tuple[F64, F64]) -> F64:
    return np.concatenate([edges[0], edges[0] + edges[1]], axis=1)


def _across(a: Solids, b: Solids) -> F64:
    """A direction (n, 3) square to both segments, upwards of b."""
    cross = np.cross(a.axes[:, 0], b.axes[:, 0])
    size = np.linalg.norm(cross, axis=1)
    parallel = size < _PARALLEL
    out = cross / np.where(parallel, 1.0, size)[:, None]
    out[parallel] = a.axes[parallel, 2]
    return np.asarray(np.where(out[:, 2:] < 0, -out, out))


def _separation(a: Solids, b: Solids) -> tuple[F64, F64]:
    """How far two cores are apart (n,) on the axis that parts them best, and the axis (n, 3)."""
    cross = np.cross(a.axes[:, :, None], b.axes[:, None]).reshape(len(a), 9, 3)
    size = np.linalg.norm(cross, axis=2)
    parallel = size < _PARALLEL
    with np.errstate(invalid="ignore", divide="ignore"):
        cross = cross / size[:, :, None]
    axes = np.concatenate([a.axes, b.axes, np.where(parallel[:, :, None], 0.0, cross)], axis=1)
    offset = np.einsum("nki,ni->nk", axes, a.centre - b.centre)
    reach = sum(
        (np.abs(np.einsum("nki,nji->nkj", axes, s.axes)) * s.half[:, None]).sum(axis=2)
        for s in (a, b)
    )
    gap = np.abs(offset) - reach
    gap[:, 6:][parallel] = -np.inf
    best = gap.argmax(axis=1)
    every = np.arange(len(a))
    sign = np.where(offset[every, best] < 0, -1.0, 1.0)
    return gap[every, best], axes[every, best] * sign[:, None]


def _dot(a: Any, b: Any) -> F64:
    out: F64 = np.einsum("...i,...i->...", a, b)
    return out


def _square(a: F64) -> F64:
    return _dot(a, a)
