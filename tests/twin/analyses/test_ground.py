"""Ground heights between survey points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import LinearNDInterpolator

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


def test_heights_are_linear_on_delaunay_triangles_slivers_or_not() -> None:
    rng = np.random.default_rng(3)
    street = np.arange(0.0, 300.0, 10.0)  # points on a line make slivers along the hull
    east = np.r_[street, street, rng.uniform(0, 300, 200)]
    north = np.r_[np.zeros(30), rng.normal(50, 1e-3, 30), rng.uniform(0, 100, 200)]
    height = rng.normal(4, 1, len(east))
    at = np.column_stack([rng.uniform(1, 289, 500), rng.uniform(1, 45, 500)])
    oracle = LinearNDInterpolator(np.column_stack([east, north]), height)
    found = ground(E + east, N + north, height).sample(E + at[:, 0], N + at[:, 1])
    assert found == pytest.approx(oracle(at), abs=1e-4)


def test_a_survey_point_has_its_own_height() -> None:
    rng = np.random.default_rng(4)
    east, north = rng.uniform(0, 100, (2, 50))
    height = rng.normal(4, 1, 50)
    found = ground(E + east, N + north, height).sample(E + east, N + north)
    assert found == pytest.approx(height, abs=1e-2)  # positions are kept to 0.1 mm


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
