"""A copy of delivered workbooks with the wrong cells marked.

Looks are kept: sheets, merged cells, widths, fonts, number formats. Everything that acts is left
behind: formulas (their values stay), links, names, validations, macros, pictures. The libraries
that read looks have no limits of their own, so :func:`copy` runs in a process that has some.
"""

from __future__ import annotations

import copy as copying
import json
from pathlib import Path
from typing import Any

import python_calamine
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.formatting.formatting import ConditionalFormattingList
from openpyxl.worksheet.datavalidation import DataValidationList

from ingest.readers.tables import content, read_grids
from twin.report_plan import Mark, Plan, Sheet
from twin.report_sheets import add_front, comment, fill, made, settle

#: first row, first column, last row, last column, from 1.
Area = tuple[int, int, int, int]


def copy(plan_file: str, to: str) -> None:
    """Write the report that the JSON file ``plan_file`` describes to ``to``.

    The first workbook is opened and kept, sheets of others are added to it. Raises whatever the
    workbook library raises for a file that it cannot read.
    """
    body = json.loads(Path(plan_file).read_text("utf-8"))
    sheets = [
        Sheet(s["path"], s["source"], s["title"], [Mark(**mark) for mark in s["marks"]])
        for s in body.pop("sheets")
    ]
    plan = Plan(sheets, **body)
    book: Workbook | None = None
    for path in dict.fromkeys(sheet.path for sheet in sheets):
        own = [sheet for sheet in sheets if sheet.path == path]
        if content(Path(path)) != "xlsx":
            book = book or _empty()
            _add_grids(book, Path(path), own, plan.encoding)
        elif book is None:
            book = _loaded(path)
            _rename(book, own)
        else:
            _add_sheets(book, _loaded(path), own)
    book = book or _empty()
    for sheet in sheets:
        _mark(book[sheet.title], sheet.marks)
    add_front(book, plan)
    for worksheet in book.worksheets:
        worksheet.sheet_view.tabSelected = worksheet is book.worksheets[0]
    book.save(to)


def merged_areas(path: str) -> dict[str, list[Area]]:
    """Merged cells of every sheet of an XLS or XLSX."""
    out: dict[str, list[Area]] = {}
    with python_calamine.CalamineWorkbook.from_path(path) as book:
        for index, meta in enumerate(book.sheets_metadata):
            if meta.typ == python_calamine.SheetTypeEnum.WorkSheet:
                ranges = book.get_sheet_by_index(index).merged_cell_ranges or ()
                out[meta.name] = [
                    (top + 1, left + 1, bottom + 1, right + 1)
                    for (top, left), (bottom, right) in ranges
                ]
    return out


def _empty() -> Workbook:
    book = Workbook()
    book.remove(book.worksheets[0])
    return book


def _loaded(path: str) -> Workbook:
    """The workbook with values for formulas and nothing that acts."""
    book = load_workbook(path, data_only=True, keep_links=False, keep_vba=False)
    book.defined_names.clear()
    sheets: list[Any] = book.worksheets
    for sheet in sheets:
        sheet.defined_names.clear()
        sheet.conditional_formatting = ConditionalFormattingList()  # it would hide the marks
        sheet.data_validations = DataValidationList()
        sheet.tables.clear()
        sheet._charts, sheet._images = [], []
        for row in sheet.iter_rows():
            for cell in row:
                if not isinstance(cell, MergedCell):
                    cell.hyperlink = None
                    settle(cell)
    return book


def _rename(book: Workbook, sheets: list[Sheet]) -> None:
    """Only the sheets of the report stay, under their titles."""
    kept = {sheet.source: sheet for sheet in sheets}
    others: list[Any] = [s for s in book.worksheets if s.title not in kept]
    for old in [*book.chartsheets, *others]:
        book.remove(old)
    for worksheet in book.worksheets:
        wanted = kept[worksheet.title].title
        if wanted != worksheet.title:
            worksheet.title = wanted


def _add_sheets(book: Workbook, other: Workbook, sheets: list[Sheet]) -> None:
    styles: dict[tuple[int, ...], Any] = {}  # of the other workbook, as ours has them
    for sheet in sheets:
        source, target = other[str(sheet.source)], book.create_sheet(sheet.title)
        for letter, dimension in source.column_dimensions.items():
            target.column_dimensions[letter].width = dimension.width
        for number, height in source.row_dimensions.items():
            target.row_dimensions[number].height = height.height
        rows: Any = source.iter_rows()
        for row in rows:
            for cell in row:
                if isinstance(cell, MergedCell) or (cell.value is None and not cell.has_style):
                    continue
                new: Any = target.cell(cell.row, cell.column)
                new.value = cell.value
                if (style := styles.get(key := tuple(cell._style))) is not None:
                    new._style = copying.copy(style)
                else:
                    for look in ("font", "fill", "border", "alignment"):
                        setattr(new, look, copying.copy(getattr(cell, look)))
                    new.number_format = cell.number_format
                    styles[key] = copying.copy(new._style)
                settle(new)
        for area in source.merged_cells.ranges:
            target.merge_cells(str(area))
        target.freeze_panes = source.freeze_panes


def _add_grids(book: Workbook, path: Path, sheets: list[Sheet], encoding: str | None) -> None:
    grids = {grid.sheet: grid for grid in read_grids(path, encoding)}
    areas = merged_areas(str(path)) if path.suffix.lower() == ".xls" else {}
    for sheet in sheets:
        target = book.create_sheet(sheet.title)
        for row in grids[sheet.source].cells.tolist():
            target.append([made(target, v) if isinstance(v, str) else v for v in row])
        for top, left, bottom, right in areas.get(sheet.source or "", ()):
            target.merge_cells(start_row=top, start_column=left, end_row=bottom, end_column=right)


def _mark(sheet: Any, marks: list[Mark]) -> None:
    for mark in marks:
        cell = sheet.cell(mark.row + 1, mark.column + 1)
        if isinstance(cell, MergedCell):
            area = next(r for r in sheet.merged_cells.ranges if cell.coordinate in r)
            cell = sheet.cell(area.min_row, area.min_col)
        cell.fill = fill(mark.severity)
        if mark.comment is not None:
            theirs = cell.comment.text if cell.comment is not None else None
            cell.comment = comment(mark.comment, theirs)
