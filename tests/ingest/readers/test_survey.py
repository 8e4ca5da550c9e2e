"""Pipe surveys: tables as surveyors write them in, canonical rows and findings out."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl  # type: ignore[import-untyped]
import pytest
import shapely
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.survey import SurveyReader
from models.features import TABLES, Delivery, Theme
from models.findings import Finding, Severity

CRS = ["坐标系: CGCS2000 3度带 120E"]
DATUM = ["高程基准", "1985国家高程基准"]
POINT = ["物探点号", "X", "Y", "地面高程", "特征", "附属物", "井深"]
LINE = [
    "起点点号", "连接点号", "起点埋深", "终点埋深", "起点高程", "终点高程", "管径", "材质",
    "埋设方式", "权属单位", "建设年代", "道路名称", "流向", "总孔数", "已用孔数", "电压", "备注",
]  # fmt: skip
#: Origin near Songjiang station in EPSG:4549; X is northing.
NORTH, EAST = 3430515.006, 617486.771
Row = dict[str, Any]
DECLARED = ReadOptions(horizontal="EPSG:4549", vertical="1985")


def point(no: str, dx: float = 0.0, dy: float = 0.0, h: float = 4.0, **more: Any) -> Row:
    row = {"物探点号": no, "X": round(NORTH + dx, 3), "Y": round(EAST + dy, 3), "地面高程": h}
    return {**row, "特征": "探测点", **more}


def line(start: str, end: str, **more: Any) -> Row:
    row = {
        "起点点号": start, "连接点号": end, "起点埋深": 1.2, "终点埋深": 1.2, "管径": "DN300",
        "材质": "球墨铸铁", "埋设方式": "直埋", "权属单位": "水务", "建设年代": "2016-05-12",
        "道路名称": "荣乐路",
    }  # fmt: skip
    return {**row, **more}


def run_of(count: int, prefix: str = "JS", **more: Any) -> tuple[list[Row], list[Row]]:
    """A straight run of ``count`` points 30 m apart to the north, and its lines."""
    points = [point(f"{prefix}{i}", dx=30.0 * i) for i in range(count)]
    lines = [line(f"{prefix}{i}", f"{prefix}{i + 1}", **more) for i in range(count - 1)]
    points[0]["特征"] = points[-1]["特征"] = "起点"
    return points, lines


def cells(header: list[str], rows: Sequence[Row], top: Sequence[list[str]]) -> list[list[Any]]:
    return [*top, header, *([row.get(name) for name in header] for row in rows)]


def write_csv(path: Path, table: list[list[Any]], encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows(table)
    return path


def write_xlsx(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook(write_only=True)
    for name, table in sheets.items():
        page = book.create_sheet(name)
        for row in table:
            page.append(row)
    book.save(path)
    return path


def write_xls(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = xlwt.Workbook(encoding="utf-8")
    for name, table in sheets.items():
        page = book.add_sheet(name)
        for i, row in enumerate(table):
            for j, value in enumerate(row):
                if value is not None:
                    page.write(i, j, value)
    book.save(str(path))
    return path


def workbook(
    path: Path,
    points: Sequence[Row],
    lines: Sequence[Row],
    top: Sequence[list[str]] = (CRS, DATUM),
    code: str = "JS",
) -> Path:
    """Points in rows 4.. of sheet JSPoint, lines in rows 4.. of JSLine (two rows of metadata)."""
    sheets = {f"{code}Point": cells(POINT, points, top), f"{code}Line": cells(LINE, lines, top)}
    return write_xlsx(path, sheets)


def read(*paths: Path, options: ReadOptions | None = None) -> Delivery:
    reader = SurveyReader()
    (group,) = reader.group(paths)
    return reader.read(group, options or ReadOptions())


def refusal(*paths: Path, options: ReadOptions | None = None) -> tuple[Finding, ...]:
    with pytest.raises(RefusedError) as caught:
        read(*paths, options=options)
    for finding in caught.value.findings:
        assert finding.zh and finding.en and finding.place.file
    return caught.value.findings


def said(delivery: Delivery, severity: Severity = Severity.ERROR) -> list[tuple[Any, ...]]:
    """(rule, sheet, row, column) of the findings of one severity."""
    return [
        (f.rule, f.place.sheet, f.place.row, f.place.column)
        for f in delivery.findings
        if f.severity is severity
    ]


def keys(delivery: Delivery, table: str) -> list[str]:
    return list(delivery.tables[table]["key"])


# --- the good delivery --------------------------------------------------------------------------


def test_points_and_lines_of_one_workbook(tmp_path: Path) -> None:
    points, lines = run_of(3)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert delivery.theme is Theme.PIPES
    assert (delivery.passport.horizontal, delivery.passport.vertical) == ("EPSG:4549", "1985")
    assert delivery.findings == ()
    assert delivery.features_in == 5
    for name, table in delivery.tables.items():
        assert set(table.columns) <= set(TABLES[name])
    nodes, pipes = delivery.tables["pipe_point"], delivery.tables["pipe_segment"]
    assert keys(delivery, "pipe_point") == ["JS0", "JS1", "JS2"]
    assert keys(delivery, "pipe_segment") == ["JS0-JS1/JS", "JS1-JS2/JS"]
    assert list(nodes["source_row"]) == [4, 5, 6]
    assert list(nodes["source_sheet"]) == ["JSPoint"] * 3
    first = nodes.iloc[0]
    assert (first["x_src"], first["y_src"]) == (NORTH, EAST)
    assert shapely.get_coordinates(first["geom"], include_z=True).tolist() == [[EAST, NORTH, 4.0]]
    pipe = pipes.iloc[0]
    assert (pipe["from_point"], pipe["to_point"], pipe["class_code"]) == ("JS0", "JS1", "JS")
    assert (pipe["material"], pipe["built"]) == ("球墨铸铁", date(2016, 5, 12))
    # Water: depth to the outer top, so the centre is 1.2 m + 0.15 m below the ground.
    np.testing.assert_allclose(
        shapely.get_coordinates(pipe["geom"], include_z=True),
        [[EAST, NORTH, 2.65], [EAST, NORTH + 30, 2.65]],
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_two_csv_files_and_their_class_from_the_name(tmp_path: Path, encoding: str) -> None:
    points, lines = run_of(3, prefix="")
    a = write_csv(tmp_path / "YS_点表.csv", cells(POINT, points, [CRS, DATUM]), encoding)
    b = write_csv(tmp_path / "YS_线表.csv", cells(LINE, lines, []), encoding)
    delivery = read(a, b)
    pipes = delivery.tables["pipe_segment"]
    assert list(pipes["class_code"]) == ["YS", "YS"]
    assert list(pipes["source_sheet"]) == ["YS_线表.csv"] * 2
    assert keys(delivery, "pipe_point") == ["0", "1", "2"]
    # Storm water: depth to the inner bottom, so the centre is half a pipe higher.
    assert shapely.get_coordinates(pipes["geom"].iloc[0], include_z=True)[0, 2] == pytest.approx(
        2.95
    )
    assert delivery.source.name == "YS_点表.csv + YS_线表.csv"


def test_groups_by_content_name_and_folder(tmp_path: Path) -> None:
    points, lines = run_of(2)
    for code in ("YS", "WS"):
        write_csv(tmp_path / f"{code}_点表.csv", cells(POINT, points, []))
        write_csv(tmp_path / f"{code}_线表.csv", cells(LINE, lines, []))
    write_csv(tmp_path / "元数据.csv", [CRS, DATUM])
    workbook(tmp_path / "全部.xlsx", points, lines)
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n")
    groups = SurveyReader().group(sorted(tmp_path.iterdir()))
    assert sorted(sorted(p.name for p in group) for group in groups) == [
        ["WS_点表.csv", "WS_线表.csv", "元数据.csv"],
        ["YS_点表.csv", "YS_线表.csv", "元数据.csv"],
        ["元数据.csv", "全部.xlsx"],
    ]


def test_old_workbook_with_several_classes_as_sheets(tmp_path: Path) -> None:
    water, gas = run_of(3, prefix=""), run_of(2, prefix="", 材质="聚乙烯")
    for row in gas[0]:
        row["Y"] = EAST + 5
    path = write_xls(
        tmp_path / "a.xls",
        {
            "说明": [CRS, DATUM],
            "给水点": cells(POINT, water[0], []),
            "给水线": cells(LINE, water[1], []),
            "燃气点": cells(POINT, gas[0], []),
            "燃气线": cells(LINE, gas[1], []),
        },
    )
    delivery = read(path)
    assert delivery.errors == 0
    # Numbers 0 and 1 are used by both classes, 2 by water alone.
    assert keys(delivery, "pipe_point") == ["JS:0", "JS:1", "2", "RQ:0", "RQ:1"]
    assert keys(delivery, "pipe_segment") == ["JS:0-JS:1/JS", "JS:1-2/JS", "RQ:0-RQ:1/RQ"]
    assert list(delivery.tables["pipe_point"]["exp_no"]) == ["0", "1", "2", "0", "1"]


def test_class_by_prefix_of_the_number(tmp_path: Path) -> None:
    points = [point("YS1"), point("YS2", dx=20), point("WS1", dy=9), point("WS2", dx=20, dy=9)]
    lines = [line("YS1", "YS2", 流向="+"), line("WS1", "WS2", 流向="-")]
    path = workbook(tmp_path / "成果.xlsx", points, lines, code="")
    delivery = read(path)
    assert list(delivery.tables["pipe_segment"]["class_code"]) == ["YS", "WS"]
    assert list(delivery.tables["pipe_segment"]["flow"]) == [1, -1]


def test_result_table_is_split(tmp_path: Path) -> None:
    header = ["物探点号", "连接点号", "特征点", "X", "Y", "地面高程", "起始埋深", "终止埋深",
              "管径", "材质",
              "埋设方式", "权属单位", "埋设日期", "道路名称"]  # fmt: skip
    rest = [1.2, 1.3, 300, "钢", "直埋", "水务", "2016", "荣乐路"]
    back = [1.3, 1.2, *rest[2:]]
    at = [[NORTH + 30 * i, EAST, 4.0] for i in range(3)]
    table: list[list[Any]] = [
        CRS, DATUM, header,
        ["JS1", "JS2", "起点", *at[0], *rest],
        ["JS2", "JS1", "探测点", *at[1], *back],  # the same connection from the other end
        [None, "JS3", None, None, None, None, 1.3, 1.4, *rest[2:]],  # merged cells go on
        ["JS3", None, "终点", *at[2]],
    ]  # fmt: skip
    delivery = read(write_xlsx(tmp_path / "JS成果表.xlsx", {"JS": table}))
    assert delivery.findings == ()
    assert keys(delivery, "pipe_point") == ["JS1", "JS2", "JS3"]
    assert keys(delivery, "pipe_segment") == ["JS1-JS2/JS", "JS2-JS3/JS"]
    assert list(delivery.tables["pipe_segment"]["to_depth"]) == [1.3, 1.4]
    assert delivery.features_in == 5


def test_unknown_columns_are_kept(tmp_path: Path) -> None:
    points, lines = run_of(2)
    lines[0]["备注"] = "过河"
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert delivery.tables["pipe_segment"]["attrs"].iloc[0] == {"备注": "过河"}


# --- geometry -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "more", "centre", "top", "invert", "shape"),
    [
        ("JS", {}, 2.65, 2.8, 2.5, "round"),
        ("WS", {"材质": "混凝土"}, 2.95, 3.1, 2.8, "round"),
        ("WS", {"材质": "混凝土", "管径": "800X600"}, 3.1, 3.4, 2.8, "rect"),
        ("TX", {"材质": "聚氯乙烯", "管径": "400X200", "埋设方式": "管块", "总孔数": 8},
         2.7, 2.8, 2.6, "bank"),
        ("DL", {"材质": "铜", "管径": "600X600", "埋设方式": "管沟"}, 3.1, 3.4, 2.8, "rect"),
        ("TX", {"材质": "光纤", "管径": 50, "埋设方式": "架空", "起点埋深": -3, "终点埋深": -3},
         6.975, 7.0, 6.95, "round"),
    ],
)  # fmt: skip
def test_heights_follow_what_the_depth_is_measured_to(
    tmp_path: Path, code: str, more: Row, centre: float, top: float, invert: float, shape: str
) -> None:
    points, lines = run_of(2, prefix="P", **more)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines, code=code))
    (pipe,) = delivery.tables["pipe_segment"].to_dict("records")
    z = shapely.get_coordinates(pipe["geom"], include_z=True)[:, 2]
    np.testing.assert_allclose(z, centre)
    assert pipe["from_top_h"] == pytest.approx(top)
    assert pipe["to_invert_h"] == pytest.approx(invert)
    assert pipe["shape"] == shape


def test_walls_and_outer_sizes(tmp_path: Path) -> None:
    points, _ = run_of(2)
    header = [*LINE, "壁厚"]
    rows = [
        line("JS0", "JS1", 壁厚=10),
        line("JS0", "JS1", 壁厚=10, 管径="De200", 材质="聚乙烯"),
        line("JS0", "JS1", 管径=150),
    ]
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {"JSPoint": cells(POINT, points, [CRS, DATUM]), "JSLine": cells(header, rows, [])},
    )
    pipes = read(path).tables["pipe_segment"]
    assert list(pipes["od_mm"]) == [320, 200, 150]
    assert list(pipes["id_mm"]) == [300, 180, 150]
    np.testing.assert_array_equal(pipes["wall_mm"], [10, 10, np.nan])
    assert pipes["key"].tolist() == ["JS0-JS1/JS", "JS0-JS1/JS#2", "JS0-JS1/JS#3"]


def test_vertical_pipe_has_no_plan_length(tmp_path: Path) -> None:
    points = [point("JS0", 特征="起点"), point("JS1", 特征="出地")]
    lines = [line("JS0", "JS1", 起点埋深=1.2, 终点埋深=-0.5)]
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert delivery.errors == 0
    z = shapely.get_coordinates(delivery.tables["pipe_segment"]["geom"].iloc[0], include_z=True)
    np.testing.assert_allclose(z[:, 2], [2.65, 4.35])


def test_heights_alone_or_of_the_other_side_will_do(tmp_path: Path) -> None:
    points, _ = run_of(2)
    header = ["起点点号", "连接点号", "起点管底高程", "终点管底高程", "管径", "材质", "埋设方式"]
    lines = [["JS0", "JS1", 2.5, 2.4, 300, "钢", "直埋"]]
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {"JSPoint": cells(POINT, points, [CRS, DATUM]), "JSLine": [header, *lines]},
    )
    (pipe,) = read(path).tables["pipe_segment"].to_dict("records")
    assert (pipe["from_top_h"], pipe["to_top_h"]) == pytest.approx((2.8, 2.7))
    assert (pipe["from_depth"], pipe["to_depth"]) == pytest.approx((1.2, 1.3))


def test_accuracy_and_quality_by_method(tmp_path: Path) -> None:
    header = [*POINT, "探测方式"]
    methods = ["明显点", "隐蔽点", "跟踪测量", "跟踪测量", "设计"]
    points = [point(f"JS{i}", dx=30.0 * i, 探测方式=m) for i, m in enumerate(methods)]
    lines = [line(f"JS{i}", f"JS{i + 1}", 起点埋深=1.85, 终点埋深=1.85) for i in range(4)]
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {"JSPoint": cells(header, points, [CRS, DATUM]), "JSLine": cells(LINE, lines, [])},
    )
    delivery = read(path)
    nodes = delivery.tables["pipe_point"]
    # Depth to the centre is 2.0 m: hidden plan 0.05 h, depth 0.075 h, on a survey of 0.05/0.03 m.
    np.testing.assert_allclose(
        nodes["sigma_xy"], [0.05, np.hypot(0.05, 0.10), 0.05, 0.05, np.nan], atol=1e-4
    )
    np.testing.assert_allclose(
        nodes["sigma_z"],
        [np.hypot(0.03, 0.025), np.hypot(0.03, 0.15), 0.03, 0.03, np.nan],
        atol=1e-4,
    )
    assert list(delivery.tables["pipe_segment"]["quality_level"]) == ["B", "B", "A", "D"]


# --- the whole file is refused ------------------------------------------------------------------


def test_missing_datums_are_both_named(tmp_path: Path) -> None:
    points, lines = run_of(2)
    path = workbook(tmp_path / "a.xlsx", points, lines, top=[])
    found = refusal(path)
    assert [(f.code, f.expected) for f in found] == [
        ("MET-01", "horizontal"),
        ("MET-01", "vertical"),
    ]
    assert "未声明高程基准" in found[1].zh
    assert [f.expected for f in refusal(path, options=ReadOptions(horizontal="EPSG:4549"))] == [
        "vertical"
    ]
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
    (found,) = refusal(workbook(tmp_path / "a.xlsx", points, lines), options=options)
    assert found.code == "MET-02"
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
    assert (found.code, found.place.row, found.expected) == ("STR-01", 1, "east_y")
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
    assert ("CODE-01.words", "WSLine", 4, "流向") in said(read(path), Severity.WARNING)
    delivery = read(path, options=ReadOptions(profile="flow01"))
    assert list(delivery.tables["pipe_segment"]["flow"]) == [-1]


# --- rows are refused or remarked on ------------------------------------------------------------

Change = Callable[[list[Row], list[Row]], object]

#: A run of six points (rows 4..9) and five lines (rows 4..8) of ductile water pipe, changed, and
#: the errors that must come out: (rule, sheet, row, column), no other.
ERRORS: list[tuple[str, Change, list[tuple[str, str, int, str]]]] = [
    ("empty X", lambda p, _: p[5].update(X=None), [
        ("STR-02", "JSPoint", 9, "X"), ("LN-03.refused", "JSLine", 8, "连接点号")]),
    ("empty number", lambda p, _: p.append(point("", dx=-50) | {"物探点号": None}), [
        ("STR-02", "JSPoint", 10, "物探点号")]),
    ("text in height", lambda p, _: p[5].update(地面高程="4.l"), [
        ("STR-04", "JSPoint", 9, "地面高程"), ("LN-03.refused", "JSLine", 8, "连接点号")]),
    ("text in depth", lambda _, q: q[0].update(起点埋深="1.2m"), [
        ("STR-04", "JSLine", 4, "起点埋深")]),
    ("formula in height", lambda p, _: p[0].update(地面高程="#REF!"), [
        ("STR-07", "JSPoint", 4, "地面高程"), ("LN-03.refused", "JSLine", 4, "起点点号")]),
    ("formula in size", lambda _, q: q[1].update(管径="#DIV/0!"), [
        ("STR-07", "JSLine", 5, "管径")]),
    ("no size", lambda _, q: q[2].update(管径=None), [("STR-03", "JSLine", 6, "管径")]),
    ("zero size", lambda _, q: q[2].update(管径=0), [("STR-03", "JSLine", 6, "管径")]),
    ("illegal size", lambda _, q: q[2].update(管径="DN3OO"), [("STR-06", "JSLine", 6, "管径")]),
    ("no end", lambda _, q: q[2].update(连接点号=None), [("STR-03", "JSLine", 6, "连接点号")]),
    ("neither depth nor height", lambda _, q: q[3].update(终点埋深=None), [
        ("STR-03.height", "JSLine", 7, "终点埋深")]),
    ("unknown material", lambda _, q: q[3].update(材质="竹筒"), [
        ("CODE-01", "JSLine", 7, "材质")]),
    ("unknown embedding", lambda _, q: q[3].update(埋设方式="随便"), [
        ("CODE-01", "JSLine", 7, "埋设方式")]),
    ("number twice, other data", lambda p, _: p.append(point("JS5", dx=999)), [
        ("PT-01", "JSPoint", 9, "物探点号"), ("PT-01", "JSPoint", 10, "物探点号"),
        ("LN-03.refused", "JSLine", 8, "连接点号")]),
    ("coincident", lambda p, q: [r.append(v) for r, v in (  # type: ignore[func-returns-value]
        (p, p[5] | {"物探点号": "JS6"}), (q, line("JS4", "JS6")))], [
        ("PT-02", "JSPoint", 10, "物探点号"), ("LN-03.refused", "JSLine", 9, "连接点号")]),
    ("fly point", lambda p, _: p[5].update(X=EAST, Y=NORTH), [
        ("PT-05", "JSPoint", 9, "X"), ("LN-03.refused", "JSLine", 8, "连接点号")]),
    ("loop", lambda _, q: q[4].update(连接点号="JS4"), [("LN-01", "JSLine", 8, "连接点号")]),
    ("same line", lambda _, q: q.append(dict(q[2])), [("LN-02", "JSLine", 9, "连接点号")]),
    ("reversed line", lambda _, q: q.append(q[2] | {"起点点号": "JS3", "连接点号": "JS2"}), [
        ("LN-02", "JSLine", 9, "连接点号")]),
    ("absent point", lambda _, q: q[4].update(连接点号="JS9"), [
        ("LN-03", "JSLine", 8, "连接点号")]),
    ("identity off by 3 cm", lambda _, q: q[1].update(起点高程=2.83), [
        ("LN-08", "JSLine", 5, "起点高程")]),
    ("identity off by 2 cm", lambda _, q: q[1].update(起点高程=2.82), []),
    ("more holes used", lambda _, q: q[1].update(总孔数=4, 已用孔数=5), [
        ("LN-10", "JSLine", 5, "已用孔数")]),
    ("all holes used", lambda _, q: q[1].update(总孔数="4/4"), []),
    ("holes in one cell", lambda _, q: q[1].update(总孔数="4/5"), [
        ("LN-10", "JSLine", 5, "已用孔数")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS]
)
def test_errors_name_the_cell_and_leave_the_row_out(
    tmp_path: Path, change: Change, expected: list[tuple[str, str, int, str]]
) -> None:
    points, lines = run_of(6)
    change(points, lines)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert sorted(said(delivery)) == sorted(expected)
    refused = {(sheet, row) for _, sheet, row, _ in expected}
    for name, sheet, rows in (
        ("pipe_point", "JSPoint", points),
        ("pipe_segment", "JSLine", lines),
    ):
        stored = list(delivery.tables[name]["source_row"])
        assert stored == [r for r in range(4, 4 + len(rows)) if (sheet, r) not in refused]
    ends = delivery.tables["pipe_segment"][["from_point", "to_point"]].to_numpy().ravel()
    assert set(ends) <= set(keys(delivery, "pipe_point"))
    assert delivery.features_in == len(points) + len(lines)
    assert all(f.verified for f in delivery.findings if f.severity is Severity.ERROR)


WARNINGS: list[tuple[str, Change, list[tuple[str, str, int | None, str]]]] = [
    ("placeholder", lambda _, q: q[0].update(权属单位="不详"), [
        ("STR-05", "JSLine", 4, "权属单位"), ("STR-03.attributes", "JSLine", 4, "权属单位")]),
    ("no road", lambda _, q: q[0].update(道路名称=None), [
        ("STR-03.attributes", "JSLine", 4, "道路名称")]),
    ("word of no vocabulary", lambda p, _: p[1].update(特征="奇怪点"), [
        ("CODE-01.words", "JSPoint", 5, "特征")]),
    ("material of another class", lambda _, q: q[0].update(材质="陶瓷"), [
        ("CODE-02", "JSLine", 4, "材质")]),
    ("size in metres", lambda _, q: q[0].update(管径=0.3), [("STR-06.small", "JSLine", 4, "管径")]),
    ("same point again", lambda p, _: p.append(dict(p[5])), [
        ("PT-01.same", "JSPoint", 10, "物探点号")]),
    ("well without depth", lambda p, _: p[1].update(附属物="阀门井"), [
        ("PT-07", "JSPoint", 5, "井深")]),
    ("well too shallow", lambda p, _: p[1].update(附属物="阀门井", 井深=1.0), [
        ("PT-09", "JSPoint", 5, "井深")]),
    ("lonely point", lambda p, _: p.append(point("JS6", dx=-40)), [
        ("LN-03.isolated", "JSPoint", 10, "物探点号")]),
    ("parallel line", lambda _, q: q.append(q[0] | {"管径": 200}), [
        ("LN-02.parallel", "JSLine", 9, "连接点号"), ("TOP-01", "JSPoint", 4, "特征"),
        ("TOP-01", "JSPoint", 5, "特征")]),
    ("deep", lambda _, q: q[0].update(起点埋深=10.1, 终点埋深=10.0), [
        ("LN-06", "JSLine", 4, "起点埋深")]),
    ("voltage on water", lambda _, q: q[0].update(电压=10), [
        ("LN-12.voltage", "JSLine", 4, "电压")]),
    ("tee of two", lambda p, _: p[1].update(特征="三通"), [("TOP-01", "JSPoint", 5, "特征")]),
    ("long", lambda p, _: p[5].update(X=NORTH + 120 + 75.5), [
        ("LN-04", "JSLine", 8, "连接点号")]),
    ("just not too long", lambda p, _: p[5].update(X=NORTH + 120 + 75), []),
    ("short", lambda p, _: p[5].update(X=NORTH + 120 + 0.04), [
        ("LN-05", "JSLine", 8, "连接点号")]),
    ("formula in a column of no meaning", lambda _, q: q[0].update(备注="#N/A"), [
        ("STR-07.unused", "JSLine", 4, "备注")]),
    ("illegible pressure of no geometry", lambda _, q: q[0].update(电压="高"), [
        ("STR-04.attributes", "JSLine", 4, "电压")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"), [w[1:] for w in WARNINGS], ids=[w[0] for w in WARNINGS]
)
def test_warnings_name_the_cell_and_keep_the_row(
    tmp_path: Path, change: Change, expected: list[tuple[str, str, int, str]]
) -> None:
    points, lines = run_of(6)
    change(points, lines)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert sorted(said(delivery, Severity.WARNING)) == sorted(expected)
    assert delivery.errors == 0
    dropped = sum(f.rule == "PT-01.same" for f in delivery.findings)
    assert len(delivery.tables["pipe_point"]) == len(points) - dropped
    assert len(delivery.tables["pipe_segment"]) == len(lines)


@pytest.mark.parametrize(
    ("rise", "flow", "verdict"),
    [(0.02, "+", None), (0.03, "+", "可能"), (0.60, "+", "确定"), (0.60, "-", None)],
)
def test_reverse_slope_is_weighed_against_the_survey(
    tmp_path: Path, rise: float, flow: str, verdict: str | None
) -> None:
    points, lines = run_of(2, prefix="P", 材质="混凝土", 流向=flow)
    lines[0]["终点埋深"] = round(1.2 - rise, 3)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines, code="WS"))
    found = [f for f in delivery.findings if f.code == "GRV-01"]
    assert len(found) == (verdict is not None)
    for finding in found:
        assert verdict is not None and verdict in finding.zh
        assert finding.severity is Severity.WARNING and finding.verified is False


def test_mistakes_are_all_reported_in_one_pass(tmp_path: Path) -> None:
    points, lines = run_of(6)
    points[1]["X"] = "north"
    lines[3].update(管径="3OO", 材质="竹", 起点埋深="x")
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert {(rule, row) for rule, _, row, _ in said(delivery)} == {
        ("STR-04", 5), ("LN-03.refused", 4), ("LN-03.refused", 5),
        ("STR-06", 7), ("CODE-01", 7), ("STR-04", 7),
    }  # fmt: skip


# --- round trip ---------------------------------------------------------------------------------


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Small random networks of storm water: distinct points on a grid, distinct pairs as lines."""
    places = draw(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=12, unique=True
        )
    )
    heights = st.integers(0, 9000).map(lambda v: v / 1000)
    points = [
        point(
            f"YS{i}",
            dx=10.0 * a,
            dy=10.0 * b,
            h=draw(heights),
            附属物=draw(st.sampled_from([None, "雨水井"])),
        )
        for i, (a, b) in enumerate(places)
    ]
    index = st.integers(0, len(places) - 1)
    pairs = draw(
        st.lists(st.tuples(index, index).filter(lambda p: p[0] != p[1]), max_size=15,
                 unique_by=lambda p: frozenset(p))
    )  # fmt: skip
    signs = st.sampled_from("+-")
    sizes = st.sampled_from(["300", "DN600", "1000X800", 400])
    lines = [
        line(f"YS{a}", f"YS{b}", 起点埋深=draw(heights), 终点埋深=draw(heights), 管径=draw(sizes),
             材质=draw(st.sampled_from(["混凝土", "HDPE", "PVC"])), 流向=draw(signs))
        for a, b in pairs
    ]  # fmt: skip
    return points, lines


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(network=networks())
def test_a_network_written_and_read_back_is_the_same(
    tmp_path: Path, form: str, network: tuple[list[Row], list[Row]]
) -> None:
    points, lines = network
    if form == "xlsx":
        paths = [workbook(tmp_path / "a.xlsx", points, lines, code="YS")]
    else:
        paths = [
            write_csv(tmp_path / "YS_点表.csv", cells(POINT, points, [CRS, DATUM]), "gb18030"),
            write_csv(tmp_path / "YS_线表.csv", cells(LINE, lines, []), "gb18030"),
        ]
    delivery = read(*paths)
    assert delivery.errors == 0
    nodes, pipes = delivery.tables["pipe_point"], delivery.tables["pipe_segment"]
    assert list(
        zip(nodes["exp_no"], nodes["x_src"], nodes["y_src"], nodes["ground_h"], strict=True)
    ) == [(p["物探点号"], p["X"], p["Y"], p["地面高程"]) for p in points]
    assert [
        (r["from_point"], r["to_point"], r["from_depth"], r["to_depth"], r["flow"])
        for r in pipes.to_dict("records")
    ] == [
        (q["起点点号"], q["连接点号"], q["起点埋深"], q["终点埋深"], 1 if q["流向"] == "+" else -1)
        for q in lines
    ]
    ground = {p["物探点号"]: p["地面高程"] for p in points}
    inverts = [ground[q["起点点号"]] - q["起点埋深"] for q in lines]
    np.testing.assert_allclose(pipes["from_invert_h"].to_numpy(float), inverts, atol=1e-9)


def test_a_refused_line_still_meets_its_points(tmp_path: Path) -> None:
    points, lines = run_of(6)
    lines[2]["管径"] = "3OO"
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert [f.rule for f in delivery.findings] == ["STR-06"]
