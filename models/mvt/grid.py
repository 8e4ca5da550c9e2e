"""Tile matrix sets: WebMercatorQuad, and one quadtree in the storage CRS.

The model and its words are those of OGC 17-083r4, *Two Dimensional Tile Matrix Set and Tile Set
Metadata*: level 0 is one square tile, every level halves the cells, rows count down from the top
left corner. A scale denominator is the cell in metres over the standard's pixel of 0.28 mm
(clause 6.1.1). WebMercatorQuad is that of annex D.1.

The storage CRS's own set, ``EPSG4549Quad`` by default, has cells of powers of two metres: 1 m at
level 15. Its level 0 spans 2^23 m about the central meridian (the false easting), downwards from a
northing of 2^23 m, so that one rule serves every transverse Mercator zone north of the equator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from pyproj import CRS

from models.crs import StorageCrs, storage_to_geodetic, to_storage

Array = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

#: Side of a tile in cells, and in the units of a vector tile (MVT 2.1, *extent*).
CELLS: Final = 256
UNITS: Final = 4096
#: Units around a tile in which features are still drawn, so that outlines have no seams.
MARGIN: Final = 64
#: Deepest level served: cells of 0.15 m and 0.03 m.
DEEPEST: Final = 20
#: Metres of a rendering pixel, OGC 17-083r4 clause 6.1.1.
PIXEL: Final = 0.00028
_HALF_WORLD: Final = 20037508.342789244
_RADIUS: Final = 6378137.0


@dataclass(frozen=True, slots=True)
class TileMatrixSet:
    """A quadtree of square tiles in ``EPSG:srid``.

    ``origin`` is its top left corner and ``span`` the side of level 0, both (east, north) metres;
    ``axes`` are the CRS's axes in its own order and ``northing_first`` says which that is; ``uri``
    names the set where a register knows it.
    """

    id: str
    title_zh: str
    title_en: str
    srid: int
    origin: tuple[float, float]
    span: float
    axes: tuple[str, str]
    northing_first: bool
    uri: str | None = None

    def cell(self, zoom: int) -> float:
        """Side of a cell at a level, metres of the CRS."""
        return self.span / CELLS / 2.0**zoom

    def side(self, zoom: int) -> float:
        """Side of a tile at a level, metres of the CRS."""
        return self.span / 2.0**zoom

    def box(self, zoom: int, row: int, col: int) -> Box:
        """West, south, east, north of a tile in the CRS."""
        side = self.side(zoom)
        west, north = self.origin[0] + col * side, self.origin[1] - row * side
        return west, north - side, west + side, north

    def limits(self, zoom: int, box: Box) -> tuple[int, int, int, int]:
        """Least and greatest row, least and greatest column of the tiles that meet ``box``."""
        side, last = self.side(zoom), 2**zoom - 1
        west, south, east, north = box
        rows = (self.origin[1] - north) / side, (self.origin[1] - south) / side
        cols = (west - self.origin[0]) / side, (east - self.origin[0]) / side
        least, greatest, left, right = (int(np.clip(np.floor(v), 0, last)) for v in (*rows, *cols))
        return least, greatest, left, right

    def first_zoom(self, box: Box) -> int:
        """The level from which ``box`` is worth a tile: it spans a sixteenth of one."""
        width = max(box[2] - box[0], box[3] - box[1], 1.0)
        return int(np.clip(np.ceil(np.log2(self.span / 16 / width)), 0, DEEPEST))


@lru_cache(maxsize=8)
def tile_matrix_sets(storage: StorageCrs) -> Mapping[str, TileMatrixSet]:
    """The sets that tiles are served in, by id."""
    web = TileMatrixSet(
        "WebMercatorQuad",
        "网络墨卡托四叉树",
        "Google Maps Compatible for the World",
        3857,
        (-_HALF_WORLD, _HALF_WORLD),
        2 * _HALF_WORLD,
        ("X", "Y"),
        False,
        "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
    )
    crs = CRS.from_epsg(storage.srid)
    operation = crs.coordinate_operation
    easting = next(
        (p.value for p in operation.params if p.name == "False easting") if operation else iter(()),
        500_000.0,
    )
    axes = tuple(axis.abbrev for axis in crs.axis_info)
    own = TileMatrixSet(
        f"EPSG{storage.srid}Quad",
        f"存储坐标系四叉树（{crs.name}）",
        f"Quadtree in the storage CRS, {crs.name}; cells of 1 m at level 15",
        storage.srid,
        (float(easting) - 2.0**22, 2.0**23),
        2.0**23,
        (axes[0], axes[1]),
        crs.axis_info[0].direction == "north",
    )
    return MappingProxyType({web.id: web, own.id: own})


def project(tms: TileMatrixSet, xy: Array, storage: StorageCrs) -> Array:
    """Storage positions (n, 2) in the CRS of ``tms``, east first.

    CGCS2000 and WGS 84 count as equal in plan, as everywhere here (:mod:`models.crs`). Raises
    :class:`models.errors.OutsideAreaError` for positions that cannot be transformed.
    """
    if tms.srid == storage.srid or not len(xy):
        return xy
    lon, lat, _ = storage_to_geodetic(xy[:, 0], xy[:, 1], np.zeros(len(xy)), storage)
    # spherical Mercator of geodetic latitudes, EPSG method 1024
    north = np.arctanh(np.sin(np.radians(lat)))
    return _RADIUS * np.column_stack([np.radians(lon), north])


def unproject(tms: TileMatrixSet, xy: Array, storage: StorageCrs) -> Array:
    """Positions (n, 2) in the CRS of ``tms`` as storage positions. Raises as :func:`project`."""
    if tms.srid == storage.srid or not len(xy):
        return xy
    lon, lat = to_degrees(tms, xy, storage)
    east, north, _ = to_storage(lon, lat, None, "OGC:CRS84", "1985", storage)
    return np.column_stack([east, north])


def to_degrees(tms: TileMatrixSet, xy: Array, storage: StorageCrs) -> tuple[Array, Array]:
    """Longitudes and latitudes (n,) of positions (n, 2) in the CRS of ``tms``."""
    if tms.srid == storage.srid:
        lon, lat, _ = storage_to_geodetic(xy[:, 0], xy[:, 1], np.zeros(len(xy)), storage)
        return lon, lat
    scaled = xy / _RADIUS
    return np.degrees(scaled[:, 0]), np.degrees(np.arcsin(np.tanh(scaled[:, 1])))


def frame(box: Box) -> Array:
    """Nine positions (9, 2) on and within a box: what a map between two CRSs is fitted on."""
    x, y = np.linspace(box[0], box[2], 3), np.linspace(box[1], box[3], 3)
    return np.column_stack([np.tile(x, 3), np.repeat(y, 3)])


def box_of(tms: TileMatrixSet, degrees: Sequence[float], storage: StorageCrs) -> Box:
    """The box in the CRS of ``tms`` of west, south, east, north in degrees.

    Raises :class:`models.errors.OutsideAreaError` for degrees outside the storage CRS's area.
    """
    west, south, east, north = degrees
    place = frame((west, south, east, north))
    x, y, _ = to_storage(place[:, 0], place[:, 1], None, "OGC:CRS84", "1985", storage)
    return bounds_of(project(tms, np.column_stack([x, y]), storage))


def bounds_of(xy: Array) -> Box:
    """West, south, east, north of positions (n, 2)."""
    west, south = xy.min(axis=0).tolist()
    east, north = xy.max(axis=0).tolist()
    return west, south, east, north


@dataclass(frozen=True, slots=True)
class Affine:
    """``x' = a x + b y + dx``, ``y' = d x + e y + dy`` from the storage CRS to units of a tile, y
    upwards; ``error`` is the most it is off on the places it was fitted on, in units."""

    a: float
    b: float
    d: float
    e: float
    dx: float
    dy: float
    error: float


def affine(
    tms: TileMatrixSet, zoom: int, row: int, col: int, extent: Box, storage: StorageCrs
) -> Affine:
    """The map from the storage CRS into a tile, fitted by least squares where the tile meets
    ``extent`` (in the CRS of ``tms``), which it must.

    Two conformal projections differ within a tile by a similarity and a bend that shrinks with the
    tile: below one unit from level 12 of WebMercatorQuad on at 31° N, nothing in the storage CRS.
    One multiplication a vertex takes the place of a transformation, which would be most of the
    time that a tile takes. Raises as :func:`unproject`.
    """
    box = tms.box(zoom, row, col)
    west, south = max(box[0], extent[0]), max(box[1], extent[1])
    # an extent of one point has no map; a cell about it has
    least = tms.cell(zoom)
    east, north = min(box[2], extent[2]), min(box[3], extent[3])
    place = frame((west, south, max(east, west + least), max(north, south + least)))
    scale = UNITS / tms.side(zoom)
    there = (place - [box[0], box[1]]) * scale
    here = unproject(tms, place, storage)
    origin = here.mean(axis=0)
    system = np.column_stack([here - origin, np.ones(len(here))])
    fitted, *_ = np.linalg.lstsq(system, there, rcond=None)
    error = float(np.abs(system @ fitted - there).max())
    (a, d), (b, e), (dx, dy) = fitted.tolist()
    dx, dy = dx - a * origin[0] - b * origin[1], dy - d * origin[0] - e * origin[1]
    return Affine(a, b, d, e, float(dx), float(dy), error)
