"""The Excel report, read back by another library than the one that writes it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from python_calamine import CalamineWorkbook

from ingest.isolation import Limits
from ingest.pipeline import check
from ingest.readers.base import ReadOptions
from models.findings import Finding, Place, Severity
from models.twins import load_twins
from twin import report_plan
from twin.report_marks import rows_of
from twin.report_sheets import fill
from twin.report_workbook import write_workbook

SAMPLES = Path(__file__).resolve().parents[2] / "data-samples"
PLANTED = SAMPLES / "planted" / "survey_with_mistakes.xlsx"
SUMMARY: dict[str, Any] = {"files": [], "totals": [{"类别 Class": "JS", "长度 m": 3994.2}]}


def about(path: Path, row: int | None, column: str | None, **more: Any) -> Finding:
    place = Place(path.name, more.pop("sheet", None), row, column)
    values = {"zh": "不是数值。请改正。", "en": "It is not a number. Mend it.", **more}
    return Finding("STR-04", more.pop("severity", Severity.ERROR), place, **values)


def values(path: Path) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_path(str(path))
    return {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def require_inert(path: Path) -> None:
    """No formula, no link out, no macro anywhere in the workbook, no name but of its own filter."""
    for name, body in members(path).items():
        assert not re.search(
            rb"<(\w+:)?(f|definedName(?! name=\"_xlnm)|dataValidation|cfRule)[ >/]", body
        ), name
        assert b'TargetMode="External"' not in body, name
        assert not re.search(r"externalLink|vbaProject|connections|drawing\d+\.xml$", name), name


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Finding]]:
    twin = load_twins()["songjiang-hub"]
    found = [f for r in check([PLANTED], ReadOptions(), twin) for f in r.findings]
    path = tmp_path_factory.mktemp("report") / "r.xlsx"
    write_workbook(path, found, SUMMARY, [PLANTED])
    return path, found


def test_the_copy_has_the_owners_sheets_and_values(planted: tuple[Path, list[Finding]]) -> None:
    mine, theirs = values(planted[0]), values(PLANTED)
    assert list(mine) == [report_plan.SUMMARY, report_plan.FINDINGS, *theirs]
    for name, rows in theirs.items():
        assert mine[name] == rows
    require_inert(planted[0])


def test_every_finding_leads_to_its_marked_cell(planted: tuple[Path, list[Finding]]) -> None:
    path, found = planted
    book = openpyxl.load_workbook(path)
    rows = list(book[report_plan.FINDINGS].iter_rows(min_row=2))
    assert len(rows) == len(found)
    linked = set()
    for row in rows:
        code, sheet, number, column, link = (row[i] for i in (2, 5, 6, 7, 9))
        if number.value is None:
            continue
        assert link.hyperlink.ref == link.coordinate
        title, at = link.hyperlink.location.rsplit("!", 1)
        cell = book[title.strip("'")][at]
        assert (cell.parent.title, cell.row) == (sheet.value, number.value)
        assert code.value in cell.comment.text
        assert row[14].value[:40] in cell.comment.text
        headers = {cell.parent.cell(r, cell.column).value for r in range(1, 5)}
        assert column.value is None or column.value in headers
        linked.add((sheet.value, at))
    assert len(linked) > 30
    rows_told = {(f.place.sheet, row) for f in found for row in rows_of(f)}
    original = openpyxl.load_workbook(PLANTED)
    for sheet in original:
        for row in sheet.iter_rows():
            for cell in row:
                copied = book[sheet.title][cell.coordinate]
                marked = copied.comment is not None
                assert marked or (sheet.title, cell.coordinate) not in linked
                assert not marked or (sheet.title, cell.row) in rows_told
                assert (copied.fill.start_color.rgb != cell.fill.start_color.rgb) == marked
                assert copied.font.b == cell.font.b


def test_looks_are_kept(tmp_path: Path) -> None:
    source, path = SAMPLES / "songjiang-hub" / "pipes.xlsx", tmp_path / "r.xlsx"
    write_workbook(path, [about(source, 5, "井深", sheet="雨水点")], SUMMARY, [source])
    mine, theirs = openpyxl.load_workbook(path), openpyxl.load_workbook(source)
    for sheet in theirs:
        copied = mine[sheet.title]
        assert set(map(str, copied.merged_cells)) == set(map(str, sheet.merged_cells))
        assert copied.freeze_panes == sheet.freeze_panes
        for letter, dimension in sheet.column_dimensions.items():
            assert copied.column_dimensions[letter].width == dimension.width
    assert mine["雨水点"]["H5"].comment is not None


def test_a_finding_below_a_merged_cell_marks_that(tmp_path: Path) -> None:
    source, path = SAMPLES / "songjiang-hub" / "pipes.xlsx", tmp_path / "r.xlsx"
    write_workbook(path, [about(source, 3, "物探点号", sheet="雨水点")], SUMMARY, [source])
    cell = openpyxl.load_workbook(path)["雨水点"]["A2"]  # A2:A3 are merged
    assert cell.comment is not None
    assert cell.value == "物探点号"


def test_the_summary_counts(planted: tuple[Path, list[Finding]]) -> None:
    path, found = planted
    rows = values(path)[report_plan.SUMMARY]
    counts = next(i for i, row in enumerate(rows) if row[0] == "按级别 By severity")
    assert [row[1] for row in rows[counts + 2 : counts + 5]] == [
        sum(f.severity is s for f in found) for s in Severity
    ]
    rules = next(i for i, row in enumerate(rows) if row[0] == "按规则 By rule")
    counted: dict[Any, int] = {}
    for row in rows[rules + 2 :]:
        if not row[0]:
            break
        rule = row[0].split()[1], row[1], row[2]
        counted[rule] = counted.get(rule, 0) + row[3]  # a rule may cite several clauses
    wanted: dict[Any, int] = {}
    for f in found:
        key = f.severity.value, f.code, f.rule or ""
        wanted[key] = wanted.get(key, 0) + 1
    assert counted == wanted
    assert ["JS", 3994.2] in [row[:2] for row in rows]


def test_several_files_are_one_workbook(tmp_path: Path) -> None:
    files = sorted((SAMPLES / "qianwan" / "pipes").glob("JS_*.csv"))
    files += [SAMPLES / "qianwan" / "pipes_heat_light.xls", PLANTED, SAMPLES / "samples.yaml"]
    path = tmp_path / "r.xlsx"
    found = [about(files[0], 7, "地面高程"), about(files[2], 4, None, sheet="RLPoint")]
    write_workbook(path, found, SUMMARY, files)
    mine = values(path)
    assert {"JS_点表", "JS_线表", "RLPoint", "LDLine", "给水点"} <= set(mine)
    assert mine["RLPoint"] == values(files[2])["RLPoint"]
    text = files[0].read_bytes().decode("gb18030").splitlines()
    assert mine["JS_点表"][6][:3] == text[6].split(",")[:3]
    assert any("samples.yaml" in str(row[0]) for row in mine[report_plan.SUMMARY])
    links = [row[9] for row in mine[report_plan.FINDINGS][1:]]
    assert links[0].startswith("'JS_点表'!")
    book = openpyxl.load_workbook(path)
    for link in links:
        sheet, at = link.rsplit("!", 1)
        assert book[sheet.strip("'")][at].comment is not None


def test_sheets_of_one_name_and_of_ours(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        book = openpyxl.Workbook()
        book.active.title = report_plan.FINDINGS
        book.create_sheet("点").append([name])
        book.save(tmp_path / f"{name}.xlsx")
        files.append(tmp_path / f"{name}.xlsx")
    write_workbook(tmp_path / "r.xlsx", [], SUMMARY, files)
    mine = values(tmp_path / "r.xlsx")
    assert list(mine)[:2] == [report_plan.SUMMARY, report_plan.FINDINGS]
    assert mine["点"] == [["a"]]
    assert mine["点 (2)"] == [["b"]]


ACTIVE = ["=1+1", "=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")']


def test_nothing_in_a_report_is_a_formula(tmp_path: Path) -> None:
    table = tmp_path / "点表.csv"
    table.write_text(
        "物探点号,X\n" + "\n".join(f'"{t.replace(chr(34), chr(34) * 2)}",1' for t in ACTIVE)
    )
    found = [
        about(table, 2 + i, t, found=t, zh=t, en=t, rule=t, sheet=None)
        for i, t in enumerate(ACTIVE)
    ]
    path = tmp_path / "r.xlsx"
    write_workbook(path, found, {"files": [], "totals": [{"=1": "=2"}]}, [table])
    require_inert(path)
    mine = values(path)
    assert [row[0] for row in mine["点表"][1:]] == ACTIVE
    assert [row[10] for row in mine[report_plan.FINDINGS][1:]] == ACTIVE
    styled = openpyxl.load_workbook(path)
    assert all(styled["点表"].cell(r, 1).quotePrefix for r in range(2, 2 + len(ACTIVE)))


def test_what_acts_in_a_delivery_is_left_behind(tmp_path: Path) -> None:
    source, path = tmp_path / "a.xlsx", tmp_path / "r.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["物探点号", "X"])
    sheet.append(["=cmd|' /C calc'!A0", "='[other.xlsx]S'!A1"])
    sheet["A3"] = "text"
    sheet["A3"].hyperlink = "http://example.org/?leak"
    sheet["A3"].comment = Comment("owner's note", "owner")
    book.defined_names["n"] = DefinedName("n", attr_text="Sheet!$A$1")
    rule = openpyxl.formatting.rule.FormulaRule(formula=["A1>1"], fill=fill("error"))
    sheet.conditional_formatting.add("A1:B9", rule)
    book.save(source)
    write_workbook(path, [about(source, 3, "物探点号", sheet="Sheet")], SUMMARY, [source])
    require_inert(path)
    comment = openpyxl.load_workbook(path)["Sheet"]["A3"].comment.text
    assert "不是数值" in comment
    assert "owner's note" in comment


def test_looks_that_would_take_forever_are_dropped(tmp_path: Path) -> None:
    source, path = tmp_path / "a.xlsx", tmp_path / "r.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["物探点号", "X"])
    book.active.append(["JS1", "x"])
    book.save(source)
    held = members(source)
    name = "xl/worksheets/sheet1.xml"
    bad = b'</sheetData><mergeCells count="1"><mergeCell ref="A5:XFD1048576"/></mergeCells>'
    held[name] = held[name].replace(b"</sheetData>", bad)
    with zipfile.ZipFile(source, "w") as archive:
        for member, body in held.items():
            archive.writestr(member, body)
    found = [about(source, 2, "X", sheet="Sheet")]
    write_workbook(path, found, SUMMARY, [source], limits=Limits(seconds=5, memory=512 << 20))
    assert any("anew" in str(row[0]) for row in values(path)[report_plan.SUMMARY])
    cell = openpyxl.load_workbook(path)["Sheet"]["B2"]
    assert (cell.value, cell.comment is not None) == ("x", True)


def test_a_large_table_shows_its_header_and_wrong_rows(tmp_path: Path) -> None:
    table, path = tmp_path / "点表.csv", tmp_path / "r.xlsx"
    rows = report_plan.FULL_CELLS // 10 + 1
    line = ",".join(["12.5"] * 9)
    table.write_text("\n".join(["n,a,b,c,d,e,f,g,h,i", *(f"JS{i},{line}" for i in range(rows))]))
    found = [about(table, 90_000, "b"), about(table, 50, "a")]
    write_workbook(path, found, SUMMARY, [table])
    mine = values(path)["点表"]
    assert len(mine) == 90_000
    assert mine[89_999][0] == f"JS{90_000 - 2}"
    assert mine[49][0] == "JS48"
    assert mine[1][0] == "JS0"
    assert not any(mine[1000])
    assert any("row numbers of the original" in str(r[0]) for r in values(path)["检查摘要 Summary"])


def test_findings_and_comments_are_bounded(tmp_path: Path) -> None:
    many = report_plan.MAX_FINDINGS + 10
    found = [about(Path("a.csv"), n, "X", rule=str(n % 7)) for n in range(2, many)]
    worst = about(Path("a.csv"), 1, "X", zh="最重")
    low = [Finding("W", Severity.WARNING, f.place, f.zh, f.en) for f in found]
    plan = report_plan.make([*low, worst], SUMMARY, [])
    assert len(plan.findings) == len(plan.links) == report_plan.MAX_FINDINGS
    assert plan.findings[0][14] == "最重"
    assert any(str(many - 1) in note for note in plan.notes)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=60)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, min_size=1, max_size=8), sheet=TEXT)
@example(texts=[" ", "\n", " x "], sheet="")
def test_any_text_comes_through(tmp_path: Path, texts: list[str], sheet: str) -> None:
    """Findings of any text give a workbook that reads back, with the same text where XML allows."""
    found = [about(Path("a.csv"), 2, t, found=t, zh=t, en=t, sheet=sheet or None) for t in texts]
    path = tmp_path / "r.xlsx"
    write_workbook(path, found, SUMMARY, [])
    rows = values(path)[report_plan.FINDINGS][1:]
    assert len(rows) == len(texts)
    for text, row in zip(texts, rows, strict=True):
        wanted = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "�", text)
        # Whether white space alone is kept is up to the XML library that the writer finds.
        assert row[10] in ((wanted,) if wanted.strip(" \t\n") else (wanted, "", None))


def test_nothing_is_left_beside_a_report(planted: tuple[Path, list[Finding]]) -> None:
    assert [p.name for p in planted[0].parent.iterdir()] == ["r.xlsx"]
