"""The plane through pipes: exact outlines against points on the surface, and the awkward cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.analyses.cuts import Alongs, Cuts, cut
from twin.analyses.testing import CORNER, pipe, pipework, round_pipe


def sliced(*pipes: dict, line: tuple = ((0, 0), (20, 0))) -> tuple[Cuts, Alongs]:
    """Cuts of ``pipes`` by the plane on ``line``, both measured from the corner."""
    return cut(pipework(*pipes), np.array([line], float) + CORNER)


def crossing(degrees: float, size: float, rise: float = 0.0, **columns: object) -> dict:
    """A pipe through (10, 0, 2) at ``degrees`` from square to the line, rising ``rise`` per m."""
    east, north = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    ends = [(10 + k * east, k * north, 2 + k * rise) for k in (-8, 8)]
    return {**round_pipe(*ends, size=size, points=("A", "B")), **columns}


def test_a_pipe_cut_square_is_a_circle() -> None:
    found, along = sliced(crossing(0, 600))
    assert len(along.row) == 0
    assert found.s == pytest.approx([10])
    assert found.z == pytest.approx([2])
    assert found.half_s == pytest.approx([0.3])
    assert found.half_z == pytest.approx([0.3])


def test_a_pipe_cut_at_60_degrees_from_square_is_twice_as_wide_as_high() -> None:
    found, _ = sliced(crossing(60, 600))
    assert found.half_s == pytest.approx([0.6])
    assert found.half_z == pytest.approx([0.3])
    outline = found.outlines()[0]
    inside = ((outline[:, 0] - 10) / 0.6) ** 2 + ((outline[:, 1] - 2) / 0.3) ** 2
    assert inside == pytest.approx(np.ones(len(outline)))


def test_a_duct_bank_is_a_box_and_widens_with_the_angle() -> None:
    bank = {"shape": "bank", "width_mm": 800.0, "height_mm": 400.0, "od_mm": np.nan}
    found, _ = sliced(crossing(45, 0, **bank))
    assert found.box.all()
    assert found.half_s == pytest.approx([0.4 * math.sqrt(2)])
    assert found.half_z == pytest.approx([0.2])
    assert len(found.outlines()[0]) == 4


def test_a_sloping_pipe_is_higher_than_wide() -> None:
    found, _ = sliced(crossing(0, 600, rise=0.75))  # 3-4-5: the slope's cosine is 0.8
    assert found.half_s == pytest.approx([0.3])
    assert found.half_z == pytest.approx([0.3 / 0.8])


@settings(deadline=None)
@given(
    st.floats(-80, 80),
    st.floats(50, 3000),
    st.floats(50, 3000),
    st.floats(-2, 2),
    st.sampled_from(["round", "rect"]),
)
def test_every_corner_of_an_outline_lies_on_the_pipes_surface(
    degrees: float, width: float, height: float, rise: float, shape: str
) -> None:
    height = width if shape == "round" else height
    size = {"shape": shape, "width_mm": width, "height_mm": height, "od_mm": width}
    found, _ = sliced(crossing(degrees, width, rise, **size))
    outline = found.outlines()[0]
    p = np.column_stack([outline[:, 0] - 10, np.zeros(len(outline)), outline[:, 1] - 2])
    turn = math.radians(degrees)
    axis = np.array([math.sin(turn), math.cos(turn), rise]) / math.hypot(1, rise)
    across = np.array([math.cos(turn), -math.sin(turn), 0.0])
    up = np.cross(across, axis)
    x, y = p @ across / (width / 2000), p @ up / (height / 2000)
    if shape == "round":
        assert np.hypot(x, y) == pytest.approx(np.ones(len(p)), abs=1e-6)
    else:
        assert np.maximum(abs(x), abs(y)) == pytest.approx(np.ones(len(p)), abs=1e-6)
        assert np.minimum(abs(x), abs(y)) == pytest.approx(np.ones(len(p)), abs=1e-6)
    assert np.ptp(outline[:, 0]) == pytest.approx(2 * found.half_s[0], rel=2e-3)
    assert np.ptp(outline[:, 1]) == pytest.approx(2 * found.half_z[0], rel=2e-3)


def test_a_vertical_pipe_has_no_plan_length_and_shows_its_whole_width() -> None:
    riser = round_pipe((5, 0.1, 1), (5, 0.1, 4), size=400, points=("A", "B"))
    found, along = sliced(riser)
    assert len(found) == 0
    half = math.sqrt(0.2**2 - 0.1**2)
    assert along.s[0] == pytest.approx([5 - half, 5 + half])
    assert sorted(along.z[0]) == pytest.approx([1, 4])
    _, beside = sliced(round_pipe((5, 0.3, 1), (5, 0.3, 4), size=400, points=("A", "B")))
    assert len(beside.row) == 0


def test_a_pipe_along_the_plane_is_a_band_and_no_ellipse() -> None:
    found, along = sliced(round_pipe((2, 0.3, 2), (30, 0.3, 2), size=1000, points=("A", "B")))
    assert len(found) == 0
    assert along.s[0] == pytest.approx([2, 20])  # as far as the line goes
    assert along.off[0] == pytest.approx(0.3)
    assert along.half_z[0] == pytest.approx(0.4)  # 3-4-5


def test_a_plane_through_a_joint_cuts_a_run_once() -> None:
    run = [
        round_pipe((10, -5, 2), (10, 0, 2), points=("A", "B")),
        round_pipe((10, 0, 2), (10, 5, 2), points=("B", "C")),
    ]
    assert len(sliced(*run)[0]) == 1
    one = round_pipe((10, -5, 2), (10, 0, 2), (10, 5, 2), points=("A", "C"))
    assert len(sliced(one)[0]) == 1


def test_pipes_that_end_before_the_plane_or_pass_beyond_the_line_are_not_cut() -> None:
    short = round_pipe((10, 1, 2), (10, 5, 2), points=("A", "B"))
    beyond = round_pipe((22, -5, 2), (22, 5, 2), points=("C", "D"))
    assert len(sliced(short, beyond)[0]) == 0


def test_a_wide_pipe_just_beyond_the_end_reaches_in() -> None:
    wide = round_pipe((20.4, -5, 2), (20.4, 5, 2), size=1000, points=("A", "B"))
    found, _ = sliced(wide)
    assert found.s == pytest.approx([20.4])


def test_what_is_unknown_stays_unknown() -> None:
    sizeless = pipe((5, -5, 2), (5, 5, 2), points=("A", "B"))
    heightless = round_pipe((9, -5, np.nan), (9, 5, np.nan), points=("C", "D"))
    found, _ = sliced(sizeless, heightless)
    by_row = dict(zip(found.row, range(len(found)), strict=True))
    assert np.isnan(found.half_s[by_row[0]])
    assert np.isnan(found.z[by_row[1]])
    assert found.half_s[by_row[1]] == pytest.approx(0.15)
    assert [len(o) for o in found.outlines()] == [0, 0]
