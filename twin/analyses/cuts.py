"""Where a vertical plane cuts pipes, and the exact shape of each cut.

A plane stands on a *leg*, a straight stretch in plan; ``s`` is measured along it, ``z`` upwards
(1985). A tube's section by the plane is an ellipse (half width r / |cos θ| for a level round pipe
cut at the angle θ from square), a box's a parallelogram with upright sides (w / |cos θ| wide). Both
follow from the pipe's own cross-section: with unit vectors ``l`` (level, across the pipe) and ``v``
(across it, upwards) a point p of the plane is inside where (p·l / half width, p·v / half height) is
inside the unit circle or square (analytic geometry; domain reference §4, 横断面).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from twin.analyses.pipework import Pipework

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: A pipe whose axis is this close to the plane's direction (5°) runs along it; no ellipse is drawn.
ALONG_COS: Final = float(np.cos(np.radians(85.0)))
#: Plane coordinates of cuts are looked for this far beyond the ends of a leg (m).
_BEYOND: Final = 10.0
_CIRCLE: Final = np.linspace(0.0, 2 * np.pi, 128, endpoint=False)
_UNIT: Final = np.column_stack([np.cos(_CIRCLE), np.sin(_CIRCLE)])
_SQUARE: Final = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


@dataclass(frozen=True, slots=True)
class Cuts:
    """n cuts. ``leg``, ``piece``, ``row`` (n,) index of the leg, of the body's piece and of the
    segment; ``s`` (n,) metres along the leg; ``z`` (n,) height of the centre, NaN where unknown;
    ``t`` (n,) place along the piece, 0..1; ``half_s``, ``half_z`` (n,) half extents of the outer
    shape along s and z, NaN where the size is unknown; ``cos`` (n,) |cos| of the angle in plan
    between pipe and the plane's normal; ``to_plane`` (n, 2, 2) from the unit circle or square of
    the pipe's cross-section to (s, z) about the centre; ``box`` (n,)."""

    leg: Rows
    piece: Rows
    row: Rows
    s: Array
    z: Array
    t: Array
    half_s: Array
    half_z: Array
    cos: Array
    to_plane: Array
    box: Mask

    def __len__(self) -> int:
        return len(self.row)

    def take(self, which: npt.NDArray[np.int64] | Mask) -> Cuts:
        """The cuts at the given places."""
        return Cuts(*(getattr(self, name)[which] for name in self.__slots__))

    def outlines(self) -> list[Array]:
        """Outer shape of every cut as (k, 2) corners in (s, z); empty where size or height is
        unknown. Ellipses have 128 corners, which lie on them (within 0.03 % of the radius)."""
        out = []
        for i in range(len(self)):
            unit = _SQUARE if self.box[i] else _UNIT
            shape = unit @ self.to_plane[i].T + np.array([self.s[i], self.z[i]])
            out.append(shape if np.isfinite(shape).all() else np.empty((0, 2)))
        return out


@dataclass(frozen=True, slots=True)
class Alongs:
    """n pieces that run along the plane: the part of each whose surface reaches the plane.
    ``s``, ``z`` (n, 2) both ends of the centre line's projection; ``off`` (n,) distance of the axis
    from the plane; ``half_z`` (n,) half height of the visible band, NaN where unknown."""

    leg: Rows
    piece: Rows
    row: Rows
    s: Array
    z: Array
    off: Array
    half_z: Array


