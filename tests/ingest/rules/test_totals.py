"""The statistics sheet against the lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ingest.readers.tables import Grid
from ingest.rules.testing import read_case
from ingest.rules.totals import find_totals

HEADER = ["序号", "管线种类", "管线点数(个)", "管线长度（km）", "备注"]


def grid(*rows: Sequence[object]) -> Grid:
    return Grid("a.xlsx", "统计", np.array(rows, object))


def test_classes_totals_units_and_rounding() -> None:
    found = find_totals(
        grid(
            ["工作量统计表", None, None, None, None],
            HEADER,
            [1, "给水", 120, 3.25, None],
            [2, "YS", 80, "1,002.5", None],
            [3, "说不清", 1, 1, None],
            [None, "合计", 200, None, None],
        )
    )
    said = [(s.class_code, s.quantity, s.value, s.rounding, s.place.row) for s in found]
    assert said == [
        ("JS", "length", 3250.0, 5.0, 3),
        ("JS", "points", 120.0, 0.5, 3),
        ("YS", "length", 1002500.0, 50.0, 4),
        ("YS", "points", 80.0, 0.5, 4),
        (None, "points", 200.0, 0.5, 6),
    ]


def test_a_table_of_lines_states_no_totals() -> None:
    header = ["起点点号", "连接点号", "管线种类", "长度"]
    assert find_totals(grid(header, ["JS1", "JS2", "给水", 30.0])) == ()
    assert find_totals(grid(["说明"], ["无"])) == ()


def totals(tmp_path: Path, value: float, **case: object) -> list[str | None]:
    sheets = {"工作量": [["管类", "长度(m)"], ["给水", value], ["合计", value]]}
    delivery = read_case({"sheets": sheets, **case}, tmp_path)
    return [f.place.element for f in delivery.findings if f.rule == "TOT-01"]


@pytest.mark.parametrize(("value", "wrong"), [(90.5, False), (90.7, True), (89.3, True)])
def test_plane_length_to_half_a_metre_and_a_thousandth(
    value: float, wrong: bool, tmp_path: Path
) -> None:
    assert totals(tmp_path, value) == (["给水", "合计"] if wrong else [])


def test_length_in_space_is_right_too(tmp_path: Path) -> None:
    steep = {"lines": {"JS1~JS2": {"终点埋深": 9.0}, "JS2~JS3": {"起点埋深": 9.0}}}
    space = 30.0 + 2 * float(np.hypot(30.0, 7.8))
    for number, value in enumerate((90.0, space)):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert totals(folder, round(value, 2), **steep) == []


def test_lines_without_a_known_end_make_a_longer_statement_possible(tmp_path: Path) -> None:
    lost = {"points": {"JS4": {"X": None}}}
    for number, (value, wrong) in enumerate([(90.0, False), (50.0, True)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert bool(totals(folder, value, **lost)) is wrong


def test_the_sentence_tells_all_three_lengths(tmp_path: Path) -> None:
    sheets = {"统计": [["管类", "长度(m)"], ["给水", 100]]}
    (finding,) = [f for f in read_case({"sheets": sheets}, tmp_path).findings if f.rule == "TOT-01"]
    assert (finding.found, finding.expected) == ("100.00", "90.00")
    assert "89.98 m on the ground" in finding.en  # 170 mm in a kilometre
    assert (finding.place.sheet, finding.place.row, finding.place.column) == (
        "统计", 2, "长度(m)",
    )  # fmt: skip


def test_every_class_is_summed_beside_what_is_stated(tmp_path: Path) -> None:
    sheets = {
        "工作量": [["管类", "长度(km)", "点数"], ["给水", 0.1, 4], ["排水", 2, 5], ["合计", 2.1, 9]]
    }
    own, drains, total = read_case({"sheets": sheets}, tmp_path).totals
    assert own == {
        "file": "survey.xlsx", "class_code": "JS", "class": "给水 Water supply", "points": 4,
        "stated_points": 4.0, "lines": 3, "length": 90.0, "stated_length": 100.0,
        "difference": 10.0,
    }  # fmt: skip
    assert (drains["class_code"], drains["lines"], drains["difference"]) == ("PS", 0, 2000.0)
    assert (total["class_code"], total["points"], total["length"]) == (None, 4, 90.0)
    assert (total["stated_length"], total["difference"]) == (2100.0, 2010.0)


def test_without_statistics_the_classes_are_summed_all_the_same(tmp_path: Path) -> None:
    (only,) = read_case({}, tmp_path).totals
    assert (only["class_code"], only["length"]) == ("JS", 90.0)
    assert only["stated_length"] is None and only["difference"] is None


def test_lines_to_refused_points_have_no_length(tmp_path: Path) -> None:
    (only,) = read_case({"points": {"JS4": {"X": 0, "Y": 0}}}, tmp_path).totals
    assert (only["lines"], only["length"]) == (3, 60.0)
