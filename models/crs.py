"""The one place that decides axis order, datums and heights.

Inside the project coordinates are always east, north (or longitude, latitude) and heights are 1985
normal heights in metres; :class:`StorageCrs` is the projected CRS they are kept in. Everything
takes and gives arrays and raises :class:`DatumError` rather than guess: see
:mod:`models.horizontal` for the datums that are accepted and :mod:`models.vertical` for heights.
Transformers are built once a process and thread, which pyproj looks after.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from models import distortion
from models import horizontal as _horizontal
from models.errors import DatumError, OutsideAreaError, StorageCrsError
from models.geocentric import ecef_to_geodetic, enu_frame, geodetic_to_ecef
from models.horizontal import same as same_horizontal
from models.horizontal import split as split_crs
from models.proj import run
from models.vertical import VerticalDatum, VerticalKind, geoid_height, geoid_step

__all__ = [
    "STORAGE",
    "StorageCrs",
    "VerticalDatum",
    "VerticalKind",
    "area_of_use",
    "ecef_to_geodetic",
    "enu_frame",
    "geodetic_to_ecef",
    "geoid_height",
    "inside_area",
    "jacobian",
    "looks_swapped",
    "same_horizontal",
    "split_crs",
    "storage_to_ecef",
    "storage_to_geodetic",
    "to_storage",
]

Array = npt.NDArray[np.float64]
Axis = Literal["en", "ne"]

#: Degrees that coordinates may lie outside a CRS's area of use: a project at the border of a
#: 3-degree zone stays in one zone, and one degree further the projection is still exact enough.
AREA_MARGIN: Final = 1.0

#: Largest errors of scale (1 is 100 %) and of angles (degrees) that a storage CRS may have.
MOST_SCALE_ERROR: Final = 0.01
MOST_ANGLE_ERROR: Final = 0.01

_DEFAULT_SRID: Final = 4549


@dataclass(frozen=True, slots=True)
class StorageCrs:
    """The projected CRS that a database keeps its features in, by EPSG code; heights are 1985.

    Raises :class:`StorageCrsError` unless the code is a projected CRS in metres whose datum is
    CGCS2000 or one that is taken as equal to it, and which keeps lengths and angles within
    :data:`MOST_SCALE_ERROR` and :data:`MOST_ANGLE_ERROR`: pipes are measured in it, and a web
    Mercator metre is 0.86 m at 31 degrees north.
    """

    srid: int = _DEFAULT_SRID

    def __post_init__(self) -> None:
        if self.srid != _DEFAULT_SRID:  # known to be good, and nothing works at import
            _storage_crs(self.srid)

    @property
    def horizontal(self) -> str:
        """The CRS as other modules name it, for example ``EPSG:4549``."""
        return f"EPSG:{self.srid}"


STORAGE: Final = StorageCrs()


def to_storage(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    z: npt.ArrayLike | None,
    horizontal: str,
    vertical: str,
    storage: StorageCrs = STORAGE,
    *,
    axis: Axis = "en",
    n_offset: float = 0.0,
) -> tuple[Array, Array, Array]:
    """East, north (metres, storage CRS) and 1985 height (metres) of source coordinates.

    ``x``, ``y`` are 1-D in the units of ``horizontal``, east first (longitude first), whatever axis
    order its registry entry has; survey tables, whose X is northing, pass ``axis="ne"``. ``z`` is
    in metres of ``vertical``; ``None`` or NaN gives NaN. ``n_offset`` is what control points found
    the 1985 surface to be above EGM96 (metres); it only matters for ellipsoidal and EGM96 heights.

    Raises :class:`DatumError` for a CRS or datum that is unknown or has no safe transformation,
    :class:`OutsideAreaError` when a point lies outside the area of use (see :func:`inside_area`),
    naming the first one and whether x and y look swapped.
    """
    x, y = _pair(x, y, axis)
    source = _horizontal.parse(horizontal)
    datum = VerticalDatum.parse(vertical)
    lon, lat = _horizontal.to_geodetic(x, y, source)
    inside = _inside(lon, lat, source, storage)
    if not inside.all():
        raise _outside(x, y, inside, horizontal, storage)
    if source.crs.equals(_storage_crs(storage.srid), ignore_axis_order=True):
        east, north = x.copy(), y.copy()
    else:
        east, north = run(_project(storage.srid), lon, lat)
    heights = np.full_like(x, np.nan) if z is None else np.array(z, np.float64, ndmin=1)
    return east, north, datum.to_1985(heights, lon, lat, n_offset)


def storage_to_geodetic(
    e: npt.ArrayLike,
    n: npt.ArrayLike,
    h: npt.ArrayLike,
    storage: StorageCrs = STORAGE,
    n_offset: float = 0.0,
) -> tuple[Array, Array, Array]:
    """Longitude, latitude (degrees) and ellipsoidal height (metres) of storage coordinates.

    ``h`` are 1985 heights. Raises :class:`OutsideAreaError` where the projection cannot be undone.
    """
    e, n = _pair(e, n)
    lon, lat, up = run(_to_geodetic(storage.srid), e, n, _heights(h, e, n_offset))
    _finite(lon, e, n, storage)
    return lon, lat, up


def storage_to_ecef(
    e: npt.ArrayLike,
    n: npt.ArrayLike,
    h: npt.ArrayLike,
    storage: StorageCrs = STORAGE,
    n_offset: float = 0.0,
) -> Array:
    """(k, 3) geocentric metres (EPSG:4479, as 3D Tiles uses them) of storage coordinates.

    ``h`` are 1985 heights. Raises :class:`OutsideAreaError` where the projection cannot be undone.
    """
    e, n = _pair(e, n)
    columns = run(_to_ecef(storage.srid), e, n, _heights(h, e, n_offset))
    _finite(columns[0], e, n, storage)
    return np.column_stack(columns)


def area_of_use(storage: StorageCrs = STORAGE) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees where ``storage`` may be used, the margin included."""
    return _area(storage.horizontal, storage)


