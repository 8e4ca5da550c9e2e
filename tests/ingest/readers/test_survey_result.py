"""One-row-per-connection result tables (成果表), as survey programs print them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.testing import CRS, DATUM, EAST, NORTH, keys, read, refusal, write_csv, write_xlsx
from models.findings import Severity

#: Two merged header rows of the 25 columns; None continues the cell before or above.
UPPER = [
    "图上点号", "物探点号", "连接点号", "管线点类别", None, "坐标", None, "高程", None, None,
    "井深", "埋深", None, "管径或断面尺寸", "材质", "压力", "电压", "总孔数", "已用孔数",
    "电缆条数", "权属单位", "埋设方式", "埋设日期", "道路名称", "备注",
]  # fmt: skip
LOWER = [
    None, None, None, "特征点", "附属物名称", "X", "Y", "地面高程", "起始管线点高程",
    "终止管线点高程", None, "起始埋深", "终止埋深", *[None] * 12,
]  # fmt: skip
ONE = [
    "图上点号", "物探点号", "连接点号", "特征点", "附属物名称", "X", "Y", "地面高程",
    "起始管线点高程", "终止管线点高程", "井深", "起始埋深", "终止埋深", "管径或断面尺寸", "材质",
    "压力", "电压", "总孔数", "已用孔数", "电缆条数", "权属单位", "埋设方式", "埋设日期",
    "道路名称", "备注",
]  # fmt: skip


def row(
    number: str | None, to: str | None, at: float | None, more: dict[int, Any] | None = None
) -> list[Any]:
    """A connection of storm water from ``number``, ``at`` m north of the origin, to ``to``."""
    place = [None] * 3 if at is None else [round(NORTH + at, 3), EAST, 4.0]
    line = ["600", "混凝土", None, None, None, None, None, "水务", "直埋", "2016-05-12", "荣乐路"]
    out = [number, number, to, None, None if at is None else "雨水井", *place]
    out += (
        [2.5, 2.5, None if at is None else 2.0, 1.5, 1.5] if to else [None, None, 2.0, None, None]
    )
    out += [*(line if to else [None] * 11), None]
    for index, value in (more or {}).items():
        out[index] = value
    return out


#: A tee at S1 (S0, S2, S3), each connection once from its start, and S1's two of its own.
ROWS = [row("S0", "S1", 0), row("S1", "S2", 30), row(None, "S3", None), row("S2", None, 60),
        row("S3", None, 45, {6: EAST + 20})]  # fmt: skip
LINKS = [("S0", "S1"), ("S1", "S2"), ("S1", "S3")]


def book(path: Path, *tables: list[list[Any]], names: tuple[str, ...] = ("雨水成果表",)) -> Path:
    return write_xlsx(path, dict(zip(names, tables, strict=True)))


@pytest.mark.parametrize("header", [[ONE], [UPPER, LOWER]], ids=["one row", "two merged rows"])
@pytest.mark.parametrize("repeated", [False, True])
def test_points_and_lines_with_their_places(
    tmp_path: Path, header: list[list[Any]], repeated: bool
) -> None:
    rows = [list(r) for r in ROWS]
    if repeated:  # the point's cells are printed again instead of left blank
        rows[2] = row("S1", "S3", 30)
    top: list[list[Any]] = [CRS, DATUM, *header]
    delivery = read(book(tmp_path / "a.xlsx", [*top, *rows]))
    assert [f for f in delivery.findings if f.severity is Severity.ERROR] == []
    points, pipes = delivery.tables["pipe_point"], delivery.tables["pipe_segment"]
    assert keys(delivery, "pipe_point") == ["S0", "S1", "S2", "S3"]
    assert list(zip(pipes["from_point"], pipes["to_point"], strict=True)) == LINKS
    first = len(top) + 1
    assert points["source_row"].tolist() == [first, first + 1, first + 3, first + 4]
    assert pipes["source_row"].tolist() == [first, first + 1, first + 2]
    assert set(points["class_code"]) == set(pipes["class_code"]) == {"YS"}
    assert set(pipes["width_mm"]) == {600.0} and set(pipes["owner"]) == {"水务"}
    assert delivery.features_in == 7


def test_connections_listed_from_both_ends_are_one_line(tmp_path: Path) -> None:
    rows = [row("S0", "S1", 0), row("S1", "S0", 30), row(None, "S2", None), row("S2", "S1", 60)]
    delivery = read(book(tmp_path / "a.xlsx", [CRS, DATUM, ONE, *rows]))
    assert keys(delivery, "pipe_segment") == ["S0-S1/YS", "S1-S2/YS"]
    assert delivery.errors == 0


def test_a_contradicting_continuation_row_is_told(tmp_path: Path) -> None:
    rows = [list(r) for r in ROWS]
    rows[2] = row("S1", "S3", 31)
    delivery = read(book(tmp_path / "a.xlsx", [CRS, DATUM, ONE, *rows]))
    assert {f.place.row for f in delivery.findings if f.rule == "PT-01"} == {5, 6}


def test_several_classes_as_sheets_with_the_same_numbers(tmp_path: Path) -> None:
    sewer = [[*r] for r in ROWS]
    for r in sewer:
        r[6] = None if r[6] is None else r[6] + 40.0
    path = book(
        tmp_path / "a.xlsx", [CRS, DATUM, ONE, *ROWS], [ONE, *sewer], names=("雨水", "污水")
    )
    delivery = read(path)
    assert delivery.errors == 0
    assert keys(delivery, "pipe_point")[:5] == ["YS:S0", "YS:S1", "YS:S2", "YS:S3", "WS:S0"]
    assert len(delivery.tables["pipe_segment"]) == 6


def test_as_csv_in_the_code_page_of_old_programs(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "雨水成果表.csv", [CRS, DATUM, ONE, *ROWS], "gb18030")
    assert keys(read(path), "pipe_segment") == ["S0-S1/YS", "S1-S2/YS", "S1-S3/YS"]


def test_page_headers_and_sums_between_the_rows(tmp_path: Path) -> None:
    sums = ["合计", "4 点"]
    rows = [*ROWS[:2], UPPER, LOWER, *ROWS[2:], sums, ["制表：张"]]
    delivery = read(book(tmp_path / "a.xlsx", [CRS, DATUM, UPPER, LOWER, *rows]))
    assert delivery.errors == 0
    assert len(delivery.tables["pipe_point"]) == 4 and len(delivery.tables["pipe_segment"]) == 3


#: A short result header in two rows: its line columns stand above, or above and below.
SHORT = ["物探点号", "连接点号", "管线点类别", None, "平面坐标(m)", None, "地面高程(m)"]
BELOW = [None, None, "特征", "附属物", "X", "Y", None]
ENDS = ["管径", "材质"]


def short(*more: float) -> list[list[Any]]:
    """Three wells in a row under :data:`SHORT`, with heights and depths of both ends."""
    out: list[list[Any]] = []
    for index, to in enumerate(("W1", "W2", None)):
        place = [round(NORTH + 30.0 * index, 3), EAST, 4.0]
        line = [*more, "600", "混凝土"] if to else []
        out.append([f"W{index}", to, None, "污水井", *place, *line])
    return out


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        (["起始管线点高程", "终止管线点高程", "起始埋深", "终止埋深"], [None] * 4),
        (["管线高程", None, "埋深", None], ["起点", "终点", "起点", "终点"]),
        (["管线高程(m)", None, "埋深(m)", None], ["起始", "终止", "起始", "终止"]),
        (["管线高程(m)", None, "埋深(m)", None], ["起点", "终点", "起始", "终止"]),
        (["起点", None, "终点", None], ["高程(m)", "埋深(m)", "高程(m)", "埋深(m)"]),
    ],
)
def test_headers_in_two_rows_are_one_result_table(
    tmp_path: Path, upper: list[str | None], lower: list[str | None]
) -> None:
    by_end = upper[0] == "起点"
    rows = short(2.0, 2.0, 1.9, 2.1) if by_end else short(2.0, 1.9, 2.0, 2.1)
    table = [CRS, DATUM, [*SHORT, *upper, *ENDS], [*BELOW, *lower, None, None], *rows]
    delivery = read(book(tmp_path / "a.xlsx", table, names=("污水成果表",)))
    assert delivery.errors == 0
    assert keys(delivery, "pipe_point") == ["W0", "W1", "W2"]
    assert keys(delivery, "pipe_segment") == ["W0-W1/WS", "W1-W2/WS"]
    pipes = delivery.tables["pipe_segment"]
    assert set(pipes["from_depth"]) == {2.0} and set(pipes["to_depth"]) == {2.1}


def test_a_table_with_coordinates_and_both_ends_is_refused(tmp_path: Path) -> None:
    header = ["物探点号", "起点点号", "连接点号", "X", "Y", "地面高程", "管径"]
    rows = [["W0", "W0", "W1", NORTH, EAST, 4.0, "600"], ["W1", None, None, NORTH + 30, EAST, 4.0]]
    (found, *_) = refusal(book(tmp_path / "a.xlsx", [CRS, DATUM, header, *rows]))
    assert (found.code, found.place.row) == ("STR-01", 3)
    for word in ("起点点号", "连接点号"):
        assert word in found.zh and word in found.en


def test_a_line_table_with_points_of_its_own_is_refused(tmp_path: Path) -> None:
    header = ["物探点号", "X", "Y", "起点点号", "连接点号", "起点埋深", "终点埋深", "管径"]
    points = [["物探点号", "X", "Y", "地面高程"], ["W0", NORTH, EAST, 4.0]]
    lines = [header, ["W1", NORTH + 30, EAST, "W0", "W1", 2.0, 2.0, "600"]]
    path = book(tmp_path / "a.xlsx", [CRS, DATUM, *points], lines, names=("污水点", "污水线"))
    (found, *_) = refusal(path)
    assert (found.code, found.place.sheet, found.place.column) == ("STR-01", "污水线", "物探点号")


def test_columns_of_lines_in_a_point_table_are_told(tmp_path: Path) -> None:
    header = ["物探点号", "X", "Y", "地面高程", "附属物", "起点埋深", "管径"]
    rows = [["W0", NORTH, EAST, 4.0, "污水井", 2.0, "600"]]
    path = book(tmp_path / "a.xlsx", [CRS, DATUM, header, *rows], names=("污水点",))
    (found,) = [f for f in refusal(path) if f.code == "STR-10"]
    assert (found.severity, found.found) == (Severity.WARNING, "起点埋深, 管径")
    assert found.place.row == 3


def test_constants_for_both_axes_are_added_back(tmp_path: Path) -> None:
    rows = short(2.0, 1.9, 2.0, 2.1)
    for r in rows:
        r[4], r[5] = r[4] - 3400000.0, EAST - 600000.0
    upper = [*SHORT, "起始管线点高程", "终止管线点高程", "起始埋深", "终止埋深", *ENDS]
    table: list[list[Any]] = [CRS, DATUM, upper, BELOW, *rows]
    (found, *_) = refusal(book(tmp_path / "a.xlsx", table, names=("污水",)))
    assert found.code == "CRS-02"
    assert "坐标常数: X=3400000 Y=600000" in found.zh and "坐标常数" in found.en
    table.insert(0, ["坐标常数", "X=3400000 Y=600000"])
    delivery = read(book(tmp_path / "b.xlsx", table, names=("污水",)))
    assert delivery.errors == 0
    assert delivery.tables["pipe_point"]["x_src"].iloc[0] == pytest.approx(NORTH)
