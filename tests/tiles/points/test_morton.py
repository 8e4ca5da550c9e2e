"""The order of points and what each stands for, against a count by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tiles.points.morton import DEPTH, NEVER, Cube, bounds, cells_at, encode, first_depths

CODES = st.lists(
    st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 600), st.integers(2**63 - 600, 2**63 - 1)),
    min_size=1,
    max_size=60,
)


@given(CODES)
def test_every_occupied_cell_of_every_depth_has_one_first_point(values: list[int]) -> None:
    codes = np.sort(np.array(values, np.uint64))
    depths = first_depths(codes, None)
    for depth in range(DEPTH + 1):
        cells = [int(code) >> 3 * (DEPTH - depth) for code in codes]
        firsts = [cell for cell, d in zip(cells, depths, strict=True) if d <= depth]
        assert firsts == sorted(set(cells))
        assert cells_at(codes, depth).tolist() == firsts
    twice = len(values) - len(set(values))
    assert int((depths == NEVER).sum()) == twice


@given(CODES, st.integers(1, 59))
def test_a_part_needs_only_the_code_before_it(values: list[int], cut: int) -> None:
    codes = np.sort(np.array(values, np.uint64))
    cut = min(cut, len(codes) - 1)
    if not cut:
        return
    parts = [first_depths(codes[:cut], None), first_depths(codes[cut:], int(codes[cut - 1]))]
    np.testing.assert_array_equal(np.concatenate(parts), first_depths(codes, None))


@given(st.lists(st.tuples(*[st.floats(-500, 500)] * 3), min_size=1, max_size=30))
def test_a_cell_is_a_range_of_codes(points: list[tuple[float, float, float]]) -> None:
    xyz = np.array(points)
    cube = Cube.around(np.concatenate([xyz.min(axis=0), xyz.max(axis=0)]))
    codes = encode(xyz, cube)
    for depth in (0, 1, 5, DEPTH):
        cells = np.floor((xyz - np.array(cube.origin)) / (cube.side / 2**depth)).astype(int)
        for (x, y, z), code in zip(cells.tolist(), codes.tolist(), strict=True):
            bits = [x >> b & 1 | (y >> b & 1) << 1 | (z >> b & 1) << 2 for b in range(depth)]
            low, high = bounds(sum(v << 3 * b for b, v in enumerate(bits)), depth)
            assert low <= code < high


def test_points_outside_get_the_nearest_cell() -> None:
    cube = Cube((0.0, 0.0, 0.0), 1.0)
    assert encode(np.array([[-9.0, -9, -9], [9, 9, 9]]), cube).tolist() == [0, 2**63 - 1]
