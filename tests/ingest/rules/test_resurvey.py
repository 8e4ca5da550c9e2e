"""Second measurements and excavations: what they say of a survey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.readers.tables import Grid
from ingest.rules.resurvey import Verdict, excavation_verdict, mean_error, read_resurvey


@pytest.mark.parametrize(
    ("hidden", "dug", "over", "verdict"),
    [
        (100, 3, 0, Verdict.PASSED),
        (100, 2, 0, Verdict.TOO_FEW),
        (1000, 9, 0, Verdict.TOO_FEW),
        (1000, 10, 1, Verdict.PASSED),  # 10 % pass
        (1000, 20, 3, Verdict.DIG_MORE),  # 15 %
        (1000, 20, 4, Verdict.DIG_MORE),  # 20 % do not fail yet
        (1000, 20, 5, Verdict.FAIL),
        (1000, 10, 5, Verdict.DIG_MORE),  # ten are not enough to fail
        (1000, 11, 5, Verdict.FAIL),
    ],
)
def test_excavations(hidden: int, dug: int, over: int, verdict: Verdict) -> None:
    assert excavation_verdict(hidden, dug, over) is verdict


@given(st.integers(0, 10_000), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_more_over_the_limit_is_never_better(hidden: int, dug: int, a: int, b: int) -> None:
    order = [Verdict.PASSED, Verdict.DIG_MORE, Verdict.FAIL]
    low, high = sorted((min(a, dug), min(b, dug)))
    verdicts = [excavation_verdict(hidden, dug, over) for over in (low, high)]
    if Verdict.TOO_FEW in verdicts:
        assert verdicts[0] is verdicts[1]
    else:
        assert order.index(verdicts[0]) <= order.index(verdicts[1])


def test_mean_error_of_one_measurement_of_two() -> None:
    twice = np.random.default_rng(7).normal(0.0, 0.05, (20_000, 2))
    assert mean_error(twice[:, 0] - twice[:, 1]) == pytest.approx(0.05, rel=0.02)
    assert np.isnan(mean_error(np.array([np.nan])))


def test_check_tables_are_known_by_their_headers() -> None:
    cells = np.array(
        [
            ["开挖验证记录", None, None, None],
            ["物探点号", "原埋深", "验证埋深(cm)", "检查方式"],
            ["JS1", 1.2, 125, "开挖"],
            [None, None, None, None],
            ["JS2", 1.2, "无", "重复探查"],
        ],
        object,
    )
    (found,) = read_resurvey([Grid("检查.xlsx", "记录", cells)])
    assert found.exp_no.tolist() == ["JS1", "JS2"]
    assert found.row.tolist() == [3, 5]
    assert found.depth[0] == pytest.approx(1.25) and np.isnan(found.depth[1])
    assert found.dug.tolist() == [True, False]
    assert read_resurvey([Grid("别的.xlsx", None, cells[:1])]) == ()
