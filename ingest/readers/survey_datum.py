"""The datum passport of a survey: declared in its tables or by the deliverer, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.errors import RefusedError, refuse
from ingest.mapping import datums
from ingest.mapping.datums import Unknown
from ingest.readers.base import ReadOptions
from ingest.readers.survey_sheets import Declared
from ingest.rules.network import Mask, Survey
from models import horizontal
from models.crs import AREA_MARGIN, same_horizontal
from models.errors import DatumError
from models.features import DatumPassport
from models.findings import Finding, Place, Severity
from models.vertical import VerticalDatum


@dataclass(frozen=True, slots=True)
class _Said:
    """A datum with the words and the place that say so; no place for the deliverer's options."""

    value: str
    text: str
    place: Place | None


def passport(
    file: str, declared: Sequence[Declared], survey: Survey, options: ReadOptions
) -> DatumPassport:
    """Horizontal CRS and vertical datum that everything agrees on.

    Raises :class:`ingest.errors.RefusedError`: MET-01 for a datum that is missing, unknown or
    incomplete, MET-02 where two declarations differ; all reasons at once.
    """
    wrong: list[Finding] = []
    result: dict[str, str | None] = {}
    for kind, own, meaning, same in (
        ("horizontal", options.horizontal, datums.horizontal, _same_crs),
        ("vertical", options.vertical, datums.vertical, _same_datum),
    ):
        said = [*_from_options(own), *_from_tables(kind, declared, survey, meaning, wrong)]
        if said and (
            other := next((s for s in said[1:] if not same(said[0].value, s.value)), None)
        ):
            wrong.append(_conflict(file, said[0], other))
        if not said and not any(f.expected == kind for f in wrong):
            wrong.append(_missing(file, kind))
        result[kind] = said[0].value if said else None
    for check, value in (
        (horizontal.parse, result["horizontal"]),
        (VerticalDatum.parse, result["vertical"]),
    ):
        try:
            if value is not None:
                check(value)
        except DatumError as error:
            wrong.append(Finding("MET-01", Severity.ERROR, Place(file), error.zh, error.en, value))
    if wrong:
        raise RefusedError(wrong)
    return DatumPassport(result["horizontal"], result["vertical"])