def inside_area(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    horizontal: str,
    storage: StorageCrs = STORAGE,
    *,
    axis: Axis = "en",
) -> npt.NDArray[np.bool_]:
    """Which points lie in the area of use of both CRSs, :data:`AREA_MARGIN` degrees allowed.

    NaN and infinite coordinates are outside. Raises :class:`DatumError` as :func:`to_storage`.
    """
    x, y = _pair(x, y, axis)
    source = _horizontal.parse(horizontal)
    return _inside(*_horizontal.to_geodetic(x, y, source), source, storage)


def looks_swapped(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    horizontal: str,
    storage: StorageCrs = STORAGE,
    *,
    axis: Axis = "en",
) -> bool:
    """Whether most points lie outside the area of use as they are, and inside with x, y swapped.

    Raises :class:`DatumError` as :func:`to_storage`.
    """
    x, y = _pair(x, y, axis)
    if x.size == 0:
        return False
    share = [float(np.mean(inside_area(*pair, horizontal, storage))) for pair in ((x, y), (y, x))]
    return share[0] < 0.5 < share[1]


def jacobian(
    x: npt.ArrayLike, y: npt.ArrayLike, horizontal: str, storage: StorageCrs = STORAGE
) -> Array:
    """(k, 2, 2) derivative of storage (east, north) by source (x, y) at each point.

    By central differences over 100 m (0.001 degree), whose error is below 1e-10: it holds the
    convergence and scale between the two projections. Raises as :func:`to_storage`.
    """
    x, y = _pair(x, y)
    step = 0.0005 if _horizontal.parse(horizontal).crs.is_geographic else 50.0
    result = np.empty((x.size, 2, 2))
    for column, (dx, dy) in enumerate(((step, 0.0), (0.0, step))):
        ahead = to_storage(x + dx, y + dy, None, horizontal, "1985", storage)
        behind = to_storage(x - dx, y - dy, None, horizontal, "1985", storage)
        for row in (0, 1):
            result[:, row, column] = (ahead[row] - behind[row]) / (2 * step)
    return result


def _pair(x: npt.ArrayLike, y: npt.ArrayLike, axis: Axis = "en") -> tuple[Array, Array]:
    """East, north as 1-D float arrays of their own."""
    first, second = np.array(x, np.float64, ndmin=1), np.array(y, np.float64, ndmin=1)
    return (second, first) if axis == "ne" else (first, second)


def _heights(h: npt.ArrayLike, like: Array, n_offset: float) -> Array:
    return np.array(np.broadcast_to(np.asarray(h, np.float64), like.shape)) + n_offset


