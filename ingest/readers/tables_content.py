"""What a table file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

from ingest.readers import tables_xls
from ingest.readers.signatures import Kind, sniff

#: Suffix → what the content must be.
SUFFIXES: Final = {
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".mdb": "access",
    ".accdb": "access",
    ".shp": "layer",
    ".gpkg": "layer",
    ".dxf": "dxf",
    ".json": "json",
}
_SIGNATURES: Final = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"\x00\x00\x27\x0a", "layer"),
    (b"\x00\x01\x00\x00Standard Jet DB", "access"),
    (b"\x00\x01\x00\x00Standard ACE DB", "access"),
    (b"AutoCAD Binary DXF", "dxf"),
    (b"AC10", "DWG"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"{\\rtf", "RTF"),
)
#: Comments (999), then a section, as every text DXF begins.
_DXF: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:999\r?\n.*\r?\n\s*)*0\s*\r?\nSECTION\s*\r?\n", re.IGNORECASE
)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def content(path: Path) -> str:
    """What a file is by its first bytes: ``xlsx``, ``xls``, ``text`` or another format's name."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_content(path)
    if head.startswith(_OLE):
        return "xls" if tables_xls.is_workbook(path) else "OLE (DOC, PPT, MSI …)"
    if sniff(path) is Kind.GPKG:
        return "layer"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table")):
        return "HTML"
    if start.startswith(b"<?xml") or start.startswith(b"<"):
        return "HTML" if b"<html" in start else "XML"
    if path.suffix.lower() == ".json":
        return "json" if start.startswith(b"{") else "text"
    if start.startswith((b'{"type"', b'{ "type"', b"{\n")):
        return "JSON"
    if _DXF.match(head):
        return "dxf"
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "binary"
    return "text"


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