def cut(pipework: Pipework, legs: Array) -> tuple[Cuts, Alongs]:
    """All pipes that the vertical planes on ``legs`` (m, 2, 2) meet; see the module's docstring.

    Cuts of a pipe whose centre line passes just beyond the end of a leg count where its surface
    reaches the leg. Vectorised over all candidate pieces.
    """
    start, length, along = _frames(legs)
    body = pipework.bodies
    reach = np.nan_to_num(body.half_width).max(initial=0.0)
    extended = np.stack(
        [
            start - along * min(_BEYOND, 12 * reach),
            start + along * (length[:, None] + min(_BEYOND, 12 * reach)),
        ],
        axis=1,
    )
    lines = shapely.linestrings(extended)
    leg, piece = pipework.tree.query(lines, predicate="dwithin", distance=reach)
    a, b = body.start[piece, :2], body.end[piece, :2]
    u = along[leg]
    normal = np.column_stack([-u[:, 1], u[:, 0]])
    side_a = _dot(a - start[leg], normal)
    side_b = _dot(b - start[leg], normal)
    plan_length = np.hypot(*(b - a).T)
    steep = np.divide(
        np.abs(side_b - side_a), plan_length, out=np.zeros_like(side_a), where=plan_length > 0
    )
    runs_along = steep < ALONG_COS
    crosses = ~runs_along & (side_a * side_b <= 0)
    found = _cuts(pipework, leg[crosses], piece[crosses], start, along, length)
    beside = _alongs(pipework, leg[runs_along], piece[runs_along], start, along, length)
    return found, beside


def _frames(legs: Array) -> tuple[Array, Array, Array]:
    start = legs[:, 0]
    step = legs[:, 1] - start
    length = np.hypot(*step.T)
    return start, length, step / length[:, None]


def _cuts(
    pipework: Pipework, leg: Rows, piece: Rows, start: Array, along: Array, length: Array
) -> Cuts:
    body = pipework.bodies
    u = along[leg]
    normal = np.column_stack([-u[:, 1], u[:, 0]])
    a, b = body.start[piece], body.end[piece]
    step = b - a
    side = _dot(a[:, :2] - start[leg], normal)
    t = np.clip(-side / _dot(step[:, :2], normal), 0.0, 1.0)
    at = a + t[:, None] * step
    s = _dot(at[:, :2] - start[leg], u)
    to_plane, cos = _shape(step, u, body.half_width[piece], body.half_height[piece])
    box = body.box[piece]
    # Half extents of the image of the unit circle (row norms) or of the unit square (row sums).
    size = np.where(box[:, None], np.abs(to_plane).sum(axis=2), np.sqrt((to_plane**2).sum(axis=2)))
    room = np.nan_to_num(size[:, 0])
    inside = (s + room >= 0) & (s - room <= length[leg])
    found = Cuts(
        leg.astype(np.int64),
        piece.astype(np.int64),
        body.owner[piece],
        s,
        at[:, 2],
        t,
        size[:, 0],
        size[:, 1],
        cos,
        to_plane,
        box,
    )
    return _without_repeats(found.take(inside), body.nodes)


def _shape(step: Array, u: Array, half_width: Array, half_height: Array) -> tuple[Array, Array]:
    """Matrices from the pipe's unit cross-section to the plane, and |cos| of the plan angle.

    The plane's point (s, z) has p·l = s (u·l) and p·v = s (u·v) + z v_z; these two rows, scaled by
    the half sizes, are inverted. Pieces whose heights are unknown count as level.
    """
    dx, dy = step[:, 0], step[:, 1]
    plan = np.hypot(dx, dy)
    rise = np.nan_to_num(step[:, 2]) / np.hypot(plan, np.nan_to_num(step[:, 2]))
    level = np.sqrt(np.maximum(1.0 - rise**2, 0.0))
    across = np.column_stack([-dy, dx]) / plan[:, None]
    ahead = np.column_stack([dx, dy]) / plan[:, None]
    ul = _dot(u, across)
    uv = -rise * _dot(u, ahead)  # v = (-rise * ahead, level)
    to_plane = np.zeros((len(step), 2, 2))
    to_plane[:, 0, 0] = half_width / ul
    to_plane[:, 1, 0] = -half_width * uv / (ul * level)
    to_plane[:, 1, 1] = half_height / level
    return to_plane, np.abs(ul)


