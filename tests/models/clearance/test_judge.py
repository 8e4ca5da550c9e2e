"""Certain, possible, compliant, review, not regulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clearance.judge import Verdict, judge

metres = st.floats(-5, 5)


def one(distance, limit, sigma, ambiguous=False):
    values = (np.array([v], float) for v in (distance, limit, sigma))
    return judge(*values, np.array([ambiguous]))[0]


@pytest.mark.parametrize(
    ("distance", "sigma", "verdict"),
    [
        (0.29, 0.1, Verdict.CERTAIN),
        (0.30, 0.1, Verdict.POSSIBLE),  # d + 2 s = limit
        (0.69, 0.1, Verdict.POSSIBLE),
        (0.70, 0.1, Verdict.COMPLIANT),  # d - 2 s = limit
        (0.499, 0.0, Verdict.CERTAIN),
        (0.5, 0.0, Verdict.COMPLIANT),
        (0.1, np.nan, Verdict.POSSIBLE),
        (0.6, np.nan, Verdict.COMPLIANT),
        (np.nan, 0.1, Verdict.REVIEW),
    ],
)
def test_the_accuracy_decides_how_sure_a_judgement_is(distance, sigma, verdict):
    assert one(distance, 0.5, sigma) == verdict


def test_an_ambiguous_limit_is_reviewed_unless_the_greatest_is_kept():
    assert one(0.1, 1.5, 0.1, True) == Verdict.REVIEW
    assert one(1.6, 1.5, 0.1, True) == Verdict.REVIEW
    assert one(1.8, 1.5, 0.1, True) == Verdict.COMPLIANT


def test_nothing_is_said_where_nothing_is_regulated():
    assert one(0.0, np.nan, 0.1) == one(np.nan, np.nan, 0.1, True) == Verdict.NOT_REGULATED


@given(metres, metres, st.floats(0, 1), st.floats(0, 1))
def test_a_better_survey_never_loosens_a_certain_judgement(distance, limit, sigma, share):
    verdict, sharper = one(distance, limit, sigma), one(distance, limit, sigma * share)
    if verdict in (Verdict.CERTAIN, Verdict.COMPLIANT):
        assert sharper == verdict
