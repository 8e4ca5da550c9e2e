"""What is drawn at a level, brought into the tiles that it touches.

Positions become whole units of the tile, y downwards, clipped with a margin, as they are sent (MVT
2.1, clause 4.3): no step of length nought, areas valid, their outer rings of positive area. Most of
what is drawn lies within one tile and stays sound when it is rounded; only the rest is worked over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from models.mvt.grid import MARGIN, UNITS, TileMatrixSet
from models.mvt.pieces import pieces, polygons
from models.mvt.shapes import Array, Drawn, Geometries, Ints, boxes_of, touched, widened

_LOW: Final = -MARGIN
_HIGH: Final = UNITS + MARGIN
#: Half the side of a dot, in units: what would vanish is drawn as one.
_DOT: Final = 2
#: Vertices that are worked over together.
_BULK: Final = 200_000


@dataclass(frozen=True, slots=True)
class Placed:
    """n things in tiles, in the order of tiles: ``item`` (n,) index of what is drawn, ``tile``
    (n, 2) column and row of a tile that it touches, ``geometry`` in that tile's units."""

    item: Ints
    tile: Ints
    geometry: Geometries


def placed(level: Drawn, tms: TileMatrixSet) -> Iterator[Placed]:
    """Everything that is drawn at a level in every tile that it touches, margin included: in bulks
    of bounded size, tile by tile."""
    side = tms.side(level.zoom)
    bounds = shapely.bounds(level.geometry)
    reach = widened(bounds, side * MARGIN / UNITS)
    item, tile = touched(reach, tms, side, 2**level.zoom - 1)
    order = np.lexsort((item, tile[:, 0], tile[:, 1]))
    item, tile = item[order], tile[order]
    dimension = int(shapely.get_dimensions(level.geometry).max(initial=0))
    fit = (_points, _lines, _areas)[dimension]
    if dimension == 2:
        there = pieces(level.geometry, item, tile, tms, level.zoom)
    else:
        there = level.geometry[item]
    units = np.array([UNITS / side, -UNITS / side])
    for bulk in _bulks(shapely.get_num_coordinates(there)):
        corner = boxes_of(tile[bulk], tms, side)[:, [0, 3]]
        xy, of = shapely.get_coordinates(there[bulk], return_index=True)
        xy = (xy - corner[of]) * units
        # y is turned over, so that the upper corner has the lesser one
        low, high = ((bounds[item[bulk]][:, at] - corner) * units for at in ([0, 3], [2, 1]))
        fitted = fit(there[bulk], xy, of, low, high)
        seen = ~shapely.is_missing(fitted)
        yield Placed(item[bulk][seen], tile[bulk][seen], fitted[seen])


def _bulks(vertices: npt.NDArray[np.integer[Any]]) -> Iterator[slice]:
    """Runs of what has so many ``vertices`` (n,), each of bounded size unless it is of one."""
    upto, first = np.cumsum(vertices), 0
    while first < len(upto):
        most = upto[first] - vertices[first] + _BULK
        last = max(first + 1, int(np.searchsorted(upto, most, side="right")))
        yield slice(first, last)
        first = last


def _points(_there: Geometries, xy: Array, _of: Ints, _low: Array, _high: Array) -> Geometries:
    xy = np.rint(xy)
    found = np.asarray(shapely.points(xy), object)
    found[_beyond(xy, xy)] = None
    return found


def _lines(there: Geometries, xy: Array, _of: Ints, low: Array, high: Array) -> Geometries:
    moved = np.asarray(shapely.set_coordinates(there, xy), object)
    out = _beyond(low, high)
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
    gone, centre = _vanished(found, low, high)
    dash = np.array([[-_DOT, 0], [_DOT, 0]])
    found[gone] = shapely.linestrings(centre[:, None] + dash)
    return found


def _areas(there: Geometries, xy: Array, of: Ints, low: Array, high: Array) -> Geometries:
    exact, xy = xy, np.rint(xy)
    low, high = np.rint(low), np.rint(high)
    odd_ones = there.copy()
    found = np.asarray(shapely.set_coordinates(there, xy), object)
    odd = _beyond(low, high) | ~shapely.is_valid(found)
    odd[of[1:][(of[1:] == of[:-1]) & (xy[1:] == xy[:-1]).all(axis=1)]] = True
    if odd.any():
        exactly = shapely.set_coordinates(odd_ones[odd], exact[odd[of]])
        whole = np.asarray(shapely.make_valid(exactly), object)
        frame = shapely.box(_LOW, _LOW, _HIGH, _HIGH)
        part = ~np.asarray(shapely.covers(whole, frame))
        whole[part] = shapely.intersection(whole[part], frame, grid_size=1.0)
        whole[~part] = frame
        found[odd] = polygons(whole)
    gone, centre = _vanished(found, low, high)
    found[gone] = shapely.box(*(centre - _DOT).T, *(centre + _DOT).T)
    return np.asarray(shapely.orient_polygons(found), object)


def _beyond(low: Array, high: Array) -> npt.NDArray[np.bool_]:
    return np.asarray((low < _LOW).any(axis=1) | (high > _HIGH).any(axis=1))


def _vanished(found: Geometries, low: Array, high: Array) -> tuple[npt.NDArray[np.bool_], Array]:
    """What is too thin to be seen in the tile that its middle lies in, and those middles (m, 2)."""
    middle = np.rint((low + high) / 2)
    within = (middle >= 0).all(axis=1) & (middle < UNITS).all(axis=1)
    gone = shapely.is_missing(found) & within
    return gone, middle[gone]
