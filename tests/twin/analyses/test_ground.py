"""Ground heights between survey points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.analyses.ground import REACH, ground
from twin.analyses.testing import CORNER

E, N = CORNER


@settings(deadline=None)
@given(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(1, 99), st.floats(1, 99))
def test_a_plane_stays_a_plane(a: float, b: float, x: float, y: float) -> None:
    rng = np.random.default_rng(7)
    east = np.r_[0, 100, 0, 100, rng.uniform(0, 100, 30)]
    north = np.r_[0, 0, 100, 100, rng.uniform(0, 100, 30)]
    found = ground(E + east, N + north, 4 + a * east + b * north)
    assert found.sample(np.array([E + x]), np.array([N + y])) == pytest.approx(
        [4 + a * x + b * y], abs=1e-4
    )


def test_points_on_one_line_are_joined_by_straight_lines() -> None:
    found = ground(E + np.array([0.0, 10, 20]), np.full(3, N), np.array([4.0, 5.0, 3.0]))
    assert found.sample(E + np.array([2.5, 15.0]), np.full(2, N)) == pytest.approx([4.25, 4.0])


def test_far_away_is_unknown() -> None:
    found = ground(np.array([E]), np.array([N]), np.array([4.0]))
    at = found.sample(np.array([E + 1, E + REACH + 1]), np.array([N, N]))
    assert at[0] == 4.0
    assert np.isnan(at[1])


def test_points_without_a_height_do_not_count() -> None:
    found = ground(np.array([E, E + 1]), np.array([N, N]), np.array([np.nan, 4.0]))
    assert found.sample(np.array([E]), np.array([N])) == [4.0]
    nothing = ground(np.array([E]), np.array([N]), np.array([np.nan]))
    assert nothing.source == "none"
    assert np.isnan(nothing.sample(np.array([E]), np.array([N]))).all()


def test_terrain_comes_first_and_points_fill_its_gaps() -> None:
    def terrain(e: np.ndarray, n: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(e) < E + 5, 7.0, np.nan)

    found = ground(E + np.array([0.0, 10.0]), np.full(2, N), np.array([4.0, 4.0]), terrain)
    assert found.source == "mixed"
    assert found.sample(E + np.array([1.0, 9.0]), np.full(2, N)) == pytest.approx([7.0, 4.0])
