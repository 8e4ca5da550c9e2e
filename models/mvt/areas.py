"""Areas of low levels: outlines, and squares for what is smaller than a cell
(:mod:`models.mvt.overview`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import shapely

from models.mvt.grid import TileMatrixSet
from models.mvt.shapes import (
    Array,
    Drawn,
    Ints,
    Shapes,
    cell_of,
    counts,
    greatest,
    groups,
    sums,
    taken,
)

#: Cells a side of a tile.
CELLS: Final = 64
#: Least side of a square that stands for small areas, in cells: a dot can be seen.
_LEAST: Final = 0.25
#: Outlines may move by so much, in cells.
_TOLERANCE: Final = 1 / 16
#: Outlines of so few corners stay as they are.
_PLAIN: Final = 9


@dataclass(slots=True)
class _Small:
    """What is drawn as one square each: sums over the features of a cell, and the least and the
    greatest of their classes."""

    cell: Ints  # (n, 2)
    area: Array
    moment: Array  # (n, 2) sum of centroids, each by its area
    count: Ints
    measure: Array
    size: Array
    least: Ints
    most: Ints

    def joined(self) -> _Small:
        """One for each cell."""
        group, first = groups(self.cell[:, 0], self.cell[:, 1])
        number = len(first)
        least = np.full(number, np.iinfo(np.int64).max)
        np.minimum.at(least, group, self.least)
        most = np.full(number, -1, np.int64)
        np.maximum.at(most, group, self.most)
        return _Small(
            self.cell[first],
            sums(group, self.area, number),
            np.column_stack([sums(group, v, number) for v in self.moment.T]),
            counts(group, self.count, number),
            sums(group, self.measure, number),
            greatest(group, self.size, number),
            least,
            most,
        )

    def and_(self, other: _Small) -> _Small:
        """These and others."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(_Small))
        return _Small(*(np.concatenate(pair) for pair in pairs))

    def drawn(self, zoom: int, side: float) -> Drawn:
        """Squares of the summed areas about the common centroids."""
        x, y = (self.moment / self.area[:, None]).T
        half = np.clip(np.sqrt(self.area), _LEAST * side, side) / 2
        return Drawn(
            zoom,
            CELLS,
            CELLS,
            np.asarray(shapely.box(x - half, y - half, x + half, y + half), object),
            np.where(self.least == self.most, self.most, -1),
            self.count,
            self.measure,
            self.size,
            self.cell,
        )


def areas(shapes: Shapes, tms: TileMatrixSet, zooms: range) -> Iterator[Drawn]:
    """What is drawn of areas at the levels ``zooms``, finest first, each twice as coarse."""
    bounds = shapely.bounds(shapes.geometry)
    span = (bounds[:, 2:] - bounds[:, :2]).max(axis=1)
    order = np.argsort(span, kind="stable")
    shapes, span = taken(shapes, order), span[order]
    centre = ((bounds[:, :2] + bounds[:, 2:]) / 2)[order]
    small, known = None, 0
    for zoom in zooms:
        side = tms.side(zoom) / CELLS
        least = int(np.searchsorted(span, side))  # from here on they span a cell
        cell = cell_of(centre[known:], tms, side)
        fresh = _small(taken(shapes, slice(known, least)), cell[: least - known])
        if small is not None:
            small.cell = small.cell >> 1
            fresh = small.and_(fresh)
        small = fresh.joined()
        large = _largest(taken(shapes, slice(least, None)), cell[least - known :], side, zoom)
        squares = small.drawn(zoom, side)
        pairs = ((getattr(large, f.name), getattr(squares, f.name)) for f in fields(Drawn)[3:])
        yield Drawn(zoom, CELLS, CELLS, *(np.concatenate(pair) for pair in pairs))
        known = least


def _small(shapes: Shapes, cell: Ints) -> _Small:
    area = np.maximum(shapely.area(shapes.geometry), 1e-9)
    moment = shapely.get_coordinates(shapely.centroid(shapes.geometry)) * area[:, None]
    one, kind = np.ones(len(shapes), np.int64), shapes.kind
    return _Small(cell, area, moment, one, shapes.measure, shapes.size, kind, kind)


def _largest(shapes: Shapes, cell: Ints, side: float, zoom: int) -> Drawn:
    """The largest of every class in a cell, which stands for the others."""
    order = np.argsort(-shapes.measure, kind="stable")
    shapes, cell = taken(shapes, order), cell[order]
    group, first = groups(shapes.kind, cell[:, 0], cell[:, 1])
    number = len(first)
    simple = shapes.geometry[first]
    many = shapely.get_num_coordinates(simple) > _PLAIN
    simple[many] = shapely.simplify(simple[many], side * _TOLERANCE, preserve_topology=True)
    return Drawn(
        zoom,
        CELLS,
        CELLS,
        simple,
        shapes.kind[first],
        np.bincount(group, minlength=number).astype(np.int64),
        sums(group, shapes.measure, number),
        greatest(group, shapes.size, number),
        cell[first],
    )
