"""Reference systems over HTTP (OGC 18-058r1): URIs, axis order, and the way to the storage CRS.

The datum of all of them is CGCS2000 or taken as equal to it (:mod:`models.horizontal`), so that
longitude and latitude pass between them unchanged; no "ballpark" operation is involved. Heights are
answered only in a CRS that has a third axis, as ellipsoidal heights; a CRS of two axes has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import shapely

from models.cql2.geometry import Corners, box_parts
from models.crs import (
    STORAGE,
    StorageCrs,
    area_of_use,
    geoid_height,
    inside_area,
    looks_swapped,
    to_storage,
)
from models.db.features_query import Heights
from models.errors import OutsideAreaError, TwinError
from models.horizontal import from_geodetic, parse
from twin.api.errors import STATUS

Array = npt.NDArray[np.float64]

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CRS84H: Final = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
_EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"

#: The epoch that coordinates of CGCS2000 refer to (EPSG datum 1043).
FRAME_EPOCH: Final = 2000.0
#: An edge of a filter's geometry is cut so that it may follow the curve it becomes.
_PIECES: Final = 64
_SHORTEST: Final = {True: 0.003, False: 300.0}
#: A point, a line and an area where nothing is stored: on the equator, in the storage CRS.
_ELSEWHERE: Final = (
    shapely.Point(0, 0),
    shapely.LineString([(0, 0), (1, 0)]),
    shapely.box(0, 0, 1, 1),
)
#: The geoid is looked up at so many places along each axis.
_PROBES: Final = 9


class CrsError(TwinError):
    """A reference system that is not offered, or coordinates that are not of it."""

    code = "CRS-01"


STATUS[CrsError] = 400


@dataclass(frozen=True, slots=True)
class Crs:
    """A reference system that is offered.

    ``srid`` is what PostGIS transforms to (CGCS2000 degrees, the storage CRS or Web Mercator),
    ``flipped`` tells that its first axis is north, ``height`` that its third axis is ellipsoidal
    height, ``degrees`` its unit in plan. One that is not ``listed`` is named among all of a twin,
    not by each collection.
    """

    uri: str
    srid: int
    flipped: bool = False
    height: bool = False
    degrees: bool = True
    digits: int = 8
    listed: bool = True


def offered(storage: StorageCrs = STORAGE) -> dict[str, Crs]:
    """Every CRS by URI; the first is the default, the last the storage CRS."""
    return {
        c.uri: c
        for c in (
            Crs(CRS84, 4490),
            Crs(CRS84H, 4490, height=True),
            Crs(f"{_EPSG}4326", 4490, flipped=True),
            Crs(f"{_EPSG}4490", 4490, flipped=True),
            # CRS84h tells the same, north second; the libraries of many clients do not know 4979,
            # and some (OGC's own test suite) try all that a collection lists and fail
            Crs(f"{_EPSG}4979", 4490, flipped=True, height=True, listed=False),
            Crs(f"{_EPSG}3857", 3857, degrees=False, digits=3),
            # the registry's axes of the 3-degree zones are X (north), Y (east)
            Crs(f"{_EPSG}{storage.srid}", storage.srid, flipped=True, degrees=False, digits=4),
        )
    }


def storage_uri(storage: StorageCrs = STORAGE) -> str:
    """URI of the storage CRS."""
    return f"{_EPSG}{storage.srid}"


#: Other ways in which clients write the same.
_ALIASES: Final = {
    "http://www.opengis.net/def/crs/OGC/0/CRS84": CRS84,
    "urn:ogc:def:crs:OGC:1.3:CRS84": CRS84,
    "urn:ogc:def:crs:OGC::CRS84": CRS84,
    "urn:ogc:def:crs:OGC::CRS84h": CRS84H,
    "OGC:CRS84": CRS84,
    "OGC:CRS84h": CRS84H,
}


def find_crs(parameter: str, text: str, storage: StorageCrs = STORAGE) -> Crs:
    """The CRS that ``text`` names: its URI, or the same as URN, safe CURIE or ``EPSG:…``.

    Raises :class:`CrsError`, with those offered.
    """
    known = offered(storage)
    plain = text.strip().removeprefix("[").removesuffix("]")
    uri = _ALIASES.get(plain, plain).replace("https://www.opengis.net", "http://www.opengis.net")
    for prefix in ("urn:ogc:def:crs:EPSG::", "EPSG:"):
        if uri.startswith(prefix):
            uri = f"{_EPSG}{uri.removeprefix(prefix)}"
    if (found := known.get(uri)) is not None:
        return found
    raise CrsError(
        f"{parameter}: found '{text}', expected one of {', '.join(known)}.",
        f"{parameter}：收到“{text}”，可用：{'、'.join(known)}。",
    )


def storage_geometry(
    shape: Any, crs: Crs, storage: StorageCrs = STORAGE, *, written: bool = True
) -> Any:
    """A shapely geometry of ``crs`` in the storage CRS.

    Its coordinates are in the order of ``crs``'s axes, or east first if not ``written`` so.
    Plan only: heights are left out. It is cut to where the storage CRS may be used, since nothing
    is stored outside; edges get further vertices so that they stay straight in ``crs``. Raises
    :class:`CrsError` as :func:`check_order`.
    """
    flat = shapely.force_2d(shape)
    if written:
        first, second = shapely.get_coordinates(flat).T
        check_order(first, second, crs, storage, "filter")
    if crs.flipped and written:
        flat = shapely.transform(flat, lambda c: c[:, ::-1])
    if crs.srid == storage.srid:
        return flat
    area = _area(crs, storage)
    if shapely.covers(area, flat):
        return _placed(flat, crs, storage)
    parts = shapely.get_parts(shapely.get_parts(flat))
    inside = shapely.intersection(parts, area)
    away = shapely.is_empty(inside)
    if away.all():
        return shapely.Polygon()
    flat = _placed(shapely.union_all(inside[~away]), crs, storage)
    if away.any() and shapely.covers(area, parts[~away]).all():
        # no feature may contain or equal it, which what is left of it would not tell
        dimensions = np.unique(shapely.get_dimensions(parts[away]))
        flat = shapely.union_all([flat, *(_ELSEWHERE[n] for n in dimensions)])
    return flat


def storage_box(
    corners: Corners, crs: Crs, storage: StorageCrs = STORAGE, *, parameter: str = "filter"
) -> Any:
    """The plan of a box in the storage CRS; ``corners`` as :func:`models.cql2.geometry.box_parts`
    takes them, in the order of ``crs``'s axes.

    Raises :class:`CrsError` as :func:`check_order`.
    """
    check_order(corners[::2], corners[1::2], crs, storage, parameter)
    parts = box_parts(corners, flipped=crs.flipped, degrees=crs.degrees)
    return shapely.union_all([storage_geometry(p, crs, storage, written=False) for p in parts])


def height_range(
    low: float, high: float, shape: Any, crs: Crs, n_offset: float, storage: StorageCrs = STORAGE
) -> Heights:
    """1985 heights that a range of heights of ``crs`` means at each place of ``shape`` (degrees).

    Heights of the storage CRS are 1985 heights already; others are ellipsoidal and become so by the
    geoid. A plane is taken for it, and the range is widened by what it is off (less than a
    centimetre across a town), so that nothing is missed.
    """
    if crs.srid == storage.srid:
        return Heights(low, high)
    west, south, east, north = shapely.bounds(shape)
    grid = np.meshgrid(np.linspace(west, east, _PROBES), np.linspace(south, north, _PROBES))
    lon, lat = (axis.ravel() for axis in grid)
    geoid = geoid_height(lon.copy(), lat.copy()) + n_offset
    x, y, _ = to_storage(lon, lat, None, "EPSG:4490", "1985", storage)
    # of numbers about the middle, since those of the storage CRS are large
    about = np.column_stack([x - x.mean(), y - y.mean(), np.ones_like(x)])
    (tilt_x, tilt_y, mean), *_ = np.linalg.lstsq(about, geoid, rcond=None)
    off = geoid - about @ (tilt_x, tilt_y, mean)
    there = mean - tilt_x * x.mean() - tilt_y * y.mean()
    return Heights(
        float(low - there - off.max()), float(high - there - off.min()), -tilt_x, -tilt_y
    )


def _placed(flat: Any, crs: Crs, storage: StorageCrs) -> Any:
    low_x, low_y, high_x, high_y = shapely.bounds(flat)
    size = max(high_x - low_x, high_y - low_y)
    flat = shapely.segmentize(flat, max(size / _PIECES, _SHORTEST[crs.degrees]))
    return shapely.transform(flat, lambda c: _to_storage(c, crs, storage))


def _to_storage(coordinates: Array, crs: Crs, storage: StorageCrs) -> Array:
    name: Literal["EPSG:3857", "EPSG:4490"] = "EPSG:3857" if crs.srid == 3857 else "EPSG:4490"
    x, y = coordinates.T
    try:
        east, north, _ = to_storage(x, y, None, name, "1985", storage)
    except OutsideAreaError as error:
        raise CrsError(error.en, error.zh) from error
    return np.column_stack([east, north])


@lru_cache(maxsize=64)
def _area(crs: Crs, storage: StorageCrs) -> Any:
    """Where the storage CRS may be used, in ``crs`` (east first)."""
    west, south, east, north = shapely.box(*area_of_use(storage)).buffer(-1e-6).bounds
    if crs.degrees:
        return shapely.box(west, south, east, north)
    x, y = from_geodetic(np.array([west, east]), np.array([south, north]), parse("EPSG:3857"))
    return shapely.box(x[0], y[0], x[1], y[1])


def check_order(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    crs: Crs,
    storage: StorageCrs,
    parameter: str,
    *,
    only: bool = False,
) -> None:
    """Refuse positions of latitudes that there are not, where the storage CRS's area is meant: with
    the axes the other way round, or in metres, they are in it. ``first`` and ``second`` are as
    written; ``crs`` is the ``only`` one where no ``<parameter>-crs`` can name another.

    Positions of the storage CRS are refused where :func:`models.crs.looks_swapped` says so. Others
    are left alone, since maps zoomed out ask for boxes larger than the Earth; nothing is there. So
    is a ``bbox`` in a CRS whose first axis is north: OGC's own test suite (ets-ogcapi-features10)
    writes it east first and expects an answer. Raises :class:`CrsError`.
    """
    if parameter == "bbox" and crs.flipped:
        return
    x, y = np.array(first, np.float64), np.array(second, np.float64)
    if crs.srid == storage.srid:
        _check_swapped(x, y, crs, storage, parameter)
        return
    north = x if crs.flipped else y
    beyond = np.abs(north) > 90
    if not crs.degrees or not beyond.any():
        return
    meant = np.zeros(int(beyond.sum()), bool)
    for name in ("EPSG:4490", "EPSG:3857", f"EPSG:{storage.srid}"):
        for x_, y_ in ((x, y), (y, x)):
            meant |= inside_area(x_[beyond], y_[beyond], name, storage)
    if meant.any():
        wrong = north[beyond][meant][0]
        raise CrsError(
            f"{parameter}: found the latitude {wrong:.12g}, expected one from -90 to 90. "
            f"Check the order of the coordinates{'' if only else f' and {parameter}-crs'}; they "
            f"are read as degrees, {'latitude' if crs.flipped else 'longitude'} first.",
            f"{parameter}：纬度 {wrong:.12g} 不在 -90 至 90 之间。"
            f"请检查坐标顺序{'' if only else f'与 {parameter}-crs'}；"
            f"当前按度读取，{'纬度' if crs.flipped else '经度'}在前。",
        )


def _check_swapped(x: Array, y: Array, crs: Crs, storage: StorageCrs, parameter: str) -> None:
    name = f"EPSG:{storage.srid}"
    if not looks_swapped(x, y, name, storage, axis="ne" if crs.flipped else "en"):
        return
    # the remedy names no axis: clients that turn boxes pass it on to who wrote them east first
    raise CrsError(
        f"{parameter}: found the position ({x[0]:.12g}, {y[0]:.12g}), read as "
        f"{'north, east' if crs.flipped else 'east, north'}, outside the area of {name}; with its "
        f"two numbers exchanged it is inside. Exchange them, or check {parameter}-crs.",
        f"{parameter}：坐标 ({x[0]:.12g}, {y[0]:.12g}) 按“{'北, 东' if crs.flipped else '东, 北'}”"
        f"读取，超出 {name} 的适用范围，两数对调后则在其内。请对调，或检查 {parameter}-crs。",
    )
