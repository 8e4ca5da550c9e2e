"""The Excel report: the owner's tables with the wrong cells marked, findings and a summary.

Everything delivered at once is one workbook, in which each table is a sheet: a reviewer follows a
line to its point across files. Where an XLSX was delivered and all is of bearable size, its copy
keeps its looks (:mod:`twin.report_copy`); else tables are written anew, row by row, from values.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange

from ingest import isolation
from ingest.isolation import IsolationError, Limits
from ingest.readers.tables import Grid
from models.findings import Finding
from twin.report_copy import Area
from twin.report_marks import HEADER_ROWS
from twin.report_plan import (
    FULL_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    Mark,
    Plan,
    Sheet,
    make,
    read_tables,
)
from twin.report_sheets import add_front, comment, fill, is_active, made

#: Cells, and bytes of files, up to which workbooks are copied with their looks.
COPIED_CELLS: Final = 400_000
COPIED_BYTES: Final = 32 << 20
LIMITS: Final = Limits(seconds=120.0, memory=2 << 30)
_MERGED: Final = Limits(seconds=30.0, memory=2 << 30)
_MOST_AREAS: Final = 10_000


def write_workbook(
    path: Path,
    findings: Sequence[Finding],
    summary: Mapping[str, Any],
    files: Sequence[Path],
    encoding: str | None = None,
    limits: Limits = LIMITS,
) -> None:
    """Write the report on ``files`` (text in ``encoding``) to ``path``, whole or not at all.

    ``limits`` bound the process that copies workbooks; where it passes them, tables are written
    anew. Raises :class:`OSError` where the folder cannot be written.
    """
    tables, none = read_tables(files, encoding)
    plan = make(findings, summary, tables, none)
    plan.encoding = encoding
    with tempfile.TemporaryDirectory(prefix=".report-", dir=path.parent) as folder:
        part = Path(folder, "report.xlsx")
        if not _copied(plan, tables, Path(folder, "plan.json"), part, limits):
            _rebuild(plan, tables, part)
        part.replace(path)


def _copied(
    plan: Plan,
    tables: Sequence[tuple[Path, Grid]],
    plan_file: Path,
    part: Path,
    limits: Limits,
) -> bool:
    """Whether the report could be made of a copy of the delivery."""
    books = {path for path, _ in tables if path.suffix.lower() in (".xlsx", ".xlsm")}
    cells = sum(grid.cells.size for _, grid in tables)
    size = sum(path.stat().st_size for path in {path for path, _ in tables})
    if not books:
        return False
    if cells > COPIED_CELLS or size > COPIED_BYTES:
        plan.notes.append(
            f"表格较大（{cells} 个单元格，超过 {COPIED_CELLS}），按值重写，未保留原格式。 "
            f"The tables are large ({cells} cells, more than {COPIED_CELLS}): they are written "
            "anew from their values, without their looks."
        )
        return False
    plan_file.write_text(json.dumps(asdict(plan), ensure_ascii=False, default=str), "utf-8")
    try:
        isolation.run("twin.report_copy:copy", str(plan_file), str(part), limits=limits)
    except IsolationError as error:
        plan.notes.append(
            f"无法按原格式复制工作簿（{error.reason}），按值重写。 The workbook could not be "
            f"copied with its looks ({error.reason}); it is written anew from its values."
        )
        return False
    return True


def _rebuild(plan: Plan, tables: Sequence[tuple[Path, Grid]], part: Path) -> None:
    cells = sum(grid.cells.size for _, grid in tables)
    if cells > FULL_CELLS:
        plan.notes.append(
            f"共 {cells} 个单元格，超过 {FULL_CELLS}：只列出表头和有问题的行，行号与原表一致。 "
            f"{cells} cells, more than {FULL_CELLS}: only headers and rows with findings are "
            "shown, with the row numbers of the original."
        )
    book = Workbook(write_only=True)
    add_front(book, plan)
    areas = {path: _areas(path) for path in {path for path, _ in tables}}
    for sheet, (path, grid) in zip(plan.sheets, tables, strict=True):
        own = areas[path].get(grid.sheet or "", [])
        _write(book.create_sheet(sheet.title), sheet, grid, own, whole=cells <= FULL_CELLS)
    book.save(part)


def _areas(path: Path) -> dict[str, list[Area]]:
    if not path.suffix.lower().startswith(".xls"):
        return {}
    try:
        found = isolation.run("twin.report_copy:merged_areas", str(path), limits=_MERGED)
    except IsolationError:  # looks only
        return {}
    return {name: areas[:_MOST_AREAS] for name, areas in found.items()}


def _write(target: Any, sheet: Sheet, grid: Grid, areas: list[Area], *, whole: bool) -> None:
    cells = grid.cells[:MAX_ROWS, :MAX_COLUMNS]
    for number, width in enumerate(_widths(grid), 1):
        target.column_dimensions[get_column_letter(number)].width = width
    for top, left, bottom, right in areas:
        if bottom <= len(cells) and right <= cells.shape[1]:  # beyond, it could be any size
            target.merged_cells.add(CellRange(None, left, top, right, bottom))
    by_row: dict[int, list[Mark]] = {}
    for mark in sheet.marks:
        by_row.setdefault(mark.row, []).append(mark)
    last = len(cells) if whole else max([HEADER_ROWS, *(row + 1 for row in by_row)])
    for number, row in enumerate(cells[:last].tolist()):
        marks = by_row.get(number)
        if not (whole or marks or number < HEADER_ROWS):
            target.append([])
            continue
        values = [made(target, v) if isinstance(v, str) and is_active(v) else v for v in row]
        for mark in marks or ():
            if mark.column >= len(values):
                continue
            cell = made(target, row[mark.column])
            cell.fill = fill(mark.severity)
            if mark.comment is not None:
                cell.comment = comment(mark.comment)
            values[mark.column] = cell
        target.append(values)


def _widths(grid: Grid) -> list[float]:
    """Widths in characters (an ideograph counts two) that show the first rows, 8 to 40."""
    widths = []
    for column in grid.cells[:200].T.tolist():
        texts = (str(value) for value in column if value is not None)
        longest = max((sum(2 if ord(c) > 0x2E80 else 1 for c in t[:60]) for t in texts), default=0)
        widths.append(float(min(max(8, longest + 2), 40)))
    return widths
