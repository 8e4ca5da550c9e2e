"""Cell grids: what is read, and what is refused with its reason."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import RefusedError
from ingest.readers.tables import content, peek_grids, read_grids
from ingest.readers.tables_xlsx import UNSAVED, column_index

HEADER = ["物探点号", "X", "Y", "地面高程"]


def xlsx(path: Path, rows: Sequence[list[Any]], sheet: str = "点表") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def with_part(path: Path, source: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of an archive with one part changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            data = old.read(item)
            new.writestr(item, change(data) if item.filename == part else data)
    return path


def refused(path: Path, encoding: str | None = None) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read_grids(path, encoding)
    assert caught.value.findings[0].place.file == path.name
    return caught.value


def test_xlsx_gives_values_blanks_and_sheet_rows(tmp_path: Path) -> None:
    day = dt.date(2016, 5, 12)
    path = xlsx(tmp_path / "a.xlsx", [[None], [], ["点", 1.5, None, day], [None, 7]])
    (grid,) = read_grids(path)
    assert grid.sheet == "点表"
    assert grid.cells[2].tolist() == ["点", 1.5, None, day]
    assert grid.cells[3].tolist() == [None, 7.0, None, None]


@pytest.mark.parametrize("error", ["#REF!", "#DIV/0!", "#N/A", "#VALUE!"])
def test_xlsx_formula_error_is_seen_in_its_cell(tmp_path: Path, error: str) -> None:
    path = xlsx(tmp_path / "a.xlsx", [HEADER, ["A1", error, 2.0, 3.0]])
    (grid,) = read_grids(path)
    assert grid.cells[1].tolist() == ["A1", error, 2.0, 3.0]


def test_xlsx_formula_without_a_stored_value_is_seen_in_its_cell(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", [HEADER, ["A1", "=1+1", 2.0, None], ["A2", 1.0, "=B2", 3.0]])
    (grid,) = read_grids(path)
    assert grid.cells[1].tolist() == ["A1", UNSAVED, 2.0, None]
    assert grid.cells[2].tolist() == ["A2", 1.0, UNSAVED, 3.0]


@pytest.mark.parametrize(
    ("cell", "held"),
    [
        ('<c r="A1"><f>1+1</f><v>2</v></c>', 2.0),
        ('<c r="A1" t="str"><f>IF(B1="","",B1)</f><v></v></c>', None),
        ('<c r="A1" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c r="A1" s="3"><f t="shared" si="0"/><v/></c>', UNSAVED),
        ('<c r="A1"><f ca="1">NOW()</f></c>', UNSAVED),
        ('<c s="1" r="A1"><f>B1&gt;2</f> <v> </v></c>', UNSAVED),
        ('<c r="A1"/>', None),
    ],
)
def test_xlsx_formula_cells_as_programs_write_them(tmp_path: Path, cell: str, held: object) -> None:
    def put(sheet: bytes) -> bytes:
        return re.sub(rb'<c r="A1".*?</c>', cell.encode(), sheet, count=1)

    plain = xlsx(tmp_path / "plain.xlsx", [["x", "y"]])
    (grid,) = read_grids(with_part(tmp_path / "a.xlsx", plain, "xl/worksheets/sheet1.xml", put))
    assert grid.cells[0].tolist() == [held, "y"]


def test_xls_formula_errors_are_seen_in_their_cells(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    for name in ("给水点", "JSLine"):
        page = book.add_sheet(name)
        for column, text in enumerate(HEADER):
            page.write(0, column, text)
        for row in range(1, 400):
            page.write(row, 0, f"{name}{row}")
            page.write(row, 1, row / 2)
        page.write(9, 3, dt.date(2016, 5, 12), xlwt.easyxf(num_format_str="yyyy-mm-dd"))
        page.row(7).set_cell_error(2, "#REF!" if name == "JSLine" else "#DIV/0!")
    path = tmp_path / "a.xls"
    book.save(str(path))
    water, lines = read_grids(path)
    assert (water.sheet, water.cells[7, 2]) == ("给水点", "#DIV/0!")
    assert water.cells[9, 3] == dt.date(2016, 5, 12)
    assert (lines.sheet, lines.cells[7, 2], lines.cells[8, 1]) == ("JSLine", "#REF!", 4)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, mark: str) -> None:
    path = tmp_path / "点表.csv"
    text = "\r\n".join(mark.join(row) for row in (HEADER, ["甲1", "3430515.006", "", "4.1"]))
    path.write_bytes(text.encode(encoding))
    (grid,) = read_grids(path)
    assert grid.cells.tolist() == [HEADER, ["甲1", "3430515.006", None, "4.1"]]


def test_declared_encoding_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(",".join(HEADER).encode("gb18030"))
    error = refused(path, "utf-8")
    assert error.findings[0].code == "STR-00"
    assert "UTF-8" in error.en and "编码" in error.zh


def test_another_encoding_is_refused_not_misread(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("物探點號,縱坐標,橫坐標,地面高程\n甲,1,2,3\n".encode("big5"))
    assert "UTF-8 nor GB18030" in refused(path).en


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_half_written_xlsx_is_refused(tmp_path: Path, keep: float) -> None:
    whole = xlsx(tmp_path / "whole.xlsx", [HEADER, *([["A", 1, 2, 3]] * 500)])
    path = tmp_path / "half.xlsx"
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    assert refused(path).findings[0].code == "STR-00"


def test_half_written_xls_is_refused(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    page = book.add_sheet("a")
    for row in range(500):
        page.write(row, 0, f"text {row}")
    whole = tmp_path / "whole.xls"
    book.save(str(whole))
    path = tmp_path / "half.xls"
    path.write_bytes(whole.read_bytes()[:4000])
    assert "half-written" in refused(path).en


def test_a_header_that_asks_for_absurd_memory_does_not_kill_us(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    book.add_sheet("a").write(0, 0, "text")
    path = tmp_path / "a.xls"
    book.save(str(path))
    data = bytearray(path.read_bytes())
    for at in (44, 64, 72):  # counts of table sectors
        data[at : at + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(bytes(data))
    assert refused(path).findings[0].code == "STR-00"


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("a.xls", b"<html><table><tr><td>X</td></tr></table></html>", "HTML"),
        ("a.xls", "点号,X,Y\n1,2,3\n".encode(), "text"),
        ("a.xlsx", b"%PDF-1.7 ...", "PDF"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
        ("a.xls", b"\xef\xbb\xbf<?xml version='1.0'?><Workbook/>", "XML"),
        ("a.csv", b"A\x00B\x00", "binary"),
        ("a.csv", b"SQLite format 3\x00....", "SQLite"),
    ],
)
def test_file_that_is_not_what_its_name_says(
    tmp_path: Path, name: str, data: bytes, found: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    error = refused(path)
    assert found in str(error.findings[0].found)
    assert found in error.en or found == "text"
    assert all(word in error.zh for word in ("不符", "应为", "请另存为"))


def test_a_workbook_under_a_foreign_name_is_told_what_it_should_be(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", [HEADER]).rename(tmp_path / "a.geojson")
    error = refused(path)
    assert "is an XLSX workbook, expected what .geojson stands for" in error.en
    assert "应为扩展名 .geojson 所示的格式" in error.zh
    assert (error.findings[0].found, error.findings[0].expected) == ("xlsx", ".geojson")


def test_zip_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert refused(path).findings[0].found == "DOCX"
    assert content(path) == "DOCX"


def test_zero_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.touch()
    assert refused(path).findings[0].code == "STR-08"


def test_ten_thousand_columns_are_refused(tmp_path: Path) -> None:
    wide = [f"列{i}" for i in range(10_000)]
    error = refused(xlsx(tmp_path / "a.xlsx", [list(wide)]))
    assert "10000 columns" in error.en
    path = tmp_path / "a.csv"
    path.write_text(",".join(wide), "utf-8")
    assert "10000 columns" in refused(path).en


def test_a_cell_far_out_does_not_fill_the_memory(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page["A1"] = "点号"
    page["Z1048576"] = 1
    book.save(tmp_path / "a.xlsx")
    assert "1048576 rows" in refused(tmp_path / "a.xlsx").en
    hidden = with_part(  # the row element lies
        tmp_path / "b.xlsx",
        tmp_path / "a.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda data: data.replace(b'<row r="1048576">', b'<row r="2">'),
    )
    assert "1048576 rows" in refused(hidden).en


def test_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    whole = xlsx(tmp_path / "whole.xlsx", [HEADER])
    bomb = with_part(
        tmp_path / "bomb.xlsx", whole, "xl/worksheets/sheet1.xml", lambda d: d + b" " * (64 << 20)
    )
    assert bomb.stat().st_size < 1 << 20
    assert "250:1" in refused(bomb).en


def test_xml_entities_are_refused(tmp_path: Path) -> None:
    whole = xlsx(tmp_path / "whole.xlsx", [HEADER])
    evil = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaa">]>'
    path = with_part(tmp_path / "a.xlsx", whole, "xl/worksheets/sheet1.xml", lambda d: evil + d)
    assert "DOCTYPE" in str(refused(path).findings[0].found)


def test_peek_sees_the_top_of_every_sheet_as_a_full_read_does(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["标题"], HEADER, *[[f"A{i}", 1.5 * i, 2, 3] for i in range(200)]]
    path = xlsx(tmp_path / "a.xlsx", rows)
    (top,) = peek_grids(path, rows=25)
    (whole,) = read_grids(path)
    assert top.cells.tolist() == whole.cells[:25].tolist()
    assert peek_grids(tmp_path / "absent.csv") == []


@given(st.integers(0, 16383))
def test_column_letters(index: int) -> None:
    assert column_index(openpyxl.utils.get_column_letter(index + 1)) == index
