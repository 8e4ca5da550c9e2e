"""What stands for features at levels where they are too many or too small to be drawn one by one.

Nothing is left out without a trace; every feature is counted in something that is drawn:

* lines (pipes) are snapped to a grid of 128 cells a tile (fewer where that is too much), class by
  class. Stretches that fall together are drawn once, at the mean place of their vertices, so
  networks stay connected.
* areas (buildings, BIM bodies) that span a cell of 64 a tile keep their outline, the largest of a
  class where several share a cell. Smaller ones become a square with their summed area about their
  common centroid, one a cell.
* points of a class become one point a cell of 64 a tile (fewer where that is too much), at their
  mean place.

What is drawn in a block of a level follows from the features in and beside that block alone, so
that a change is followed without reading all others (:mod:`models.db.mvt_changes`).

:func:`first_raw` tells from which level on features are drawn themselves. Arrays in, arrays out;
positions are in the CRS of a tile matrix set, lengths and areas in metres of the storage CRS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import shapely

from models.mvt.areas import CELLS, areas
from models.mvt.grid import DEEPEST, UNITS, TileMatrixSet
from models.mvt.net import lines
from models.mvt.shapes import (
    Drawn,
    Ints,
    Shapes,
    cell_of,
    greatest,
    groups,
    sums,
)

#: Most that a tile may hold of features themselves: about 400 kB, and what takes some 15 ms; areas
#: are made valid in the tile's units and take longer.
_MOST_BYTES: Final = 330_000
_MOST_FEATURES: Final = 2_500
_MOST_AREAS: Final = 1_000
#: Bytes of a feature's properties and of a vertex, as vector tiles have them.
_PROPERTIES: Final = 110
_VERTEX: Final = 3
#: Tiles that an overview may be drawn in at a level, and how many more for each feature: a lake
#: beside a crowd would fill millions at levels that draw the crowd apart.
_MOST_TILES: Final = 300_000
_TILES_EACH: Final = 4
#: Units that half of the features must span to be worth drawing, and nearly all: what spans less
#: than one is nothing in a tile.
_WORTH: Final = 6.0
_SEEN: Final = 1.5
_NEARLY: Final = 0.01
#: A crowded tile has a coarser grid of points until it holds so few (80 kB).
_MOST_POINTS: Final = 4_000
_LEAST_CELLS: Final = 8
_UNKNOWN: Final[Mapping[int, int]] = MappingProxyType({})


def first_raw(shapes: Shapes, tms: TileMatrixSet, first: int) -> int:
    """The least level from ``first`` on where every tile takes its features as they are, or where
    an overview would be drawn in too many tiles; one more than the deepest where there is none.
    """
    bounds = shapely.bounds(shapes.geometry)
    span = (bounds[:, 2:] - bounds[:, :2]).max(axis=1)
    typical, least = np.quantile(span, [0.5, _NEARLY]) if len(span) else (0.0, 0.0)
    worth = min(float(typical) / _WORTH, float(least) / _SEEN)
    points = not span.any()
    for zoom in range(first, DEEPEST + 1):
        if (points or worth >= tms.side(zoom) / UNITS) and not crowded(shapes, tms, zoom):
            return zoom
        across = (bounds[:, 2:] - bounds[:, :2]) / tms.side(zoom) + 1
        if across.prod(axis=1).sum() > _MOST_TILES + _TILES_EACH * len(shapes):
            return zoom
    return DEEPEST + 1


def crowded(shapes: Shapes, tms: TileMatrixSet, zoom: int) -> bool:
    """Whether a tile of the level holds more than it may of features themselves."""
    if not len(shapes):
        return False
    bounds = shapely.bounds(shapes.geometry)
    cell = cell_of((bounds[:, :2] + bounds[:, 2:]) / 2, tms, tms.side(zoom))
    tile, first = groups(cell[:, 0], cell[:, 1])
    most = _MOST_AREAS if _dimension(shapes) == 2 else _MOST_FEATURES
    vertices = shapely.get_num_coordinates(shapes.geometry).astype(np.float64)
    weight = _PROPERTIES + _VERTEX * vertices
    load = sums(tile, weight, len(first))
    return bool(np.bincount(tile).max() > most or load.max() > _MOST_BYTES)


def drawn(
    shapes: Shapes,
    tms: TileMatrixSet,
    first: int,
    raw: int,
    cells: Mapping[int, int] = _UNKNOWN,
) -> Iterator[Drawn]:
    """What is drawn at the levels from ``raw - 1`` up to ``first``, finest level first. ``cells``
    gives the cells a side of a tile at levels where they are known."""
    zooms = range(raw - 1, first - 1, -1)
    match _dimension(shapes):
        case 0:
            yield from (_points(shapes, tms, zoom, cells.get(zoom)) for zoom in zooms)
        case 1:
            yield from lines(shapes, tms, zooms, cells)
        case _:
            yield from areas(shapes, tms, zooms)


def _dimension(shapes: Shapes) -> int:
    return int(shapely.get_dimensions(shapes.geometry).max(initial=0))


def _points(shapes: Shapes, tms: TileMatrixSet, zoom: int, wanted: int | None) -> Drawn:
    xy = shapely.get_coordinates(shapes.geometry)
    cell: Ints = cell_of(xy, tms, tms.side(zoom) / CELLS)
    made = CELLS
    while True:
        group, first = groups(shapes.kind, cell[:, 0], cell[:, 1])
        tile, _ = groups(*(cell[first] // made).T)
        much = made > wanted if wanted else np.bincount(tile).max() > _MOST_POINTS
        if made == _LEAST_CELLS or not much:
            break
        cell, made = cell >> 1, made // 2
    count = np.bincount(group, minlength=len(first))
    mean = np.column_stack([sums(group, v, len(first)) for v in xy.T]) / count[:, None]
    return Drawn(
        zoom,
        made,
        made,
        np.asarray(shapely.points(mean), object),
        shapes.kind[first],
        count.astype(np.int64),
        sums(group, shapes.measure, len(first)),
        greatest(group, shapes.size, len(first)),
        cell[first],
    )
