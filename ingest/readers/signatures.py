"""What a file is, by its first bytes, so that no reader has to trust a name.

Used to choose a reader, and to tell the person who delivered it what a misnamed file really is.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

_HEAD: Final = 8192


class Kind(enum.Enum):
    """A kind of content with its Chinese and English name."""

    EMPTY = ("空文件", "an empty file")
    GEOJSON = ("GeoJSON", "GeoJSON")
    CITYJSON = ("CityJSON", "CityJSON")
    JSON = ("非 GeoJSON 的 JSON", "JSON that is not GeoJSON")
    GPKG = ("GeoPackage", "a GeoPackage")
    SQLITE = ("非 GeoPackage 的 SQLite 数据库", "an SQLite database that is not a GeoPackage")
    FLATGEOBUF = ("FlatGeobuf", "FlatGeobuf")
    SHP = ("Shapefile 图形文件（.shp）", "a Shapefile's geometry (.shp)")
    DBF = ("dBASE 表（.dbf）", "a dBASE table (.dbf)")
    IFC = ("IFC（STEP）", "IFC (STEP)")
    XLSX = ("Excel 工作簿（.xlsx）", "an Excel workbook (.xlsx)")
    OFFICE = ("Word 或 PowerPoint 文档", "a Word or PowerPoint document")
    ACCESS = ("Access 数据库（.mdb/.accdb）", "an Access database (.mdb, .accdb)")
    DXF = ("DXF 图形", "a DXF drawing")
    OLE = ("旧版 Office 文件（.xls/.doc）", "an old Office file (.xls or .doc)")
    ZIP = ("ZIP 压缩包", "a ZIP archive")
    ARCHIVE = ("压缩文件", "a compressed archive")
    PDF = ("PDF 文档", "a PDF document")
    IMAGE = ("图像", "an image")
    XML = ("XML 或 HTML", "XML or HTML")
    LAS = ("点云（LAS/LAZ）", "a point cloud (LAS/LAZ)")
    DWG = ("AutoCAD DWG", "AutoCAD DWG")
    TEXT = ("文本", "text")
    BINARY = ("未知的二进制数据", "unknown binary data")

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        self.en = en


_MAGIC: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"fgb\x03fgb", Kind.FLATGEOBUF),
    (b"\x00\x00\x27\x0a", Kind.SHP),
    (b"ISO-10303-21", Kind.IFC),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OLE),
    (b"\x1f\x8b", Kind.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", Kind.ARCHIVE),
    (b"Rar!", Kind.ARCHIVE),
    (b"%PDF-", Kind.PDF),
    (b"\x89PNG", Kind.IMAGE),
    (b"\xff\xd8\xff", Kind.IMAGE),
    (b"GIF8", Kind.IMAGE),
    (b"II*\x00", Kind.IMAGE),
    (b"MM\x00*", Kind.IMAGE),
    (b"LASF", Kind.LAS),
    (b"AC10", Kind.DWG),
    (b"AutoCAD Binary DXF", Kind.DXF),
    (b"\x00\x01\x00\x00Standard Jet DB", Kind.ACCESS),
    (b"\x00\x01\x00\x00Standard ACE DB", Kind.ACCESS),
)
_DBF_VERSIONS: Final = frozenset(b"\x03\x83\x8b\xf5\x30\x31\x32\x02")
#: An object, or an array; what else begins with a bracket is the section of a text (.ini, .inp).
_JSON: Final = re.compile(rb'\{|\[\s*(?:[\[\]{"]|(?:-?\d[\d.eE+-]*|true|false|null)\s*[,\]])')
#: Of which the first may stand behind everything else, megabytes from the beginning.
_CITYJSON: Final = re.compile(rb'"type"\s*:\s*"CityJSON|"CityObjects"\s*:\s*\{')
_GEOJSON_TYPE: Final = re.compile(
    rb'"type"\s*:\s*"(Feature|GeometryCollection"|(Multi)?(Point|LineString|Polygon)")'
)


def beginning(paths: Sequence[Path], marks: Collection[bytes]) -> list[Path]:
    """Those of ``paths`` whose first four bytes are one of ``marks``."""
    out = []
    for path in paths:
        try:
            if not path.is_file():  # a pipe or a device is not opened
                continue
            with path.open("rb") as stream:
                if stream.read(4) in marks:
                    out.append(path)
        except OSError:  # told by whoever opens it
            continue
    return out


def sniff(path: Path) -> Kind:
    """What ``path`` holds. Reads 8 KiB; raises :class:`OSError` where it cannot be read."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        return Kind.EMPTY
    if head.startswith(b"SQLite format 3\x00"):
        return Kind.GPKG if head[68:72] in (b"GPKG", b"GP10", b"GP11") else Kind.SQLITE
    if head.startswith(b"PK\x03\x04"):
        if b"word/" in head or b"ppt/" in head:
            return Kind.OFFICE
        return Kind.XLSX if b"xl/" in head or b"[Content_Types].xml" in head else Kind.ZIP
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"ISO-10303-21"):
        return Kind.IFC
    if _JSON.match(text):
        return _json(text)
    if text.startswith(b"<"):
        return Kind.XML
    if head[0] in _DBF_VERSIONS and _is_dbf(head):
        return Kind.DBF
    return Kind.BINARY if b"\x00" in head else Kind.TEXT


def _json(text: bytes) -> Kind:
    if _CITYJSON.search(text):
        return Kind.CITYJSON
    if _GEOJSON_TYPE.search(text) or (b'"features"' in text and b"[" in text):
        return Kind.GEOJSON
    return Kind.JSON


def _is_dbf(head: bytes) -> bool:
    """A dBASE header: month and day in range, and a header length that fits its field list."""
    size = int.from_bytes(head[8:10], "little")
    return (
        len(head) >= 33 and 1 <= head[2] <= 12 and 1 <= head[3] <= 31 and (size - 33) % 32 in (0, 8)
    )
