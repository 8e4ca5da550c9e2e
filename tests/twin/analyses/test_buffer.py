"""What lies within a distance, by outer surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twin.analyses.buffer import BufferRequest, buffer
from twin.analyses.pipework import Pipework
from twin.analyses.testing import at, pipework, round_pipe


def three() -> Pipework:
    """Pipes along east at north 0, 5 and 9, of 1 m, 0.2 m and unknown size, at 2 m."""
    return pipework(
        round_pipe((0, 0, 2), (20, 0, 2), size=1000, points=("A", "B"), code="WS"),
        round_pipe((0, 5, 2), (20, 5, 2), size=200, points=("C", "D"), code="JS"),
        round_pipe((0, 9, 2), (20, 9, 2), size=np.nan, points=("E", "F"), code="TX"),
    )


def near(**request: object) -> dict[str, float]:
    found = buffer(three(), BufferRequest.model_validate(request)).result
    return {s["segment"]["class_code"]: s["distance"] for s in found["segments"]}


def test_distances_are_to_the_surface_and_zero_inside() -> None:
    (spot,) = at((10, 2.5))
    assert near(point=spot, distance=2.0) == {"WS": 2.0}
    assert near(point=spot, distance=2.4) == {"WS": 2.0, "JS": 2.4}
    assert near(point=at((10, 0.3))[0], distance=0) == {"WS": 0}
    # the pipe of unknown size counts by its centre line
    assert near(point=at((10, 8))[0], distance=1.0) == {"TX": 1.0}


def test_lines_and_polygons() -> None:
    assert near(line=at((5, 1), (5, 4.5)), distance=0.6) == {"WS": 0.5, "JS": 0.4}
    assert near(polygon=at((4, 4), (6, 4), (6, 6), (4, 6)), distance=0.1) == {"JS": 0}


def test_in_space_the_height_counts() -> None:
    (spot,) = at((10, 5))
    assert near(point=spot, distance=1.0, height=3.1) == {"JS": 1.0}
    assert near(point=spot, distance=0.9, height=3.1) == {}
    assert near(point=spot, distance=0.9) == {"JS": 0}


def test_points_and_counts() -> None:
    found = buffer(three(), BufferRequest(point=at((0, 2.5))[0], distance=2.6)).result
    assert [p["point"]["exp_no"] for p in found["points"]] == ["A", "C"]
    assert found["by_class"] == {"WS": 1, "JS": 1}


@settings(deadline=None)
@given(st.floats(-30, 50), st.floats(-30, 30), st.floats(0, 40))
def test_against_the_plain_formula(x: float, y: float, distance: float) -> None:
    found = near(point=at((x, y))[0], distance=distance)
    for code, north, half in (("WS", 0, 0.5), ("JS", 5, 0.1), ("TX", 9, 0)):
        away = max(float(np.hypot(max(-x, x - 20, 0), y - north)) - half, 0)
        if away < distance - 1e-6:
            assert found[code] == pytest.approx(away, abs=1e-3)
        elif away > distance + 1e-6:
            assert code not in found


@pytest.mark.parametrize(
    "request_",
    [
        {"distance": 1},
        {"distance": 1, "point": [1, 2], "line": [[1, 2], [3, 4]]},
        {"distance": 1, "line": [[1, 2], [3, 4]], "height": 1},
        {"distance": -1, "point": [1, 2]},
        {"distance": 1, "point": [1, 2, 3]},
        {"distance": float("nan"), "point": [1, 2]},
    ],
)
def test_requests_that_make_no_sense(request_: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BufferRequest.model_validate(request_)
