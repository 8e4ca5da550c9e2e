"""What stands for features at levels where they are too many or too small to be drawn one by one.

Nothing is left out without a trace; every feature is counted in something that is drawn:

* lines (pipes) are snapped to a grid of 128 cells a tile (fewer where that is too much), class by
  class. Stretches that fall together are drawn once, at the mean place of their vertices, so
  networks stay connected.
* areas (buildings, BIM bodies) that span a cell of 64 a tile keep their outline, the largest of a
  class where several share a cell. Smaller ones become a square with their summed area about their
  common centroid, one a cell.
* points of a class become one point a cell of 64 a tile, at their mean place.

:func:`first_raw` tells from which level on features are drawn themselves. Arrays in, arrays out;
positions are in the CRS of a tile matrix set, lengths and areas in metres of the storage CRS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import shapely

from models.mvt.grid import DEEPEST, UNITS, TileMatrixSet
from models.mvt.net import lines
from models.mvt.shapes import Drawn, Ints, Shapes, cell_of, greatest, groups, sums

#: Most that a tile may hold of features themselves: about 400 kB, and what takes some 15 ms; areas
#: are made valid in the tile's units and take longer.
_MOST_BYTES: Final = 330_000
_MOST_FEATURES: Final = 2_500
_MOST_AREAS: Final = 1_000
#: Bytes of a feature's properties and of a vertex, as vector tiles have them.
_PROPERTIES: Final = 110
_VERTEX: Final = 3
#: Units that half of the features must span to be worth drawing, and nearly all: what spans less
#: than one is nothing in a tile.
_WORTH: Final = 6.0
_SEEN: Final = 1.5
_NEARLY: Final = 0.01
_CELLS: Final = 64
#: Least side of a square that stands for small areas, in cells: a dot can be seen.
_LEAST: Final = 0.25


def first_raw(shapes: Shapes, tms: TileMatrixSet, first: int) -> int:
    """The least level from ``first`` on where every tile takes its features as they are; one more
    than the deepest where there is none."""
    bounds = shapely.bounds(shapes.geometry)
    centre = (bounds[:, :2] + bounds[:, 2:]) / 2
    span = (bounds[:, 2:] - bounds[:, :2]).max(axis=1)
    typical, least = np.quantile(span, [0.5, _NEARLY]) if len(span) else (0.0, 0.0)
    worth = min(float(typical) / _WORTH, float(least) / _SEEN)
    points = not span.any()
    areas = shapely.get_dimensions(shapes.geometry).max(initial=0) == 2
    most = _MOST_AREAS if areas else _MOST_FEATURES
    weight = _PROPERTIES + _VERTEX * shapely.get_num_coordinates(shapes.geometry)
    for zoom in range(first, DEEPEST + 1):
        if not points and worth < tms.side(zoom) / UNITS:
            continue
        _, tile = np.unique(cell_of(centre, tms, tms.side(zoom)), axis=0, return_inverse=True)
        crowd = np.bincount(tile.ravel()).max(initial=0)
        load = np.bincount(tile.ravel(), weights=weight).max(initial=0)
        if crowd <= most and load <= _MOST_BYTES:
            return zoom
    return DEEPEST + 1


def drawn(shapes: Shapes, tms: TileMatrixSet, first: int, raw: int) -> Iterator[Drawn]:
    """What is drawn at the levels from ``raw - 1`` up to ``first``, finest level first."""
    zooms = range(raw - 1, first - 1, -1)
    dimension = shapely.get_dimensions(shapes.geometry).max(initial=0)
    if dimension == 1:
        yield from lines(shapes, tms, zooms)
    else:
        each = _points if dimension == 0 else _areas
        for zoom in zooms:
            yield each(shapes, tms, zoom)


def _points(shapes: Shapes, tms: TileMatrixSet, zoom: int) -> Drawn:
    xy = shapely.get_coordinates(shapes.geometry)
    cell = cell_of(xy, tms, tms.side(zoom) / _CELLS)
    group, first = groups(shapes.kind, cell[:, 0], cell[:, 1])
    count = np.bincount(group)
    mean = np.column_stack([np.bincount(group, weights=v) for v in xy.T]) / count[:, None]
    return Drawn(
        zoom,
        np.asarray(shapely.points(mean), object),
        shapes.kind[first],
        count.astype(np.int64),
        sums(group, shapes.measure, len(first)),
        greatest(group, shapes.size, len(first)),
    )


def _areas(shapes: Shapes, tms: TileMatrixSet, zoom: int) -> Drawn:
    side = tms.side(zoom) / _CELLS
    bounds = shapely.bounds(shapes.geometry)
    cell = cell_of((bounds[:, :2] + bounds[:, 2:]) / 2, tms, side)
    large = (bounds[:, 2:] - bounds[:, :2]).max(axis=1) >= side
    kept = _largest(shapes, cell, np.flatnonzero(large), side / 16, zoom)
    small = _squares(shapes, cell, np.flatnonzero(~large), side, zoom)
    return Drawn(
        zoom,
        *(
            np.concatenate([getattr(kept, name), getattr(small, name)])
            for name in ("geometry", "kind", "count", "measure", "size")
        ),
    )


def _largest(shapes: Shapes, cell: Ints, rows: Ints, tolerance: float, zoom: int) -> Drawn:
    rows = rows[np.argsort(-shapes.measure[rows], kind="stable")]
    group, first = groups(shapes.kind[rows], cell[rows, 0], cell[rows, 1])
    count = np.bincount(group, minlength=len(first)).astype(np.int64)
    chosen = rows[first]
    simple = shapely.simplify(shapes.geometry[chosen], tolerance, preserve_topology=True)
    return Drawn(
        zoom,
        np.asarray(simple, object),
        shapes.kind[chosen],
        count,
        sums(group, shapes.measure[rows], len(first)),
        greatest(group, shapes.size[rows], len(first)),
    )


def _squares(shapes: Shapes, cell: Ints, rows: Ints, side: float, zoom: int) -> Drawn:
    group, first = groups(cell[rows, 0], cell[rows, 1])
    number = len(first)
    geometry = shapes.geometry[rows]
    area = np.maximum(shapely.area(geometry), 1e-9)
    total = np.bincount(group, weights=area, minlength=number)
    centroid = shapely.get_coordinates(shapely.centroid(geometry))
    x, y = (np.bincount(group, weights=v * area, minlength=number) / total for v in centroid.T)
    half = np.clip(np.sqrt(total), _LEAST * side, side) / 2
    kind = shapes.kind[rows]
    least = np.full(number, np.iinfo(np.int64).max)
    np.minimum.at(least, group, kind)
    most = np.full(number, -1, np.int64)
    np.maximum.at(most, group, kind)
    return Drawn(
        zoom,
        np.asarray(shapely.box(x - half, y - half, x + half, y + half), object),
        np.where(least == most, most, -1),
        np.bincount(group, minlength=number).astype(np.int64),
        sums(group, shapes.measure[rows], number),
        greatest(group, shapes.size[rows], number),
    )
