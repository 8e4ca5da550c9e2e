"""Hostile files: refused within limits of time and memory, whatever they claim to be.

They are checked in a process of its own, whose time and memory are measured for each file.
"""

from __future__ import annotations

import json
import select
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: Most that a refusal may take. What is read at all may take more (readers have their own limits).
SECONDS = 60
MEMORY = 1500 << 20

#: Checks the files whose paths come in, a line each. Linux forgets the peak of a process's memory
#: when 5 is written to clear_refs (proc(5)); where it may not be, the peak so far stays, which is
#: the stricter measure.
_CHECK = f"""
import json, os, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, ({8 << 30}, {8 << 30}))
from ingest.archives import opened
from ingest.pipeline import check
from ingest.readers.base import ReadOptions

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

for line in sys.stdin:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass
    with opened([Path(json.loads(line))]) as (files, findings):
        results = check(files, ReadOptions("EPSG:4549", "1985"))
        print(json.dumps({{
            "accepted": sum(r.accepted for r in results),
            "codes": [f.code for f in [*findings, *(f for r in results for f in r.findings)]],
            "text": " ".join(f.en for r in results for f in r.findings),
            "memory": peak(),
        }}), flush=True)
"""


@dataclass(frozen=True)
class Seen:
    """The verdict on a file, and the most memory that it took to come to it."""

    accepted: int
    codes: list[str]
    text: str
    memory: int

    @property
    def refused(self) -> bool:
        """Whether nothing of it was accepted, which was told, within the limits."""
        return self.sound and self.accepted == 0 and bool(self.codes)

    @property
    def unread(self) -> bool:
        """Whether it was refused before anything of it was taken for a table."""
        return self.refused and self.codes == ["STR-00"]

    @property
    def sound(self) -> bool:
        """Whether memory was kept and no reader failed (STR-99 would be a fault of ours)."""
        return self.memory < MEMORY and "STR-99" not in self.codes


class Checker:
    """A process that checks files one after another; a new one where it ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, path: Path) -> Seen:
        """The verdict. Raises :class:`TimeoutError` after ``SECONDS``, and :class:`EOFError` where
        the process ended by itself."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CHECK],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(str(path)) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        if not ready:
            self.end()
            raise TimeoutError(f"no verdict on {path.name} in {SECONDS} s")
        line = self._process.stdout.readline()
        if not line:
            self.end()
            raise EOFError(f"no verdict on {path.name}: the process ended")
        return Seen(**json.loads(line))

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None


@pytest.fixture(scope="module")
def check() -> Iterator[Checker]:
    checker = Checker()
    yield checker
    checker.end()


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{before}'
    "<sheetData>{rows}</sheetData>{after}</worksheet>"
)
HEADER = "".join(
    f'<c r="{letter}1" t="inlineStr"><is><t>{name}</t></is></c>'
    for letter, name in zip("ABCD", ["物探点号", "X", "Y", "地面高程"], strict=True)
)
ROWS = f'<row r="1">{HEADER}</row>'
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.spreadsheetml.worksheet+xml"/><Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'


def workbook(path: Path, sheets: list[str | bytes], **parts: str | bytes) -> Path:
    """A workbook of sheets whose XML is given; ``parts`` replace other members."""
    links = "".join(
        f'<Relationship Id="r{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(len(sheets))
    )
    listed = "".join(
        f'<sheet name="S{i}" sheetId="{i + 1}" r:id="r{i}"/>' for i in range(len(sheets))
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    members: dict[str, str | bytes] = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": f'{_RELS}<Relationship Id="r" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{_OFFICE}"><sheets>{listed}'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"{_RELS}{links}</Relationships>",
        **{f"xl/worksheets/sheet{i}.xml": sheet for i, sheet in enumerate(sheets)},
        **{name.replace("__", "/") + ".xml": body for name, body in parts.items()},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return path


def sheet(rows: str = ROWS, before: str = "", after: str = "") -> str:
    return SHEET.format(rows=rows, before=before, after=after)


def entities(body: str, padding: str = "") -> str:
    """A document whose last entity stands for 10^9 letters."""
    levels = "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "lol" * 3}">' for i in range(10)
    )
    return f'<?xml version="1.0"?>{padding}<!DOCTYPE worksheet [{levels}]>{body}'


