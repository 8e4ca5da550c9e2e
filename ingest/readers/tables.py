"""Cell grids out of XLSX, XLS and delimited text: one rectangle of Python values a sheet.

Cells are ``str``, ``float``, ``int``, ``bool``, ``date``, ``datetime`` or ``None``; a formula that
failed is its error text (``#REF!``), never a silent blank. Everything is read within limits; what
cannot be read is refused with the file's name and what it really is.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import python_calamine

from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.mapping.text import Objects, trimmed
from ingest.readers import tables_text, tables_xls, tables_xlsx
from ingest.readers.tables_xlsx import MAX_CELLS, MAX_COLUMNS

FORMULA_ERRORS: Final = frozenset(
    {"#REF!", "#DIV/0!", "#N/A", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA", "#SPILL!"}
)

#: For the process that reads XLS.
LIMITS: Final = Limits(seconds=120.0, memory=2 << 30)

#: Suffix → what the content must be.
SUFFIXES: Final = {
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
}

_SIGNATURES: Final = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"SQLite format 3\x00", "SQLite / GeoPackage"),
    (b"\x00\x01\x00\x00Standard", "Access MDB"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"{\\rtf", "RTF"),
)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Grid:
    """A sheet as a rectangle: ``cells`` (rows, columns) from cell A1 on, so that row ``i`` is the
    spreadsheet's row ``i + 1``. ``sheet`` is ``None`` for a text file."""

    file: str
    sheet: str | None
    cells: Objects

    @property
    def empty(self) -> bool:
        """Whether no cell holds anything."""
        return self.cells.size == 0


def content(path: Path) -> str:
    """What a file is by its first bytes: ``xlsx``, ``xls``, ``text`` or another format's name."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_content(path)
    if head.startswith(_OLE):
        return "xls" if tables_xls.is_workbook(path) else "OLE (DOC, PPT, MSI …)"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table")):
        return "HTML"
    if start.startswith(b"<?xml") or start.startswith(b"<"):
        return "HTML" if b"<html" in start else "XML"
    if start.startswith((b'{"type"', b'{ "type"', b"{\n")):
        return "JSON"
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "binary"
    return "text"


def read_grids(path: Path, encoding: str | None = None, limits: Limits = LIMITS) -> list[Grid]:
    """Every sheet of a workbook, or the one grid of a text file.

    ``encoding`` is the declared encoding of text; ``limits`` bound the process that reads XLS.
    Raises
    :class:`ingest.errors.RefusedError` (STR-00) for a file that is not what its suffix says, is
    damaged, is over the limits, or whose text has another encoding.
    """
    kind = _checked_kind(path)
    if kind == "text":
        return [Grid(path.name, None, tables_text.read(path, encoding))]
    if kind == "xls":
        return [
            Grid(path.name, name, _rectangle(rows, errors))
            for name, rows, errors in tables_xls.read(path, None, limits)
        ]
    errors = tables_xlsx.scan(path)
    return [Grid(path.name, n, _rectangle(rows, errors.get(n, {}))) for n, rows in _load(path)]


def peek_grids(path: Path, rows: int = 25) -> list[Grid]:
    """The first rows of every sheet, for telling tables apart without reading them.

    Nothing is refused: a file that cannot be read gives no grid.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    try:
        if kind is None or content(path) != kind:
            return []
        if kind == "text":
            return [Grid(path.name, None, tables_text.peek(path, rows))]
        if kind == "xlsx":
            return [
                Grid(path.name, name, _rectangle(cells, {}))
                for name, cells in tables_xlsx.peek(path, rows)
            ]
        return [
            Grid(path.name, name, _rectangle(cells, {}))
            for name, cells, _ in tables_xls.read(path, rows, LIMITS)
        ]
    except (RefusedError, OSError):
        return []


def _checked_kind(path: Path) -> str:
    """The content, which must be what the suffix says."""
    try:
        size = path.stat().st_size
        found = content(path) if size else "empty"
    except OSError as error:
        raise refuse(
            "STR-00",
            path.name,
            en=f"{path.name} cannot be read: {error.strerror}. Check the path and permissions.",
            zh=f"无法读取 {path.name}：{error.strerror}。请检查路径和权限。",
        ) from error
    expected = SUFFIXES.get(path.suffix.lower())
    if found == "empty":
        raise refuse(
            "STR-08",
            path.name,
            en=f"{path.name} is empty (0 bytes). Deliver a table with a header and rows.",
            zh=f"{path.name} 是空文件（0 字节）。请提交含表头和数据行的表格。",
            found="0 B",
        )
    if expected is None or found != expected:
        raise refuse(
            "STR-00",
            path.name,
            en=f"{path.name} is not what its name says: its content is {found}, expected "
            f"{expected or 'a table'}. Save it again as XLSX or CSV with the right suffix.",
            zh=f"{path.name} 的内容与扩展名不符：实际为 {found}，应为 {expected or '表格'}。"
            "请另存为 XLSX 或 CSV，并使用正确的扩展名。",
            found=found,
            expected=expected,
        )
    return found


def _zip_content(path: Path) -> str:
    """What a ZIP holds; a damaged one is taken by its suffix, and refused when it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "xlsx" if SUFFIXES.get(path.suffix.lower()) == "xlsx" else "damaged ZIP"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        return "XLSB"
    for start, name in (("word/", "DOCX"), ("ppt/", "PPTX")):
        if any(n.startswith(start) for n in names):
            return name
    return "ZIP"


def _load(path: Path) -> list[tuple[str, list[list[Any]]]]:
    """Worksheets of an XLSX that passed :func:`ingest.readers.tables_xlsx.scan`."""
    try:
        with python_calamine.CalamineWorkbook.from_path(path) as book:
            return [
                (meta.name, book.get_sheet_by_index(index).to_python(skip_empty_area=False))
                for index, meta in enumerate(book.sheets_metadata)
                if meta.typ == python_calamine.SheetTypeEnum.WorkSheet
            ]
    except python_calamine.CalamineError as error:
        reason = str(error)
        cause: BaseException = error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a Rust panic is no Exception
            raise
        reason, cause = "the workbook is malformed", error
    raise refuse(
        "STR-00",
        path.name,
        en=f"{path.name} cannot be read as a workbook ({reason}); it may be half-written or "
        "protected by a password. Open it, save it again and deliver it complete.",
        zh=f"无法作为工作簿读取 {path.name}（{reason}），文件可能不完整或设有密码。"
        "请打开后重新保存并完整提交。",
        found=reason,
    ) from cause


def _rectangle(rows: list[list[Any]], errors: dict[tuple[int, int], str]) -> Objects:
    """Rows of a workbook as an object array, blanks ``None``, formula errors as their text."""
    if not rows and not errors:
        return np.empty((0, 0), object)
    height = max(len(rows), max((r + 1 for r, _ in errors), default=0))
    width = max(max(map(len, rows), default=0), max((c + 1 for _, c in errors), default=0))
    cells = np.full((height, width), None, object)
    if rows and width:
        cells[: len(rows), : len(rows[0])] = np.array(rows, object).reshape(len(rows), -1)
    cells[cells == ""] = None
    for (row, column), text in errors.items():
        cells[row, column] = text
    return trimmed(cells)


__all__ = [
    "FORMULA_ERRORS",
    "MAX_CELLS",
    "MAX_COLUMNS",
    "SUFFIXES",
    "Grid",
    "content",
    "peek_grids",
    "read_grids",
]
