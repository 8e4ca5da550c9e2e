"""Upright boxes that stand for buildings and building elements from afar.

Merging keeps the largest boxes and puts the rest together by cells of a grid. Boxes that stand side
by side (buildings) keep the volume, the ground area and the mean foot of what they are merged from,
so that a district looks as dense as it is; those that are stacked (walls, slabs, furniture) become
the box around them. The measured error becomes the geometric error of the tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tiles.content import F32, F64, U32, Content, Instances
from tiles.massing import Legend, united
from tiles.mesh.bodies import cube
from tiles.mesh.ragged import I64

#: A tile shows at most this many boxes, and at most one for so many features below it.
MAX_BOXES: Final = 4000
SHARE: Final = 2
_SMALLEST_CELL: Final = {False: 8.0, True: 1.0}  # m, by whether boxes are stacked
_STEP: Final = 2**0.5  # from one size of cells to the next
#: Steps of places and sizes (m): what nobody sees from afar and a codec need not keep.
_PLACE: Final = 1 / 16
_SIZE: Final = 1 / 8
_SQUARE: Final = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Boxes:
    """n boxes in the layer's ENU frame; a :class:`tiles.massing.Massing`.

    ``centre`` (n, 3) metres; ``axis`` (n, 2) unit direction in plan of the first side; ``half``
    (n, 3) half sizes along axis, across it and up, m; ``look`` (n,) number of a look of ``legend``;
    ``error`` (n,) m. ``count`` features are behind them. ``stacked`` boxes also lie above each
    other, as the elements of a building do.
    """

    centre: F32
    axis: F32
    half: F32
    look: U32
    error: F32
    legend: Legend
    count: int
    stacked: bool = False

    def take(self, rows: npt.NDArray[np.generic]) -> Boxes:
        """The boxes ``rows`` only, a mask or numbers."""
        return Boxes(
            self.centre[rows], self.axis[rows], self.half[rows], self.look[rows],
            self.error[rows], self.legend, self.count, self.stacked,
        )  # fmt: skip

    def joined(self, others: Sequence[Self]) -> Boxes:
        """See :meth:`tiles.massing.Massing.joined`."""
        parts = [self, *others]
        legend, numbers = united([part.legend for part in parts])
        look = [number[part.look] for number, part in zip(numbers, parts, strict=True)]
        return Boxes(
            np.concatenate([part.centre for part in parts]),
            np.concatenate([part.axis for part in parts]),
            np.concatenate([part.half for part in parts]),
            np.concatenate(look).astype(np.uint32),
            np.concatenate([part.error for part in parts]),
            legend,
            sum(part.count for part in parts),
            self.stacked,
        )

    def generalised(self) -> Boxes:
        """See :meth:`tiles.massing.Massing.generalised`."""
        most = max(min(self.count // SHARE, MAX_BOXES), 1)
        if len(self.centre) <= most:
            return self
        size = np.sqrt((self.half.astype(np.float64) ** 2).sum(axis=1))
        order = np.argsort(-size, kind="stable")
        large = most // 4
        kept, rest = self.take(np.sort(order[:large])), self.take(np.sort(order[large:]))
        few = _merged(rest, _cells(rest, most - large))
        return kept.joined([few]).pruned()

    def pruned(self) -> Boxes:
        """The same without looks that no box has."""
        legend, look = self.legend.used(self.look)
        return replace(self, legend=legend, look=look)

    def content(self) -> Content:
        """The boxes as instances of a cube, one group a material; its features are the looks."""
        used, row = np.unique(self.look, return_inverse=True)
        materials, of = self.legend.materials()
        kind = of[self.look]
        half = np.maximum(np.rint(2 * self.half / _SIZE), 1) * _SIZE / 2
        top = self.centre.astype(np.float64)
        top[:, 2] += self.half[:, 2]
        top = np.rint(top / _PLACE) * _PLACE
        turn = np.zeros((len(half), 4), np.float32)
        angle = np.arctan2(self.axis[:, 1], self.axis[:, 0]) / 2
        turn[:, 2], turn[:, 3] = np.sin(angle), np.cos(angle)
        groups = [
            Instances(
                [cube().primitive(materials[number])],
                top[own],
                turn[own],
                (2 * half[own]).astype(np.float32),
                row[own].astype(np.uint32),
            )
            for number in np.unique(kind).tolist()
            for own in [np.flatnonzero(kind == number)]
        ]
        table = self.legend.content(used.astype(np.int64))
        return Content(table.class_name, table.columns, (), groups, generalised=True)


def _reach(boxes: Boxes) -> F64:
    """Half sizes (n, 2) in plan along east and north."""
    axis, half = np.abs(boxes.axis.astype(np.float64)), boxes.half.astype(np.float64)
    return np.stack(
        [axis[:, 0] * half[:, 0] + axis[:, 1] * half[:, 1],
         axis[:, 1] * half[:, 0] + axis[:, 0] * half[:, 1]],
        axis=1,
    )  # fmt: skip


def _cells(boxes: Boxes, most: int) -> I64:
    """The number of each box's cell: squares as small as leaves ``most``, cubes for stacked boxes.

    Boxes of different materials are in different cells where that leaves few enough.
    """
    materials, of = boxes.legend.materials()
    place = boxes.centre[:, : 3 if boxes.stacked else 2].astype(np.float64)
    side = _SMALLEST_CELL[boxes.stacked]
    while True:
        cell = (np.floor(place / side) - np.floor(place.min(axis=0) / side)).astype(np.int64)
        key = np.ravel_multi_index(tuple(cell.T), tuple(cell.max(axis=0) + 1))
        for by_kind in (key * len(materials) + of[boxes.look], key):
            found, number = np.unique(by_kind, return_inverse=True)
            if len(found) <= most:
                return number.astype(np.int64)
        if side > float(np.ptp(place, axis=0).max()):  # they lie around a corner of the grid
            return np.zeros(len(place), np.int64)
        side *= _STEP


def _merged(boxes: Boxes, cell: I64) -> Boxes:
    """One box a cell, with the look of its largest member."""
    count = int(cell.max()) + 1
    order = np.lexsort((-boxes.half.prod(axis=1), cell))
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    centre, half = boxes.centre.astype(np.float64), boxes.half.astype(np.float64)
    reach = _reach(boxes)
    low = np.minimum.reduceat((centre[:, :2] - reach)[order], starts)
    high = np.maximum.reduceat((centre[:, :2] + reach)[order], starts)

    def total(values: F64) -> F64:
        return np.bincount(cell, values, minlength=count).astype(np.float64)

    middle, side = (low + high) / 2, (high - low) / 2
    if boxes.stacked:
        foot = np.minimum.reduceat((centre[:, 2] - half[:, 2])[order], starts)
        head = np.maximum.reduceat((centre[:, 2] + half[:, 2])[order], starts)
        tall = (head - foot) / 2
    else:
        area = np.maximum(4 * half[:, 0] * half[:, 1], 1e-9)
        ground = total(area)
        foot = total(area * (centre[:, 2] - half[:, 2])) / ground
        tall = total(area * half[:, 2]) / ground
        box = np.maximum(np.prod(high - low, axis=1), 1e-9)
        side = side * np.sqrt(np.minimum(ground / box, 1.0))[:, None]

    aside = np.maximum(np.abs(centre[:, :2] - middle[cell]) + reach - side[cell], 0)
    bottom = np.abs(centre[:, 2] - half[:, 2] - foot[cell])
    top = np.abs(centre[:, 2] + half[:, 2] - (foot + 2 * tall)[cell])
    out = np.sqrt((aside**2).sum(axis=1) + np.maximum(bottom, top) ** 2) + boxes.error
    corners = middle[:, None] + side[:, None] * _SQUARE
    gaps = np.linalg.norm(corners[cell] - centre[:, None, :2], axis=2)
    back = np.minimum.reduceat(gaps[order], starts).max(axis=1)
    error = np.maximum(np.maximum.reduceat(out[order], starts), back)
    return Boxes(
        np.column_stack([middle, foot + tall]).astype(np.float32),
        np.tile(np.array([1, 0], np.float32), (count, 1)),
        np.column_stack([side, tall]).astype(np.float32),
        boxes.look[order][starts],
        error.astype(np.float32),
        boxes.legend,
        0,
        boxes.stacked,
    )
