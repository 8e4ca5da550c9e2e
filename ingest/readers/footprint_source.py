"""Before GDAL sees a footprint file: which files belong to it, whether it is whole, what it says of
its CRS and its code page.

GDAL is lenient where a delivery must not be: it opens a Shapefile without attributes, fills in a
CRS that a GeoJSON file names wrongly, and takes an unknown code page for Latin-1.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import shutil
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.errors import RefusedError, refuse
from ingest.readers import footprint_geojson
from ingest.readers.signatures import Kind, sniff
from models.features import SourceFile

SUFFIXES: Final = (".geojson", ".gpkg", ".shp", ".fgb")
DRIVERS: Final = {
    Kind.GEOJSON: "GeoJSON",
    Kind.GPKG: "GPKG",
    Kind.SHP: "ESRI Shapefile",
    Kind.FLATGEOBUF: "FlatGeobuf",
}
_SUFFIX: Final = {"GeoJSON": "geojson", "GPKG": "gpkg", "FlatGeobuf": "fgb"}
#: Files that make up a Shapefile, and those that merely lie beside one.
PARTS: Final = (".shp", ".shx", ".dbf", ".prj", ".cpg")
COMPANIONS: Final = (".sbn", ".sbx", ".qix", ".qpj", ".qmd", ".ain", ".aih", ".fix", ".atx")

#: Language driver ids of a DBF header that stand for one code page without doubt.
_LDID: Final = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}


@dataclass(frozen=True, slots=True)
class Source:
    """A footprint file that looks whole. ``members`` are its files by suffix, ``crs`` what it
    declares (None where it does not), ``encoding`` the declared code page of a DBF."""

    path: Path
    driver: str
    members: dict[str, Path]
    crs: str | None = None
    encoding: str | None = None
    default_crs: str | None = None

    def hashed(self) -> SourceFile:
        """Name, size and SHA-256 of the file; of a Shapefile, of its parts one after another."""
        if len(self.members) == 1:
            return SourceFile.of(self.path)
        digest, size = hashlib.sha256(), 0
        for _, path in sorted(self.members.items()):
            digest.update(bytes.fromhex(SourceFile.of(path).sha256))
            size += path.stat().st_size
        return SourceFile(self.path.name, digest.hexdigest(), size)


def group(paths: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Files that are footprints by content, or by name when their content is nobody's."""
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        suffix = path.suffix.lower()
        if suffix in PARTS + COMPANIONS:
            main = _sibling(path, ".shp")
            groups.setdefault(main or path.with_suffix(".shp"), []).append(path)
        elif suffix in SUFFIXES or _kind(path) in DRIVERS:
            groups.setdefault(path, []).append(path)
    return [tuple(dict.fromkeys(members)) for members in groups.values()]


def open_source(paths: tuple[Path, ...]) -> Source:
    """Check that the files of one group are there, whole, and what their names say.

    Raises :class:`RefusedError` with what the file really is or lacks.
    """
    first = paths[0]
    if first.suffix.lower() in PARTS + COMPANIONS:
        return _shapefile(first)
    kind = _kind(first)
    if kind is Kind.GEOJSON:
        return _geojson(first)
    if kind is Kind.GPKG:
        return _geopackage(first)
    if kind is Kind.FLATGEOBUF:
        return Source(first, DRIVERS[kind], {first.suffix.lower(): first})
    if kind is Kind.JSON:  # cut before it says what it is?
        footprint_geojson.require_closed(first)
    raise _not_it(first, kind, "GeoJSON, GeoPackage, Shapefile, FlatGeobuf")


def stage(source: Source, folder: Path) -> Path:
    """Put the files into ``folder`` under plain names, so that no name is taken for an address and
    nothing beside them is opened; the path of the main one.

    They are links, but for a GeoPackage with a journal, into which SQLite would write: it is
    copied, with the changes that wait in the journal.
    """
    if source.driver != DRIVERS[Kind.SHP]:
        main = folder / f"source.{_SUFFIX[source.driver]}"
        journals = [
            source.path.with_name(f"{source.path.name}{end}") for end in ("-wal", "-journal")
        ]
        with source.path.open("rb") as stream:
            writes = stream.read(20)[18:] == b"\x02\x02"
        if source.driver != "GPKG" or not (writes or any(path.exists() for path in journals)):
            main.symlink_to(source.path.resolve())
            return main
        shutil.copyfile(source.path, main)
        for journal in filter(Path.exists, journals):
            end = journal.name.removeprefix(source.path.name)
            shutil.copyfile(journal, folder / f"{main.name}{end}")
        return main
    for suffix, path in source.members.items():
        if suffix != ".cpg":  # the code page is ours to judge
            (folder / f"source{suffix}").symlink_to(path.resolve())
    return folder / "source.shp"


def _kind(path: Path) -> Kind | None:
    try:
        return sniff(path)
    except OSError:
        return None


def _not_it(path: Path, kind: Kind | None, expected: str) -> RefusedError:
    found_en = "a file that cannot be opened" if kind is None else kind.en
    found_zh = "无法打开的文件" if kind is None else kind.zh
    return refuse(
        "STR-00",
        path.name,
        en=f"{path.name} is {found_en}, not what its name says. Expected {expected}. "
        "Deliver the file in one of these formats.",
        zh=f"{path.name} 实为{found_zh}，与文件名不符。应为 {expected}。请按上述格式重新导出。",
        found=found_en,
        expected=expected,
    )


