"""Areas that touch many tiles, cut on the way to them.

To clip an area of v vertices by each of its t tiles takes v t steps, and a hundred thousand tiles
of a lake hold its shore a hundred thousand times. Cut by coarse tiles first and what they hold by
finer ones, every vertex is met once a level: v log t steps, and tiles hold what is about them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from models.mvt.grid import TileMatrixSet
from models.mvt.shapes import Geometries, Ints, boxes_of, groups, widened

#: Vertices times tiles from which on an area is cut.
_WORTH: Final = 20_000
#: Levels between one cut and the next.
_STEP: Final = 2


def pieces(
    geometry: Geometries, item: Ints, tile: Ints, tms: TileMatrixSet, zoom: int
) -> Geometries:
    """What lies in and about each ``tile`` (m, 2) of area ``item`` (m,) of ``geometry`` (n,), in
    the same CRS: small areas whole, and large ones as far as a tile's side around it at least,
    None where nothing of them is there."""
    there = geometry[item]
    work = shapely.get_num_coordinates(geometry) * np.bincount(item, minlength=len(geometry))
    large = np.flatnonzero(work[item] > _WORTH)
    if not len(large):
        return there
    tile, side = tile[large], tms.side(zoom)
    which, held = np.unique(item[large], return_inverse=True)
    found = np.asarray(shapely.make_valid(geometry[which]), object)
    apart = int((tile.max(axis=0) - tile.min(axis=0)).max())
    for shift in range(apart.bit_length() - 1, 0, -_STEP):
        coarse = tile >> shift
        group, first = groups(held, coarse[:, 0], coarse[:, 1])
        frame = shapely.box(*widened(boxes_of(coarse[first], tms, side * 2**shift), side).T)
        found = polygons(shapely.intersection(found[held[first]], frame))
        held = group
    there[large] = found[held]
    return there


def polygons(mixed: npt.NDArray[np.object_]) -> Geometries:
    """The polygons of each, None where there is none."""
    out = np.full(len(mixed), None, dtype=object)
    parts, of = shapely.get_parts(mixed, return_index=True)
    plain = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    shapely.multipolygons(parts[plain], indices=of[plain], out=out)
    return out
