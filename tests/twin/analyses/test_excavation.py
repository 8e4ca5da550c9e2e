"""Excavation tickets: volumes by hand, who is concerned, and a page that is safe to open."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from twin.analyses.answer import Answer
from twin.analyses.errors import BadRequestError
from twin.analyses.excavation import ExcavationRequest, excavation
from twin.analyses.pipework import Pipework
from twin.analyses.testing import at, pipe, pipework, round_pipe

SQUARE = ((0, 0), (10, 0), (10, 10), (0, 10))


def around(**columns: Any) -> Pipework:
    """Ground at 4: a gas main through the pit at 2, a sewer under it at 0, a cable 0.9 m beside,
    water whose top is 0.05 m under the floor at 1, and a line without a height."""
    return pipework(
        round_pipe((-5, 5, 2), (15, 5, 2), size=200, points=("R1", "R2"), code="RQ", **columns),
        round_pipe((5, -5, 0), (5, 15, 0), size=600, points=("W1", "W2"), code="WS", owner="乙"),
        round_pipe((10.9, -5, 3), (10.9, 15, 3), size=100, points=("L1", "L2"), code="LD"),
        round_pipe((2, -5, 0.85), (2, 15, 0.85), size=200, points=("J1", "J2"), code="JS"),
        round_pipe((8, -5, np.nan), (8, 15, np.nan), size=100, points=("X1", "X2"), code="TX"),
        round_pipe((0, 30, 2), (10, 30, 2), size=100, points=("F1", "F2"), code="RQ"),
    )


def ask(work: Pipework, **more: Any) -> Answer:
    request = {"polygon": at(*SQUARE), "depth": 3.0, "margin": 0.5, **more}
    return excavation(work, ExcavationRequest(**request))


def states(answer: Answer) -> dict[str, str]:
    return {p["segment"]["class_code"]: p["state"] for p in answer.result["pipes"]}


@pytest.mark.parametrize(
    ("more", "volume"),
    [
        ({}, 300.0),
        # floor 12 x 12, top 16.5 x 16.5, middle 14.25 x 14.25: 3 / 6 (144 + 812.25 + 272.25)
        ({"working_width": 1.0, "slope": 0.75}, 614.25),
        # a frustum of a pyramid: 3 / 3 (100 + 256 + sqrt(100 * 256))
        ({"slope": 1.0}, 516.0),
    ],
)
def test_volume_is_the_prismoids_in_true_measure(more: dict[str, Any], volume: float) -> None:
    found = ask(around(), **more).result
    # 124 km from the central meridian the grid is 0.019 % too long, an area 0.038 % too large.
    assert found["volume"] == pytest.approx(volume * (1 - 0.00038), rel=2e-5)
    assert found["floor_height"] == 1.0
    assert found["ground"] == {"least": 4.0, "mean": 4.0, "greatest": 4.0}


def test_who_is_concerned_and_how() -> None:
    answer = ask(around())
    assert states(answer) == {
        "RQ": "exposed",
        "JS": "possible",  # 0.05 m under the floor, 2 sigma are 0.06 m
        "TX": "unknown",
        "WS": "below",
    }


def test_exposed_length_clearance_and_error() -> None:
    by_class = {p["segment"]["class_code"]: p for p in ask(around()).result["pipes"]}
    assert by_class["RQ"]["exposed_length"] == pytest.approx(10, abs=0.3)
    assert by_class["RQ"]["top_above_floor"] == 1.1
    assert by_class["RQ"]["error"] == {"plan": 0.1, "height": 0.06, "assumed": False}
    assert by_class["WS"]["clearance"] == 0.7  # floor 1.0, crown 0.3
    assert by_class["WS"]["hand_dig"] is None
    assert by_class["TX"]["top_above_floor"] is None


def test_the_hand_dig_zone_is_surface_and_two_sigma_and_margin() -> None:
    zone = next(p for p in ask(around()).result["pipes"] if p["state"] == "exposed")["hand_dig"]
    corners = np.array(zone["polygons"][0])
    assert np.ptp(corners[:, 1]) == pytest.approx(2 * (0.1 + 0.1 + 0.5), abs=1e-3)
    assert np.ptp(corners[:, 0]) == pytest.approx(10, abs=1e-3)  # only within the pit
    assert zone["upper"] == pytest.approx(2.1 + 0.06 + 0.5)
    assert zone["lower"] == pytest.approx(1.9 - 0.06 - 0.5)


def test_margin_decides_what_is_near() -> None:
    assert "LD" not in states(ask(around(), margin=0.7))
    assert states(ask(around(), margin=0.8))["LD"] == "near"


def test_a_slope_lays_bare_what_is_beside_the_floor() -> None:
    assert states(ask(around(), slope=1.0))["LD"] == "exposed"


def test_a_riser_and_a_pipe_over_ground() -> None:
    work = pipework(
        round_pipe((5, 5, 0.5), (5, 5, 4), size=300, points=("A", "B"), code="JS"),
        round_pipe((-5, 2, 6), (15, 2, 6), size=300, points=("C", "D"), code="RL"),
    )
    answer = ask(work)
    assert states(answer) == {"JS": "exposed", "RL": "overhead"}
    assert answer.result["pipes"][0]["exposed_length"] == pytest.approx(3.0, abs=0.3)
    assert [o["owner"] for o in answer.result["owners"]] == [None]


def test_owners_once_each_with_what_is_known() -> None:
    owners = {o["owner"]: o for o in ask(around(owner="甲")).result["owners"]}
    assert owners["甲"]["pipes"] == 1
    assert owners["乙"]["classes"] == ["WS"]
    assert None in owners


def test_ground_must_be_known() -> None:
    blind = pipework(pipe((-5, 5, 2), (15, 5, 2), points=("A", "B")), ground=np.nan)
    with pytest.raises(BadRequestError, match="ground"):
        ask(blind)
    assert ask(blind, ground=4.0).result["floor_height"] == 1.0


@pytest.mark.parametrize(
    "polygon",
    [((0, 0), (10, 10), (10, 0), (0, 10)), ((0, 0), (0, 0), (0, 0)), ((0, 0), (999, 0), (0, 999))],
)
def test_polygons_that_cannot_be_used(polygon: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(BadRequestError) as raised:
        ask(around(), polygon=at(*polygon))
    assert raised.value.zh


class Tags(HTMLParser):
    """Names of all elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_has_all_that_is_asked_and_escapes_names() -> None:
    hostile = "<script>alert(1)</script>&\u202e\x00"
    answer = ask(around(owner=hostile))
    assert answer.page
    assert answer.drawing
    page = Tags(answer.page)
    assert not page.names & {"script", "img", "link", "iframe", "a", "object"}
    assert "<script>alert(1)</script>" in page.words  # shown as written
    assert "\u202e" not in answer.page
    for word in ("1:100", "北 N", "EPSG:4549", "1985", "图例", "人工开挖", "A–A′", "乙"):
        assert word in page.words
    assert "size: A4" in page.words
