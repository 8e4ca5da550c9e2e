"""Horizontal reference systems: what is accepted, and how it becomes CGCS2000 longitude, latitude.

PROJ falls back to "ballpark" operations, which pass coordinates through unchanged when it knows no
transformation. They are forbidden here. Three ways remain:

1. the datum is CGCS2000: the projection is undone, exactly;
2. the datum is realised by satellite positioning in (or tied to) ITRF, and listed in
   :data:`GNSS_DATUMS`: taken as the same as CGCS2000. The true difference is the motion of the
   plates between the epochs, up to 1-2 m, and a survey that needs better declares CGCS2000;
3. PROJ knows an operation of stated accuracy :data:`MAX_OPERATION_ERROR` or better, whose area
   of use holds every point, or the CRS carries its own datum shift (``+towgs84``, BOUNDCRS).

Everything else raises :class:`models.errors.DatumError`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from pyproj.network import set_network_enabled
from pyproj.transformer import TransformerGroup

from models.errors import DatumError
from models.proj import run

Array = npt.NDArray[np.float64]
Bounds = tuple[float, float, float, float]

CGCS2000: Final = "EPSG:4490"

#: Datums taken as equal to CGCS2000 (see above), as the EPSG registry spells them.
GNSS_DATUMS: Final = frozenset(
    {
        "China 2000",
        "World Geodetic System 1984",
        "European Terrestrial Reference System 1989",
        "Geocentric Datum of Australia 1994",
        "Geocentric Datum of Australia 2020",
        "Japanese Geodetic Datum 2000",
        "Japanese Geodetic Datum 2011",
        "Korean Geodetic Datum 2002",
        "New Zealand Geodetic Datum 2000",
        "International Terrestrial Reference Frame 2008",
        "International Terrestrial Reference Frame 2014",
        "International Terrestrial Reference Frame 2020",
    }
)

#: Metres: a registered operation that is worse than this is refused.
MAX_OPERATION_ERROR: Final = 2.0

_DEGREE: Final = math.radians(1.0)
_EXACT: Final = "China 2000"
_VERTICAL_WORDS: Final = {
    "5737": "1985",
    "5736": "1956",
    "5773": "egm96",
}


@dataclass(frozen=True, slots=True)
class Horizontal:
    """A horizontal CRS that can be used; make one with :func:`parse`.

    ``area`` is its area of use as west, south, east, north in degrees, where the registry knows
    one. ``identity`` tells that the datum is equal to CGCS2000 exactly or by :data:`GNSS_DATUMS`.
    ``definition`` gives ``crs`` again.
    """

    text: str
    crs: CRS
    definition: str
    area: Bounds | None
    identity: bool
    exact: bool

    @property
    def name(self) -> str:
        """The authority code of this CRS where there is one, else the text it was read from."""
        authority = self.crs.to_authority()
        return ":".join(authority) if authority else self.text

    @property
    def label(self) -> str:
        """Short enough for a sentence: the authority code, else the name."""
        return self.name if len(self.name) <= 40 else str(self.crs.name)


def split(text: str) -> tuple[str, str | None]:
    """The horizontal part of any CRS, and the vertical word where the CRS is three-dimensional.

    ``EPSG:4549+5737`` gives (``EPSG:4549``, ``1985``); a geographic 3D CRS such as EPSG:4979 gives
    its 2D one and ``ellipsoidal``. A vertical part that has no word in
    :class:`models.vertical.VerticalDatum` comes back as its name, which that class then refuses.
    Raises :class:`DatumError` for text that PROJ does not know.
    """
    crs = _crs(text)
    if crs.is_compound:
        flat, up = crs.sub_crs_list[0], crs.sub_crs_list[-1]
        authority = up.to_authority()
        code = authority[1] if authority and authority[0] == "EPSG" else ""
        return _text(flat), _VERTICAL_WORDS.get(code, str(up.name))
    if len(crs.axis_info) == 3 and not crs.is_geocentric:
        return _text(crs.to_2d()), "ellipsoidal"
    return text, None


def same(one: str, other: str) -> bool:
    """Whether two CRS texts mean the same horizontal CRS, axis order and ensembles aside.

    Raises :class:`DatumError` when either is not usable.
    """
    a, b = parse(one), parse(other)
    if a.crs.equals(b.crs, ignore_axis_order=True):
        return True
    # An ESRI .prj and its EPSG twin differ in names only; PROJ finds the code by its database.
    found = a.crs.to_authority(), b.crs.to_authority()
    if found[0] is not None and found[0] == found[1]:
        return True
    return a.crs.is_geographic and b.crs.is_geographic and _datum(a.crs) == _datum(b.crs)


@lru_cache(maxsize=256)
def parse(text: str) -> Horizontal:
    """Read a horizontal CRS: an authority code, WKT, PROJ JSON or PROJ string; a 3D or compound
    one gives its horizontal part.

    Raises :class:`DatumError` when PROJ does not know it, or it is not a projected or geographic
    CRS of the Earth, or its angles are not degrees from Greenwich.
    """
    crs = _crs(split(text)[0])
    base = crs.source_crs if crs.is_bound else crs
    geodetic = base.geodetic_crs if base is not None else None
    if base is None or geodetic is None or not (base.is_projected or base.is_geographic):
        raise DatumError(
            f"{crs.name} ({crs.type_name}) is not a projected or geographic CRS. "
            "Declare the CRS of the coordinates, for example EPSG:4549.",
            f"{crs.name}（{crs.type_name}）不是投影或地理坐标系。"
            "请声明坐标所用坐标系，如 EPSG:4549。",
        )
    if any(abs(a.unit_conversion_factor - _DEGREE) > 1e-12 for a in geodetic.axis_info[:2]):
        raise DatumError(
            f"{crs.name} counts angles in {geodetic.axis_info[0].unit_name}, expected degrees. "
            "Declare another CRS.",
            f"{crs.name} 的角度单位为 {geodetic.axis_info[0].unit_name}，应为度。"
            "请声明其他坐标系。",
        )
    datum = _datum(base)
    identity = (
        not crs.is_bound
        and datum in GNSS_DATUMS
        and geodetic.prime_meridian is not None
        and geodetic.prime_meridian.longitude == 0.0
        and geodetic.ellipsoid is not None
        and abs(geodetic.ellipsoid.semi_major_metre - 6378137.0) < 1e-3
        and abs(geodetic.ellipsoid.inverse_flattening - 298.2572) < 1e-4
    )
    return Horizontal(text, crs, _text(crs), _area(crs), identity, identity and datum == _EXACT)


def to_geodetic(x: Array, y: Array, source: Horizontal) -> tuple[Array, Array]:
    """CGCS2000 longitude, latitude in degrees of east/north (or lon/lat) ``x``, ``y``.

    Points that the projection cannot be undone for become inf. Raises :class:`DatumError` when no
    safe datum operation exists.
    """
    lon, lat = run(_own_geodetic(source.definition), x, y)
    return (lon, lat) if source.identity else _shift(source, lon, lat)


def from_geodetic(lon: Array, lat: Array, target: Horizontal) -> tuple[Array, Array]:
    """East/north (or lon/lat of ``target``) of CGCS2000 ``lon``, ``lat`` in degrees.

    Points that cannot be projected become inf. Raises :class:`DatumError` unless the datum of
    ``target`` is taken as equal to CGCS2000: others need an operation with an area of its own.
    """
    if not target.identity:
        raise DatumError(
            f"{target.label} (datum {_datum(target.crs)}) is not on CGCS2000 or a datum taken as "
            "equal to it. Deliver the raster in CGCS2000, for example EPSG:4549.",
            f"{target.label}（基准 {_datum(target.crs)}）不是 CGCS2000 或视同基准。"
            "请以 CGCS2000（如 EPSG:4549）提交该栅格。",
        )
    x, y = run(_own_geodetic(target.definition), lon, lat, inverse=True)
    return x, y


def _shift(source: Horizontal, lon: Array, lat: Array) -> tuple[Array, Array]:
    """Carry ``lon``, ``lat`` of the source's own datum to CGCS2000 by a known operation."""
    good = np.isfinite(lon) & np.isfinite(lat)
    if not good.any():
        return lon, lat
    box = (lon[good].min(), lat[good].min(), lon[good].max(), lat[good].max())
    for operation in _operations(source.definition):
        area = operation.area_of_use.bounds if operation.area_of_use else None
        declared = source.crs.is_bound  # its parameters are the deliverer's own statement
        error = operation.accuracy  # -1 where the registry states none
        accurate = error is not None and 0.0 <= error <= MAX_OPERATION_ERROR
        if declared or (accurate and area is not None and _holds(area, box)):
            lon, lat = run(operation, lon, lat)
            return lon, lat
    raise DatumError(
        f"There is no known operation of {MAX_OPERATION_ERROR:g} m or better from {source.label} "
        f"(datum {_datum(source.crs)}) to CGCS2000 for these coordinates. Deliver in CGCS2000 "
        "(for example EPSG:4549), or declare a CRS that carries its own datum shift.",
        f"{source.label}（基准 {_datum(source.crs)}）在该区域没有精度优于 "
        f"{MAX_OPERATION_ERROR:g} m 的转换方法可转到 CGCS2000。"
        "请以 CGCS2000（如 EPSG:4549）提交，或声明自带转换参数的坐标系。",
    )