def bomb(path: Path, members: Mapping[str, bytes], big: str, size: int, fill: bytes) -> Path:
    """A ZIP with ``members`` and one more, ``big``, of ``size`` equal bytes that were never made:
    one block of deflate is repeated."""
    block, packer = 1 << 20, zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(fill * block) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        directory_at = archive.start_dir
        count = len(archive.infolist())
    directory = whole[directory_at : whole.rindex(b"PK\x05\x06")]
    data = packed * (size // block) + end
    sizes = struct.pack("<III", 0, len(data), size)
    name = big.encode()
    with path.open("wb") as stream:
        stream.write(whole[:directory_at])
        stream.write(b"PK\x03\x04" + struct.pack("<5H", 20, 0, 8, 0, 33) + sizes)
        stream.write(struct.pack("<2H", len(name), 0) + name + data)
        start = stream.tell()
        stream.write(directory + b"PK\x01\x02" + struct.pack("<6H", 20, 20, 0, 8, 0, 33) + sizes)
        stream.write(struct.pack("<5H2I", len(name), 0, 0, 0, 0, 0, directory_at) + name)
        length = stream.tell() - start
        stream.write(
            b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, count + 1, count + 1, length, start, 0)
        )
    return path


def parts(tmp_path: Path, *without: str) -> dict[str, bytes]:
    book = workbook(tmp_path / "sound.xlsx", [sheet()])
    with zipfile.ZipFile(book) as archive:
        return {n: archive.read(n) for n in archive.namelist() if n not in without}


