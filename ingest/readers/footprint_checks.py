"""Checks of footprints and of the values beside them: whole columns in, masks and findings out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from models.findings import Finding, Place, Severity

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

#: Metres. No building is taller (the tallest has 828 m); a larger number is a wrong unit.
MAX_HEIGHT: Final = 1500.0
MAX_STOREYS: Final = 300
#: Metres of the 1985 datum and its like: from the Turpan depression to the highest plateau.
BASE_RANGE: Final = (-500.0, 9000.0)
YEARS: Final = (1000, 2200)


@dataclass(slots=True)
class Report:
    """Collects findings on the rows of one layer; ``bad`` marks the rows that are refused."""

    file: str
    sheet: str | None
    count: int
    findings: list[Finding] = field(default_factory=list)
    bad: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.bad = np.zeros(self.count, dtype=bool)

    def rows(
        self,
        mask: Mask,
        code: str,
        *,
        en: str,
        zh: str,
        expected: str,
        found: Sequence[Any] | npt.NDArray[Any] | str,
        column: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """A finding for each row of ``mask``; ``{found}`` in the sentences is that row's value.

        ``found`` has a value a row of the layer, or is one text for all.
        """
        if severity is Severity.ERROR:
            self.bad |= mask
        for index in np.flatnonzero(mask):
            value = found if isinstance(found, str) else _short(found[index])
            row = int(index) + 1
            self.findings.append(
                Finding(
                    code,
                    severity,
                    Place(self.file, self.sheet, row, column),
                    f"{self.file} 第 {row} 个要素：{zh.replace('{found}', value)}",
                    f"{self.file}, feature {row}: {en.replace('{found}', value)}",
                    value,
                    expected,
                )
            )

    def place(self, geometry: Objects) -> None:
        """Tell in ``extra`` where the rows of the findings lie: the middle of their boxes."""
        rows = [finding.place.row for finding in self.findings]
        boxes = shapely.bounds(geometry[[0 if row is None else row - 1 for row in rows]])
        middles = (boxes.reshape(-1, 4)[:, :2] + boxes.reshape(-1, 4)[:, 2:]) / 2
        for finding, row, middle in zip(self.findings, rows, middles.tolist(), strict=True):
            if row is not None and np.isfinite(middle).all():
                finding.extra["source_position"] = middle

    def whole(
        self,
        code: str,
        severity: Severity,
        *,
        en: str,
        zh: str,
        found: str | None = None,
        expected: str | None = None,
        column: str | None = None,
    ) -> None:
        """A finding on the file itself."""
        place = Place(self.file, self.sheet, None, column)
        self.findings.append(
            Finding(
                code, severity, place, f"{self.file}：{zh}", f"{self.file}: {en}", found, expected
            )
        )


def check_geometry(geometry: Objects, present: Mask, report: Report) -> None:
    """Refuse rows whose ``geometry`` is no polygon of finite coordinates, area and sound rings.

    ``present`` tells which rows had any geometry in the file: what had one and is null now could
    not be read.
    """
    null = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    report.rows(
        null & ~(present & shapely.is_missing(geometry)),
        "GEO-01",
        en="the geometry is empty, expected a polygon. Draw the footprint or remove the feature.",
        zh="几何为空，应为多边形。请补绘轮廓或删除该要素。",
        found="empty",
        expected="Polygon, MultiPolygon",
    )
    report.rows(
        present & shapely.is_missing(geometry),
        "GEO-02",
        en="the geometry cannot be read (a ring with too few points, not closed, or with NaN). "
        "Draw it anew.",
        zh="几何无法读取（环点数不足、未闭合或含 NaN）。请重新绘制。",
        found="unreadable",
        expected="Polygon, MultiPolygon",
    )
    kinds = shapely.get_type_id(geometry)
    polygonal = np.isin(kinds, (3, 6)) & ~null
    names = np.array([*(kind.name for kind in shapely.GeometryType if kind >= 0), ""])
    report.rows(
        ~polygonal & ~null,
        "GEO-03",
        en="found a {found}, expected a polygon. Deliver building footprints as polygons.",
        zh="几何类型为 {found}，应为多边形。请以多边形提交建筑轮廓。",
        found=names[kinds],
        expected="Polygon, MultiPolygon",
    )
    finite = _finite(geometry)
    report.rows(
        polygonal & ~finite,
        "GEO-04",
        en="a coordinate is not a number (NaN or infinite). Correct the vertex.",
        zh="坐标含 NaN 或无穷大。请更正该顶点。",
        found="NaN",
        expected="finite coordinates",
    )
    sound = polygonal & finite
    broken = sound & ~shapely.is_valid(geometry)
    reasons = np.full(len(geometry), "", dtype=object)
    reasons[broken] = shapely.is_valid_reason(geometry[broken])
    report.rows(
        broken,
        "GEO-05",
        en="the polygon is not valid: {found}. Correct the ring (OGC Simple Features 6.1.11).",
        zh="多边形无效：{found}。请修正环线（自相交、洞越界等）。",
        found=reasons,
        expected="valid polygon",
    )
    report.rows(
        sound & ~broken & ~(shapely.area(geometry) > 0),
        "GEO-06",
        en="the polygon has no area. Draw the footprint anew.",
        zh="多边形面积为零。请重新绘制轮廓。",
        found="0",
        expected="> 0",
    )


def check_heights(height: Floats, source: Objects, column: str | None, report: Report) -> None:
    """Refuse rows whose ``height`` (m) is missing, not positive or absurd; ``source`` holds what
    the file says, to show it."""
    report.rows(
        np.isnan(height) & ~report.bad,
        "BLD-01",
        en="neither height nor storeys are given. Add a height in metres, or the storeys.",
        zh="既无高度也无层数。请补充建筑高度（米）或层数。",
        found="-",
        expected="height > 0 m, or storeys",
        column=column,
    )
    with np.errstate(invalid="ignore"):
        wrong = (height <= 0) | (height > MAX_HEIGHT)
    report.rows(
        wrong,
        "BLD-02",
        en=f"height is {{found}}, expected more than 0 and at most {MAX_HEIGHT:g} m. "
        "Check the value and its unit.",
        zh=f"高度为 {{found}}，应大于 0 且不超过 {MAX_HEIGHT:g} m。请核对数值与单位。",
        found=source,
        expected=f"0 < height <= {MAX_HEIGHT:g} m",
        column=column,
    )


def numbers(values: npt.NDArray[Any]) -> tuple[Floats, Mask]:
    """``values`` as floats (NaN where null), and which were neither null nor a number.

    Numbers may be written in full width and may end in ``m`` or ``米``; every spelling is parsed
    once.
    """
    if values.dtype != object:
        floats = values.astype(np.float64)
        return floats, np.isinf(floats)
    codes, words = pd.factorize(values)
    plain = [unicodedata.normalize("NFKC", str(word)).strip() for word in words]
    bare = pd.Series(
        [word.removesuffix("米").removesuffix("m").strip() for word in plain], dtype=object
    )
    parsed = pd.to_numeric(bare, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    fine = np.isfinite(parsed)
    wrong = ~fine & np.array([word != "" for word in plain], dtype=bool)
    # Code -1 stands for null; the added last element is what it indexes.
    return (
        np.append(np.where(fine, parsed, np.nan), np.nan)[codes],
        np.append(wrong, False)[codes],
    )


def duplicated(keys: Objects) -> Mask:
    """Every occurrence of a key that occurs more than once; nulls aside."""
    series = pd.Series(keys, dtype=object)
    return (series.duplicated(keep=False) & series.notna()).to_numpy(dtype=bool)


def _finite(geometry: Objects) -> Mask:
    """Rows all of whose coordinates are finite, x and y."""
    coordinates, index = shapely.get_coordinates(geometry, return_index=True)
    finite = np.ones(len(geometry), dtype=bool)
    finite[index[~np.isfinite(coordinates).all(axis=1)]] = False
    return finite


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _filled(sentence: str, found: str) -> str:
    """``sentence`` with its ``{found}``; column names in it may hold braces of their own."""
    return sentence.replace("{found}", found)
