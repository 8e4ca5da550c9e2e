"""Topology over whole deliveries: counts, parts, and what a refused row may not cause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ingest.readers.base import ReadOptions
from ingest.testing import EAST, NORTH, Row, line, point, read, run_of, workbook
from models.findings import Finding
from models.horizontal import parse, to_geodetic


def found(path: Path, points: list[Row], lines: list[Row], code: str) -> list[Finding]:
    delivery = read(workbook(path / "survey.xlsx", points, lines))
    return [f for f in delivery.findings if f.code == code]


@pytest.mark.parametrize(
    ("third", "wrong"),
    [({}, False), ({"埋设方式": "井内连线"}, True), ({"使用状态": "废弃"}, False)],
)
def test_a_tee_counts_lines_out_of_use_but_no_links_in_chambers(
    tmp_path: Path, third: dict[str, str], wrong: bool
) -> None:
    points, lines = run_of(3)
    points[1]["特征"] = "三通"
    points.append(point("JS9", dx=30.0, dy=10.0, 特征="终点"))
    lines.append(line("JS1", "JS9", **third))
    at_tee = [f for f in found(tmp_path, points, lines, "TOP-01") if f.place.element == "JS1"]
    assert bool(at_tee) is wrong


@pytest.mark.parametrize("word", ["出地", "上杆"])
@pytest.mark.parametrize(
    ("riser", "wrong"),
    [
        ((0.0, -2.0), False),  # upright, 3.2 m up
        ((3.1, -2.0), False),  # steeper than 45°
        ((3.3, -2.0), True),  # it runs farther than it rises: a bend
        ((30.0, 1.2), True),
    ],
)
def test_a_drawn_riser_is_no_second_line_where_the_pipe_leaves_the_ground(
    tmp_path: Path, word: str, riser: tuple[float, float], wrong: bool
) -> None:
    points, lines = run_of(2)
    points[1]["特征"] = word
    run, depth = riser
    points.append(point("JS9", dx=30.0 + run, h=4.0 + 1e-3, 特征=word))
    lines.append(line("JS1", "JS9", 终点埋深=depth))
    told = [f.place.element for f in found(tmp_path, points, lines, "TOP-01")]
    assert told == (["JS1"] if wrong else [])


def test_two_pipes_below_one_riser_are_too_many(tmp_path: Path) -> None:
    points, lines = run_of(3)
    points[1]["特征"] = "出地"
    points.append(point("JS9", dx=30.0, h=4.001, 特征="出地"))
    lines.append(line("JS1", "JS9", 终点埋深=-2.0))
    (told,) = found(tmp_path, points, lines, "TOP-01")
    assert (told.place.element, told.found) == ("JS1", "3")


def test_a_line_with_an_absent_point_still_counts(tmp_path: Path) -> None:
    points, lines = run_of(3)
    points[1]["特征"] = "三通"
    lines.append(line("JS1", "JS77"))
    assert found(tmp_path, points, lines, "TOP-01") == []


def test_parts_of_one_class_are_told_in_one_finding(tmp_path: Path) -> None:
    points, lines = run_of(4)
    for part in range(3):
        ends = [f"JS{part}{end}" for end in "AB"]
        points += [
            point(e, dx=30.0 * i, dy=50.0 * (part + 1), 特征="起点") for i, e in enumerate(ends)
        ]
        lines.append(line(*ends))
    (finding,) = found(tmp_path, points, lines, "TOP-02")
    assert (finding.found, finding.extra["count"], finding.extra["rows"]) == ("4", 3, "7-9")
    assert "3 of 6 lines" in finding.en


def test_a_stub_of_the_very_line_is_no_dangling_end(tmp_path: Path) -> None:
    points, lines = run_of(3)
    points[1]["特征"] = "三通"
    points.append(point("JS9", dx=30.0, dy=0.6))
    lines.append(line("JS1", "JS9"))
    assert found(tmp_path, points, lines, "TOP-05") == []


def test_an_end_far_above_the_other_line_is_no_dangling_end(tmp_path: Path) -> None:
    points, lines = run_of(2)
    points += [point("JS8", dx=15.0, dy=0.5), point("JS9", dx=15.0, dy=30.0)]
    lines.append(line("JS8", "JS9", 起点埋深=4.0, 终点埋深=4.0))
    assert found(tmp_path, points, lines, "TOP-05") == []
    lines[-1] |= {"起点埋深": 1.5, "终点埋深": 1.5}
    (finding,) = found(tmp_path, points, lines, "TOP-05")
    assert (finding.place.element, finding.found) == ("JS8", "0.5")
    assert "JS0~JS1" in finding.en


def test_degrees_are_checked_as_metres_are(tmp_path: Path) -> None:
    """A survey in longitude and latitude: the same finding, its place in the survey's own CRS."""
    points, lines = run_of(2)
    points += [point("JS8", dx=15.0, dy=-10.0), point("JS9", dx=15.0, dy=10.0)]
    lines.append(line("JS8", "JS9"))
    source = parse("EPSG:4549")
    plan = np.array([[row["Y"], row["X"]] for row in points] + [[EAST, NORTH + 15.0]])
    lon, lat = to_geodetic(plan[:, 0], plan[:, 1], source)
    for row, x, y in zip(points, lat, lon, strict=False):
        row["X"], row["Y"] = round(x, 9), round(y, 9)
    path = workbook(tmp_path / "survey.xlsx", points, lines, top=())
    delivery = read(path, options=ReadOptions("EPSG:4490", "1985"))
    (finding,) = [f for f in delivery.findings if f.code == "TOP-04"]
    assert finding.found == "0.3"
    assert finding.extra["source_position"][:2] == pytest.approx((lon[-1], lat[-1]), abs=2e-6)
