"""Features as vector tiles draw them, and how they are put together by place and class."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from models.mvt.grid import TileMatrixSet

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Geometries = npt.NDArray[np.object_]
Rows = TypeVar("Rows", "Shapes", "Drawn")


@dataclass(frozen=True, slots=True)
class Shapes:
    """n features. ``geometry`` in the CRS of a tile matrix set; ``kind`` (n,) index of the class;
    ``measure`` (n,) length or area in metres of the storage CRS; ``size`` (n,) what the largest of
    is kept (NaN where unknown)."""

    geometry: Geometries
    kind: Ints
    measure: Array
    size: Array

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn at one level: as :class:`Shapes`, ``kind`` -1 where classes are mixed;
    ``count`` (n,) features that each stands for; ``block`` (n, 2) column and row of the block that
    it belongs to and is drawn anew with. A tile has ``cells`` and ``blocks`` a side."""

    zoom: int
    cells: int
    blocks: int
    geometry: Geometries
    kind: Ints
    count: Ints
    measure: Array
    size: Array
    block: Ints


def taken(given: Rows, rows: Any) -> Rows:
    """Those at ``rows`` (a slice, a mask or indices)."""
    values = ((f.name, getattr(given, f.name)) for f in fields(given))
    chosen: dict[str, Any] = {n: v if isinstance(v, int) else v[rows] for n, v in values}
    return type(given)(**chosen)


def cell_of(xy: Array, tms: TileMatrixSet, side: float) -> Ints:
    """Column and row (n, 2) of the grid of ``side`` that hangs on the set's origin."""
    scaled = np.column_stack([xy[:, 0] - tms.origin[0], tms.origin[1] - xy[:, 1]]) / side
    return np.floor(scaled).astype(np.int64)


def touched(bounds: Array, tms: TileMatrixSet, side: float, last: int) -> tuple[Ints, Ints]:
    """The cells of a grid of ``side`` that boxes (n, 4) touch: the index of the box (m,), and the
    cell's column and row (m, 2), each from nought to ``last``."""
    low = np.clip(cell_of(bounds[:, [0, 3]], tms, side), 0, last)
    high = np.clip(cell_of(bounds[:, [2, 1]], tms, side), 0, last)
    wide, tall = (high - low + 1).T
    number = wide * tall
    item = np.repeat(np.arange(len(number)), number)
    place = np.arange(len(item)) - np.repeat(np.cumsum(number) - number, number)
    return item, low[item] + np.column_stack([place % wide[item], place // wide[item]])


def boxes_of(cell: Ints, tms: TileMatrixSet, side: float) -> Array:
    """West, south, east, north (n, 4) of cells (n, 2) of the grid of ``side``."""
    west, north = tms.origin[0] + cell[:, 0] * side, tms.origin[1] - cell[:, 1] * side
    return np.column_stack([west, north - side, west + side, north])


def widened(bounds: Array, by: float) -> Array:
    """Boxes (n, 4) that reach further by so much on every side."""
    wide: Array = bounds + np.array([-by, -by, by, by])
    return wide


def groups(*columns: Ints) -> tuple[Ints, Ints]:
    """A number for every distinct row of the columns, row by row, and a first row of each."""
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        low = int(column.min(initial=0))
        key = key * (int(column.max(initial=0)) - low + 1) + (column - low)
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    return group.ravel(), first


def sums(group: Ints, values: Array, number: int) -> Array:
    """Sums (number,) of the values of each group."""
    return np.bincount(group, weights=values, minlength=number).astype(np.float64)


def counts(group: Ints, values: Ints, number: int) -> Ints:
    """Sums (number,) of the whole values of each group."""
    return np.bincount(group, weights=values, minlength=number).astype(np.int64)


def greatest(group: Ints, size: Array, number: int) -> Array:
    """Greatest size (number,) of each group, NaN where none is known."""
    out = np.full(number, -np.inf)
    np.maximum.at(out, group, np.where(np.isnan(size), -np.inf, size))
    return np.where(np.isinf(out), np.nan, out)
