"""Surveys that are refused whole: datums, coordinates, headers, sheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest.readers.base import ReadOptions
from ingest.testing import (
    CRS,
    DATUM,
    DECLARED,
    LINE,
    NORTH,
    POINT,
    cells,
    read,
    refusal,
    run_of,
    said,
    workbook,
    write_csv,
    write_xlsx,
)
from models.findings import Finding, Severity


def test_missing_datums_are_both_named(tmp_path: Path) -> None:
    points, lines = run_of(2)
    path = workbook(tmp_path / "a.xlsx", points, lines, top=[])
    found = refusal(path)
    assert [f.code for f in found if f.severity is Severity.ERROR] == ["MET-01", "MET-01"]
    assert "坐标系" in found[0].zh and "coordinate reference system" in found[0].en
    assert "未声明高程基准" in found[1].zh
    alone, *_ = refusal(path, options=ReadOptions(horizontal="EPSG:4549"))
    assert alone == found[1]
    for text in (found[0].zh, found[0].en):  # the same in both languages
        assert "坐标系: CGCS2000 3度带 120E" in text
    assert read(path, options=DECLARED).errors == 0


@pytest.mark.parametrize(
    ("top", "row", "word"),
    [
        ([["坐标系: CGCS2000"], DATUM], 1, "CGCS2000"),
        ([["坐标系: 上海城建坐标"], DATUM], 1, "上海城建坐标"),
        ([CRS, ["高程系统: 吴淞高程"]], 2, "吴淞高程"),
    ],
)
def test_incomplete_datum_words(tmp_path: Path, top: list[list[str]], row: int, word: str) -> None:
    points, lines = run_of(2)
    (found, *_) = refusal(workbook(tmp_path / "a.xlsx", points, lines, top=top))
    assert (found.code, found.place.row, found.found) == ("MET-01", row, word)


@pytest.mark.parametrize(
    "options",
    [
        ReadOptions(horizontal="EPSG:4550", vertical="1985"),
        ReadOptions(horizontal="EPSG:4549", vertical="wusong:1.66"),
    ],
)
def test_contradicting_declarations(tmp_path: Path, options: ReadOptions) -> None:
    points, lines = run_of(2)
    found, *rest = refusal(workbook(tmp_path / "a.xlsx", points, lines), options=options)
    assert found.code == "MET-02"
    assert not [f for f in rest if f.severity is Severity.ERROR]
    assert found.place.row in {1, 2}


def test_swapped_axes(tmp_path: Path) -> None:
    points, lines = run_of(3)
    for row in points:
        row["X"], row["Y"] = row["Y"], row["X"]
    (found,) = refusal(workbook(tmp_path / "a.xlsx", points, lines))
    assert (found.code, found.place.sheet, found.place.row) == ("CRS-01", "JSPoint", 4)
    assert str(NORTH) in str(found.expected) and "颠倒" in found.zh


def test_zone_prefix_that_the_declared_crs_has_not(tmp_path: Path) -> None:
    points, lines = run_of(3)
    for row in points:
        row["Y"] += 40_000_000
    path = workbook(tmp_path / "a.xlsx", points, lines)
    (found,) = refusal(path)
    assert found.code == "CRS-02" and "40" in found.zh
    zoned = workbook(tmp_path / "b.xlsx", points, lines, top=[["坐标系: EPSG:4528"], DATUM])
    assert read(zoned).errors == 0


def test_missing_column_with_a_suggestion_that_works(tmp_path: Path) -> None:
    points, lines = run_of(2)
    header = ["物探点号", "X", "Y值", "地面高程"]
    table = [header, *([r["物探点号"], r["X"], r["Y"], r["地面高程"]] for r in points)]
    path = write_xlsx(
        tmp_path / "a.xlsx", {"JSPoint": [list(r) for r in table], "JSLine": cells(LINE, lines, [])}
    )
    (found,) = refusal(path, options=DECLARED)
    assert (found.code, found.place.row, found.expected) == ("STR-01", 1, "Y")
    assert "“Y” (easting)" in found.en and "east_y" not in found.zh.replace("Y值=east_y", "")
    mapped = ReadOptions(horizontal="EPSG:4549", vertical="1985", mapping={"Y值": "y_src"})
    assert read(path, options=mapped).errors == 0


def test_empty_sheets_refuse_only_alone(tmp_path: Path) -> None:
    (found, *_) = refusal(write_xlsx(tmp_path / "a.xlsx", {"给水点": [], "给水线": []}))
    assert (found.code, found.place.sheet) == ("STR-08", "给水点")
    points, lines = run_of(3)
    path = write_xlsx(
        tmp_path / "b.xlsx",
        {
            "JSPoint": cells(POINT, points, [CRS, DATUM]),
            "JSLine": cells(LINE, lines, []),
            "YSPoint": [],
        },
    )
    delivery = read(path)
    assert [(f.code, f.place.sheet) for f in delivery.findings] == [("STR-08", "YSPoint")]
    assert len(delivery.tables["pipe_segment"]) == 2


def test_lines_without_a_point_table(tmp_path: Path) -> None:
    _, lines = run_of(2)
    (found,) = refusal(write_csv(tmp_path / "线表.csv", cells(LINE, lines, [CRS, DATUM])))
    assert found.code == "STR-08" and "点表" in found.zh


def test_unknown_profile(tmp_path: Path) -> None:
    points, lines = run_of(2)
    path = workbook(tmp_path / "a.xlsx", points, lines)
    assert "default" in str(refusal(path, options=ReadOptions(profile="nope"))[0].expected)


def test_flow_digits_need_a_profile(tmp_path: Path) -> None:
    points, lines = run_of(2, prefix="P", 材质="混凝土", 流向=1)
    path = workbook(tmp_path / "a.xlsx", points, lines, code="WS")
    assert ("CODE-01.flow", "WSLine", 4, "流向") in said(read(path), Severity.WARNING)
    delivery = read(path, options=ReadOptions(profile="flow01"))
    assert list(delivery.tables["pipe_segment"]["flow"]) == [-1]


def test_rows_are_checked_although_the_datums_refuse_the_whole(tmp_path: Path) -> None:
    points, lines = run_of(4)
    lines[2]["管径"] = "DN3OO"

    def wrong_sizes(found: Sequence[Finding]) -> list[str | None]:
        return [f.place.column for f in found if f.code == "STR-06"]

    known = read(workbook(tmp_path / "a.xlsx", points, lines), options=DECLARED)
    found = refusal(workbook(tmp_path / "b.xlsx", points, lines, top=[]))
    assert found[0].code == "MET-01"
    assert wrong_sizes(found) == wrong_sizes(known.findings) == ["管径"]
