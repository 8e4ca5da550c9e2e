"""Pipes beside a foundation, shallow ones and deep ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.clearance.deep import DEEP_RULE, deep_limits
from twin.analyses.errors import BadRequestError
from twin.analyses.foundation import FoundationRequest, foundation_clearance
from twin.analyses.pipework import Pipework
from twin.analyses.registry import find
from twin.analyses.testing import at, pipework, round_pipe

#: A foundation 10 m square, south of the pipes.
OUTLINE = at((0, 0), (10, 0), (10, 10), (0, 10))
SOIL = {"polygon": OUTLINE, "depth": 2.0, "friction": 45.0, "trench": 1.0}


def ask(pipes: Pipework, **more: Any) -> list[dict[str, Any]]:
    request = FoundationRequest(**{**SOIL, **more})
    found: list[dict[str, Any]] = foundation_clearance(pipes, request).result["pipes"]
    return found


def sewer(away: float, *centres: float, **more: Any) -> Pipework:
    """A drain of 400 mm ``away`` metres north of the outline, ground at 4 m, its centre at the
    given heights."""
    ends = np.linspace(0.0, 10.0, len(centres))
    places = [(x, 10.0 + away, z) for x, z in zip(ends, centres, strict=True)]
    return pipework(round_pipe(*places, size=400.0, points=("A", "B"), class_code="WS", **more))


def test_the_formula() -> None:
    limits = deep_limits(np.array([2.0, 2.01, 5.0, np.nan]), 2.0, 30.0, 1.2, np.full(4, 0.2))
    assert np.isnan(limits[[0, 3]]).all(), "not deeper, not known"
    assert limits[1:3] == pytest.approx(np.array([0.01, 3.0]) * np.sqrt(3) + 0.4)


def test_a_shallow_pipe_keeps_to_the_table() -> None:
    (pipe,) = ask(sewer(3.0, 2.5, 2.5))  # bottom 1.7 m deep, above the foundation's
    assert (pipe["distance"], pipe["laid"], pipe["deep"]) == (2.8, 1.7, None)
    assert (pipe["table"], pipe["limit"]) == (2.5, 2.5)
    assert pipe["verified"] is True and pipe["rule"].endswith("building-PS")
    assert pipe["verdict"] == "compliant"
    (near,) = ask(sewer(2.0, 2.5, 2.5))
    assert (near["distance"], near["verdict"]) == (1.8, "certain")


@pytest.mark.parametrize(
    ("away", "verdict"),
    [(3.6, "certain"), (3.75, "possible"), (3.85, "possible"), (4.1, "compliant")],
)
def test_a_deep_pipe_keeps_away_from_the_soil_below(away: float, verdict: str) -> None:
    """Its bottom is 5.3 m deep, 3.3 m below the foundation's: 3.3 + 0.5 m from its axis."""
    (pipe,) = ask(sewer(away, -1.1, -1.1))
    assert (pipe["laid"], pipe["deep"], pipe["limit"]) == (5.3, 3.6, 3.6)
    assert pipe["distance"] == pytest.approx(away - 0.2)
    assert (pipe["rule"], pipe["verified"], pipe["verdict"]) == (DEEP_RULE, False, verdict)
    assert pipe["sigma"] == pytest.approx(np.hypot(0.05, 0.03), abs=5e-4)


def test_the_stretch_that_is_worst_is_told() -> None:
    """It goes down from 1.7 to 5.3 m: the deep end decides, though all of it is as far away."""
    (pipe,) = ask(sewer(3.2, 2.5, -1.1))
    assert pipe["laid"] == 5.3 and pipe["verdict"] == "certain"
    assert pipe["position"][0] == pytest.approx(OUTLINE[0][0] + 9.5)


def test_what_is_unknown_asks_for_a_review() -> None:
    (pipe,) = ask(sewer(3.0, np.nan, np.nan))
    assert (pipe["laid"], pipe["deep"], pipe["missing"]) == (None, None, ["depth"])
    assert pipe["verdict"] == "review", "2.8 m would do by the table alone"


def test_far_pipes_are_left_out_and_bad_outlines_refused() -> None:
    assert ask(sewer(25.0, -1.1, -1.1)) == []
    assert len(ask(sewer(25.0, -1.1, -1.1), reach=30)) == 1
    bow = at((0, 0), (10, 10), (10, 0), (0, 10))
    with pytest.raises(BadRequestError):
        ask(sewer(3.0, 2.5, 2.5), polygon=bow)
    with pytest.raises(BadRequestError):
        find("foundation-clearance").parse({**SOIL, "friction": 90})
