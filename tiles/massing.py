"""What stands for many features from afar: upright boxes, merged until they are few.

A box knows its ``error``: no point of it, and no point of what it stands for, is farther than that
from the other. Merging keeps the largest boxes and puts the rest together by cells of a grid; a
merged box keeps the volume, the ground area and the mean foot of its members, so that a district
looks as dense as it is. The measured error becomes the geometric error of the tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tiles.content import F32, F64, Content, Instances, Material
from tiles.mesh.bodies import cube
from tiles.mesh.ragged import I64

#: A tile shows at most this many boxes, and at most one for so many features below it.
MAX_BOXES: Final = 4000
SHARE: Final = 2
_SMALLEST_CELL: Final = 8.0  # m
#: Steps of places and sizes (m): what nobody sees from afar and a codec need not keep.
_PLACE: Final = 1 / 16
_SIZE: Final = 1 / 8
_SQUARE: Final = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Massing:
    """n boxes in the layer's ENU frame.

    ``centre`` (n, 3) metres; ``axis`` (n, 2) unit direction in plan of the first side; ``half``
    (n, 3) half sizes along axis, across it and up, m; ``look`` (n,) number of a material of
    ``looks``; ``error`` (n,) m. ``count`` features are behind them.
    """

    centre: F32
    axis: F32
    half: F32
    look: npt.NDArray[np.uint8]
    error: F32
    looks: tuple[Material, ...]
    count: int

    def take(self, rows: npt.NDArray[np.generic]) -> Massing:
        """The boxes ``rows`` only, a mask or numbers."""
        return Massing(
            self.centre[rows], self.axis[rows], self.half[rows], self.look[rows],
            self.error[rows], self.looks, self.count,
        )  # fmt: skip


def joined(parts: Sequence[Massing]) -> Massing:
    """All boxes of ``parts``, of which there is at least one, in their order."""
    return Massing(
        np.concatenate([part.centre for part in parts]),
        np.concatenate([part.axis for part in parts]),
        np.concatenate([part.half for part in parts]),
        np.concatenate([part.look for part in parts]),
        np.concatenate([part.error for part in parts]),
        parts[0].looks,
        sum(part.count for part in parts),
    )


def generalised(massing: Massing) -> Massing:
    """``massing`` with few enough boxes for one tile; the input itself if it has no more."""
    most = max(min(massing.count // SHARE, MAX_BOXES), 1)
    if len(massing.centre) <= most:
        return massing
    size = np.sqrt((massing.half.astype(np.float64) ** 2).sum(axis=1))
    order = np.argsort(-size, kind="stable")
    kept = np.sort(order[: most // 2])
    rest = massing.take(np.sort(order[most // 2 :]))
    return joined([massing.take(kept), _merged(rest, _cells(rest, most - most // 2))])


def content(massing: Massing) -> Content:
    """The boxes as instances of a cube, one group a material; without features."""
    groups = []
    for number in np.unique(massing.look):
        own = massing.take(massing.look == number)
        half = np.maximum(np.rint(2 * own.half / _SIZE), 1) * _SIZE / 2
        top = own.centre.astype(np.float64)
        top[:, 2] += own.half[:, 2]
        turn = np.zeros((len(half), 4), np.float32)
        angle = np.arctan2(own.axis[:, 1], own.axis[:, 0]) / 2
        turn[:, 2], turn[:, 3] = np.sin(angle), np.cos(angle)
        groups.append(
            Instances(
                [cube().primitive(massing.looks[int(number)])],
                np.rint(top / _PLACE) * _PLACE,
                turn,
                (2 * half).astype(np.float32),
                np.zeros(len(half), np.uint32),
            )
        )
    return Content("", (), (), groups)


def _reach(massing: Massing) -> F64:
    """Half sizes (n, 2) in plan along east and north."""
    axis, half = np.abs(massing.axis.astype(np.float64)), massing.half.astype(np.float64)
    return np.stack(
        [axis[:, 0] * half[:, 0] + axis[:, 1] * half[:, 1],
         axis[:, 1] * half[:, 0] + axis[:, 0] * half[:, 1]],
        axis=1,
    )  # fmt: skip


def _cells(massing: Massing, most: int) -> I64:
    """The number of each box's cell: squares of the least power of two that leaves ``most``.

    Boxes of different looks are in different cells as long as that leaves few enough.
    """
    place = massing.centre[:, :2].astype(np.float64)
    side = _SMALLEST_CELL
    while True:
        x, y = (np.floor(place / side) - np.floor(place.min(axis=0) / side)).astype(np.int64).T
        key = (x * (y.max() + 1) + y) * len(massing.looks) + massing.look
        found, cell = np.unique(key, return_inverse=True)
        if len(found) <= most:
            number: I64 = cell.astype(np.int64)
            return number
        if side > float(np.ptp(place, axis=0).max()):  # one cell holds all: too many looks
            return np.zeros(len(place), np.int64)
        side *= 2


def _merged(massing: Massing, cell: I64) -> Massing:
    """One box a cell."""
    count = int(cell.max()) + 1
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    centre, half = massing.centre.astype(np.float64), massing.half.astype(np.float64)
    reach = _reach(massing)
    low = np.minimum.reduceat((centre[:, :2] - reach)[order], starts)
    high = np.maximum.reduceat((centre[:, :2] + reach)[order], starts)

    def total(values: F64) -> F64:
        return np.bincount(cell, values, minlength=count).astype(np.float64)

    area = 4 * half[:, 0] * half[:, 1]
    ground = total(area)
    foot = total(area * (centre[:, 2] - half[:, 2])) / ground
    tall = total(area * half[:, 2]) / ground
    middle = (low + high) / 2
    box = np.maximum(np.prod(high - low, axis=1), 1e-9)
    side = (high - low) / 2 * np.sqrt(np.minimum(ground / box, 1.0))[:, None]

    aside = np.maximum(np.abs(centre[:, :2] - middle[cell]) + reach - side[cell], 0)
    bottom = np.abs(centre[:, 2] - half[:, 2] - foot[cell])
    top = np.abs(centre[:, 2] + half[:, 2] - (foot + 2 * tall)[cell])
    out = np.sqrt((aside**2).sum(axis=1) + np.maximum(bottom, top) ** 2) + massing.error
    corners = middle[:, None] + side[:, None] * _SQUARE
    gaps = np.linalg.norm(corners[cell] - centre[:, None, :2], axis=2)
    back = np.minimum.reduceat(gaps[order], starts).max(axis=1)
    error = np.maximum(np.maximum.reduceat(out[order], starts), back)
    return Massing(
        np.column_stack([middle, foot + tall]).astype(np.float32),
        np.tile(np.array([1, 0], np.float32), (count, 1)),
        np.column_stack([side, tall]).astype(np.float32),
        massing.look[order][starts],
        error.astype(np.float32),
        massing.looks,
        0,
    )
