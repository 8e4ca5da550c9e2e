"""Upright boxes that stand for buildings and building elements from afar.

Merging keeps the largest boxes and puts the rest together by cells of a grid. Boxes that stand side
by side (buildings) keep the volume, the ground area and the mean foot of what they are merged from,
so that a district looks as dense as it is; those that are stacked (walls, slabs, furniture) become
the box around them. The measured error becomes the geometric error of the tile: it is measured
against the features themselves, however often their boxes were merged on the way.
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
#: Where in plan a merged box is measured, from -1 to 1: the void between what it stands for may be
#: in its middle.
_PROBES: Final = np.array([[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1)], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Boxes:
    """n boxes in the layer's ENU frame; a :class:`tiles.massing.Massing`.

    ``centre`` (n, 3) metres; ``axis`` (n, 2) unit direction in plan of the first side; ``half``
    (n, 3) half sizes along axis, across it and up, m; ``look`` (n,) number of a look of ``legend``;
    ``error`` (n,) m. ``count`` features are behind them. ``stacked`` boxes also lie above each
    other, as the elements of a building do. ``behind`` (n, 8) is what merged boxes stand for, in
    metres: half sizes along east and north of the upright box around it, which has the same middle
    in plan; its least and greatest foot, its least and greatest top; how far corners, middles of
    sides and the middle are from it in plan; the error of the boxes that were merged first. None:
    each box stands for itself.
    """

    centre: F32
    axis: F32
    half: F32
    look: U32
    error: F32
    legend: Legend
    count: int
    stacked: bool = False
    behind: F32 | None = None

    def take(self, rows: npt.NDArray[np.generic]) -> Boxes:
        """The boxes ``rows`` only, a mask or numbers."""
        return Boxes(
            self.centre[rows], self.axis[rows], self.half[rows], self.look[rows],
            self.error[rows], self.legend, self.count, self.stacked,
            None if self.behind is None else self.behind[rows],
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
            None
            if all(part.behind is None for part in parts)
            else np.concatenate([_behind(part) for part in parts]),
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


def _behind(boxes: Boxes) -> F32:
    """:attr:`Boxes.behind`, also of boxes that stand for themselves."""
    if boxes.behind is not None:
        return boxes.behind
    foot, top = boxes.centre[:, 2] - boxes.half[:, 2], boxes.centre[:, 2] + boxes.half[:, 2]
    gap = np.zeros(len(foot), np.float32)
    columns = [*_reach(boxes).T, foot, foot, top, top, gap, boxes.error]
    return np.column_stack(columns).astype(np.float32)


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
    behind = _behind(boxes).astype(np.float64)

    def least(values: F64) -> F64:
        return np.asarray(np.minimum.reduceat(values[order], starts), np.float64)

    def greatest(values: F64) -> F64:
        return np.asarray(np.maximum.reduceat(values[order], starts), np.float64)

    def total(values: F64) -> F64:
        return np.bincount(cell, values, minlength=count).astype(np.float64)

    low, high = least(centre[:, :2] - behind[:, :2]), greatest(centre[:, :2] + behind[:, :2])
    feet = least(behind[:, 2]), greatest(behind[:, 3])
    tops = least(behind[:, 4]), greatest(behind[:, 5])
    middle, wide = (low + high) / 2, (high - low) / 2
    if boxes.stacked:
        side, foot, tall = wide, feet[0], (tops[1] - feet[0]) / 2
    else:
        area = np.maximum(4 * half[:, 0] * half[:, 1], 1e-9)
        ground = total(area)
        foot = total(area * (centre[:, 2] - half[:, 2])) / ground
        tall = total(area * half[:, 2]) / ground
        box = np.maximum(np.prod(high - low, axis=1), 1e-9)
        side = wide * np.sqrt(np.minimum(ground / box, 1.0))[:, None]

    top = foot + 2 * tall
    upright = np.max([*(np.abs(foot - f) for f in feet), *(np.abs(top - t) for t in tops)], axis=0)
    aside = ((wide - side) ** 2).sum(axis=1)
    probes = (middle[:, None] + side[:, None] * _PROBES)[cell]
    gap = least(_outside(boxes, probes) + behind[:, 6:7]).max(axis=1)
    shape = greatest(behind[:, 7])
    error = np.sqrt(np.maximum(aside, gap**2) + upright**2) + shape
    return Boxes(
        np.column_stack([middle, foot + tall]).astype(np.float32),
        np.tile(np.array([1, 0], np.float32), (count, 1)),
        np.column_stack([side, tall]).astype(np.float32),
        boxes.look[order][starts],
        error.astype(np.float32),
        boxes.legend,
        0,
        boxes.stacked,
        np.column_stack([wide, *feet, *tops, gap, shape]).astype(np.float32),
    )


def _outside(boxes: Boxes, places: F64) -> F64:
    """How far (n, k) in plan ``places`` (n, k, 2) are from the box of their row."""
    axis = boxes.axis.astype(np.float64)[:, None]
    offset = places - boxes.centre[:, None, :2]
    along = np.einsum("nki,nki->nk", offset, np.broadcast_to(axis, offset.shape))
    across = offset[..., 1] * axis[..., 0] - offset[..., 0] * axis[..., 1]
    outside = np.abs(np.stack([along, across], axis=2)) - boxes.half[:, None, :2]
    return np.asarray(np.hypot(*np.moveaxis(np.maximum(outside, 0), 2, 0)), np.float64)
