"""Cell grids out of workbooks, delimited text, Access databases, map layers and drawings: one
rectangle of Python values a sheet, table or layer.

Cells are ``str``, ``float``, ``int``, ``bool``, ``date``, ``datetime`` or ``None``; a formula that
failed is its error text (``#REF!``), never a silent blank. Everything is read within limits; what
cannot be read is refused with the file's name and what it really is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import python_calamine

from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.mapping.text import Objects, trimmed
from ingest.readers import (
    footprint_source,
    tables_access,
    tables_dxf,
    tables_layers,
    tables_manifest,
    tables_text,
    tables_xls,
    tables_xlsx,
)
from ingest.readers.tables_content import SUFFIXES, content
from ingest.readers.tables_grid import Grid
from ingest.readers.tables_xlsx import MAX_CELLS, MAX_COLUMNS

FORMULA_ERRORS: Final = frozenset(
    {"#REF!", "#DIV/0!", "#N/A", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA", "#SPILL!"}
)

#: For the processes that read XLS, Access databases, layers and drawings.
LIMITS: Final = Limits(seconds=120.0, memory=2 << 30)

#: Parts of a Shapefile beside the one that is read.
COMPANIONS: Final = frozenset({".shx", ".dbf", ".prj", ".cpg", *footprint_source.COMPANIONS})

#: What findings call a kind.
_SHOWN: Final = {
    "layer": "Shapefile / GeoPackage",
    "access": "Access",
    "dxf": "DXF",
    "json": "JSON",
}
_KINDS: Final = {
    "xlsx": "an XLSX workbook",
    "xls": "an XLS workbook",
    "text": "text",
    "access": "an Access database",
    "layer": "a Shapefile or GeoPackage",
    "dxf": "a DXF drawing",
    "json": "a JSON object",
}
_KINDS_ZH: Final = {
    "access": " Access 数据库",
    "layer": " Shapefile 或 GeoPackage",
    "dxf": " DXF 图形",
    "json": " JSON 对象",
    "xlsx": " XLSX 工作簿",
    "xls": " XLS 工作簿",
    "text": "文本",
    "binary": "二进制数据",
    "damaged ZIP": "损坏的 ZIP",
}


def read_grids(path: Path, encoding: str | None = None, limits: Limits = LIMITS) -> list[Grid]:
    """Every sheet of a workbook, table of a database or layer of a map, or the one grid of a text
    file; none for the further parts of a Shapefile.

    ``encoding`` is the declared encoding of text; ``limits`` bound the processes that read XLS,
    databases, layers and drawings. Raises :class:`ingest.errors.RefusedError` (STR-00) for a file
    that is not what its suffix says, is damaged, is over the limits, or whose text has another
    encoding.
    """
    if path.suffix.lower() in COMPANIONS:
        return []
    kind = _checked_kind(path)
    if kind == "access":
        return tables_access.read(path, limits)
    if kind == "layer":
        return tables_layers.read(path, encoding, limits)
    if kind == "dxf":
        return tables_dxf.read(path, limits)
    if kind == "json":
        return [tables_manifest.read(path)]
    if kind == "text":
        return [Grid(path.name, None, *tables_text.read(path, encoding))]
    if kind == "xls":
        return [
            Grid(path.name, name, _rectangle(rows, errors))
            for name, rows, errors in tables_xls.read(path, None, limits)
        ]
    errors = tables_xlsx.scan(path)
    return [Grid(path.name, n, _rectangle(rows, errors.get(n, {}))) for n, rows in _load(path)]


def peek_grids(path: Path, rows: int = 25) -> list[Grid]:
    """The first rows of every sheet, for telling tables apart without reading them.

    Nothing is refused: a file that cannot be read gives no grid, nor do databases and drawings,
    which would have to be read whole.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    try:
        if kind is None or content(path) != kind:
            return []
        if kind in {"access", "dxf"}:
            return []
        if kind == "layer":
            return tables_layers.peek(path)
        if kind == "json":
            return [tables_manifest.read(path)]
        if kind == "text":
            return [Grid(path.name, None, *tables_text.peek(path, rows))]
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
            zh=f"无法读取 {path.name}（系统提示：{error.strerror}）。请检查路径和权限。",
            found=error.strerror,
            expected="可读的文件 a readable file",
        ) from error
    expected = SUFFIXES.get(path.suffix.lower())
    if found == "empty":
        raise refuse(
            "STR-08",
            path.name,
            en=f"{path.name} is empty (0 bytes). Deliver a table with a header and rows.",
            zh=f"{path.name} 是空文件（0 字节）。请提交含表头和数据行的表格。",
            found="0 B",
            expected="表头和数据行 header and rows",
        )
    if expected is None or found != expected:
        as_named = f"what {path.suffix} stands for", f"扩展名 {path.suffix} 所示的格式"
        wanted, wanted_zh = (_KINDS[expected], _KINDS_ZH[expected]) if expected else as_named
        raise refuse(
            "STR-00",
            path.name,
            en=f"{path.name} is not what its name says: its content is {_KINDS.get(found, found)}, "
            f"expected {wanted}. Save it again as XLSX or CSV with the right suffix.",
            zh=f"{path.name} 的内容与扩展名不符：实际为{_KINDS_ZH.get(found, f' {found}')}，"
            f"应为{wanted_zh}。请另存为 XLSX 或 CSV，并使用正确的扩展名。",
            found=_SHOWN.get(found, found),
            expected=_SHOWN.get(expected, expected) if expected else path.suffix,
        )
    return found


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
        en=f"{path.name} cannot be read as a workbook; it may be half-written or protected by a "
        "password. Open it, save it again and deliver it complete.",
        zh=f"无法作为工作簿读取 {path.name}，文件可能不完整或设有密码。"
        "请打开后重新保存并完整提交。",
        found=reason,
        expected="xlsx",
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
