"""The grid keeps its promise, and the codec is the one the extension demands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiles.compress import (
    GRID_STEPS,
    INDEX_HEADER,
    VERTEX_HEADER,
    encode_attributes,
    encode_triangles,
    fit_grid,
    octahedral,
    quantise,
    quantise_normals,
    reorder,
    unit,
)
from tiles.content import F64


def _error(points: F64) -> tuple[float, float]:
    """Largest error of a coordinate and the grid's step, both in metres."""
    grid = fit_grid(np.concatenate([points.min(axis=0), points.max(axis=0)]))
    assert grid is not None
    cells = quantise(points, grid)[:, :3]
    back = np.array(grid.origin) + cells.astype(np.float64) * grid.step
    return float(np.abs(back - points).max()), grid.step


@given(
    extent=st.floats(0.01, 1048.0),
    centre=st.tuples(*[st.floats(-20_000, 20_000)] * 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_error_is_half_a_step_at_most(
    extent: float, centre: tuple[float, float, float], seed: int
) -> None:
    points = np.random.default_rng(seed).random((50, 3)) * extent + np.array(centre)
    error, step = _error(points)
    assert error <= step / 2 + 1e-7
    assert step <= max(0.001, (extent + 0.001) / GRID_STEPS)
    if extent <= 130:
        assert error * np.sqrt(3) <= 0.002
    assert error <= 0.008


def test_whole_millimetres_are_exact_in_small_tiles() -> None:
    points = np.array([[1.234, -5.678, 9.001], [60.0, 3.217, 0.5]])
    error, _ = _error(points)
    assert error < 1e-6


def test_no_grid_where_its_error_would_pass_eight_millimetres() -> None:
    assert fit_grid(np.array([0, 0, 0, 1048, 10, 10.0])) is not None
    assert fit_grid(np.array([0, 0, 0, 1049, 10, 10.0])) is None


def test_straight_down_has_one_code_whatever_the_signs_of_nothing() -> None:
    down = np.array([[1e-5, -1e-5, -1], [-1e-5, 1e-5, -1], [0, -0.0, -1]], dtype=np.float32)
    assert len(np.unique(octahedral(down), axis=0)) == 1


def test_one_step_for_all_axes_and_a_point_has_a_grid() -> None:
    grid = fit_grid(np.array([3.0, 4.0, 5.0, 3.0, 4.0, 5.0]))
    assert grid is not None
    assert quantise(np.array([[3.0, 4.0, 5.0]]), grid).tolist() == [[0, 0, 0, 0]]


def test_normals_of_any_length_become_unit() -> None:
    normals = np.array([[0, 0, 9], [3, 4, 0], [0, 0, 0], [1e-20, 0, 0]], dtype=np.float32)
    assert np.linalg.norm(unit(normals), axis=1) == pytest.approx(1)
    assert quantise_normals(normals).tolist() == [
        [0, 0, 127, 0],
        [76, 102, 0, 0],
        [0, 0, 127, 0],
        [0, 0, 127, 0],
    ]


def test_reorder_keeps_triangles_and_drops_unused_vertices() -> None:
    indices = np.array([[7, 3, 5], [5, 3, 9]], dtype=np.uint32)
    fresh, order = reorder(indices, 12)
    assert sorted(order.tolist()) == [3, 5, 7, 9]
    assert {frozenset(t) for t in order[fresh].tolist()} == {
        frozenset((3, 5, 7)),
        frozenset((3, 5, 9)),
    }


def test_codec_versions() -> None:
    rows = np.arange(400, dtype=np.uint16).reshape(-1, 4)
    assert encode_attributes(rows)[0] == VERTEX_HEADER
    assert encode_triangles(np.arange(30, dtype=np.uint16))[0] == INDEX_HEADER
