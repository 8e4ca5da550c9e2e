"""Pipe surveys for tests: rows, sheets and files as surveyors deliver them, and what is found."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.survey import SurveyReader
from models.features import Delivery
from models.findings import Finding, Severity

CRS = ["坐标系: CGCS2000 3度带 120E"]
DATUM = ["高程基准", "1985国家高程基准"]
POINT = ["物探点号", "X", "Y", "地面高程", "特征", "附属物", "井深"]
LINE = [
    "起点点号", "连接点号", "起点埋深", "终点埋深", "起点高程", "终点高程", "管径", "材质",
    "埋设方式", "权属单位", "建设年代", "道路名称", "流向", "总孔数", "已用孔数", "电压", "备注",
]  # fmt: skip
#: Origin near Songjiang station in EPSG:4549; X is northing.
NORTH, EAST = 3430515.006, 617486.771
Row = dict[str, Any]
#: Words with which a sentence that says what to do begins.
_IMPERATIVE = (
    r"(Add|Check|Choose|Clear|Compact|Convert|Copy|Correct|Declare|Delete|Deliver|Draw|Enter"
    r"|Exchange|Export|Fill|Find|Give|Install|Leave|Mend|Name|Open|Pack|Put|Raise|Remove|Rename"
    r"|Run|Save|Split|Use|Write)\b"
)
DECLARED = ReadOptions(horizontal="EPSG:4549", vertical="1985")


def point(no: str, dx: float = 0.0, dy: float = 0.0, h: float = 4.0, **more: Any) -> Row:
    """A row of a point table, ``dx`` m north and ``dy`` m east of the origin, at height ``h``."""
    row = {"物探点号": no, "X": round(NORTH + dx, 3), "Y": round(EAST + dy, 3), "地面高程": h}
    return {**row, "特征": "探测点", **more}


def line(start: str, end: str, **more: Any) -> Row:
    """A row of a line table: water, 1.2 m deep at both ends."""
    row = {
        "起点点号": start, "连接点号": end, "起点埋深": 1.2, "终点埋深": 1.2, "管径": "DN300",
        "材质": "球墨铸铁", "埋设方式": "直埋", "权属单位": "水务", "建设年代": "2016-05-12",
        "道路名称": "荣乐路",
    }  # fmt: skip
    return {**row, **more}


def run_of(count: int, prefix: str = "JS", **more: Any) -> tuple[list[Row], list[Row]]:
    """A straight run of ``count`` points 30 m apart to the north, and its lines."""
    points = [point(f"{prefix}{i}", dx=30.0 * i) for i in range(count)]
    lines = [line(f"{prefix}{i}", f"{prefix}{i + 1}", **more) for i in range(count - 1)]
    points[0]["特征"] = points[-1]["特征"] = "起点"
    return points, lines


def cells(header: list[str], rows: Sequence[Row], top: Sequence[list[str]]) -> list[list[Any]]:
    """A sheet: the rows ``top``, the header and a row for each of ``rows``."""
    return [*top, header, *([row.get(name) for name in header] for row in rows)]


def write_csv(path: Path, table: list[list[Any]], encoding: str = "utf-8-sig") -> Path:
    """Write a sheet as CSV; returns ``path``."""
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows(table)
    return path


def write_xlsx(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    """Write sheets as a workbook; returns ``path``."""
    book = openpyxl.Workbook(write_only=True)
    for name, table in sheets.items():
        page = book.create_sheet(name)
        for row in table:
            page.append(row)
    book.save(path)
    return path


def workbook(
    path: Path,
    points: Sequence[Row],
    lines: Sequence[Row],
    top: Sequence[list[str]] = (CRS, DATUM),
    code: str = "JS",
) -> Path:
    """Points in rows 4.. of sheet JSPoint, lines in rows 4.. of JSLine (two rows of metadata).
    Fields of rows beyond the usual header get columns behind it."""
    sheets = {
        f"{code}{kind}": cells(
            list(dict.fromkeys([*usual, *(n for r in rows for n in r)])), rows, top
        )
        for kind, usual, rows in (("Point", POINT, points), ("Line", LINE, lines))
    }
    return write_xlsx(path, sheets)


def read(*paths: Path, options: ReadOptions | None = None) -> Delivery:
    """The delivery of files that the reader takes as one group."""
    reader = SurveyReader()
    (group,) = reader.group(paths)
    return reader.read(group, options or ReadOptions())


def refusal(*paths: Path, options: ReadOptions | None = None) -> tuple[Finding, ...]:
    """The findings with which the reader refuses ``paths``."""
    try:
        read(*paths, options=options)
    except RefusedError as error:
        for finding in error.findings:
            require_complete(finding)
        return error.findings
    raise AssertionError(f"{[path.name for path in paths]} were not refused")


def require_complete(finding: Finding) -> None:
    """Raise :class:`AssertionError` unless the finding says where, what was found and what was
    expected, and in both languages what to do."""
    sentences = re.split(r"(?<=[.;:]) ", finding.en)
    remedy = (
        any(re.match(_IMPERATIVE, each, re.IGNORECASE) for each in sentences) and "请" in finding.zh
    )
    if not (finding.place.file and finding.found and finding.expected and remedy):
        raise AssertionError(finding)


def said(delivery: Delivery, severity: Severity = Severity.ERROR) -> list[tuple[Any, ...]]:
    """(rule, sheet, row, column) of the findings of one severity."""
    return [
        (f.rule, f.place.sheet, f.place.row, f.place.column)
        for f in delivery.findings
        if f.severity is severity
    ]


def keys(delivery: Delivery, table: str) -> list[str]:
    """Keys of a table of the delivery."""
    return list(delivery.tables[table]["key"])
