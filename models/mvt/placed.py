"""What is drawn at a level, brought into the tiles that it touches.

Positions become whole units of the tile, y downwards, clipped with a margin, as they are sent (MVT
2.1, clause 4.3): no step of length nought, areas valid, their outer rings of positive area. Most of
what is drawn lies within one tile and stays sound when it is rounded; only the rest is worked over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from models.mvt.grid import MARGIN, UNITS, TileMatrixSet
from models.mvt.shapes import Array, Drawn, Geometries, Ints, boxes_of, touched, widened

_LOW: Final = -MARGIN
_HIGH: Final = UNITS + MARGIN
#: Half the side of a dot, in units: what would vanish is drawn as one.
_DOT: Final = 2


@dataclass(frozen=True, slots=True)
class Placed:
    """n things in tiles, in the order of tiles: ``item`` (n,) index of what is drawn, ``tile``
    (n, 2) column and row of a tile that it touches, ``geometry`` in that tile's units."""

    item: Ints
    tile: Ints
    geometry: Geometries


def placed(level: Drawn, tms: TileMatrixSet) -> Placed:
    """Everything that is drawn at a level in every tile that it touches, margin included."""
    side = tms.side(level.zoom)
    reach = widened(shapely.bounds(level.geometry), side * MARGIN / UNITS)
    item, tile = touched(reach, tms, side, 2**level.zoom - 1)
    order = np.lexsort((item, tile[:, 0], tile[:, 1]))
    item, tile = item[order], tile[order]
    there = level.geometry[item]
    if not len(there):
        return Placed(item, tile, there)
    corner = boxes_of(tile, tms, side)[:, [0, 3]]
    xy, of = shapely.get_coordinates(there, return_index=True)
    xy = (xy - corner[of]) * [UNITS / side, -UNITS / side]
    fit = (_points, _lines, _areas)[int(shapely.get_dimensions(there).max())]
    fitted = fit(there, xy, of)
    seen = ~shapely.is_missing(fitted)
    return Placed(item[seen], tile[seen], fitted[seen])


def _points(_there: Geometries, xy: Array, _of: Ints) -> Geometries:
    xy = np.rint(xy)
    found = np.asarray(shapely.points(xy), object)
    found[_beyond(xy, xy)] = None
    return found


def _lines(there: Geometries, xy: Array, _of: Ints) -> Geometries:
    moved = np.asarray(shapely.set_coordinates(there, xy), object)
    bounds = shapely.bounds(moved)
    out = _beyond(bounds[:, :2], bounds[:, 2:])
    moved[out] = shapely.clip_by_rect(moved[out], _LOW, _LOW, _HIGH, _HIGH)
    parts, of = shapely.get_parts(moved, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    xy = np.rint(xy)
    moves = np.r_[True, (part[1:] != part[:-1]) | (xy[1:] != xy[:-1]).any(axis=1)][: len(xy)]
    xy, part = xy[moves], part[moves]
    long = np.bincount(part, minlength=len(parts))[part] > 1
    kept, part = np.unique(part[long], return_inverse=True)
    found = np.full(len(moved), None, dtype=object)
    lines = np.asarray(shapely.linestrings(xy[long], indices=part), object)
    shapely.multilinestrings(lines, indices=of[kept], out=found)
    gone, centre = _vanished(found, bounds)
    dash = np.array([[-_DOT, 0], [_DOT, 0]])
    found[gone] = shapely.linestrings(centre[:, None] + dash)
    return found


def _areas(there: Geometries, xy: Array, of: Ints) -> Geometries:
    exact, xy = xy, np.rint(xy)
    odd_ones = there.copy()
    found = np.asarray(shapely.set_coordinates(there, xy), object)
    bounds = shapely.bounds(found)
    odd = _beyond(bounds[:, :2], bounds[:, 2:]) | ~shapely.is_valid(found)
    odd[of[1:][(of[1:] == of[:-1]) & (xy[1:] == xy[:-1]).all(axis=1)]] = True
    if odd.any():
        whole = shapely.make_valid(shapely.set_coordinates(odd_ones[odd], exact[odd[of]]))
        frame = shapely.box(_LOW, _LOW, _HIGH, _HIGH)
        found[odd] = _polygons(shapely.intersection(whole, frame, grid_size=1.0))
    gone, centre = _vanished(found, bounds)
    found[gone] = shapely.box(*(centre - _DOT).T, *(centre + _DOT).T)
    return np.asarray(shapely.orient_polygons(found), object)


def _polygons(mixed: npt.NDArray[np.object_]) -> Geometries:
    """The polygons of each, None where there is none."""
    out = np.full(len(mixed), None, dtype=object)
    parts, of = shapely.get_parts(mixed, return_index=True)
    plain = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    shapely.multipolygons(parts[plain], indices=of[plain], out=out)
    return out


def _beyond(low: Array, high: Array) -> npt.NDArray[np.bool_]:
    return np.asarray((low < _LOW).any(axis=1) | (high > _HIGH).any(axis=1))


def _vanished(found: Geometries, bounds: Array) -> tuple[npt.NDArray[np.bool_], Array]:
    """What is too thin to be seen in the tile that its middle lies in, and those middles (m, 2)."""
    middle = np.rint((bounds[:, :2] + bounds[:, 2:]) / 2)
    within = (middle >= 0).all(axis=1) & (middle < UNITS).all(axis=1)
    gone = shapely.is_missing(found) & within
    return gone, middle[gone]
