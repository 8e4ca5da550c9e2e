"""Sheets of a report workbook: its summary, its findings, and how a wrong cell is marked.

Whatever a delivery holds is text here: a cell that begins with = + - @ is never a formula, and is
marked so that a spreadsheet program keeps it as text when it is edited (OWASP, CSV injection).
"""

from __future__ import annotations

import re
from typing import Any, Final

from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.worksheet.hyperlink import Hyperlink

from models.findings import Severity
from twin.report_plan import FINDINGS, HEADERS, SUMMARY, Plan

_COLOURS: Final = {Severity.ERROR: "FFFFC7CE", Severity.WARNING: "FFFFEB9C"}
_BOLD: Final = Font(bold=True)
_TITLE: Final = Font(bold=True, size=14)
_LINK: Final = Font(color="FF0563C1", underline="single")
_HEAD: Final = PatternFill("solid", start_color="FFD9E1F2")
_WRAP: Final = Alignment(wrap_text=True, vertical="top")
_ESCAPE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_LONGEST: Final = 32_767  # characters in a cell
_ACTIVE: Final = ("=", "+", "-", "@", "\t", "\r")


def fill(severity: str) -> PatternFill:
    """The colour of a severity."""
    return PatternFill("solid", start_color=_COLOURS.get(Severity(severity), "FFDDEBF7"))


def clean(text: str) -> str:
    """Text as XML 1.0 and a cell can hold it (what looks like an escape is escaped: ECMA-376,
    22.9.2.19 ST_Xstring)."""
    return _ESCAPE.sub("_x005F_", ILLEGAL_CHARACTERS_RE.sub("�", text)[:_LONGEST])


def is_active(text: str) -> bool:
    """Whether a spreadsheet program would take ``text`` for a formula when it is typed in."""
    return text.startswith(_ACTIVE)


def settle(cell: Cell) -> None:
    """Make a cell inert whose value is text; the value of a failed formula stays one."""
    if isinstance(cell.value, str) and cell.data_type != "e":
        text = clean(cell.value)
        if text != cell.value:
            cell.value = text
        cell.data_type = "s"
        if is_active(text):
            cell.quotePrefix = True


def made(sheet: Any, value: Any) -> Cell:
    """A new cell for ``sheet.append`` whose text is inert."""
    cell: Cell = WriteOnlyCell(sheet, clean(value) if isinstance(value, str) else value)
    if isinstance(value, str):
        cell.data_type = "s"  # #REF! too: a report tells of it as text
    settle(cell)
    return cell


def comment(text: str, theirs: str | None = None) -> Comment:
    """A comment with our ``text`` before that which the cell had."""
    whole = text if theirs is None else f"{text}\n\n原批注 Original comment:\n{theirs}"
    return Comment(clean(whole), "twin check", height=180, width=420)


def add_front(book: Workbook, plan: Plan) -> None:
    """Put the summary and the findings before all other sheets."""
    _findings(book.create_sheet(FINDINGS, 0), plan)
    _summary(book.create_sheet(SUMMARY, 0), plan)
    book.active = 0


def _summary(sheet: Any, plan: Plan) -> None:
    for letter, width in zip("ABCDEFG", (40, 14, 18, 12, 12, 40, 18), strict=True):
        sheet.column_dimensions[letter].width = width
    title = made(sheet, "数据检查报告 Report of the check")
    title.font = _TITLE
    sheet.append([title])
    for note in plan.notes:
        sheet.append([made(sheet, note)])
    for name, rows in plan.summary:
        sheet.append([])
        heading = made(sheet, name)
        heading.font = _BOLD
        sheet.append([heading])
        for number, row in enumerate(rows):
            cells = [made(sheet, value) for value in row]
            for cell in cells if number == 0 else ():
                cell.font, cell.fill = _BOLD, _HEAD
            sheet.append(cells)


def _findings(sheet: Any, plan: Plan) -> None:
    for number, (_, width) in enumerate(HEADERS, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "D2"
    last = get_column_letter(len(HEADERS))
    sheet.auto_filter.ref = f"A1:{last}{len(plan.findings) + 1}"
    heads = [made(sheet, name) for name, _ in HEADERS]
    for cell in heads:
        cell.font, cell.fill, cell.alignment = _BOLD, _HEAD, _WRAP
    sheet.append(heads)
    colours = {f"{severity}": fill(severity) for severity in Severity}
    names = [name for name, _ in HEADERS]
    level, place = names.index("级别\nSeverity"), names.index("定位\nCell")
    for number, (row, link) in enumerate(zip(plan.findings, plan.links, strict=True), 2):
        cells: list[Any] = list(row)
        for index, value in enumerate(row):
            if isinstance(value, str):
                cells[index] = made(sheet, value)
                cells[index].alignment = _WRAP
        cells[level].fill = colours[str(row[level]).rsplit(" ", 1)[1]]
        if link is not None:
            cells[place].hyperlink = Hyperlink(ref="", location=link)
            cells[place].hyperlink.ref = f"{get_column_letter(place + 1)}{number}"
            cells[place].font = _LINK
        sheet.append(cells)
