"""Boxes that stand for extruded footprints from afar."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tiles.content import F64, U32
from tiles.far_boxes import Boxes
from tiles.massing import Legend
from tiles.mesh.extrude import following
from tiles.mesh.footprint import Footprints
from tiles.mesh.ragged import I64, bounds, take

_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)
_STEPS: Final = 4
_LATTICE: Final = np.stack(np.meshgrid(*[np.linspace(-1, 1, _STEPS + 1)] * 2), -1).reshape(-1, 2)
#: What is wrong by less (m) is not looked at more closely: merging boxes makes larger errors.
_FINE: Final = 8.0
_LOOSE: Final = 1.5  # nor is what is at most so many times too large


def prism_boxes(
    footprints: Footprints,
    base: F64,
    top: F64,
    rows: I64,
    look: U32,
    legend: Legend,
) -> Boxes:
    """The box of each of the features ``rows`` (k,), along its longest wall.

    ``base`` and ``top`` as in :func:`tiles.mesh.extrude.prisms`; ``look`` (k,). A box is upright
    and holds the prism but for its lean, which the Earth's curve gives it away from the frame's
    origin; the error is a bound of how far its points are from the footprint, plus that.
    """
    vertices, start = take(footprints.vertex_start, rows)
    edges, edge_start = take(footprints.edge_start, rows)
    low, high = base[vertices], top[vertices]
    shift = start[:-1] - footprints.vertex_start[rows]  # old vertex number to new
    a, b = (footprints.edges[edges] + np.repeat(shift, np.diff(edge_start))[:, None]).T
    wall = low[b, :2] - low[a, :2]
    length = np.hypot(wall[:, 0], wall[:, 1])
    greatest = np.maximum.reduceat(length, edge_start[:-1])
    feature = np.repeat(np.arange(len(rows)), np.diff(edge_start))
    found = np.flatnonzero(length == greatest[feature])
    _, first = np.unique(feature[found], return_index=True)
    axis = wall[found[first]] / greatest[:, None]

    of = np.repeat(np.arange(len(rows)), np.diff(start))
    origin = low[start[:-1]]
    along, across = axis[of], axis[of][:, ::-1] * (-1, 1)

    def turned(points: F64) -> F64:
        local = points - origin[of]
        plan = local[:, :2]
        return np.column_stack(
            [np.einsum("ij,ij->i", plan, along), np.einsum("ij,ij->i", plan, across), local[:, 2]]
        )

    foot, head = turned(low), turned(high)
    box = bounds(foot, start)
    upper = bounds(head, start)
    least, most = box[:, :3], np.column_stack([box[:, 3:5], upper[:, 5]])
    middle, half = (least + most) / 2, (most - least) / 2
    holed = np.diff(footprints.triangle_start)[rows] != np.diff(start) - 2  # or in parts
    apart = _apart(foot[:, :2], start, (a, b), edge_start, middle[:, :2], half[:, :2], holed)
    lean = np.abs(upper[:, :2] - box[:, :2]).max(axis=1)
    plan = axis * middle[:, :1] + axis[:, ::-1] * (-1, 1) * middle[:, 1:2]
    return Boxes(
        np.column_stack([origin[:, :2] + plan, origin[:, 2] + middle[:, 2]]).astype(np.float32),
        axis.astype(np.float32),
        half.astype(np.float32),
        look,
        (apart + lean).astype(np.float32),
        legend,
        len(rows),
    ).pruned()


def _apart(
    foot: F64,
    start: I64,
    edges: tuple[I64, I64],
    edge_start: I64,
    middle: F64,
    half: F64,
    holed: npt.NDArray[np.bool_],
) -> F64:
    """How far (k,) a point of the rectangles around ``middle`` (k, 2) may be from the footprints
    that they hold, whose vertices are ``foot`` (v, 2); those that are ``holed`` (k,) are not whole.
    """
    of = np.repeat(np.arange(len(middle)), np.diff(start))
    corners = middle[:, None] + _CORNERS * half[:, None]
    gaps = np.linalg.norm(corners[of] - foot[:, None], axis=2)
    apart = np.minimum.reduceat(gaps, start[:-1]).max(axis=1)
    a, b = foot[edges[0]], foot[edges[1]]
    covered = np.add.reduceat(_cross(a, b), edge_start[:-1]) / 2
    void = _void(np.maximum(4 * half[:, 0] * half[:, 1] - covered, 0.0), 2 * half)
    turns = _cross(b - a, (b - a)[following(*edges)])
    # Nothing is farther from a convex footprint than a corner; other ones go around a void.
    convex = (np.minimum.reduceat(turns, edge_start[:-1]) >= 0) & ~holed
    found: F64 = np.where(convex, np.minimum(apart, void), void)
    rough = np.flatnonzero(~convex & (void > np.maximum(_LOOSE * apart, _FINE)))
    if len(rough):
        own, own_start = take(edge_start, rough)
        measured = _measured(a[own], b[own], own_start, middle[rough], half[rough])
        found[rough] = np.minimum(void[rough], measured)
    return found


def _void(free: F64, sides: F64) -> F64:
    """How far (k,) a point of a rectangle may be from what touches all of its ``sides`` (k, 2) and
    leaves ``free`` (k,) m² of it.

    Around such a point nothing is covered, so that the rectangle's part of a disc is at most what
    is free. It is least in a corner: a quarter, or where the disc is wider than the rectangle, a
    quarter of an ellipse at least. What touches all sides is in any case as near as ``most``.
    """
    short, long = np.maximum(sides.min(axis=1), 1e-9), sides.max(axis=1)
    reach = 2 * np.sqrt(free / np.pi)
    reach = np.where(reach > short, 4 * free / (np.pi * short), reach)
    most = np.hypot(short, long / 2)
    out: F64 = np.where(reach < long, np.minimum(reach, most), most)
    return out


def _measured(a: F64, b: F64, starts: I64, middle: F64, half: F64) -> F64:
    """How far (k,) a point of the rectangles around ``middle`` (k, 2) may be from the outlines with
    the edges ``a`` to ``b`` (e, 2), those of each from ``starts`` (k + 1,) on: as measured on a
    lattice, and half a diagonal of its cells more."""
    of = np.repeat(np.arange(len(middle)), np.diff(starts))
    along = b - a
    square = np.maximum(np.einsum("ei,ei->e", along, along), 1e-12)
    worst = np.zeros(len(middle))
    for place in _LATTICE:
        probe = (middle + place * half)[of] - a
        share = np.clip(np.einsum("ei,ei->e", probe, along) / square, 0, 1)
        gap = probe - share[:, None] * along
        near = np.minimum.reduceat(np.einsum("ei,ei->e", gap, gap), starts[:-1])
        # Edges that a ray from it to the east crosses: an odd number from inside.
        above, side = probe[:, 1] >= 0, _cross(along, probe)
        passed = above & (probe[:, 1] < along[:, 1]) & (side > 0)
        passed |= ~above & (probe[:, 1] >= along[:, 1]) & (side < 0)
        near[np.add.reduceat(passed, starts[:-1], dtype=np.int64) % 2 == 1] = 0.0
        worst = np.maximum(worst, near)
    out: F64 = np.sqrt(worst) + np.linalg.norm(half, axis=1) / _STEPS
    return out


def _cross(a: F64, b: F64) -> F64:
    out: F64 = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return out
