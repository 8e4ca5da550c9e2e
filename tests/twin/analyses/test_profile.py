"""Longitudinal profiles computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from twin.analyses.errors import BadRequestError
from twin.analyses.pipework import Pipework
from twin.analyses.profile import ProfileRequest, profile
from twin.analyses.testing import pipe, pipework, round_pipe


def sewer() -> Pipework:
    """W1 → W2 → W3 along x, 30 m and 20 m, falling 3 ‰ and 5 ‰; W3-W2 is drawn backwards.
    Water crosses above at 12, a duct bank below at 40, and a side branch joins at W2."""
    return pipework(
        _sewer("W1", "W2", (0, 0), (30, 0), 1.00, 0.91),
        _sewer("W3", "W2", (50, 0), (30, 0), 0.81, 0.91),
        _sewer("W4", "W2", (30, 8), (30, 0), 1.30, 0.91),
        round_pipe((12, -5, 2.6), (12, 5, 2.6), size=400, points=("J1", "J2"), code="JS"),
        pipe(
            (40, -5, 0.2),
            (40, 5, 0.2),
            points=("T1", "T2"),
            code="TX",
            shape="bank",
            width_mm=600.0,
            height_mm=400.0,
        ),
    )


def _sewer(a: str, b: str, start: Any, end: Any, first: float, last: float) -> dict[str, Any]:
    return round_pipe(
        (*start, first + 0.3),
        (*end, last + 0.3),
        size=600,
        points=(a, b),
        code="WS",
        from_invert_h=first,
        to_invert_h=last,
        material="混凝土",
    )


def ask(**request: Any) -> dict[str, Any]:
    return profile(sewer(), ProfileRequest(**request)).result


@pytest.mark.parametrize(
    "request_",
    [
        {"nodes": ["W1", "W3"]},
        {"nodes": ["W1", "W2", "W3"]},
        {"segments": ["W1-W2", "W3-W2"]},
    ],
)
def test_heights_slopes_and_chainage(request_: dict[str, Any]) -> None:
    found = ask(**request_)
    assert found["length"] == 50
    assert [n["chainage"] for n in found["nodes"]] == [0, 30, 50]
    assert [n["exp_no"] for n in found["nodes"]] == ["W1", "W2", "W3"]
    first, second = found["segments"]
    assert (first["invert"], second["invert"]) == ([1.0, 0.91], [0.91, 0.81])
    assert (first["slope"], second["slope"]) == (3.0, 5.0)
    assert (first["forward"], second["forward"]) == (True, False)
    assert first["top"] == [1.6, 1.51]
    assert first["depth"] == [3.0, 3.09]
    assert first["depth_measured_to"] == "invert"


def test_uphill_is_negative() -> None:
    assert [s["slope"] for s in ask(nodes=["W3", "W1"])["segments"]] == [-5.0, -3.0]


def test_crossings_with_the_clearance_of_the_surfaces() -> None:
    water, ducts = ask(nodes=["W1", "W3"])["crossings"]  # the branch joins, it does not cross
    assert (water["chainage"], water["position"]) == (12, "above")
    # axis of the sewer at 12: 1.3 - 0.003 * 12 = 1.264
    assert water["clearance"] == pytest.approx(2.6 - 1.264 - 0.2 - 0.3, abs=2e-3)
    assert (ducts["chainage"], ducts["position"]) == (40, "below")
    # axis at 40: 1.21 - 0.005 * 10 = 1.16; the bank reaches 0.2 + 0.2, its near edge is downhill
    assert ducts["clearance"] == pytest.approx(1.16 - 0.3 - 0.4, abs=2.5e-3)
    assert (ducts["half_s"], ducts["half_z"]) == (0.3, 0.2)
    assert ask(nodes=["W1", "W3"], crossings=False)["crossings"] == []


def test_a_drop_pipe_has_no_length_and_no_slope() -> None:
    work = pipework(
        round_pipe((0, 0, 2), (10, 0, 2), points=("A", "B"), code="WS"),
        round_pipe((10, 0, 2), (10, 0, 0.5), points=("B", "C"), code="WS"),
        round_pipe((10, 0, 0.5), (20, 0, 0.5), points=("C", "D"), code="WS"),
    )
    found = profile(work, ProfileRequest(nodes=["A", "D"])).result
    assert [n["chainage"] for n in found["nodes"]] == [0, 10, 10, 20]
    assert found["segments"][1]["slope"] is None
    assert found["segments"][1]["length"] == 0


def test_bends_count_in_the_chainage() -> None:
    bent = round_pipe((0, 0, 1), (3, 0, 1), (3, 4, 1), points=("A", "B"))
    found = profile(pipework(bent), ProfileRequest(segments=["A-B"])).result
    assert found["length"] == 7


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"nodes": ["W1", "nowhere"]}, ["nowhere"]),
        ({"nodes": ["W1", "J1"]}, ["W1", "J1", "class_code"]),
        ({"segments": ["W1-W2", "J1-J2"]}, ["1 and 2"]),
        ({"segments": ["none"]}, ["none"]),
    ],
)
def test_runs_that_cannot_be_made(request_: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BadRequestError) as raised:
        ask(**request_)
    for word in words:
        assert word in raised.value.en
    assert raised.value.zh


def test_a_name_of_two_points_asks_for_an_id() -> None:
    twice = {"A": {"exp_no": "S"}, "C": {"exp_no": "S"}}
    work = pipework(
        round_pipe((0, 0, 1), (9, 0, 1), points=("A", "B")),
        round_pipe((0, 9, 1), (9, 9, 1), points=("C", "D")),
        points=twice,
    )
    with pytest.raises(BadRequestError) as raised:
        profile(work, ProfileRequest(nodes=["S", "B"]))
    for row in work.point_rows["S"]:
        assert work.points["id"][row] in raised.value.en
