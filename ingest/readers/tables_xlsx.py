"""XLSX before it is parsed: limits, XML that is refused, formulas in error or without a value, and
a look at its top.

The workbook library builds the full rectangle of a sheet in memory, drops error cells and takes a
formula that was never calculated for a blank, so these are looked for here, by streaming the
sheets' XML once.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from ingest.errors import RefusedError, refuse
from ingest.mapping.text import counted

MAX_COLUMNS: Final = 1000
MAX_CELLS: Final = 12_000_000
#: Unpacked bytes of a workbook, and the packing ratio above which a part of it is a bomb.
MAX_BYTES: Final = 1 << 30
MAX_RATIO: Final = 250
_RATIO_FROM: Final = 8 << 20

_BLOCK: Final = 4 << 20
# XML lets an attribute have either quote and blanks around its sign.
_ERROR_MARK: Final = re.compile(rb"\bt\s*=\s*[\"']e[\"']")
_ERROR_CELL: Final = re.compile(
    rb"<(?:\w+:)?c\b(?=[^>]*\bt\s*=\s*[\"']e[\"'])[^>]*?\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"']"
    rb"[^>]*(?<!/)>(.*?)</(?:\w+:)?c>",
    re.DOTALL,
)
_ERROR_TEXT: Final = re.compile(rb"<(?:\w+:)?v>([^<]*)</")
#: A formula with no value stored beside it (ECMA-376-1, 18.3.1.40), as programs write it that do
#: not calculate; where the type is ``str``, the stored value is empty text.
_UNSAVED_CELL: Final = re.compile(
    rb"<(?:\w+:)?c\b(?![^>]*\bt\s*=\s*[\"'](?:str|e)[\"'])[^>]*?"
    rb"\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*>\s*"
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v\s*>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
#: What stands for such a cell; no spreadsheet program writes it.
UNSAVED: Final = "#UNSAVED"
_COLUMN: Final = re.compile(rb"\sr\s*=\s*[\"']([A-Z]{1,3})\d")
_FAR: Final = re.compile(rb"\sr\s*=\s*[\"'][A-Z]{1,3}(\d{5,12})[\"']")
_ROW: Final = re.compile(rb"row\s[^>]*?\br\s*=\s*[\"'](\d+)[\"']")
_NS: Final = "{*}"
_REL_ID: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    ValueError,
)


def scan(path: Path) -> dict[str, dict[tuple[int, int], str]]:
    """Formula errors, and :data:`UNSAVED` for a formula without a stored value, by sheet:
    {(row, column): text}, both from 0.

    Raises :class:`ingest.errors.RefusedError` (STR-00) for a damaged archive, one over the
    limits, or XML with a document type or entities.
    """
    out: dict[str, dict[tuple[int, int], str]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            _limits(archive, path)
            left = MAX_CELLS
            for name, member in sheets(archive):
                out[name], cells = _scan_sheet(archive, member, name, path, left)
                left -= cells
    except DefusedXmlException as error:
        raise _hostile(path) from error
    except (*_DAMAGED, ParseError, OSError, RuntimeError) as error:
        raise _damaged(path, error) from error
    return out


def sheets(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """(name, archive member) of every worksheet, in order. Raises what parsing raises."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): str(link.get("Target")) for link in links}
    members = set(archive.namelist())
    out = []
    for sheet in book.iterfind(f".//{_NS}sheet"):
        target = targets.get(sheet.get(_REL_ID), "")
        member = target.lstrip("/") if target.startswith("/") else normpath(f"xl/{target}")
        if member in members and "chartsheets/" not in member:
            out.append((str(sheet.get("name")), member))
    return out


def peek(path: Path, rows: int) -> list[tuple[str, list[list[Any]]]]:
    """The first rows of every worksheet as text and numbers; none where it cannot be read."""
    out = []
    try:
        with zipfile.ZipFile(path) as archive:
            _limits(archive, path)
            strings = _first_strings(archive)
            for name, member in sheets(archive):
                with archive.open(member) as stream:
                    out.append((name, _first_rows(stream, rows, strings)))
    except (RefusedError, *_DAMAGED, ParseError, OSError, RuntimeError):
        return out
    return out


def column_index(letters: str) -> int:
    """``A`` is 0, ``AA`` 26."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def _limits(archive: zipfile.ZipFile, path: Path) -> None:
    parts = archive.infolist()
    total = sum(part.file_size for part in parts)
    for part in parts:
        ratio = part.file_size / max(part.compress_size, 1)
        if total > MAX_BYTES or (part.file_size > _RATIO_FROM and ratio > MAX_RATIO):
            raise refuse(
                "STR-00",
                path.name,
                en=f"{path.name} unpacks to {total >> 20} MiB ({part.filename} {ratio:.0f}:1); "
                f"at most {MAX_BYTES >> 20} MiB and {MAX_RATIO}:1 are read. Split the delivery.",
                zh=f"{path.name} 解压后达 {total >> 20} MiB（{part.filename} {ratio:.0f}:1），"
                f"上限为 {MAX_BYTES >> 20} MiB 和 {MAX_RATIO}:1。请拆分后提交。",
                found=f"{total >> 20} MiB, {ratio:.0f}:1",
                expected=f"≤ {MAX_BYTES >> 20} MiB, ≤ {MAX_RATIO}:1",
            )
        if part.filename.endswith((".xml", ".rels")):
            with archive.open(part) as stream:
                if re.search(rb"<!(?:DOCTYPE|ENTITY)", stream.read(4096)):
                    raise _hostile(path)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in pieces that end where a row begins, so that no cell is cut."""
    rest = b""
    while block := stream.read(_BLOCK):
        rest += block
        cut = rest.rfind(b"<row") if b"<row" in rest else rest.rfind(b":row")
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
    yield rest


