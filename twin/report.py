"""Reports of findings: a terminal table, JSON, GeoJSON and an Excel workbook.

JSON, which is stable (keys are only ever added; ``format`` counts incompatible changes)::

    {"format": "twin-report/1",
     "files": [{"files": [name], "theme", "features_in", "accepted", "refused", "findings": {…}}],
     "findings": [{"code", "severity": "error" | "warning" | "info",
                   "place": {"file", "sheet", "row", "column", "element"},
                   "zh", "en", "found", "expected", "rule", "clause", "verified",
                   "position": [e, n, h] | null, "extra": {…}}]}

``row`` counts from 1; ``position`` is in metres of the storage CRS, with a 1985 height or null.
GeoJSON (RFC 7946) has the same values as properties of a feature each, and longitude, latitude in
WGS 84 as geometry where the position is known, else null.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from models.errors import TwinError
from models.findings import Finding, Severity
from twin.report_marks import rows_of

FORMAT: Final = "twin-report/1"
SUFFIXES: Final = (".json", ".geojson", ".xlsx")
_STYLE: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_LEVELS: Final = {Severity.ERROR: "错误", Severity.WARNING: "警告", Severity.INFO: "提示"}
_SHOWN: Final = 50
_ROWS: Final = 8
_FIGURES: Final = re.compile(r"\d+(?:[.,:-]\d+)*")


class ReportError(TwinError):
    """A report of that kind cannot be written there."""

    code = "RPT-01"


def require(path: Path) -> None:
    """Raise :class:`ReportError` before any work is done if ``path`` could not be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise ReportError(
            f"Reports are .json, .geojson or .xlsx, not {path.name}. Name the report so.",
            f"报告只支持 .json、.geojson 和 .xlsx，收到 {path.name}。请更改报告文件名。",
        )
    if not path.parent.is_dir():
        raise ReportError(
            f"The report {path} needs a folder that is there. Make it or choose another.",
            f"报告 {path} 所在目录不存在。请新建目录或另选位置。",
        )


def show(
    console: Console,
    findings: Sequence[Finding],
    limit: int = _SHOWN,
    written: Path | None = None,
    *,
    reports: bool = True,
) -> None:
    """Print the findings grouped by rule, or by what they say where no rule made them, the gravest
    first: how many, where, and what the first one says; at most ``limit`` groups, and how many are
    not shown. Below it totals, and where all of them are: in the report that was ``written``, or
    how to have one, if the command ``reports``. A single file is named once, above the table."""
    if not findings:
        return
    files = {finding.place.file for finding in findings}
    (only,) = files if len(files) == 1 else ("",)
    table = Table(show_lines=True, expand=True, pad_edge=False, title=_escape(only) or None)
    table.add_column("级别 Level", no_wrap=True)
    table.add_column("代码 Code", no_wrap=True)
    table.add_column("数量 Count", no_wrap=True, justify="right")
    table.add_column("位置 Where", overflow="fold", ratio=1)
    table.add_column("首例与建议 First one, and what to do", overflow="fold", ratio=3)
    groups: dict[tuple[int, str, str], list[Finding]] = {}
    order = list(Severity)
    for finding in findings:
        said = finding.rule or _sentence(finding)
        key = (order.index(finding.severity), finding.code, said)
        groups.setdefault(key, []).append(finding)
    ranked = sorted(groups.items(), key=lambda item: item[0])
    for (level, code, _), members in ranked[:limit]:
        first = members[0]
        table.add_row(
            f"[{_STYLE[order[level]]}]{_LEVELS[order[level]]} {order[level]}[/]",
            _escape(code),
            str(len(members)),
            "\n".join(_places(members, only)),
            f"{_escape(_within(first, first.zh, only))}\n"
            f"[dim]{_escape(_within(first, first.en, only))}[/]",
        )
    console.print(table)
    if len(ranked) > limit:
        console.print(
            f"… 另有 {len(ranked) - limit} 类问题，用 --report 查看全部 "
            f"({len(ranked) - limit} more kinds; --report writes all)"
        )
    counts = Counter(finding.severity for finding in findings)
    told = (f"{_LEVELS[level]} {level} {counts[level]}" for level in order if counts[level])
    console.print(f"共 {len(findings)} 条 in all: {', '.join(told)}", markup=False)
    if not reports:
        return
    advice = (
        f"报告已写入 report written: {written}"
        if written
        else "逐条清单：加 --report 报告.xlsx，错误单元格会标出 (for the whole list add --report "
        "report.xlsx, which marks the cells)"
    )
    console.print(advice, markup=False)