def _alongs(
    pipework: Pipework, leg: Rows, piece: Rows, start: Array, along: Array, length: Array
) -> Alongs:
    body = pipework.bodies
    u = along[leg]
    normal = np.column_stack([-u[:, 1], u[:, 0]])
    ends = np.stack([body.start[piece], body.end[piece]], axis=1)
    relative = ends[:, :, :2] - start[leg][:, None]
    s = np.einsum("nij,nj->ni", relative, u)
    off = np.einsum("nij,nj->ni", relative, normal)
    half = body.half_width[piece]
    # Only the part whose axis is within its half width of the plane, and within the leg.
    first, last = _within(off, np.nan_to_num(half), s, length[leg])
    s = np.column_stack([_mix(s, first), _mix(s, last)])
    z = np.column_stack([_mix(ends[:, :, 2], first), _mix(ends[:, :, 2], last)])
    nearest = np.minimum(np.abs(_mix(off, first)), np.abs(_mix(off, last)))
    nearest = np.where(_mix(off, first) * _mix(off, last) <= 0, 0.0, nearest)
    share = np.sqrt(np.clip(1.0 - (nearest / np.where(half > 0, half, np.nan)) ** 2, 0.0, 1.0))
    band = body.half_height[piece] * np.where(body.box[piece], 1.0, share)
    upright = np.hypot(*np.diff(ends[:, :, :2], axis=1)[:, 0].T) < 1e-9
    # A vertical pipe shows its whole width: its band lies across s instead of across z.
    width = np.where(body.box[piece], half, np.sqrt(np.maximum(half**2 - nearest**2, 0.0)))
    s = s + np.where(upright, np.nan_to_num(width), 0.0)[:, None] * [-1.0, 1.0]
    band = np.where(upright, 0.0, band)
    kept = first <= last
    return Alongs(
        leg[kept].astype(np.int64),
        piece[kept].astype(np.int64),
        body.owner[piece][kept],
        s[kept],
        z[kept],
        nearest[kept],
        band[kept],
    )


def _within(off: Array, half: Array, s: Array, length: Array) -> tuple[Array, Array]:
    """First and last place (0..1) of pieces with |off| ≤ half and 0 ≤ s ≤ length; first > last
    where there is none."""
    first, last = np.zeros(len(off)), np.ones(len(off))
    for value, low, high in ((off, -half - 1e-6, half + 1e-6), (s, 0.0 * length, length)):
        step = value[:, 1] - value[:, 0]
        flat = np.abs(step) < 1e-9
        safe = np.where(flat, 1.0, step)
        at = np.sort(np.column_stack([(low - value[:, 0]) / safe, (high - value[:, 0]) / safe]))
        outside = flat & ((value[:, 0] < low) | (value[:, 0] > high))
        first = np.where(flat, first, np.maximum(first, at[:, 0]))
        last = np.where(flat, last, np.minimum(last, at[:, 1]))
        last = np.where(outside, -1.0, last)
    return first, last


def _without_repeats(cuts: Cuts, nodes: Rows) -> Cuts:
    """One cut where the plane passes exactly through the joint of two pieces of equal section."""
    end = np.where(cuts.t > 1 - 1e-9, 1, np.where(cuts.t < 1e-9, 0, -1))
    at_joint = np.flatnonzero(end >= 0)
    if len(at_joint) < 2:
        return cuts
    node = nodes[cuts.piece[at_joint], end[at_joint]]
    keys = np.column_stack(
        [
            cuts.leg[at_joint],
            node,
            np.round(np.nan_to_num(cuts.z[at_joint], nan=-9e6) * 1000),
            np.round(np.nan_to_num(cuts.half_z[at_joint], nan=-1) * 1000),
        ]
    )
    _, first = np.unique(keys, axis=0, return_index=True)
    kept = np.ones(len(cuts), bool)
    kept[at_joint] = False
    kept[at_joint[first]] = True
    return cuts.take(kept)


def _dot(a: Array, b: Array) -> Array:
    out: Array = np.einsum("ni,ni->n", a, b)
    return out


def _mix(pair: Array, at: Array) -> Array:
    out: Array = pair[:, 0] + at * (pair[:, 1] - pair[:, 0])
    return out
