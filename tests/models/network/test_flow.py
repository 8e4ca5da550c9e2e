from itertools import pairwise

import numpy as np
import pytest

from models.network import Basis, Network, drains, flow_directions


def sewer(drawing, inverts, flow, words=None, **columns):
    """A chain a-b-c-… with the inverts of its points."""
    names = "abcdefgh"[: len(inverts)]
    pipes = [f"{x}-{y}" for x, y in pairwise(names)]
    return drawing(
        pipes,
        words,
        code="WS",
        flow=flow,
        from_invert_h=inverts[:-1],
        to_invert_h=inverts[1:],
        **columns,
    )


def test_a_run_that_falls_beyond_its_error_gives_the_flow_of_all_its_pipes(drawing):
    # 0.02 m a pipe is less than the survey can tell, 0.16 m of the run is more
    d = sewer(drawing, [2.16, 2.12, 2.08, 2.04, 2.0], [None] * 4)
    found = flow_directions(Network.of(d.segments, d.points))
    assert found.flow.tolist() == [1, 1, 1, 1]
    assert set(found.basis) == {Basis.GRADIENT}
    assert found.sigma[0] == pytest.approx(0.03 * np.sqrt(2))
    assert abs(found.fall[0]) == pytest.approx(0.16)
    assert found.span[0] == pytest.approx(40.0)


@pytest.mark.parametrize(("fall", "known"), [(0.08, False), (0.09, True)])
def test_a_fall_within_twice_the_mean_error_says_nothing(drawing, fall, known):
    d = sewer(drawing, [2 + fall, 2.0], [None])  # 2 * 0.03 * sqrt 2 = 0.085
    found = flow_directions(Network.of(d.segments, d.points))
    assert found.flow.tolist() == [int(known)]


def test_one_pipe_speaks_for_its_run(drawing):
    d = sewer(drawing, [2.0, 2.0, 2.0, 2.0], [None, -1, None])
    found = flow_directions(Network.of(d.segments, d.points))
    assert found.flow.tolist() == [-1, -1, -1]
    assert found.basis.tolist() == [Basis.CONTINUITY, Basis.STORED, Basis.CONTINUITY]


def test_stored_flow_against_the_fall_of_the_run_is_a_conflict_and_stays(drawing):
    d = sewer(drawing, [2.0, 2.2, 2.4], [1, 1])
    found = flow_directions(Network.of(d.segments, d.points))
    assert found.opposed.tolist() == [0]
    assert found.flow.tolist() == [1, 1]


def test_one_adverse_pipe_in_a_run_that_falls_is_no_conflict(drawing):
    d = sewer(drawing, [2.4, 2.3, 2.32, 2.1], [1, 1, 1])
    found = flow_directions(Network.of(d.segments, d.points))
    assert found.opposed.size == 0


def test_flows_that_part_in_mid_run_are_told_and_the_fall_decides(drawing):
    d = sewer(drawing, [2.6, 2.4, 2.2, 2.0], [-1, None, 1])
    found = flow_directions(Network.of(d.segments, d.points))
    assert found.split.tolist() == [0]
    assert found.flow.tolist() == [-1, 1, 1]


def test_pressure_and_abandoned_pipes_are_not_judged(drawing):
    d = sewer(drawing, [3.0, 2.0, 1.0], [None, None], status=["废弃", None])
    assert flow_directions(Network.of(d.segments, d.points)).flow.tolist() == [0, 1]
    d.segments["class_code"] = "JS"
    assert flow_directions(Network.of(d.segments, d.points)).flow.tolist() == [0, 0]


def test_points_without_a_mean_error_count_as_hidden_ones(drawing):
    d = sewer(drawing, [2.2, 2.0], [None])
    d.points["sigma_z"] = np.nan
    network = Network.of(d.segments, d.points)
    assert flow_directions(network).flow.tolist() == [0]  # 2 * 0.081 * sqrt 2 = 0.23
    assert flow_directions(network, sigma_unknown=0.05).flow.tolist() == [1]


def test_inverts_that_are_missing_leave_the_known_part_of_the_run(drawing):
    d = sewer(drawing, [np.nan, 2.4, 2.0, np.nan], [None] * 3)
    found = flow_directions(Network.of(d.segments, d.points))
    assert found.span.tolist() == [10.0]
    assert found.flow.tolist() == [1, 1, 1]


def test_nothing_to_judge(drawing):
    d = drawing(["a-b"])
    assert flow_directions(Network.of(d.segments, d.points)).runs.count == 0


def test_water_that_ends_nowhere_and_forks_are_found(drawing):
    d = drawing(
        ["a-b", "c-d", "e-f", "e-g", "h-i", "i-j"],
        {"b": "出水口", "f": "泵站", "g": "窨井"},
        code="YS",
        flow=[1, 1, 1, 1, 1, None],
    )
    found = drains(Network.of(d.segments, d.points))
    assert d.named(found.sinks) == {"d", "g"}  # i may go on to j
    assert d.named(found.forks) == {"e"}
