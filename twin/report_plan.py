"""What a report workbook will hold, as plain values: sheets, marks, findings and summary.

Bounded whatever is delivered: at most :data:`MAX_FINDINGS` rows of findings (the gravest; each
links to its cell) and :data:`MAX_COMMENTS` comments; a table of more than :data:`FULL_CELLS` cells
shows only its header and the rows that findings are about. The summary says what was left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from openpyxl.utils import get_column_letter, quote_sheetname

from ingest.errors import RefusedError
from ingest.readers.tables import SUFFIXES, Grid, read_grids
from models.findings import Finding, Severity
from twin.report_marks import Marks, marks, rows_of

MAX_FINDINGS: Final = 50_000  # Excel follows at most 65,530 links a sheet
MAX_COMMENTS: Final = 5_000
FULL_CELLS: Final = 1_000_000
#: Rows and columns of an XLSX sheet (ECMA-376, 18.3.1.73 and 18.3.1.13).
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
SUMMARY, FINDINGS = "检查摘要 Summary", "检查结果 Findings"

HEADERS: Final = (
    ("序号\nNo.", 7), ("级别\nSeverity", 10), ("代码\nCode", 10), ("规则\nRule", 14),
    ("文件\nFile", 24), ("工作表\nSheet", 12), ("行\nRow", 8), ("列\nColumn", 14),
    ("对象\nElement", 18), ("定位\nCell", 18), ("现值\nFound", 18), ("应为/限值\nExpected", 20),
    ("依据（条款与版本）\nClause and edition", 26), ("依据已核验\nVerified", 10),
    ("说明", 60), ("Message", 60), ("建议", 34), ("Suggestion", 34),
    ("东 E (m)", 13), ("北 N (m)", 14), ("高 H (m)", 9),
)  # fmt: skip
_ORDER: Final = list(Severity)
_WORDS: Final = {Severity.ERROR: "错误", Severity.WARNING: "警告", Severity.INFO: "提示"}


@dataclass(slots=True)
class Mark:
    """A wrong cell, (row, column) from 0, and the text of its comment."""

    row: int
    column: int
    severity: str
    comment: str | None


@dataclass(slots=True)
class Sheet:
    """A delivered table: where it came from and its ``title`` in the report."""

    path: str
    source: str | None
    title: str
    marks: list[Mark]


@dataclass(slots=True)
class Plan:
    """Everything but the cells themselves; ``findings`` are rows under :data:`HEADERS`, ``links``
    go with them, ``summary`` is a list of titled tables, ``encoding`` that of delivered text."""

    sheets: list[Sheet]
    findings: list[list[Any]]
    links: list[str | None]
    summary: list[tuple[str, list[list[Any]]]]
    notes: list[str] = field(default_factory=list)
    encoding: str | None = None


def read_tables(
    files: Iterable[Path], encoding: str | None = None
) -> tuple[list[tuple[Path, Grid]], list[Path]]:
    """The grids of every delivered table that can be read, and the files that give none;
    ``encoding`` is the declared one of text."""
    tables: list[tuple[Path, Grid]] = []
    none: list[Path] = []
    for path in files:
        try:
            grids = read_grids(path, encoding) if path.suffix.lower() in SUFFIXES else []
        except (RefusedError, OSError):
            grids = []
        tables += [(path, grid) for grid in grids]
        if not grids:
            none.append(path)
    return tables, none


def make(
    findings: Sequence[Finding],
    summary: Mapping[str, Any],
    tables: Sequence[tuple[Path, Grid]],
    none: Sequence[Path] = (),
) -> Plan:
    """The plan of a report on ``tables`` (files ``none`` have no table to show)."""
    ordered = sorted(findings, key=lambda f: _ORDER.index(f.severity))
    titles = _titles(tables)
    own: dict[tuple[str, str | None], list[Finding]] = {}
    for finding in ordered:
        own.setdefault((finding.place.file, finding.place.sheet), []).append(finding)
    sheets: list[Sheet] = []
    cell_of: dict[int, str] = {}
    budget = MAX_COMMENTS
    for (path, grid), title in zip(tables, titles, strict=True):
        found = marks(grid.cells, own.get((path.name, grid.sheet), ()))
        for (row, column), causes in found.items():
            for finding in causes:  # of the rows it is about, the link leads to its place's
                if finding.place.row in (None, row + 1):
                    cell_of.setdefault(id(finding), _link(title, row, column))
        made = _marks(found, budget)
        budget -= sum(mark.comment is not None for mark in made)
        sheets.append(Sheet(str(path), grid.sheet, title, made))
    shown = ordered[:MAX_FINDINGS]
    links = [cell_of.get(id(finding)) for finding in shown]
    rows = [_row(i, f, cell) for i, (f, cell) in enumerate(zip(shown, links, strict=True), 1)]
    notes = _notes(ordered, budget, none)
    listed: list[list[Any]] = [[s.title, Path(s.path).name, s.source, len(s.marks)] for s in sheets]
    heads: list[Any] = [
        "本簿工作表 Sheet here",
        "文件 File",
        "原工作表 Its sheet",
        "问题单元格 Wrong cells",
    ]
    contents = ("工作表 Sheets", [heads, *listed])
    return Plan(sheets, rows, links, [*_summary(ordered, summary), contents], notes)


def _titles(tables: Sequence[tuple[Path, Grid]]) -> list[str]:
    """A title for each sheet: its own name, the file's for text; made unique as Excel counts."""
    taken = {SUMMARY.casefold(), FINDINGS.casefold()}
    out = []
    for path, grid in tables:
        wanted = "".join("_" if mark in r"[]:*?/\'" else mark for mark in grid.sheet or path.stem)
        title, number = wanted[:31] or "_", 1
        while title.casefold() in taken:
            number += 1
            title = f"{wanted[: 28 - len(str(number))]} ({number})"
        taken.add(title.casefold())
        out.append(title)
    return out


