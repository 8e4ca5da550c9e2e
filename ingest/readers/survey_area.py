"""Whether the points of a survey lie where the declared CRS is used, and if not, why."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ingest.errors import RefusedError
from ingest.mapping import datums
from ingest.mapping.text import counted
from ingest.rules.network import Mask, Survey
from models import horizontal
from models.crs import AREA_MARGIN
from models.errors import DatumError
from models.findings import Finding, Place, Severity

#: Metres: no projection has a northing so large in its area.
_BEYOND_THE_POLE: Final = 2.0e7


def check_area(survey: Survey, crs: str, file: str) -> None:
    """Mark the points in the CRS's area of use (survey X is northing, Y easting) in column
    ``inside``, and in ``north_off`` whose northing it is that is wrong. Works in place.

    Raises :class:`ingest.errors.RefusedError` when most lie outside it: CRS-01 if they would lie
    inside with X and Y exchanged, else CRS-02.
    """
    x, y = survey.numbers("point", "x_src"), survey.numbers("point", "y_src")
    within = inside(y, x, crs)
    known = np.isfinite(x) & np.isfinite(y)
    source = horizontal.parse(crs)
    survey.crs = _named(source)
    off = known & ~within
    survey.points["inside"] = within
    survey.points["north_off"] = off.copy()
    survey.points.loc[off, "north_off"] = ~inside(np.full(off.sum(), _middle(source)), x[off], crs)
    if not off.any() or within[known].mean() >= 0.5:
        return
    first = int(np.flatnonzero(off)[0])
    found = f"X={x[first]:.3f} Y={y[first]:.3f}"
    count = int(off.sum()), int(known.sum())
    en = f"{count[0]} of {counted(count[1], 'point')}"
    zh = f"{file}：{count[1]} 个点中有 {count[0]} 个"
    if inside(x, y, crs)[known].mean() >= 0.5:
        place = survey.place("point", first, "north_x")
        would = f"X={y[first]:.3f} Y={x[first]:.3f}"
        raise _refused(
            "CRS-01",
            place,
            found,
            would,
            f"{zh} X、Y 颠倒（首个为第 {place.row} 行，{found}）。"
            f"测量坐标 X 为北、Y 为东；按 {survey.crs} 应为 {would}。请对调两列。",
            f"{file}: X and Y are exchanged in {en} (the first in row {place.row}, {found}). "
            "In survey tables X is the northing and Y the easting; the point would be "
            f"{would} in {survey.crs}. Exchange the columns.",
        )
    north_off = bool(survey.points["north_off"].iloc[first])
    place = survey.place("point", first, "north_x" if north_off else "east_y")
    area = _area_words(source)
    hint_zh, hint_en, expected = _zone_hint(x[known], y[known], source)
    raise _refused(
        "CRS-02",
        place,
        found,
        f"{survey.crs}: {area}{expected}",
        f"{zh}不在所声明坐标系 {survey.crs} 的适用范围（{area}）内"
        f"（首个为第 {place.row} 行，{found}，“{place.column}”列有误）。"
        f"{hint_zh}请核对所声明的坐标系与坐标值；如坐标减去了常数，请声明"
        "（如“坐标常数: X=3400000 Y=600000”）。",
        f"{file}: {en} found outside the area of use of the declared CRS {survey.crs} ({area}); "
        f"the first is in row {place.row}, {found}, and its column “{place.column}” is wrong. "
        f"{hint_en}"
        "Check the declared CRS and the coordinates; if a constant was taken off them, declare it "
        "(坐标常数: X=3400000 Y=600000).",
    )


def _refused(code: str, place: Place, found: str, expected: str, zh: str, en: str) -> RefusedError:
    return RefusedError([Finding(code, Severity.ERROR, place, zh, en, found, expected)])


def _named(source: horizontal.Horizontal) -> str:
    """Code and name: ``EPSG:4549 (CGCS2000 / 3-degree Gauss-Kruger CM 120E)``."""
    name = str(source.crs.name)
    return source.label if source.label == name else f"{source.label} ({name})"


def _area_words(source: horizontal.Horizontal) -> str:
    if source.area is None:
        return "-"
    west, south, east, north = source.area
    return f"{west:g}–{east:g}°E, {south:g}–{north:g}°N"


def _middle(source: horizontal.Horizontal) -> float:
    """An easting that lies in the area: the false easting of a projection, else the middle
    longitude."""
    operation = source.crs.coordinate_operation
    for parameter in operation.params if operation is not None else ():
        if parameter.name == "False easting":
            return float(parameter.value)
    west, _, east, _ = source.area or (0.0, 0.0, 0.0, 0.0)
    return (west + east) / 2


def _zone_hint(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], source: horizontal.Horizontal
) -> tuple[str, str, str]:
    """Where the eastings carry a zone number that the CRS does not have: sentences that say so,
    and the CRS in which the points lie, if that is known."""
    zone = int(np.median(y) // 1_000_000)
    if not 13 <= zone <= 45 or zone == int(_middle(source) // 1_000_000):
        return "", "", ""
    other = datums.horizontal(f"CGCS2000 3度带 {zone}带") if source.exact else None
    if not isinstance(other, str) or inside(y, x, other).mean() < 0.5:
        return (
            f"Y 坐标疑带有 {zone} 带号，应声明带带号的坐标系，或去掉带号。",
            f"Y seems to carry the zone number {zone}: declare the CRS with zone, or take the "
            "number off. ",
            "",
        )
    name = _named(horizontal.parse(other))
    return (
        f"Y 坐标带有 {zone} 带号，按 {name} 则位置合理，应声明 {other}，或去掉带号。",
        f"Y carries the zone number {zone}, with which the points fit {name}: declare {other}, or "
        "take the number off. ",
        f" | {other}",
    )


def inside(east: npt.NDArray[np.float64], north: npt.NDArray[np.float64], crs: str) -> Mask:
    """Which coordinates lie in the area of use of ``crs`` (metres, or degrees of a geographic one),
    or near it."""
    source = horizontal.parse(crs)
    if source.area is None:
        return np.asarray(np.isfinite(east) & np.isfinite(north))
    # The projection takes a northing beyond the pole round the Earth, back into the area.
    own: Mask = np.isfinite(east) & (np.abs(north) < _BEYOND_THE_POLE)
    lon, lat = np.full(len(east), np.nan), np.full(len(east), np.nan)
    try:
        lon[own], lat[own] = horizontal.to_geodetic(east[own], north[own], source)
    except DatumError:  # no operation for points so far outside; one that exists is tried again
        return np.zeros(len(east), bool)
    west, south, right, top = source.area
    within: Mask = (lon >= west - AREA_MARGIN) & (lon <= right + AREA_MARGIN)
    within &= (lat >= south - AREA_MARGIN) & (lat <= top + AREA_MARGIN)
    return within
