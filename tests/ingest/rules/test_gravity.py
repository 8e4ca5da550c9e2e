"""Gravity flow: runs against the survey's error, and the chain that proves a mixed connection."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.testing import line, point, read, run_of, workbook
from models.features import Delivery
from models.findings import Finding, Severity

#: 2 sigma of the difference of two manholes' heights (m): hypot(0.03, 0.025) each.
ERROR = 2 * np.hypot(0.03, 0.025) * np.sqrt(2)


def drains(
    folder: Path, inverts: list[float], flows: str, classes: list[str] | None = None
) -> Delivery:
    """A run of manholes 30 m apart with the given inverts (m) and a flow sign a line."""
    points, lines = run_of(len(inverts), "YS", 材质="混凝土")
    for row in points:
        row |= {"特征": None, "附属物": "窨井", "井深": 4.0}
    for index, row in enumerate(lines):
        row["起点埋深"], row["终点埋深"] = (
            round(4.0 - z, 3) for z in (inverts[index], inverts[index + 1])
        )
        row["流向"] = flows[index] if flows[index] in "+-" else None
        row["管线种类"] = classes[index] if classes else "雨水"
    return read(workbook(folder / "survey.xlsx", points, lines, code="YS"))


def of(delivery: Delivery, code: str) -> list[Finding]:
    return [f for f in delivery.findings if f.code == code]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.integers(0, 300), min_size=2, max_size=6))
def test_a_run_that_falls_has_no_adverse_slope(steps: list[int]) -> None:
    inverts = (3.0 - np.cumsum([0, *steps]) / 1000).round(3).tolist()
    with tempfile.TemporaryDirectory() as folder:
        delivery = drains(Path(folder), inverts, "+" * len(steps))
    assert {f.code for f in delivery.findings} & {"GRV-01", "GRV-02"} == set()
    assert [f.place.element for f in of(delivery, "GRV-08")] == [f"YS{len(steps)}"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rise=st.integers(1, 400))
def test_one_rise_is_judged_by_the_error_of_its_ends(rise: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        delivery = drains(Path(folder), [2.5, 2.4, round(2.4 + rise / 1000, 3), 2.3], "+++")
    rules = [f.rule for f in of(delivery, "GRV-01")]
    if rise <= 20:
        assert rules == []
    else:
        assert rules == ["GRV-01" if rise / 1000 > ERROR else "GRV-01.possible"]
    assert all(
        f.severity is Severity.WARNING and f.verified is False for f in of(delivery, "GRV-01")
    )


def test_a_reversed_run_is_one_finding_with_its_lines(tmp_path: Path) -> None:
    delivery = drains(tmp_path, [1.0, 1.3, 1.6, 1.9], "+++")
    (finding,) = of(delivery, "GRV-02")
    assert finding.extra["chain"] == ["YS0~YS1", "YS1~YS2", "YS2~YS3"]
    assert "YS0→YS3" in finding.zh and finding.found == "0.9"
    assert of(delivery, "GRV-01") == []


def test_one_bad_height_is_no_reversed_run(tmp_path: Path) -> None:
    delivery = drains(tmp_path, [2.0, 1.9, 1.8, 6.8], "+++")
    assert of(delivery, "GRV-02") == []
    assert [f.place.element for f in of(delivery, "GRV-01")] == ["YS2~YS3"]


@pytest.mark.parametrize(("flows", "sure"), [("++++", True), ("    ", True), ("++ +", True)])
def test_mixed_connection_shows_the_chain_to_the_outfall(
    tmp_path: Path, flows: str, sure: bool
) -> None:
    """Flow that is not delivered is inferred from the fall."""
    classes = ["雨水", "污水", "污水", "污水"]
    delivery = drains(tmp_path, [3.0, 2.8, 2.6, 2.4, 2.2], flows, classes)
    (finding,) = of(delivery, "GRV-07")
    assert finding.place.element == "YS0~YS1"
    assert finding.extra["chain"] == ["YS1~YS2", "YS2~YS3", "YS3~YS4"]
    assert (finding.extra["storm"], finding.extra["certain"]) == (["YS0~YS1"], sure)
    assert "雨污混接：雨水 YS0~YS1 在 YS1 接入污水 YS1~YS2，下游至测区内末端 YS4" in finding.zh
    assert finding.clause is not None and "3.1.2" in finding.clause


def test_sewage_into_storm_water_is_the_other_way_round(tmp_path: Path) -> None:
    delivery = drains(tmp_path, [3.0, 2.8, 2.6], "++", ["污水", "雨水"])
    (finding,) = of(delivery, "GRV-07")
    assert finding.rule == "GRV-07.foul"
    assert "污水 YS0~YS1 在 YS1 接入雨水 YS1~YS2" in finding.zh


@pytest.mark.parametrize(
    ("column", "remark", "found"),
    [
        ("备注", "雨污连通管", 0),
        ("管线范畴", "连通管", 0),
        ("备注", "非连通管", 1),
        ("备注", "2016年改建", 1),
    ],
)
def test_a_declared_link_is_no_mixed_connection(
    tmp_path: Path, column: str, remark: str, found: int
) -> None:
    points, lines = run_of(3, "YS", 材质="混凝土", 流向="+")
    lines[0] |= {"管线种类": "污水", column: remark}
    lines[1] |= {"管线种类": "雨水"}
    delivery = read(workbook(tmp_path / "survey.xlsx", points, lines, code="YS"))
    assert len(of(delivery, "GRV-07")) == found


def test_a_pumped_sewer_may_rise(tmp_path: Path) -> None:
    points, lines = run_of(4, "WS", 材质="钢", 流向="+", 压力=0.4)
    lines[1] |= {"终点埋深": 0.6}
    lines[2] |= {"起点埋深": 0.6}
    delivery = read(workbook(tmp_path / "survey.xlsx", points, lines, code="WS"))
    assert [f for f in delivery.findings if f.code.startswith("GRV")] == []


def test_points_of_a_chamber_are_one_place(tmp_path: Path) -> None:
    """A link inside a chamber (井内连线) joins two drains of different size without a finding of
    its own, and the narrowing is still seen across it."""
    points, lines = run_of(2, "YS", 材质="混凝土", 流向="+", 管径="DN600")
    points.append(point("YS8", dx=30.8))
    points.append(point("YS9", dx=60.0))
    lines.append(line("YS1", "YS8", 埋设方式="井内连线", 管径="DN600", 材质="混凝土"))
    lines.append(line("YS8", "YS9", 流向="+", 材质="混凝土", 管径="DN400"))
    delivery = read(workbook(tmp_path / "survey.xlsx", points, lines, code="YS"))
    (finding,) = of(delivery, "GRV-03")
    assert (finding.place.element, finding.found) == ("YS8~YS9", "400.0")
    assert [f.place.element for f in of(delivery, "GRV-08")] == ["YS9"]
