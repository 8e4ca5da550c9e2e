"""Boxes that stand for building elements from afar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

from tiles.content import F64, U32
from tiles.far_boxes import Boxes
from tiles.massing import Legend
from tiles.mesh.distance import to_triangles
from tiles.mesh.ragged import I64, bounds
from tiles.tilers.bim_bodies import Bodies

#: Corners, and middles of the sides, of the box from -1 to 1.
CORNERS: Final = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_MIDDLES: Final = np.vstack([np.eye(3), -np.eye(3)])
#: A box along the walls is taken where it has less than this share of the axes' one.
_BETTER: Final = 0.9
#: Bodies up to so many triangles are measured by these, larger ones by their vertices.
_FEW: Final = 96
_PAIRS: Final = 200_000


@dataclass(frozen=True, slots=True)
class BodyBoxes:
    """The box of each of b bodies: ``corners`` (b, 8, 3) and ``axis`` (b, 3), its first side, both
    in mesh metres; ``error`` (b,) is how far its corners and the middles of its sides are from the
    body. NaN for a broken body."""

    corners: F64
    axis: F64
    error: F64


def body_boxes(bodies: Bodies) -> BodyBoxes:
    """Upright boxes in mesh coordinates, turned to be small."""
    count = len(bodies.low)
    starts = bodies.vertex_start[bodies.part_start]
    whole = np.flatnonzero(np.diff(starts) > 0)
    of = np.repeat(np.arange(count), np.diff(starts))
    axis = np.zeros((count, 3))
    axis[:, 0] = 1.0
    axis[whole] = _axes(bodies, whole, of)
    across = axis[:, [1, 0, 2]] * (-1, 1, 1)
    points = bodies.positions
    turned = np.column_stack(
        [
            np.einsum("ni,ni->n", points, axis[of]),
            np.einsum("ni,ni->n", points, across[of]),
            points[:, 2],
        ]
    )
    box = np.full((count, 6), np.nan)
    box[whole] = bounds(turned, np.append(starts[whole], starts[-1]))
    middle, half = (box[:, :3] + box[:, 3:]) / 2, (box[:, 3:] - box[:, :3]) / 2
    frame = np.stack([axis, across, np.tile([0.0, 0.0, 1.0], (count, 1))], axis=1)

    def back(shape: F64) -> F64:
        local = middle[:, None] + shape * half[:, None]
        out: F64 = np.einsum("bki,bij->bkj", local, frame)
        return out

    corners = back(CORNERS)
    probes = np.concatenate([corners, back(_MIDDLES)], axis=1)
    error = np.full(count, np.nan)
    error[whole] = _away(bodies, whole, probes[whole])
    return BodyBoxes(corners, axis, error)


def _axes(bodies: Bodies, rows: I64, of: I64) -> F64:
    """Directions in plan (k, 3) along which the boxes of bodies ``rows`` are smallest."""
    # Lines, since a point each would be an object each.
    lines = shapely.linestrings(bodies.positions[:, :2], indices=np.searchsorted(rows, of))
    rings = np.asarray(shapely.oriented_envelope(lines))
    spans = (bodies.high - bodies.low)[rows]
    better = shapely.area(rings) < _BETTER * spans[:, 0] * spans[:, 1]
    better &= shapely.get_type_id(rings) == 3
    out = np.zeros((len(rows), 3))
    out[:, 0] = 1.0
    if better.any():
        ring = shapely.get_coordinates(shapely.get_exterior_ring(rings[better])).reshape(-1, 5, 2)
        side = ring[:, 1] - ring[:, 0]
        out[better, :2] = side / np.linalg.norm(side, axis=1, keepdims=True)
    return out


def _away(bodies: Bodies, rows: I64, probes: F64) -> F64:
    """The greatest distance (k,) of ``probes`` (k, p, 3) from the bodies ``rows``."""
    starts = bodies.triangle_start[bodies.part_start]
    counts = np.diff(starts)[rows]
    part = np.repeat(np.arange(len(bodies.colour)), np.diff(bodies.triangle_start))
    out = np.empty(len(rows))
    per = probes.shape[1]
    few = np.flatnonzero(counts <= _FEW)
    step = max(_PAIRS // (per * _FEW), 1)
    for some in (few[at : at + step] for at in range(0, len(few), step)):
        take = np.concatenate([np.arange(starts[r], starts[r + 1]) for r in rows[some]])
        shift = bodies.vertex_start[part[take], None]
        corners = bodies.positions[bodies.faces[take] + shift]
        size = counts[some]
        first = np.concatenate([[0], np.cumsum(size)[:-1]])
        each = np.repeat(probes[some], size, axis=0)  # (t, p, 3)
        gap = to_triangles(each.reshape(-1, 3), np.repeat(corners, per, axis=0))
        out[some] = np.minimum.reduceat(gap.reshape(-1, per), first, axis=0).max(axis=1)
    vertices = bodies.vertex_start[bodies.part_start]
    for row in np.flatnonzero(counts > _FEW):
        own = bodies.positions[vertices[rows[row]] : vertices[rows[row] + 1]]
        gaps = (own - probe for probe in probes[row])  # a search tree would take longer to make
        out[row] = np.sqrt(max(np.einsum("ni,ni->n", gap, gap).min() for gap in gaps))
    return out


def placed(corners: F64, along: F64, error: F64, look: U32, legend: Legend) -> Boxes:
    """Upright boxes around k tilted ones with these ``corners`` (k, 8, 3).

    ``along`` (k, 3) is the direction of their first side, ``error`` (k,) that of the tilted boxes;
    all in ENU metres.
    """
    plan = np.linalg.norm(along[:, :2], axis=1)
    level = plan > 0.5 * np.linalg.norm(along, axis=1)
    axis = np.where(level[:, None], along[:, :2] / np.maximum(plan, 1e-12)[:, None], [1.0, 0.0])
    frame = np.zeros((len(axis), 3, 3))
    frame[:, 0, :2], frame[:, 1, :2] = axis, axis[:, ::-1] * (-1, 1)
    frame[:, 2, 2] = 1.0
    local = np.einsum("kij,kcj->kci", frame, corners)
    low, high = local.min(axis=1), local.max(axis=1)
    middle, half = (low + high) / 2, (high - low) / 2
    upright = middle[:, None] + CORNERS * half[:, None]
    gaps = np.linalg.norm(upright[:, :, None] - local[:, None], axis=3)
    return Boxes(
        np.einsum("kij,ki->kj", frame, middle).astype(np.float32),
        axis.astype(np.float32),
        half.astype(np.float32),
        look,
        (error + gaps.min(axis=2).max(axis=1)).astype(np.float32),
        legend,
        len(look),
        stacked=True,
    ).pruned()
