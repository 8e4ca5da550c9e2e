"""Which cells findings point at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.findings import Finding, Place, Severity
from twin.report_marks import header_columns, marks, rows_of

CELLS = np.array(
    [
        ["雨水管线点成果表", None, None, None, None],
        ["物探点号", "平面坐标(m)", None, "地面高程 (m)", "备注"],
        [None, "X", "Y", None, None],
        ["YS1", 1.0, 2.0, 3.0, None],
        [None, None, 2.5, None, None],
        ["YS3", 1.1, 2.1, 3.1, "备注"],
    ],
    object,
)


def about(row: int | None, column: str | None = None, rows: Any = None) -> Finding:
    extra = {} if rows is None else {"rows": rows}
    return Finding(
        "STR-04", Severity.ERROR, Place("a.xlsx", "雨水点", row, column), "错。", "No.", extra=extra
    )


@pytest.mark.parametrize(
    ("column", "wanted"),
    [("物探点号", 0), ("平面坐标(m)X", 1), ("平面坐标(m)Y", 2), ("Y", 2), ("地面高程 (m)", 3),
     ("备注", 4)],
)  # fmt: skip
def test_headers_in_one_row_or_two(column: str, wanted: int) -> None:
    assert list(marks(CELLS, [about(6, column)])) == [(5, wanted)]


def test_without_a_known_column_the_first_filled_cell_is_marked() -> None:
    assert list(marks(CELLS, [about(5)])) == [(4, 2)]
    assert list(marks(CELLS, [about(5, "没有此列")])) == [(4, 2)]


def test_a_header_that_occurs_twice_is_marked_twice() -> None:
    cells = np.array([["X", "Y", "X"], [1, 2, 3]], object)
    assert sorted(marks(cells, [about(1, "X")])) == [(0, 0), (0, 2)]
    assert sorted(marks(cells, [about(2, "X")])) == [(1, 0)]


def test_many_rows_and_none() -> None:
    assert sorted(marks(CELLS, [about(4, "备注", "4-6")])) == [(3, 4), (4, 4), (5, 4)]
    assert marks(CELLS, [about(None), about(99, "备注"), about(0, "备注")]) == {}


def test_findings_of_one_cell_come_together() -> None:
    found = [about(4, "备注"), about(4, "备注")]
    assert marks(CELLS, found) == {(3, 4): found}


def test_rows_as_spans_and_lists() -> None:
    assert list(rows_of(about(3, rows="3-5,9"))) == [3, 4, 5, 9]
    assert list(rows_of(about(None, rows=[7, 8]))) == [7, 8]
    assert list(rows_of(about(2))) == [2]
    assert list(rows_of(about(None, rows="x-3, -"))) == []


def test_an_empty_sheet_has_no_headers() -> None:
    assert header_columns(np.empty((0, 0), object)) == {}
    assert marks(np.empty((0, 0), object), [about(1, "X")]) == {}
