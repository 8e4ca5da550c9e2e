"""Outlines of wells and chambers: tables ``XXAnnexe`` with four corners X1, Y1, Z1 … X4, Y4, Z4.

The corners go with the point of that number as ``attrs.outline``: [[east, north, height or null] …]
in the source CRS and datum, in the order delivered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from ingest.mapping.text import as_text, header_key, text_column
from ingest.readers.tables_grid import Grid
from ingest.rules.network import Survey
from models.findings import Finding, Place, Severity

_NUMBERS: Final = (
    "exp_no",
    "物探点号",
    "点号",
    "管点编号",
    "管线点号",
    "wtdh",
    "井号",
    "附属物点号",
)
_CORNERS: Final = [f"{axis}{corner}" for corner in (1, 2, 3, 4) for axis in "xyz"]
_SEARCH_ROWS: Final = 20
#: Metres between a chamber's outline and its point beyond which one of them is misplaced.
_FAR: Final = 20.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SourceOutline:
    """A table of outlines: the header's row, the column of the point number and those of X1 … Z4
    (-1 where there is no Z)."""

    grid: Grid
    header_row: int
    number: int
    corners: tuple[int, ...]
    class_code: str | None


def find_outline(grid: Grid, class_code: str | None) -> SourceOutline | None:
    """The table of outlines in a grid, or ``None``."""
    for row in range(min(_SEARCH_ROWS, len(grid.cells))):
        texts = [as_text(v) for v in grid.cells[row]]
        keys = [header_key(t).replace("_", "") if t else "" for t in texts]
        corners = tuple(keys.index(name) if name in keys else -1 for name in _CORNERS)
        plan = [index for index, name in zip(corners, _CORNERS, strict=True) if name[0] != "z"]
        number = next(
            (keys.index(k.replace("_", "")) for k in _NUMBERS if k.replace("_", "") in keys), -1
        )
        if min(plan) >= 0 and number >= 0:
            return SourceOutline(grid, row, number, corners, class_code)
    return None


def attach(
    survey: Survey, outlines: Sequence[SourceOutline], offset: tuple[float, float, float]
) -> list[Finding]:
    """Put outlines into ``attrs`` of their points; ``offset`` (north, east, height) is added.

    Findings (OUT-01) name rows whose point is absent, whose corners are not numbers, cross
    themselves or lie :data:`_FAR` from the point; these outlines are left out.
    """
    out: list[Finding] = []
    for source in outlines:
        out += _attach(survey, source, offset)
    return out


def _attach(
    survey: Survey, source: SourceOutline, offset: tuple[float, float, float]
) -> Iterator[Finding]:
    cells = source.grid.cells[source.header_row + 1 :]
    numbers = text_column(cells[:, source.number])
    corners = np.full((len(cells), 12), np.nan)
    for index, column in enumerate(source.corners):
        if column >= 0:
            corners[:, index] = [_number(v) for v in cells[:, column]]
    corners = corners.reshape(-1, 4, 3) + np.array(offset)
    at = _positions(survey, numbers, source.class_code)
    with np.errstate(invalid="ignore"):
        rings = shapely.polygons(np.nan_to_num(corners[:, :, [1, 0]]))
    known = np.isfinite(corners[:, :, :2]).all(axis=(1, 2))
    sound = shapely.is_valid(rings) & (shapely.area(rings) > 0)
    place = np.column_stack([survey.numbers("point", c) for c in ("y_src", "x_src")])
    place = np.vstack([place, [np.nan, np.nan]])[at]
    away = shapely.distance(shapely.points(np.nan_to_num(place)), rings)
    attrs = survey.points["attrs"].to_numpy(object)
    for row, number in enumerate(numbers):
        if number is None and not known[row]:
            continue
        where = Place(
            source.grid.file,
            source.grid.sheet,
            source.grid.row(source.header_row + 1 + row),
            None,
            number,
        )
        if at[row] < 0:
            yield _finding(where, "点表中没有该点", "its point is not in the point table", number)
        elif not known[row]:
            yield _finding(where, "角点坐标不是数值", "its corners are not numbers", None)
        elif not sound[row]:
            yield _finding(where, "轮廓自相交或面积为零", "it crosses itself or has no area", None)
        elif np.isfinite(place[row]).all() and away[row] > _FAR:
            said = f"{away[row]:.1f} m"
            yield _finding(where, f"距该点 {said}", f"it lies {said} from its point", said)
        else:
            attrs[at[row]]["outline"] = [
                [e, n, None if np.isnan(z) else z] for n, e, z in corners[row].tolist()
            ]


def _positions(survey: Survey, numbers: Any, class_code: str | None) -> npt.NDArray[np.intp]:
    """Positions of the points by number, -1 where absent; of several those of the table's class."""
    by_number: dict[str, int] = {}
    codes = survey.values("point", "class_code")
    for index, number in enumerate(survey.values("point", "exp_no")):
        if number is not None and (number not in by_number or codes[index] == class_code):
            by_number[number] = index
    return np.fromiter((by_number.get(n, -1) for n in numbers), np.intp, len(numbers))


def _number(value: Any) -> float:
    if value is None or isinstance(value, bool):
        return float("nan")
    try:
        number = float(as_text(value) or "nan")
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) else float("nan")


def _finding(place: Place, zh: str, en: str, found: str | None) -> Finding:
    where = f"{place.file}[{place.sheet}]" if place.sheet else place.file
    return Finding(
        "OUT-01",
        Severity.WARNING,
        place,
        f"{where} 第{place.row}行：{place.element or '?'} 的轮廓未采用：{zh}。请核实。",
        f"{where} row {place.row}: the outline of {place.element or '?'} is left out: {en}. "
        "Check it.",
        found or place.element or "?",
        "X1, Y1 … X4, Y4",
    )
