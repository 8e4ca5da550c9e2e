"""Headers: found where they stand, read by meaning."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingest.mapping.header import drop_rows, find_table
from ingest.mapping.words import survey_words

WORDS = survey_words()
RESULT = [
    "图上点号",
    "物探点号",
    "连接点号",
    "特征点",
    "附属物名称",
    "X",
    "Y",
    "地面高程",
    "起始管线点高程",
    "终止管线点高程",
    "井深",
    "起始埋深",
    "终止埋深",
    "管径或断面尺寸",
    "材质",
    "压力",
    "电压",
    "总孔数",
    "已用孔数",
    "电缆条数",
    "权属单位",
    "埋设方式",
    "埋设日期",
    "道路名称",
    "备注",
]


def grid(*rows: list[Any]) -> np.ndarray[Any, np.dtype[np.object_]]:
    cells = np.full((len(rows), max(map(len, rows))), None, object)
    for index, row in enumerate(rows):
        cells[index, : len(row)] = row
    return cells


def test_header_below_titles_with_a_units_row() -> None:
    header = ["物探点号", "图上点号", "Ｘ（m）", "Ｙ", "地面高程"]
    table = find_table(
        grid(["某路管线点成果表"], ["坐标系: x"], header, [None, None, "m", "m", "m"], ["a", 1, 2]),
        WORDS,
    )
    assert table is not None
    assert (table.role, table.header_row, table.data_row) == ("point", 2, 4)
    assert dict(table.columns["point"]) == {
        "exp_no": 0, "map_no": 1, "north_x": 2, "east_y": 3, "ground_h": 4,
    }  # fmt: skip


def test_merged_header_of_two_rows() -> None:
    table = find_table(
        grid(
            ["起点", None, "终点", None, "管径", "材质"],
            ["点号", "埋深", "点号", "埋深", "(mm)", None],
            ["A", 1.0, "B", 1.0, 300, "钢"],
        ),
        WORDS,
    )
    assert table is not None
    assert (table.role, table.data_row) == ("line", 2)
    assert dict(table.columns["line"]) == {
        "from_no": 0, "from_depth": 1, "to_no": 2, "to_depth": 3, "size": 4, "material": 5,
    }  # fmt: skip


def test_result_table_is_points_and_lines() -> None:
    table = find_table(grid(RESULT), WORDS)
    assert table is not None and table.role == "result"
    assert table.columns["line"]["from_no"] == table.columns["point"]["exp_no"] == 1
    assert len(table.used) == 24  # all but 备注
    assert not table.missing


def test_units_in_header_and_units_row_scale() -> None:
    names = ["起点点号", "连接点号", "起点埋深(cm)", "终点埋深", "管径"]
    table = find_table(grid(list(names), [None, None, None, "cm", "m"], ["A", "B", 1, 1, 1]), WORDS)
    assert table is not None
    assert dict(table.factors) == {"from_depth": 0.01, "to_depth": 0.01, "size": 1000.0}


def test_missing_column_comes_with_a_guess_and_mapping_mends_it() -> None:
    cells = grid(["物探点号", "X坐标", "Y坐标值", "地面高程", "特征"])
    table = find_table(cells, WORDS)
    assert table is not None and dict(table.missing) == {"east_y": "Y坐标值"}
    mended = find_table(cells, WORDS, {"Y坐标值": "y_src"})
    assert mended is not None and not mended.missing
    assert mended.columns["point"]["east_y"] == 2


def test_same_header_twice() -> None:
    table = find_table(grid(["物探点号", "X", "X", "Y", "地面高程"]), WORDS)
    assert table is not None and table.repeated == ("X",)


def test_first_alias_wins_over_a_general_one() -> None:
    table = find_table(grid(["点号", "物探点号", "X", "Y", "地面高程"]), WORDS)
    assert table is not None
    assert table.columns["point"]["exp_no"] == 1


def test_rows_without_data_are_off_and_row_numbers_stay() -> None:
    header = ["序号", "物探点号", "X", "Y", "地面高程"]
    cells = grid(
        list(header), [1, "A", 1.0, 2.0, 3.0], [2], list(header), [3, "B", 1.0, 2.0, 3.0],
        ["合计", "2点"], [None],
    )  # fmt: skip
    table = find_table(cells, WORDS)
    assert table is not None
    data, rows = drop_rows(cells, table)
    assert rows.tolist() == [1, 4]
    assert data[:, 1].tolist() == ["A", "B"]


def test_no_header() -> None:
    assert find_table(grid(["a", "b", "c"], [1, 2, 3]), WORDS) is None
