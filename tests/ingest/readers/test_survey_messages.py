"""What findings of a survey say: the sheet's own headers, real rows, counts, units and columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.mapping.words import survey_words
from ingest.testing import (
    CRS,
    DATUM,
    DECLARED,
    EAST,
    LINE,
    POINT,
    cells,
    keys,
    line,
    point,
    read,
    refusal,
    require_complete,
    run_of,
    workbook,
    write_csv,
    write_xlsx,
)
from models.findings import Finding, Severity


def of_rule(findings: tuple[Finding, ...], rule: str) -> list[Finding]:
    return [finding for finding in findings if finding.rule == rule]


def csv_survey(folder: Path, header: list[str], rows: list[list[Any]]) -> list[Path]:
    """Two points of class JS in one file, and in the other ``rows`` of lines from row 2 on."""
    points, _ = run_of(3)
    return [
        write_csv(folder / "JS_点表.csv", cells(POINT, points, [CRS, DATUM])),
        write_csv(folder / "JS_线表.csv", [header, *rows]),
    ]


# --- headers ----------------------------------------------------------------------------------


def test_a_missing_attribute_is_one_finding_with_its_rows(tmp_path: Path) -> None:
    points, lines = run_of(6)
    for index in (0, 1, 3):
        lines[index]["权属单位"] = None
    lines[2]["道路名称"] = None
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    several, single = delivery.findings
    assert (several.place.sheet, several.place.row, several.place.column) == (
        "JSLine",
        4,
        "权属单位",
    )
    assert several.extra["rows"] == "4-5,7" and several.extra["count"] == 3
    assert several.zh == "a.xlsx[JSLine]“权属单位”列：属性为空，共 3 行（第 4-5,7 行）。请补填。"
    assert several.en == (
        "a.xlsx[JSLine] column “权属单位” (owner): "
        "the attribute is empty in 3 rows (4-5,7). Fill it in."
    )
    assert single.place.element == "JS2~JS3"
    assert "is empty in 1 row (6)" in single.en


def test_findings_name_the_header_that_was_delivered(tmp_path: Path) -> None:
    header = ["QSDH", "ZZDH", "QSMS", "ZZMS", "GJ", "GXCL", "MSFS", "BELONG", "JSND", "ADDRESS"]
    rows = [["JS0", "JS1", 1.2, 1.2, "3OO", "钢", "直埋", None, 2016, "荣乐路"]]
    findings = read(*csv_survey(tmp_path, header, rows)).findings
    (size,) = of_rule(findings, "STR-06")
    assert size.place.column == "GJ" and "column “GJ” (section" in size.en
    assert "“GJ”（管径）列" in size.zh
    (owner,) = of_rule(findings, "STR-03.attributes")
    assert owner.place.column == "BELONG" and "“BELONG”" in owner.zh and "“BELONG”" in owner.en


def test_a_column_that_is_absent_is_named_by_its_usual_header(tmp_path: Path) -> None:
    header = [name for name in LINE if name not in {"权属单位", "建设年代"}]
    points, lines = run_of(3)
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {"JSPoint": cells(POINT, points, [CRS, DATUM]), "JSLine": cells(header, lines, [])},
    )
    owner, built = read(path).findings
    assert (owner.rule, owner.place.column, owner.expected) == (
        "STR-03.columns",
        None,
        "“权属单位”",
    )
    assert "没有“权属单位”列，共 2 条管段" in owner.zh
    assert "no column “权属单位” (owner), so the attribute is missing in 2 rows" in owner.en
    assert "“建设年代”" in built.zh


def test_no_field_name_of_ours_is_shown(tmp_path: Path) -> None:
    """One survey with a mistake in every field that a finding can name."""
    points, lines = run_of(6)
    points[0] |= {"X": None, "井深": 9999}
    points[1] |= {"地面高程": "x", "特征": "奇怪点"}
    lines[2] |= {"权属单位": None, "建设年代": "?", "道路名称": None, "埋设方式": "随便"}
    lines[3] |= {"起点埋深": "x", "材质": "竹", "管径": "3OO", "流向": "?"}
    lines[4] |= {"起点高程": 9, "总孔数": 4, "已用孔数": 5, "电压": "高"}
    findings = read(workbook(tmp_path / "a.xlsx", points, lines)).findings
    assert len({f.rule for f in findings}) >= 8
    ours = {name for name in survey_words().labels if "_" in name} | {"embed", "built", "road"}
    for finding in findings:
        require_complete(finding) if finding.severity is Severity.ERROR else None
        shown = f"{finding.zh} {finding.found} {finding.expected} {finding.place}"
        assert not [name for name in ours if name in shown], finding
        assert not [name for name in ours if "_" in name and name in finding.en], finding


# --- rows -------------------------------------------------------------------------------------


def test_duplicates_name_the_other_rows(tmp_path: Path) -> None:
    points, lines = run_of(3)
    points += [point("JS2", dx=77), point("JS2", dx=88)]
    findings = read(workbook(tmp_path / "a.xlsx", points, lines)).findings
    others = {
        f.place.row: f.zh.split("与第 ")[1].split(" 行")[0] for f in of_rule(findings, "PT-01")
    }
    assert others == {6: "7, 8", 7: "6, 8", 8: "6, 7"}
    assert "also stands in row 7, 8" in of_rule(findings, "PT-01")[0].en


def test_a_duplicate_on_another_sheet_is_named_with_it(tmp_path: Path) -> None:
    points, lines = run_of(3)
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {
            "JSPoint": cells(POINT, points, [CRS, DATUM]),
            "给水点2": cells(POINT, [points[2]], [CRS, DATUM]),
            "JSLine": cells(LINE, lines, []),
            "给水线2": cells(LINE, [lines[0]], [CRS, DATUM]),
        },
    )
    findings = read(path).findings
    (same,) = of_rule(findings, "PT-01.same")
    assert (same.place.sheet, same.place.row) == ("给水点2", 4)
    assert "第 JSPoint!6 行" in same.zh and "row JSPoint!6" in same.en
    (again,) = of_rule(findings, "LN-02")
    assert (again.place.sheet, again.found) == ("给水线2", "JSLine!2")


# --- fields of delimited text -------------------------------------------------------------------

HEADER = ["起点点号", "连接点号", "起点埋深", "终点埋深", "管径", "材质", "埋设方式", "备注"]
GOOD: list[Any] = ["JS0", "JS1", 1.2, 1.2, 300, "钢", "直埋", "a"]


def test_a_row_with_more_fields_than_the_header_is_refused(tmp_path: Path) -> None:
    torn = ["JS1", "JS2", 1, "2", 1.2, 300, "钢", "直埋", ""]  # a comma for the decimal point
    delivery = read(*csv_survey(tmp_path, HEADER, [GOOD, torn]))
    (finding,) = [f for f in delivery.findings if f.severity is Severity.ERROR]
    assert (finding.code, finding.place.file, finding.place.row) == ("STR-09", "JS_线表.csv", 3)
    assert (finding.found, finding.expected) == ("9", "≤ 8")
    require_complete(finding)
    assert keys(delivery, "pipe_segment") == ["JS0-JS1/JS"]
    assert delivery.features_in == 5


@pytest.mark.parametrize("surplus", [1, 3])
def test_delimiters_at_the_end_of_every_row_are_no_fields(tmp_path: Path, surplus: int) -> None:
    rows = [[*row, *[""] * surplus] for row in (GOOD, ["JS1", "JS2", *GOOD[2:]])]
    delivery = read(*csv_survey(tmp_path, HEADER, rows))
    assert delivery.errors == 0 and len(keys(delivery, "pipe_segment")) == 2


def test_a_row_that_ends_early_is_read(tmp_path: Path) -> None:
    delivery = read(*csv_survey(tmp_path, HEADER, [GOOD[:-1]]))
    assert delivery.errors == 0 and len(keys(delivery, "pipe_segment")) == 1


# --- units and coordinates ------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "unit", "metres"), [(1200, "mm", "1.2"), (120, "cm", "1.2")])
def test_depths_in_another_unit_are_taken_for_it(
    tmp_path: Path, depth: float, unit: str, metres: str
) -> None:
    points, lines = run_of(4, 起点埋深=depth)
    findings = read(workbook(tmp_path / "a.xlsx", points, lines)).findings
    (hint,) = [f for f in findings if f.code == "LN-06"]
    assert (hint.place.row, hint.place.column, hint.severity) == (4, "起点埋深", Severity.WARNING)
    assert f"{depth} {unit} = {metres} m" in hint.zh and f"{depth} {unit} = {metres} m" in hint.en
    assert hint.extra["count"] == 3 and hint.expected == "m"


def test_a_unit_in_the_header_is_believed(tmp_path: Path) -> None:
    header = [*HEADER[:2], "起点埋深(mm)", "终点埋深（mm）", *HEADER[4:]]
    rows = [["JS0", "JS1", 1200, 1300, *GOOD[4:]]]
    delivery = read(*csv_survey(tmp_path, header, rows))
    assert [f for f in delivery.findings if f.code == "LN-06"] == []
    assert list(delivery.tables["pipe_segment"]["to_depth"]) == [1.3]


def test_a_fly_point_is_reported_at_the_coordinate_that_is_wrong(tmp_path: Path) -> None:
    points, lines = run_of(6)
    points[4]["Y"] += 40_000_000
    points[5]["X"] += 40_000_000
    findings = read(workbook(tmp_path / "a.xlsx", points, lines)).findings
    fly = {f.place.row: f for f in of_rule(findings, "PT-05")}
    assert {row: f.place.column for row, f in fly.items()} == {8: "Y", 9: "X"}
    assert "EPSG:4549 (CGCS2000 / 3-degree Gauss-Kruger CM 120E)" in str(fly[8].expected)


def test_a_zone_prefix_names_column_and_both_crs(tmp_path: Path) -> None:
    points, lines = run_of(3)
    for row in points:
        row["Y"] = EAST + 40_000_000
    (found,) = refusal(workbook(tmp_path / "a.xlsx", points, lines))
    assert (found.code, found.place.row, found.place.column) == ("CRS-02", 4, "Y")
    for text in (found.zh, found.en, str(found.expected)):
        assert "EPSG:4549" in text and "EPSG:4528" in text


def test_a_northing_that_is_wrong_names_column_x(tmp_path: Path) -> None:
    points, lines = run_of(3)
    for row in points:
        row["X"] -= 3_400_000
    (found,) = refusal(workbook(tmp_path / "a.xlsx", points, lines), options=DECLARED)
    assert (found.code, found.place.column) == ("CRS-02", "X")
    assert "EPSG:4528" not in found.en


def test_a_line_of_one_row_is_counted_in_the_singular(tmp_path: Path) -> None:
    points, _ = run_of(2)
    findings = read(
        workbook(tmp_path / "a.xlsx", points, [line("JS0", "JS1", 道路名称=None)])
    ).findings
    (finding,) = of_rule(findings, "STR-03.attributes")
    assert finding.en.endswith("the attribute is empty in 1 row (4). Fill it in.")
