"""Bounding boxes and the frames they are in.

A tileset has one local frame: east, north, up (ENU) at the twin's centre, metres, z up. The root
tile's ``transform`` takes it to ECEF (EPSG:4978); every box is axis-aligned in that frame, so a
tile box is the union of its children's and needs no further transform.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from tiles.content import F64, Content
from tiles.errors import ContentError
from tiles.instances import transform
from tiles.mesh.ragged import extent

#: Margin around real vertices, m: the largest quantisation error, rounded up.
MARGIN: Final = 0.01


def content_box(content: Content) -> F64:
    """Minimum x, y, z and maximum x, y, z (6,) over every vertex drawn, instances included.

    Raises :class:`tiles.errors.ContentError` if there is none.
    """
    points = list({id(p.positions): p.positions for p in content.primitives}.values())
    for group in content.instances:
        for shape in group.primitives:
            points.append(transform(_corners(shape.positions), group).reshape(-1, 3))
    points = [array for array in points if len(array)]
    if not points:
        raise ContentError(
            "The tile content has no vertex; expected at least one triangle.",
            "瓦片内容没有顶点；至少应有一个三角形。",
        )
    sides = np.array([extent(array) for array in points])
    return np.concatenate([sides[:, 0].min(axis=0), sides[:, 1].max(axis=0)])


def union(boxes: Iterable[F64]) -> F64:
    """The box (6,) around ``boxes``, of which there is at least one."""
    stack = np.stack(list(boxes))
    return np.concatenate([stack[:, :3].min(axis=0), stack[:, 3:].max(axis=0)])


def grown(box: F64) -> F64:
    """``box`` with the margin, rounded outwards to whole millimetres (stable in JSON)."""
    low = np.floor((box[:3] - MARGIN) * 1000) / 1000
    high = np.ceil((box[3:] + MARGIN) * 1000) / 1000
    return np.concatenate([low, high])


def oriented(box: F64) -> list[float]:
    """The twelve numbers of a 3D Tiles ``box``: centre, then three half axes."""
    centre = (box[:3] + box[3:]) / 2
    half = (box[3:] - box[:3]) / 2
    # Four decimals hold half a millimetre exactly, so the box stays closed.
    return [round(float(v), 4) for v in (*centre, *np.diag(half).ravel())]


def column_major(frame: F64) -> list[float]:
    """A (4, 4) matrix as 3D Tiles ``transform``. Raises ContentError unless it is rigid."""
    turn = frame[:3, :3]
    rigid = frame.shape == (4, 4) and np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    if not rigid or np.linalg.det(turn) < 0 or not np.array_equal(frame[3], [0, 0, 0, 1]):
        raise ContentError(
            "The layer's frame is not a rigid ENU to ECEF matrix; take models.crs.enu_frame.",
            "图层坐标框架不是刚性的 ENU 到 ECEF 矩阵；请使用 models.crs.enu_frame。",
        )
    return [float(v) for v in frame.T.ravel()]


def to_ecef(frame: F64, points: F64) -> F64:
    """ENU ``points`` (n, 3) in ECEF metres (EPSG:4978)."""
    out: F64 = points @ frame[:3, :3].T + frame[:3, 3]
    return out


def _corners(points: F64) -> F64:
    """The box corners (8, 3) of a shared mesh: its copies lie within their transformed hull."""
    if not len(points):
        return points
    sides = np.stack([points.min(axis=0), points.max(axis=0)])
    return np.stack(np.meshgrid(*sides.T, indexing="ij"), axis=-1).reshape(-1, 3)
