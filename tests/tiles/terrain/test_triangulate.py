"""The triangulation keeps its promise at every node, whatever the heights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.terrain.triangulate import simplified, triangulate


def heights(
    kind: str, seed: int, size: int = 65
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    shapes = {
        "noise": random.normal(size=(size, size)),
        "step": np.where(x > size * random.random(), 30.0, 0.0),
        "ridge": np.abs(x - y) * random.random(),
        "flat": np.full((size, size), 3.0),
        "waves": 5 * np.sin(x / 7 + random.random()) * np.cos(y / 5),
        "peak": np.where((x == 31) & (y == 17), 100.0, 0.0),
    }
    return shapes[kind]


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["noise", "step", "ridge", "flat", "waves", "peak"]),
    st.integers(0, 1000),
    st.sampled_from([0.01, 0.3, 2.0]),
    st.sampled_from([1, 4, 64]),
)
def test_every_node_is_within_the_tolerance(
    kind: str, seed: int, tolerance: float, seeds: int
) -> None:
    grid = heights(kind, seed)
    vertices, triangles = triangulate(grid, tolerance, seeds)
    a, b, c = (vertices[triangles[:, i]].astype(float) for i in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (area > 0).all() and area.sum() == 2 * 64 * 64
    z = grid[vertices[:, 1], vertices[:, 0]]
    nodes = np.stack(np.meshgrid(np.arange(65), np.arange(65)), -1).reshape(-1, 2).astype(float)
    off = np.full(len(nodes), np.inf)
    for p, q, r, tri in zip(a, b, c, triangles, strict=True):
        low, high = np.minimum(np.minimum(p, q), r), np.maximum(np.maximum(p, q), r)
        near = np.flatnonzero(((nodes >= low) & (nodes <= high)).all(axis=1))
        s, t = np.linalg.solve(np.column_stack([q - p, r - p]), (nodes[near] - p).T)
        inside = (s >= -1e-9) & (t >= -1e-9) & (s + t <= 1 + 1e-9)
        value = z[tri[0]] + s * (z[tri[1]] - z[tri[0]]) + t * (z[tri[2]] - z[tri[0]])
        at = near[inside]
        off[at] = np.minimum(off[at], np.abs(value - grid.ravel()[near])[inside])
    assert off.max() <= tolerance + 1e-9


def test_flat_ground_takes_two_triangles_and_noise_all() -> None:
    assert len(triangulate(heights("flat", 0), 0.1)[1]) == 2
    assert len(triangulate(heights("noise", 0), 1e-6)[1]) == 2 * 64 * 64


def test_a_side_depends_on_its_own_heights_alone() -> None:
    one, other = heights("noise", 1), heights("waves", 2)
    other[:, 0] = one[:, -1]
    rows = [
        np.sort(v[v[:, 0] == column][:, 1])
        for (v, _), column in ((triangulate(one, 0.7), 64), (triangulate(other, 0.7), 0))
    ]
    assert np.array_equal(*rows)
    assert 2 < len(rows[0]) < 65


@pytest.mark.parametrize("tolerance", [0.0, 0.5, 5.0])
def test_a_side_is_within_the_tolerance(tolerance: float) -> None:
    line = heights("noise", 4)[0]
    chosen = np.flatnonzero(simplified(line, np.zeros(65, dtype=bool), tolerance))
    off = np.abs(np.interp(np.arange(65), chosen, line[chosen]) - line)
    assert off.max() <= tolerance
    assert chosen[0] == 0 and chosen[-1] == 64