def _inside(
    lon: Array, lat: Array, source: _horizontal.Horizontal, storage: StorageCrs
) -> npt.NDArray[np.bool_]:
    west, south, east, north = _area(source.text, storage)
    inside: npt.NDArray[np.bool_] = (np.abs(lat) <= 90.0) & np.isfinite(lon)
    inside &= (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def _outside(
    x: Array, y: Array, inside: npt.NDArray[np.bool_], horizontal: str, storage: StorageCrs
) -> OutsideAreaError:
    first = int(np.argmin(inside))
    where = f"({x[first]:.3f}, {y[first]:.3f})"
    count = f"{np.count_nonzero(~inside)}/{x.size}"
    name = _horizontal.parse(horizontal).label
    west, south, east, north = _area(horizontal, storage)
    box = f"{west:g}–{east:g}°E, {south:g}–{north:g}°N"
    if looks_swapped(x, y, horizontal, storage):
        en, zh = (
            "X and Y look swapped: put east first, or declare the axis order.",
            "X 与 Y 疑似颠倒：请将东坐标放在前，或声明坐标轴顺序。",
        )
    else:
        en, zh = (
            "Check the declared CRS, its zone and the coordinates.",
            "请检查所声明的坐标系、分带及坐标值。",
        )
    return OutsideAreaError(
        f"{count} points in {name} lie outside the area of use for {storage.horizontal} ({box}); "
        f"the first is point {first + 1} at {where}. {en}",
        f"{name} 坐标中有 {count} 个点超出可转换到 {storage.horizontal} 的范围（{box}），"
        f"首个为第 {first + 1} 点 {where}。{zh}",
    )


@lru_cache(maxsize=64)
def _area(horizontal: str, storage: StorageCrs) -> _horizontal.Bounds:
    """West, south, east, north in degrees where both CRSs may be used, the margin included."""
    areas = [_horizontal.parse(text).area for text in (horizontal, storage.horizontal)]
    known = np.array([area for area in areas if area is not None])
    low, high = known[:, :2].max(axis=0) - AREA_MARGIN, known[:, 2:].min(axis=0) + AREA_MARGIN
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _finite(result: Array, e: Array, n: Array, storage: StorageCrs) -> None:
    """Raise where PROJ gave infinity, which is its answer to a point it cannot transform."""
    bad = np.isinf(result)
    if bad.any():
        raise _outside(e, n, ~bad, storage.horizontal, storage)


@lru_cache(maxsize=64)
def _storage_crs(srid: int) -> CRS:
    try:
        crs = CRS.from_epsg(srid)
        usable = (
            crs.is_projected
            and len(crs.axis_info) == 2
            and all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info)
            and _horizontal.parse(f"EPSG:{srid}").identity
        )
    except (CRSError, DatumError):
        usable = False
    if not usable:
        raise StorageCrsError(
            f"The setting TWIN_STORAGE_SRID is {srid}, but EPSG:{srid} cannot be the storage CRS: "
            "expected a projected CRS in metres on CGCS2000 or a datum taken as equal to it. "
            "Set TWIN_STORAGE_SRID to such a code, or leave it out for EPSG:4549.",
            f"设置 TWIN_STORAGE_SRID 为 {srid}，但 EPSG:{srid} 不能作为存储坐标系："
            "应为以米为单位的 CGCS2000（或视同）投影坐标系。"
            "请将 TWIN_STORAGE_SRID 改为此类代码，或不设置而采用 EPSG:4549。",
        )
    scale, angle = distortion.worst(crs)
    if scale > MOST_SCALE_ERROR or angle > MOST_ANGLE_ERROR:
        found = f"{100 * scale:.0f} %, {angle:.2g}°" if np.isfinite(scale) else "无法确定 not known"
        raise StorageCrsError(
            f"The setting TWIN_STORAGE_SRID is {srid}, but EPSG:{srid} ({crs.name}) bends the "
            f"city: within its area of use lengths and angles are off by up to {found}; expected "
            f"at most {100 * MOST_SCALE_ERROR:.0f} % and {MOST_ANGLE_ERROR:g}°, as Gauss-Krueger "
            "or UTM zones have. Set TWIN_STORAGE_SRID to such a code, or leave it out for "
            "EPSG:4549.",
            f"设置 TWIN_STORAGE_SRID 为 {srid}，但 EPSG:{srid}（{crs.name}）变形过大："
            f"其适用范围内长度与角度误差最大达 {found}；应不超过 {100 * MOST_SCALE_ERROR:.0f} % 与 "
            f"{MOST_ANGLE_ERROR:g}°，如高斯-克吕格或 UTM 分带投影。"
            "请将 TWIN_STORAGE_SRID 改为此类代码，或不设置而采用 EPSG:4549。",
        )
    return crs


@lru_cache(maxsize=16)
def _undo(srid: int) -> str:
    """PROJ steps from storage east, north to longitude, latitude in radians."""
    crs = _storage_crs(srid)
    exact = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True, allow_ballpark=False)
    steps = str(exact.definition).removeprefix("proj=pipeline ")
    return f"+proj=pipeline {steps} +step +proj=unitconvert +xy_in=deg +xy_out=rad {geoid_step()}"


@lru_cache(maxsize=16)
def _project(srid: int) -> Transformer:
    crs = _storage_crs(srid)
    return Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True, allow_ballpark=False)


@lru_cache(maxsize=16)
def _to_geodetic(srid: int) -> Transformer:
    return Transformer.from_pipeline(
        f"{_undo(srid)} +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )


@lru_cache(maxsize=16)
def _to_ecef(srid: int) -> Transformer:
    ellipsoid = _storage_crs(srid).ellipsoid
    assert ellipsoid is not None
    shape = f"+a={ellipsoid.semi_major_metre} +rf={ellipsoid.inverse_flattening}"
    return Transformer.from_pipeline(f"{_undo(srid)} +step +proj=cart {shape}")