def _cut(path: Path, found: int, expected: int | str) -> RefusedError:
    return refuse(
        "STR-00",
        path.name,
        en=f"{path.name} is not whole: found {found} bytes, expected {expected}. "
        "Export or copy the file again.",
        zh=f"{path.name} 不完整：实有 {found} 字节，应为 {expected}。请重新导出或复制该文件。",
        found=str(found),
        expected=str(expected),
    )


def _geojson(path: Path) -> Source:
    # RFC 7946: without the member of its forerunner of 2008, coordinates are CRS84.
    crs = footprint_geojson.stated_crs(path)
    return Source(path, "GeoJSON", {path.suffix.lower(): path}, crs, None, "OGC:CRS84")


def _geopackage(path: Path) -> Source:
    """All pages that the SQLite header counts are there."""
    with path.open("rb") as stream:
        head = stream.read(100)
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    size = path.stat().st_size
    # The count is only valid when the change counter agrees with the version-valid-for number.
    if head[24:28] == head[92:96] and pages * (65536 if page == 1 else page) > size:
        raise _cut(path, size, pages * (65536 if page == 1 else page))
    return Source(path, "GPKG", {path.suffix.lower(): path})


def _shapefile(named: Path) -> Source:
    members = {s: found for s in PARTS if (found := _sibling(named, s)) is not None}
    missing = [suffix for suffix in (".shp", ".shx", ".dbf") if suffix not in members]
    if missing:
        lacking = ", ".join(f"{named.stem}{suffix}" for suffix in missing)
        raise refuse(
            "STR-00",
            named.name,
            en=f"{named.name}: a Shapefile needs .shp, .shx and .dbf; {lacking} is missing. "
            "Deliver all its files together.",
            zh=f"{named.name}：Shapefile 须包含 .shp、.shx、.dbf，缺少 {lacking}。请一并提交。",
            found=", ".join(sorted(members)),
            expected=".shp, .shx, .dbf",
        )
    path = members[".shp"]
    for suffix, expected in ((".shp", Kind.SHP), (".shx", Kind.SHP), (".dbf", Kind.DBF)):
        kind = _kind(members[suffix])
        if kind is not expected:
            raise _not_it(members[suffix], kind, expected.en)
    for suffix in (".shp", ".shx"):
        with members[suffix].open("rb") as stream:
            size = 2 * struct.unpack(">i", stream.read(28)[24:])[0]
        if members[suffix].stat().st_size < size:
            raise _cut(members[suffix], members[suffix].stat().st_size, size)
    with members[".dbf"].open("rb") as stream:
        head = stream.read(32)
    records, header, record = struct.unpack("<IHH", head[4:12])
    if members[".dbf"].stat().st_size < header + records * record:
        size = members[".dbf"].stat().st_size
        raise _cut(members[".dbf"], size, header + records * record)
    prj = members.get(".prj")
    wkt = None if prj is None else prj.read_text("utf-8-sig", errors="replace").strip()
    return Source(path, "ESRI Shapefile", members, wkt or None, _code_page(members, head[29]))


def _code_page(members: dict[str, Path], ldid: int) -> str | None:
    cpg = members.get(".cpg")
    if cpg is None:
        return _LDID.get(ldid)
    word = cpg.read_bytes()[:64].decode("ascii", "replace").strip().strip("\ufeff\x00")
    return codec(word, cpg.name) if word else _LDID.get(ldid)


def codec(word: str, file: str) -> str:
    """Python's codec for a code page as ``.cpg`` files and people write it.

    GB2312 and GBK are read as GB18030, which holds both. Raises :class:`RefusedError`.
    """
    bare = re.sub(r"^(ansi|oem|windows|cp|ms)[ _-]*(?=\d)", "", word.strip().lower())
    if bare in {"936", "gbk", "gb2312", "gb18030", "54936"}:
        return "gb18030"
    name = {"65001": "utf-8", "utf8": "utf-8", "950": "big5", "88591": "latin-1"}.get(bare)
    if name is None and re.fullmatch(r"8859-?\d+", bare):
        name = f"iso-{bare}" if "-" in bare else f"iso-8859-{bare[4:]}"
    try:
        return codecs.lookup(name or (f"cp{bare}" if bare.isdigit() else bare)).name
    except LookupError:
        raise refuse(
            "ENC-01",
            file,
            en=f"{file}: found code page {word!r}, expected one such as UTF-8 or GB18030. "
            "Correct the .cpg file or the declared encoding.",
            zh=f"{file}：未知的字符编码“{word}”，应为 UTF-8、GB18030 等。"
            "请更正 .cpg 或声明的编码。",
            found=word,
            expected="UTF-8, GB18030, ...",
        ) from None


def _sibling(path: Path, suffix: str) -> Path | None:
    """The file beside ``path`` of the same stem and ``suffix``, upper case or lower."""
    for spelled in (suffix, suffix.upper(), suffix.capitalize()):
        candidate = path.with_suffix(spelled)
        if candidate.is_file():
            return candidate
    return None
