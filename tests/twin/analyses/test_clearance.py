"""Clearance and clash as questions; the kernels have tests of their own."""

from __future__ import annotations

import pytest

from twin.analyses.clearance import (
    ClashRequest,
    ClearanceRequest,
    clash,
    horizontal_clearance,
    vertical_clearance,
)
from twin.analyses.pipework import Pipework
from twin.analyses.testing import at, pipework, round_pipe


def street() -> Pipework:
    """Water and sewage side by side, 0.7 m between surfaces; gas across, 0.3 m above the water;
    a cable through the sewer; and a pair like the first far away."""
    return pipework(
        round_pipe((0, 0, 2), (40, 0, 2), size=200, points=("J1", "J2"), code="JS", material="钢"),
        round_pipe((0, 1, 1), (40, 1, 1), size=400, points=("W1", "W2"), code="WS"),
        round_pipe((20, -9, 2.5), (20, 0.5, 2.5), size=200, points=("R1", "R2"), code="RQ"),
        round_pipe((30, 0.5, 1), (30, 9, 1), size=100, points=("L1", "L2"), code="LD"),
        round_pipe((0, 90, 2), (40, 90, 2), size=200, points=("J3", "J4"), code="JS"),
        round_pipe((0, 91, 2), (40, 91, 2), size=400, points=("W3", "W4"), code="WS"),
    )


def test_horizontal_is_between_surfaces() -> None:
    request = ClearanceRequest(segments=["J1-J2"], reach=1.0)
    pairs = horizontal_clearance(street(), request).result["pairs"]
    sewer = next(p for p in pairs if "WS" in (p["a"]["class_code"], p["b"]["class_code"]))
    assert sewer["distance"] == pytest.approx(0.7, abs=1e-3)  # 1 - 0.1 - 0.2
    assert sewer["sigma"] == pytest.approx(0.05 * 2**0.5, abs=1e-3)
    assert sewer["verdict"] in {"certain", "possible", "compliant", "review", "not_regulated"}
    codes = {p[side]["class_code"] for p in pairs for side in ("a", "b")}
    assert "JS" in codes


def test_vertical_names_the_lower_first() -> None:
    request = ClearanceRequest(segments=["R1-R2"], reach=2.0)
    (pair,) = vertical_clearance(street(), request).result["pairs"]
    assert (pair["a"]["class_code"], pair["b"]["class_code"]) == ("JS", "RQ")
    assert pair["distance"] == pytest.approx(0.3, abs=1e-3)
    assert pair["a_at"][2] == pytest.approx(2.1, abs=1e-3)
    assert pair["b_at"][2] == pytest.approx(2.4, abs=1e-3)


def test_clash_is_an_overlap() -> None:
    found = clash(street(), ClashRequest()).result
    (pair,) = [p for p in found["pairs"] if p["verdict"] == "certain"]
    assert {pair["a"]["class_code"], pair["b"]["class_code"]} == {"WS", "LD"}
    assert pair["distance"] < 0


def test_only_the_area_is_looked_at() -> None:
    area = at((-1, 80), (50, 80), (50, 99), (-1, 99))
    found = horizontal_clearance(street(), ClearanceRequest(polygon=area, reach=2.0)).result
    assert found["segments"] == 2
    names = {p[side]["key"] for p in found["pairs"] for side in ("a", "b")}
    assert names == {"J3-J4", "W3-W4"}