def _scan_sheet(
    archive: zipfile.ZipFile, member: str, sheet: str, path: Path, left: int
) -> tuple[dict[tuple[int, int], str], int]:
    """Formulas as in :func:`scan`, and how many cells the sheet's rectangle has, of ``left`` that
    it may."""
    errors: dict[tuple[int, int], str] = {}
    last, columns = 0, 1
    with archive.open(member) as stream:
        for piece in _pieces(stream):
            if found := _ROW.findall(piece):
                last = max(last, int(found[-1]))
            # A cell's own row counts, whatever its row element says; short sheets fit anyway.
            last = max(last, *map(int, set(_FAR.findall(piece))), 0)
            wide = {letters.decode() for letters in set(_COLUMN.findall(piece))}
            columns = max(columns, 0, *(column_index(letters) + 1 for letters in wide))
            if columns > MAX_COLUMNS or last * columns > left:
                raise too_big(path, sheet, last, columns)
            if _ERROR_MARK.search(piece):
                for letters, row, body in _ERROR_CELL.findall(piece):
                    text = _ERROR_TEXT.search(body)
                    place = (int(row) - 1, column_index(letters.decode()))
                    errors[place] = text[1].decode() if text else "#ERROR"
            for letters, row in _UNSAVED_CELL.findall(piece):
                errors[int(row) - 1, column_index(letters.decode())] = UNSAVED
    return errors, last * columns


def too_big(path: Path, sheet: str | None, rows: int, columns: int) -> RefusedError:
    """The refusal of a table with too many columns or cells."""
    where = f"{path.name} [{sheet}]" if sheet else path.name
    return refuse(
        "STR-00",
        path.name,
        sheet=sheet,
        en=f"{where} has {counted(columns, 'column')} and {counted(rows, 'row')}; at most "
        f"{MAX_COLUMNS} columns, and {MAX_CELLS} cells in a workbook, are read. "
        "Delete columns and rows that hold no data.",
        zh=f"{where} 有 {columns} 列、{rows} 行，"
        f"超过每表 {MAX_COLUMNS} 列、每工作簿 {MAX_CELLS} 个单元格的上限。"
        "请删除无数据的行和列。",
        found=f"{columns} × {rows}",
        expected=f"≤ {MAX_COLUMNS} × …, ≤ {MAX_CELLS} cells",
    )


def _first_strings(archive: zipfile.ZipFile, limit: int = 4000) -> list[str]:
    """The first shared strings; a header's come early because writers number them as they go."""
    out: list[str] = []
    if "xl/sharedStrings.xml" not in archive.namelist():
        return out
    with archive.open("xl/sharedStrings.xml") as stream:
        for _, element in ElementTree.iterparse(stream):
            if element.tag.endswith("}si") or element.tag == "si":
                out.append("".join(t.text or "" for t in element.iterfind(f".//{_NS}t")))
                element.clear()
                if len(out) >= limit:
                    break
    return out


def _first_rows(stream: IO[bytes], rows: int, strings: list[str]) -> list[list[Any]]:
    out: list[list[Any]] = []
    for _, element in ElementTree.iterparse(stream):
        if not element.tag.endswith("row") or element.tag.endswith("brow"):
            continue
        number = int(element.get("r") or len(out) + 1)
        if number < 1:
            raise ValueError(number)
        if number > rows:
            break
        out.extend([] for _ in range(number - len(out)))
        cells = out[number - 1]
        for cell in element.iterfind(f"{_NS}c"):
            reference = re.match(r"[A-Z]+", cell.get("r") or "")
            at = column_index(reference[0]) if reference else len(cells)
            if at >= MAX_COLUMNS:
                break
            cells.extend([None] * (at + 1 - len(cells)))
            cells[at] = _cell(cell, strings)
        element.clear()
    width = max(map(len, out), default=0)
    return [[*row, *[None] * (width - len(row))] for row in out]


def _cell(cell: Any, strings: list[str]) -> Any:
    kind = cell.get("t")
    if kind == "inlineStr":
        return "".join(t.text or "" for t in cell.iterfind(f".//{_NS}t"))
    text = cell.findtext(f"{_NS}v")
    if not text:
        return None
    if kind == "s":
        return strings[int(text)] if int(text) < len(strings) else None
    if kind in (None, "n"):
        return float(text)
    return text


def _damaged(path: Path, error: BaseException) -> RefusedError:
    zh, en = "内容无法解压或已加密", "its content cannot be unpacked, or is encrypted"
    if isinstance(error, zipfile.BadZipFile | EOFError | zlib.error):
        zh, en = "压缩包不完整，文件可能只写了一半", "its archive breaks off, as if half-written"
    elif isinstance(error, ParseError | KeyError):
        zh, en = "内部的 XML 部件缺失或损坏", "a part of its XML is absent or damaged"
    return refuse(
        "STR-00",
        path.name,
        en=f"{path.name} cannot be read: {en}. Save it again and deliver the complete file.",
        zh=f"{path.name} 无法读取：{zh}。请重新保存并提交完整文件。",
        found=str(error),
        expected="XLSX",
    )


def _hostile(path: Path) -> RefusedError:
    return refuse(
        "STR-00",
        path.name,
        en=f"{path.name} holds XML with a document type or entities, which is not read. Save it "
        "again with a spreadsheet program.",
        zh=f"{path.name} 的 XML 含有文档类型或实体声明，不予读取。请用电子表格软件重新保存。",
        found="DOCTYPE / ENTITY",
        expected="XML without them",
    )
