"""Whether the coordinates of a footprint layer can be those of its CRS, and what else they may be.

Only the middle of the layer is judged, and only against the CRS: where a twin lies is
:mod:`ingest.prepare`'s matter. Codes: MET-01 where no CRS is declared and the numbers are not the
degrees that the format takes them for, CRS-02 where the declared CRS cannot be theirs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely

from ingest.readers.footprint_report import Objects
from models import horizontal
from models.errors import DatumError
from models.findings import Finding, Place, Severity

#: Degrees around a CRS's area of use within which its coordinates are believed.
_MARGIN: Final = 1.0
#: Metres: coordinates of a city's own grid, whose origin is in the city, are smaller than this.
_LOCAL: Final = 200_000.0
_ZONE: Final = 1_000_000.0
#: First CGCS2000 Gauss-Krueger zone of 6 and of 3 degrees, their last, and the EPSG code of the
#: first; codes follow one another by zone.
_SIX: Final = (13, 23, 4491)
_THREE: Final = (25, 45, 4513)
#: EPSG codes of the same 3-degree zones without the zone number begin here.
_BARE: Final = 4534

Point = tuple[float, float]


def middle(geometry: Objects) -> Point | None:
    """Median x, y of the boxes of ``geometry``; None where none has finite coordinates."""
    boxes = np.asarray(shapely.bounds(geometry)).reshape(-1, 4)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(boxes):
        return None
    x, y = np.median((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0).tolist()
    return x, y


def middle_of_wkb(wkb: Objects) -> Point | None:
    """:func:`middle` of a sample of geometries in WKB."""
    with np.errstate(invalid="ignore"):
        return middle(np.asarray(shapely.from_wkb(wkb[:1000], on_invalid="ignore"), dtype=object))


def not_degrees(file: str, at: Point | None) -> Finding | None:
    """MET-01 when ``at`` is not the longitude, latitude that a GeoJSON without CRS has (RFC 7946
    section 4); exchanged degrees are left to :func:`not_there`."""
    if at is None or (abs(at[0]) <= 180 and abs(at[1]) <= 180):
        return None
    zh, en = suggestion(at)
    return Finding(
        "MET-01",
        Severity.ERROR,
        Place(file),
        f"{file}：文件未声明坐标系，按 RFC 7946 应为经纬度（度），而要素中心坐标为 {_shown(at)}，"
        f"是平面坐标（米）。{zh}",
        f"{file}: the file names no CRS, which makes its coordinates longitude, latitude in "
        f"degrees (RFC 7946), but its features are around {_shown(at)}: metres of a plane. {en}",
        _shown(at),
        "-180..180, -90..90",
    )


def suggestion(at: Point) -> tuple[str, str]:
    """What to declare for coordinates around ``at``, in Chinese and English."""
    x, y = at
    zone = int(x // _ZONE)
    if abs(x) <= 180 and abs(y) <= 90:
        return (
            "坐标像是经纬度：请声明 --crs EPSG:4490（CGCS2000）或 EPSG:4326（WGS 84）。",
            "They look like degrees: declare --crs EPSG:4490 (CGCS2000) or EPSG:4326 (WGS 84).",
        )
    if max(abs(x), abs(y)) < _LOCAL:
        return (
            "坐标像是城市独立坐标（如上海2000坐标系、上海城建坐标），其参数不公开："
            "请向测绘单位索取，以 WKT 或 PROJ 字符串用 --crs 声明，或先转换为 EPSG:4549。",
            "They look like a city's own grid (Shanghai 2000, the former Shanghai grid), whose "
            "parameters are not public: ask the surveyor for them and declare a WKT or PROJ "
            "string with --crs, or convert to EPSG:4549 first.",
        )
    if (prefixed := _prefixed(zone)) is not None:
        mercator = zone in _zones(_SIX)
        return (
            f"首位坐标带 {zone} 带号，可声明 --crs {prefixed}（CGCS2000，{zone} 带）"
            f"{'；若为网络地图坐标，则为 EPSG:3857' if mercator else ''}。"
            "北京54、西安80 坐标有各自的代码，请以成果说明为准。",
            f"The first carries the zone number {zone}: --crs {prefixed} (CGCS2000, zone {zone}) "
            f"may be meant{', or EPSG:3857 if they come from a web map' if mercator else ''}. "
            "Beijing 1954 and Xian 1980 have codes of their own; the survey report tells.",
        )
    order = (
        ("首位像是北坐标，应为东坐标在前；", "The first looks like a northing, but east is first. ")
        if abs(x) > _ZONE > abs(y)
        else ("", "")
    )
    return (
        f"{order[0]}请声明坐标系，如 --crs EPSG:4549（CGCS2000 3 度带，中央子午线 120°E，"
        "上海西部）；也可能是 EPSG:4550（中央子午线 123°E，上海东部）、EPSG:32651（UTM 51N）、"
        "EPSG:2437（北京54，120°E）或 EPSG:2385（西安80，120°E）。仅凭数值无法区分，"
        "请以成果说明为准。",
        f"{order[1]}Declare the CRS, for example --crs EPSG:4549 (CGCS2000, 3-degree zone, central "
        "meridian 120 E, western Shanghai). Others that are used there: EPSG:4550 (123 E, eastern "
        "Shanghai), EPSG:32651 (UTM 51N), EPSG:2437 (Beijing 1954, 120 E), EPSG:2385 (Xian 1980, "
        "120 E). Numbers alone do not tell them apart; the survey report does.",
    )


def not_there(file: str, at: Point | None, crs: str) -> Finding | None:
    """CRS-02 when ``at`` lies outside the area of use of ``crs`` and its numbers tell why: x and y
    exchanged, a zone number too many or too few, degrees. Anything else is None."""
    if at is None or _inside(crs, at) is not False:
        return None
    x, y = at
    parsed = horizontal.parse(crs)
    zone = int(x // _ZONE)
    code = parsed.crs.to_epsg()
    if _inside(crs, (y, x)) or (y > _ZONE and _inside(crs, (y % _ZONE, x))):
        zh = "X 与 Y 疑似颠倒：应为东坐标（经度）在前，请交换后重新提交。"
        en = "X and Y look swapped: east (longitude) is first. Exchange them."
        expected = _shown((y, x))
    elif parsed.crs.is_projected and abs(x) <= 180 and abs(y) <= 90:
        zh, en = suggestion(at)
        expected = parsed.label
    elif zone > 0 and _inside(crs, (x - zone * _ZONE, y)):
        three = code is not None and _BARE <= code < _BARE + 21 and zone in _zones(_THREE)
        named = _prefixed(zone) if three else None
        zh = (
            f"X（东坐标）带有 {zone} 带号，而 {parsed.label} 不带带号。"
            f"请声明带带号的坐标系{f'（--crs {named}）' if named else ''}，或去掉带号。"
        )
        en = (
            f"X (the easting) carries the zone number {zone}, which {parsed.label} has not. "
            f"Declare the CRS with zone number{f' (--crs {named})' if named else ''}, or take "
            "the number off."
        )
        expected = _shown((x - zone * _ZONE, y))
    elif zone == 0 and (number := _zone_of(code)) and _inside(crs, (x + number * _ZONE, y)):
        bare = f"EPSG:{_BARE + number - 25}" if number >= _THREE[0] else None
        zh = (
            f"X（东坐标）不带带号，而 {parsed.label} 的坐标应以带号 {number} 开头。"
            f"请声明不带带号的坐标系{f'（--crs {bare}）' if bare else ''}。"
        )
        en = (
            f"X (the easting) has no zone number, but coordinates of {parsed.label} begin with "
            f"{number}. Declare the CRS without zone number{f' (--crs {bare})' if bare else ''}."
        )
        expected = _shown((x + number * _ZONE, y))
    else:
        return None
    return Finding(
        "CRS-02",
        Severity.ERROR,
        Place(file),
        f"{file}：要素中心坐标 {_shown(at)} 不在 {parsed.label} 的适用范围内。{zh}",
        f"{file}: the features are around {_shown(at)}, outside the area of {parsed.label}. {en}",
        _shown(at),
        expected,
    )


def _inside(crs: str, at: Point) -> bool | None:
    """Whether ``at`` lies where the CRS is used; None where that is not known."""
    parsed = horizontal.parse(crs)
    if parsed.area is None:
        return None
    try:
        lon, lat = horizontal.to_geodetic(np.array([at[0]]), np.array([at[1]]), parsed)
    except DatumError:
        return None
    west, south, east, north = parsed.area
    return bool(
        np.isfinite([lon[0], lat[0]]).all()
        and abs(lat[0]) <= 90
        and west - _MARGIN <= lon[0] <= east + _MARGIN
        and south - _MARGIN <= lat[0] <= north + _MARGIN
    )


def _zones(family: tuple[int, int, int]) -> range:
    return range(family[0], family[1] + 1)


def _prefixed(zone: int) -> str | None:
    """The CGCS2000 CRS whose eastings begin with ``zone``."""
    for family in (_SIX, _THREE):
        if zone in _zones(family):
            return f"EPSG:{family[2] + zone - family[0]}"
    return None


def _zone_of(code: int | None) -> int | None:
    """The zone whose number begins the eastings of the CGCS2000 CRS with this EPSG code."""
    for first, last, start in (_SIX, _THREE):
        if code is not None and start <= code <= start + last - first:
            return first + code - start
    return None


def _shown(at: Point) -> str:
    return f"({at[0]:.3f}, {at[1]:.3f})"
