"""Boxes that stand for extruded footprints from afar."""

from __future__ import annotations

import numpy as np

from tiles.content import F64, U32
from tiles.far_boxes import Boxes
from tiles.massing import Legend
from tiles.mesh.footprint import Footprints
from tiles.mesh.ragged import I64, bounds, take

_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)


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
    origin; the error is how far its corners are from the nearest of the footprint's, plus that.
    """
    vertices, start = take(footprints.vertex_start, rows)
    edges, edge_start = take(footprints.edge_start, rows)
    low, high = base[vertices], top[vertices]
    wall = np.diff(base[footprints.edges[edges], :2], axis=1)[:, 0]
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
    corners = middle[:, None, :2] + _CORNERS * half[:, None, :2]
    gaps = np.linalg.norm(corners[of] - foot[:, None, :2], axis=2)
    apart = np.minimum.reduceat(gaps, start[:-1]).max(axis=1)
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