def _link(title: str, row: int, column: int) -> str:
    return f"{quote_sheetname(title)}!{get_column_letter(column + 1)}{row + 1}"


def _marks(found: Marks, budget: int) -> list[Mark]:
    out = []
    gravest = sorted(found.items(), key=lambda item: _ORDER.index(item[1][0].severity))
    for (row, column), causes in gravest:
        comment = _comment(causes) if budget > 0 else None
        budget -= 1
        out.append(Mark(row, column, causes[0].severity.value, comment))
    return out


def _comment(causes: Sequence[Finding]) -> str:
    parts = [f"{f.code} {_WORDS[f.severity]} {f.severity}\n{f.zh}\n{f.en}"[:900] for f in causes]
    more = [f"… +{len(parts) - 3}"] if len(parts) > 3 else []
    return "\n\n".join([*parts[:3], *more])


def _row(number: int, finding: Finding, cell: str | None) -> list[Any]:
    place = finding.place
    x, y, z = finding.position or (None, None, None)
    verified = {True: "是 yes", False: "否 no", None: None}[finding.verified]
    level = f"{_WORDS[finding.severity]} {finding.severity}"
    return [
        number, level, finding.code, finding.rule, place.file, place.sheet, place.row,
        place.column, place.element, cell, finding.found, finding.expected, finding.clause,
        verified, finding.zh, finding.en, _last(finding.zh, "。"), _last(finding.en, ". "),
        x, y, z,
    ]  # fmt: skip


def _last(sentences: str, mark: str) -> str:
    """What to do, which by convention is the last sentence of a finding."""
    parts = [part for part in sentences.strip().split(mark) if part.strip()]
    return "" if not parts else parts[-1].strip() + ("。" if mark == "。" else "")


#: What the columns of the totals by class are called.
_TOTALS: Final = {
    "file": "文件 File",
    "class_code": "代码 Code",
    "class": "类别 Class",
    "points": "管点 Points",
    "stated_points": "统计表管点 Points stated",
    "lines": "管段 Lines",
    "length": "长度 Length m",
    "stated_length": "统计表长度 Length stated m",
    "difference": "相差 Difference m",
}


def _summary(
    findings: Sequence[Finding], summary: Mapping[str, Any]
) -> list[tuple[str, list[list[Any]]]]:
    """Tables: files, findings by rule and severity, and totals by class where there are any."""
    by_rule = Counter((f.severity, f.code, f.rule, f.clause, f.verified) for f in findings)
    places = Counter[tuple[Any, ...]]()
    for f in findings:
        rows = sum(1 for _ in rows_of(f))
        places[f.severity, f.code, f.rule, f.clause, f.verified] += max(1, rows)
    rules = [
        [f"{_WORDS[s]} {s}", code, rule, count, places[s, code, rule, clause, verified], clause,
         {True: "是 yes", False: "否 no", None: None}[verified]]
        for (s, code, rule, clause, verified), count in sorted(
            by_rule.items(), key=lambda item: (_ORDER.index(item[0][0]), item[0][1], -item[1])
        )
    ]  # fmt: skip
    severities = Counter(f.severity for f in findings)
    files = [
        [", ".join(f["files"]), f["theme"], f["features_in"], f["accepted"], f["refused"]]
        for f in summary.get("files", ())
    ]
    tables: list[tuple[str, list[list[Any]]]] = [
        (
            "文件 Files",
            [["文件 File", "主题 Theme", "读取 Read", "合格 Accepted", "拒收 Refused"], *files],
        ),
        (
            "按级别 By severity",
            [["级别 Severity", "数量 Findings"]]
            + [[f"{_WORDS[s]} {s}", severities[s]] for s in Severity],
        ),
        (
            "按规则 By rule",
            [["级别 Severity", "代码 Code", "规则 Rule", "数量 Findings", "处数 Places",
              "依据 Clause and edition", "依据已核验 Verified"], *rules],
        ),
    ]  # fmt: skip
    if totals := summary.get("totals"):
        heads = list(dict.fromkeys(key for row in totals for key in row))
        body = [[row.get(head) for head in heads] for row in totals]
        names = [_TOTALS.get(head, head) for head in heads]
        tables.append(("分类统计 Totals by class", [names, *body]))
    return tables


def _notes(findings: Sequence[Finding], budget: int, none: Sequence[Path]) -> list[str]:
    notes = [
        "有问题的单元格已着色：红=错误，黄=警告，蓝=提示；批注为问题说明。公式均以其值显示。 "
        "Wrong cells are coloured: red error, yellow warning, blue info; comments say why. "
        "Formulas are shown as their values."
    ]
    if len(findings) > MAX_FINDINGS:
        notes.append(
            f"共 {len(findings)} 条问题，本簿列出最重要的 {MAX_FINDINGS} 条；全部见 JSON 报告。 "
            f"{len(findings)} findings; the gravest {MAX_FINDINGS} are listed here, all of them in "
            "a JSON report."
        )
    if budget <= 0:
        notes.append(
            f"批注仅加在最重要的 {MAX_COMMENTS} 个单元格，其余只着色。 "
            f"Only the gravest {MAX_COMMENTS} cells have comments; the others are coloured."
        )
    if none:
        names = ", ".join(path.name for path in none[:20]) + (" …" if len(none) > 20 else "")
        notes.append(
            f"以下文件不是可读的表格，未附其内容：{names} These files are no readable tables and "
            f"are not shown: {names}"
        )
    return notes
