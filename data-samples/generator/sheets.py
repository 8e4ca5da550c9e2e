"""Writers of survey tables: XLSX, XLS and CSV, the same bytes each time."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import xlwt
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from .survey import Cell, Table

STAMP = datetime(2026, 1, 1)


def grid(table: Table) -> tuple[list[list[Cell]], list[tuple[int, int, int, int]]]:
    """All rows of a sheet, and merged areas (first row, last row, first column, last column;
    from 0)."""
    width = len(table.columns)
    rows: list[list[Cell]] = [[k, v] + [None] * (width - 2) for k, v in table.preamble]
    merged = []
    if table.title is not None:
        merged.append((len(rows), len(rows), 0, width - 1))
        rows.append([table.title] + [None] * (width - 1))
    if table.groups:
        top = len(rows)
        owner = {c: group for group, columns in table.groups.items() for c in columns}
        upper: list[Cell] = []
        lower: list[Cell] = []
        for k, column in enumerate(table.columns):
            if column in owner:
                first = table.groups[owner[column]][0] == column
                upper.append(owner[column] if first else None)
                lower.append(column)
                if first:
                    merged.append((top, top, k, k + len(table.groups[owner[column]]) - 1))
            else:
                upper.append(column)
                lower.append(None)
                merged.append((top, top + 1, k, k))
        rows += [upper, lower]
    else:
        rows.append(list(table.columns))
    if table.units:
        rows.append([table.units.get(c) for c in table.columns])
    return rows + table.rows, merged


def write_xlsx(path: Path, tables: Sequence[Table], notes: Sequence[tuple[str, str]]) -> None:
    """A workbook with a sheet a table; ``notes`` go to a sheet 说明 in front."""
    book = Workbook()
    front = book.active
    if front is None:
        raise ValueError("a new workbook has no sheet")
    if notes:
        front.title = "说明"
        for pair in notes:
            front.append(pair)
    else:
        book.remove(front)
    for table in tables:
        sheet = book.create_sheet(table.name)
        rows, merged = grid(table)
        for row in rows:
            sheet.append(row)
        head = len(rows) - len(table.rows)
        for top, bottom, left, right in merged:
            sheet.merge_cells(
                start_row=top + 1, end_row=bottom + 1, start_column=left + 1, end_column=right + 1
            )
        for line in sheet.iter_rows(min_row=1, max_row=head):
            for cell in line:
                cell.font = Font(bold=True)
                cell.alignment = Alignment(horizontal="center", vertical="center")
        for k, column in enumerate(table.columns, start=1):
            wide = 14 if column in ("X", "Y", "建设年代", "权属单位") else 10
            sheet.column_dimensions[get_column_letter(k)].width = wide
        sheet.freeze_panes = f"A{head + 1}"
    book.properties.creator = "cim-twin data-samples"
    book.properties.created = STAMP
    raw = io.BytesIO()
    book.save(raw)
    path.write_bytes(_settle(raw.getvalue()))


def _settle(data: bytes) -> bytes:
    """Take the time of writing out of a workbook: fixed times in the archive and the properties."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                stamp = STAMP.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, content)
            info = zipfile.ZipInfo(name, STAMP.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            target.writestr(info, content, compresslevel=9)
    return out.getvalue()


def write_xls(path: Path, tables: Sequence[Table], notes: Sequence[tuple[str, str]]) -> None:
    """An Excel 97 workbook; ``notes`` go to a sheet 元数据 at the end."""
    book = xlwt.Workbook(encoding="utf-8")
    bold = xlwt.easyxf("font: bold on; align: horiz center")
    for table in tables:
        sheet = book.add_sheet(table.name)
        rows, merged = grid(table)
        head = len(rows) - len(table.rows)
        areas = {(top, left): (bottom, right) for top, bottom, left, right in merged}
        covered = {
            (r, c)
            for top, bottom, left, right in merged
            for r in range(top, bottom + 1)
            for c in range(left, right + 1)
        }
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if (r, c) in areas:
                    bottom, right = areas[r, c]
                    sheet.write_merge(r, bottom, c, right, value, bold)
                elif value is not None and (r, c) not in covered:
                    sheet.write(r, c, value, *([bold] if r < head else []))
    front = book.add_sheet("元数据")
    for r, pair in enumerate(notes):
        for c, value in enumerate(pair):
            front.write(r, c, value)
    book.save(str(path))


def write_csv(path: Path, table: Table, encoding: str = "gb18030") -> None:
    """A CSV file; numbers with three decimals as survey software prints them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in grid(table)[0]:
        writer.writerow([f"{v:.3f}" if isinstance(v, float) else v for v in row])
    path.write_bytes(text.getvalue().encode(encoding))