def _holds(area: Bounds, box: Bounds) -> bool:
    return area[0] <= box[0] and area[1] <= box[1] and area[2] >= box[2] and area[3] >= box[3]


@lru_cache(maxsize=256)
def _own_geodetic(text: str) -> Transformer:
    """From a CRS to longitude, latitude of its own datum: no datum operation is involved."""
    crs = _crs(text)
    base = crs.source_crs if crs.is_bound else crs
    geodetic = base.geodetic_crs if base is not None else None
    return Transformer.from_crs(base, geodetic, always_xy=True, allow_ballpark=False)


@lru_cache(maxsize=64)
def _operations(text: str) -> tuple[Transformer, ...]:
    """Every operation, best first, from a CRS's own datum to CGCS2000 or its like."""
    set_network_enabled(active=False)  # a grid is never fetched for a delivery
    crs = _crs(text)
    source = crs if crs.is_bound else crs.geodetic_crs
    if crs.is_bound and crs.source_crs is not None and crs.source_crs.is_projected:
        # The shift belongs to the datum: bind the geographic base of the projected CRS to it.
        assert crs.source_crs.geodetic_crs is not None
        bound = crs.to_json_dict()
        bound["source_crs"] = crs.source_crs.geodetic_crs.to_2d().to_json_dict()
        source = CRS.from_json_dict(bound)
    found: list[Transformer] = []
    for target in (CGCS2000, "EPSG:4326"):
        group = TransformerGroup(source, target, always_xy=True, allow_ballpark=False)
        found += group.transformers
    return tuple(found)


@lru_cache(maxsize=256)
def _crs(text: str) -> CRS:
    try:
        return CRS.from_user_input(text)
    except CRSError:
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise DatumError(
            f"The CRS {shown!r} is not known. Give an EPSG code such as EPSG:4549, or WKT.",
            f"未知的坐标系“{shown}”。请给出 EPSG 代码（如 EPSG:4549）或 WKT。",
        ) from None


def _text(crs: CRS) -> str:
    """A text that gives ``crs`` again: its code where there is an exact one."""
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(crs.srs)


def _datum(crs: CRS) -> str:
    """The datum's EPSG name, without the word ensemble."""
    base = crs.source_crs if crs.is_bound else crs
    geodetic = base.geodetic_crs if base is not None else None
    name = str(geodetic.datum.name) if geodetic is not None and geodetic.datum else "unknown"
    return name.removesuffix(" ensemble").split(" (")[0]


def _area(crs: CRS) -> Bounds | None:
    area = crs.area_of_use
    if area is None and (authority := crs.to_authority()) is not None:
        area = CRS.from_authority(*authority).area_of_use
    return None if area is None else (area.west, area.south, area.east, area.north)