def _sentence(finding: Finding) -> str:
    """The Chinese sentence without what is of this one finding: names, values, figures. One code
    may stand for several faults (MET-01: a missing CRS, a missing vertical datum)."""
    place = finding.place
    own = (place.file, place.sheet, place.column, place.element, finding.found, finding.expected)
    text = finding.zh
    for word in sorted(filter(None, own), key=len, reverse=True):
        text = text.replace(word, "…")
    return _FIGURES.sub("0", text)


def where(finding: Finding, only: str = "") -> str:
    """The place of a finding in one line: file (unless it is ``only``), sheet, row, column,
    element."""
    place = finding.place
    parts = [
        place.file if place.file != only else None,
        place.sheet,
        place.row and f"行 row {place.row}",
        place.column,
    ]
    return _escape(" · ".join(str(p) for p in (*parts, place.element) if p))


def _places(members: Sequence[Finding], only: str) -> Iterator[str]:
    """Where the findings of one rule are, a line a sheet: its rows, as many as one can take in."""
    if len(members) == 1:
        yield where(members[0], only)
        return
    sheets: dict[tuple[str, str | None], list[Finding]] = {}
    for finding in members:
        sheets.setdefault((finding.place.file, finding.place.sheet), []).append(finding)
    for (file, sheet), own in list(sheets.items())[:_ROWS]:
        rows = list(dict.fromkeys(row for finding in own for row in rows_of(finding)))
        shown = ", ".join(map(str, rows[:_ROWS])) + (" …" if len(rows) > _ROWS else "")
        noun = "row" if len(rows) == 1 else "rows"
        parts = (file if file != only else None, sheet, shown and f"行 {noun} {shown}")
        yield _escape(" · ".join(part for part in parts if part))
    if len(sheets) > _ROWS:
        yield f"… +{len(sheets) - _ROWS}"


def write(
    path: Path,
    findings: Sequence[Finding],
    summary: Mapping[str, Any],
    srid: int,
    files: Sequence[Path] = (),
    encoding: str | None = None,
) -> None:
    """Write a report to ``path``: ``.json``, ``.geojson`` (see above) or ``.xlsx``.

    ``summary`` is added to JSON as it is, and shown on a sheet of the workbook; rows under its key
    ``totals`` (flat mappings, one a class) too. ``files`` are those that were delivered: the
    workbook shows their tables, text in ``encoding`` where one was declared. ``srid`` is the
    storage CRS. Raises :class:`ReportError`.
    """
    require(path)
    try:
        match path.suffix.lower():
            case ".xlsx":
                from twin.report_workbook import write_workbook  # it brings the workbook library

                write_workbook(path, findings, summary, files, encoding)
            case ".geojson":
                features = list(_features(findings, srid))
                _dump(path, {"type": "FeatureCollection", "features": features})
            case _:
                found = [finding.as_dict() for finding in findings]
                _dump(path, {"format": FORMAT, **summary, "findings": found})
    except OSError as error:
        raise ReportError(
            f"The report {path} cannot be written: {error.strerror}. Choose another place.",
            f"无法写入报告 {path}（{error.strerror}）。请另选位置。",
        ) from error


def _dump(path: Path, body: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1, default=str), "utf-8")


def _features(findings: Sequence[Finding], srid: int) -> Iterator[dict[str, Any]]:
    from models.crs import StorageCrs, storage_to_geodetic

    placed = [finding.position for finding in findings if finding.position is not None]
    east, north = [place[0] for place in placed], [place[1] for place in placed]
    lon, lat, _ = storage_to_geodetic(east, north, [0.0] * len(placed), StorageCrs(srid))
    # CGCS2000 and WGS 84 are taken as equal (models.horizontal); 9 decimals are 0.1 mm
    points = zip(lon.round(9).tolist(), lat.round(9).tolist(), strict=True)
    for finding in findings:
        geometry = None
        if finding.position is not None:
            geometry = {"type": "Point", "coordinates": list(next(points))}
        properties = finding.as_dict()
        properties.pop("position")
        yield {"type": "Feature", "geometry": geometry, "properties": properties}


def _within(finding: Finding, sentence: str, only: str) -> str:
    """The sentence without the name of the only file, which stands above; whole where the file
    itself is what it speaks of."""
    place = finding.place
    if place.sheet is None and place.row is None:
        return sentence
    return sentence.removeprefix(only).lstrip(" ,:，：")


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
