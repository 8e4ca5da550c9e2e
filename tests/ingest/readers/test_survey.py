"""Pipe surveys: tables as surveyors write them in, canonical rows out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import xlwt

from ingest.readers.survey import SurveyReader
from ingest.testing import (
    CRS,
    DATUM,
    EAST,
    LINE,
    NORTH,
    POINT,
    cells,
    keys,
    line,
    point,
    read,
    run_of,
    workbook,
    write_csv,
    write_xlsx,
)
from models.features import TABLES, Theme


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