@pytest.mark.parametrize(
    "name",
    ["a.csv", "a.txt", "a.xlsx", "a.xls", "a.zip", "a.geojson", "a.gpkg", "a.shp", "a.ifc",
     "a.dbf", "a.mdb", "a.dxf", "a.inp", "a.tif"],
)  # fmt: skip
def test_ten_gigabytes_of_zeros(check: Checker, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as stream:
        stream.truncate(10 << 30)  # sparse: takes no room
    assert check(path).refused


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.csv", "物探点号,X,Y,地面高程\n".encode()),
        ("a.geojson", b'{"type": "FeatureCollection", "features": ['),
        ("a.ifc", b"ISO-10303-21;\nHEADER;"),
        ("a.xls", bytes.fromhex("d0cf11e0a1b11ae1")),
        ("a.gpkg", b"SQLite format 3\x00" + bytes(52) + b"GPKG"),
        ("a.xlsx", b"PK\x03\x04"),
        ("a.zip", b"PK\x03\x04"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ten_gigabytes_behind_a_sound_head(
    check: Checker, tmp_path: Path, name: str, head: bytes
) -> None:
    path = tmp_path / name
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(10 << 30)
    assert check(path).refused


def test_the_same_workbook_without_harm_is_read(check: Checker, tmp_path: Path) -> None:
    seen = check(workbook(tmp_path / "a.xlsx", [sheet()]))
    assert seen.sound
    assert (seen.codes, "no line table" in seen.text) == (["STR-08"], True)


@pytest.mark.parametrize("padding", ["", f"<!--{' ' * 6000}-->"])
def test_entities_in_a_sheet(check: Checker, tmp_path: Path, padding: str) -> None:
    rows = f'{ROWS}<row r="2"><c r="A2" t="inlineStr"><is><t>&a9;</t></is></c></row>'
    assert check(workbook(tmp_path / "a.xlsx", [entities(sheet(rows), padding)])).unread


@pytest.mark.parametrize("padding", ["", f"<!--{' ' * 6000}-->"])
@pytest.mark.parametrize("part", ["xl__sharedStrings", "xl__styles", "docProps__core"])
def test_entities_in_other_parts(check: Checker, tmp_path: Path, part: str, padding: str) -> None:
    text = entities("<sst><si><t>&a9;</t></si></sst>", padding)
    assert check(workbook(tmp_path / "a.xlsx", [sheet()], **{part: text})).refused


def test_external_entities(check: Checker, tmp_path: Path) -> None:
    rows = f'{ROWS}<row r="2"><c r="A2" t="inlineStr"><is><t>&x;</t></is></c></row>'
    hostname = Path("/etc/hostname")
    text = f'<!DOCTYPE w [<!ENTITY x SYSTEM "file://{hostname}">]>{sheet(rows)}'
    seen = check(workbook(tmp_path / "a.xlsx", [text]))
    assert seen.unread
    if hostname.is_file() and (secret := hostname.read_text().strip()):
        assert secret not in seen.text


def test_entities_in_utf16(check: Checker, tmp_path: Path) -> None:
    rows = f'{ROWS}<row r="2"><c r="A2" t="inlineStr"><is><t>&a9;</t></is></c></row>'
    text = entities(sheet(rows)).replace('version="1.0"', 'version="1.0" encoding="UTF-16"')
    assert check(workbook(tmp_path / "a.xlsx", [text.encode("utf-16")])).unread


@pytest.mark.parametrize("fill", [b" ", b"\x00"])
def test_a_sheet_that_unpacks_to_gigabytes(check: Checker, tmp_path: Path, fill: bytes) -> None:
    member = "xl/worksheets/sheet0.xml"
    assert check(bomb(tmp_path / "a.xlsx", parts(tmp_path, member), member, 3 << 30, fill)).unread


def test_strings_that_unpack_to_gigabytes(check: Checker, tmp_path: Path) -> None:
    members = parts(tmp_path)
    assert check(bomb(tmp_path / "a.xlsx", members, "xl/sharedStrings.xml", 3 << 30, b" ")).unread


def test_an_archive_that_unpacks_to_gigabytes(check: Checker, tmp_path: Path) -> None:
    path = bomb(tmp_path / "a.zip", {"b.csv": b"1"}, "a.csv", 3 << 30, b"\x00")
    seen = check(path)
    assert seen.refused
    assert seen.codes == ["ARC-02"]


FAR = {
    "plain": '<c r="XFD1048576"><v>1</v></c>',
    "single quotes": "<c r='XFD1048576'><v>1</v></c>",
    "blanks": '<c r = "XFD1048576"><v>1</v></c>',
    "new line": '<c\nr="XFD1048576"><v>1</v></c>',
    "other attributes": '<c s="0" r="XFD1048576"><v>1</v></c>',
    "character reference": '<c r="&#88;FD1048576"><v>1</v></c>',
}


@pytest.mark.parametrize("cell", FAR.values(), ids=FAR.keys())
def test_one_cell_in_the_far_corner(check: Checker, tmp_path: Path, cell: str) -> None:
    assert check(
        workbook(tmp_path / "a.xlsx", [sheet(f'{ROWS}<row r="1048576">{cell}</row>')])
    ).unread


@pytest.mark.parametrize("number", ["99999999999", "-5", "4294967296", "x"])
def test_row_numbers_that_cannot_be(check: Checker, tmp_path: Path, number: str) -> None:
    row = f'<row r="{number}"><c r="A{number}"><v>1</v></c></row>'
    assert check(workbook(tmp_path / "a.xlsx", [sheet(ROWS + row)])).refused


def test_a_dimension_that_is_too_large(check: Checker, tmp_path: Path) -> None:
    before = '<dimension ref="A1:XFD1048576"/>'
    assert check(workbook(tmp_path / "a.xlsx", [sheet(before=before)])).refused


def test_cells_without_a_place(check: Checker, tmp_path: Path) -> None:
    """Two million cells in one row, none of which says its column."""
    rows = f"{ROWS}<row>{'<c><v>1</v></c>' * 500_000}</row>"
    assert check(workbook(tmp_path / "a.xlsx", [sheet(rows)])).refused


def test_many_sheets_that_are_each_just_small_enough(check: Checker, tmp_path: Path) -> None:
    corner = '<row r="11999"><c r="ALK11999"><v>1</v></c></row>'  # 999 columns
    assert check(workbook(tmp_path / "a.xlsx", [sheet(ROWS + corner)] * 40)).unread


def test_a_sheet_nested_deeply(check: Checker, tmp_path: Path) -> None:
    assert check(workbook(tmp_path / "a.xlsx", [sheet(ROWS + "<row>" * 400_000)])).refused


@pytest.mark.parametrize(
    ("letter", "count"), [("a", 40_000_000), ("=", 1_000_000), ("\U0001f600", 100_000)]
)
def test_one_enormous_text(check: Checker, tmp_path: Path, letter: str, count: int) -> None:
    text = letter * count
    rows = f'{ROWS}<row r="2"><c r="A2" t="inlineStr"><is><t>{text}</t></is></c></row>'
    assert check(workbook(tmp_path / "a.xlsx", [sheet(rows)])).refused


def test_members_outside_the_workbook(check: Checker, tmp_path: Path) -> None:
    members: dict[str, Any] = {"xl____..__..__..__evil": "<x/>"}
    assert check(workbook(tmp_path / "a.xlsx", [sheet()], **members)).refused
    assert not list(tmp_path.rglob("evil.xml"))
