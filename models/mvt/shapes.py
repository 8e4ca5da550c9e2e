"""Features as vector tiles draw them, and how they are put together by place and class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.mvt.grid import TileMatrixSet

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Geometries = npt.NDArray[np.object_]


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
    ``count`` (n,) features that each stands for."""

    zoom: int
    geometry: Geometries
    kind: Ints
    count: Ints
    measure: Array
    size: Array


def cell_of(xy: Array, tms: TileMatrixSet, side: float) -> Ints:
    """Column and row (n, 2) of the grid of ``side`` that hangs on the set's origin."""
    scaled = np.column_stack([xy[:, 0] - tms.origin[0], tms.origin[1] - xy[:, 1]]) / side
    return np.floor(scaled).astype(np.int64)


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


def greatest(group: Ints, size: Array, number: int) -> Array:
    """Greatest size (number,) of each group, NaN where none is known."""
    out = np.full(number, -np.inf)
    np.maximum.at(out, group, np.where(np.isnan(size), -np.inf, size))
    return np.where(np.isinf(out), np.nan, out)