def check_area(survey: Survey, crs: str, file: str) -> Mask:
    """Which points lie in the CRS's area of use (survey X is northing, Y easting).

    Raises :class:`ingest.errors.RefusedError` when most lie outside it: CRS-01 if they would lie
    inside with X and Y exchanged, else CRS-02.
    """
    x, y = survey.numbers("point", "x_src"), survey.numbers("point", "y_src")
    inside = _inside(y, x, crs)
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any() or inside[known].mean() >= 0.5:
        return inside
    first = int(np.flatnonzero(known & ~inside)[0])
    place = survey.place("point", first, "north_x")
    found = f"X={x[first]:.3f} Y={y[first]:.3f}"
    source = horizontal.parse(crs)
    count = f"{int((known & ~inside).sum())}/{int(known.sum())}"
    if _inside(x, y, crs)[known].mean() >= 0.5:
        raise refuse(
            "CRS-01",
            place.file,
            sheet=place.sheet,
            row=place.row,
            column=place.column,
            element=place.element,
            found=found,
            expected=f"X={y[first]:.3f} Y={x[first]:.3f}",
            en=f"{file}: X and Y are exchanged in {count} points (first: row {place.row}, "
            f"{found}). "
            f"In survey tables X is the northing and Y the easting; in {source.name} the point "
            f"would be X={y[first]:.3f} Y={x[first]:.3f}. Exchange the columns.",
            zh=f"{file}：{count} 个点的 X、Y 颠倒（首个为第 {place.row} 行，{found}）。"
            f"测量坐标 X 为北、Y 为东；按 {source.name} 应为 X={y[first]:.3f} Y={x[first]:.3f}。"
            "请对调两列。",
        )
    hint_zh, hint_en = "", ""
    zone = int(y[first] // 1_000_000)
    if 13 <= zone <= 45:
        hint_zh = f"Y 坐标疑带有 {zone} 带号，请声明带带号的坐标系。"
        hint_en = f"Y seems to carry the zone number {zone}: declare the CRS with zone. "
    raise refuse(
        "CRS-02",
        place.file,
        sheet=place.sheet,
        row=place.row,
        column=place.column,
        element=place.element,
        found=found,
        expected=str(source.area),
        en=f"{file}: {count} points lie outside the area of use of {source.name} {source.area} "
        f"(first: row {place.row}, {found}). {hint_en}Check the declared CRS and the coordinates.",
        zh=f"{file}：{count} 个点超出 {source.name} 的适用范围 {source.area}"
        f"（首个为第 {place.row} 行，{found}）。{hint_zh}请核对所声明的坐标系与坐标值。",
    )


def _inside(east: npt.NDArray[np.float64], north: npt.NDArray[np.float64], crs: str) -> Mask:
    source = horizontal.parse(crs)
    if source.area is None:
        return np.asarray(np.isfinite(east) & np.isfinite(north))
    own: Mask = np.isfinite(east) & np.isfinite(north)
    lon, lat = np.full(len(east), np.nan), np.full(len(east), np.nan)
    try:
        lon[own], lat[own] = horizontal.to_geodetic(east[own], north[own], source)
    except DatumError:  # no operation for points so far outside; one that exists is tried again
        return np.zeros(len(east), bool)
    west, south, right, top = source.area
    inside: Mask = (lon >= west - AREA_MARGIN) & (lon <= right + AREA_MARGIN)
    inside &= (lat >= south - AREA_MARGIN) & (lat <= top + AREA_MARGIN)
    return inside


def _from_options(text: str | None) -> list[_Said]:
    return [_Said(text, text, None)] if text is not None and text.strip() else []


def _from_tables(
    kind: str,
    declared: Sequence[Declared],
    survey: Survey,
    meaning: Callable[[str], str | Unknown],
    wrong: list[Finding],
) -> list[_Said]:
    """Declarations above headers, in metadata sheets and in datum columns."""
    texts: dict[str, Place] = {}
    for item in declared:
        if item.declaration.kind == kind:
            grid = item.grid
            place = Place(grid.file, grid.sheet, item.declaration.row + 1)
            texts.setdefault(item.declaration.text, place)
    column = "crs" if kind == "horizontal" else "vdatum"
    for table in ("point", "line"):
        values = survey.table(table)[column].dropna()
        for text in values.unique():
            position = int(values.index[(values == text).to_numpy()][0])
            texts.setdefault(str(text), survey.place(table, position, column))
    out = []
    for text, place in texts.items():
        value = meaning(text)
        if isinstance(value, Unknown):
            wrong.append(
                Finding(
                    "MET-01",
                    Severity.ERROR,
                    place,
                    f"{place.file} 第{place.row}行：“{text}”{value.zh}，不予转换入库。请改正声明。",
                    f"{place.file} row {place.row}: “{text}” {value.en}. Correct the declaration.",
                    text,
                    kind,
                )
            )
        else:
            out.append(_Said(value, text, place))
    return out


def _same_crs(one: str, other: str) -> bool:
    try:
        return one == other or same_horizontal(one, other)
    except DatumError:
        return False


def _same_datum(one: str, other: str) -> bool:
    try:
        return one == other or VerticalDatum.parse(one) == VerticalDatum.parse(other)
    except DatumError:
        return False


def _missing(file: str, kind: str) -> Finding:
    if kind == "horizontal":
        zh = f"{file} 未声明坐标系（如 EPSG:4549，CGCS2000 3度带 120E），不予转换入库。"
        en = f"{file} declares no coordinate reference system; it is refused. "
        zh += "请在表头上方写“坐标系: CGCS2000 3度带 120E”，或在提交时声明。"
        en += "Write “坐标系: CGCS2000 3度带 120E” above the header, or declare it on delivery."
    else:
        zh = f"{file} 未声明高程基准（吴淞 / 1985国家高程基准），不予转换入库。"
        en = f"{file} declares no vertical datum (Wusong or 1985); it is refused. "
        zh += "请在表头上方写“高程基准: 1985国家高程基准”，或在提交时声明。"
        en += "Write “高程基准: 1985国家高程基准” above the header, or declare it on delivery."
    return Finding("MET-01", Severity.ERROR, Place(file), zh, en, None, kind)


def _conflict(file: str, one: _Said, other: _Said) -> Finding:
    place = other.place or Place(file)
    first_zh = f"第{one.place.row}行“{one.text}”" if one.place else f"提交时声明的“{one.text}”"
    first_en = f"row {one.place.row} “{one.text}”" if one.place else f"the declared “{one.text}”"
    return Finding(
        "MET-02",
        Severity.ERROR,
        place,
        f"{place.file} 第{place.row}行“{other.text}”与{first_zh}不一致。请确认后统一声明。",
        f"{place.file} row {place.row} “{other.text}” contradicts {first_en}. "
        "Find out which is right and declare only that.",
        other.text,
        one.text,
    )
