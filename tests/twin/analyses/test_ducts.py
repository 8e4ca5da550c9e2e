"""Free ducts along a route."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.analyses.ducts import DuctsRequest, ducts
from twin.analyses.testing import pipework, round_pipe


def route(*holes: tuple[float, float]) -> dict[str, Any]:
    spans = [
        round_pipe(
            (10 * i, 0, 2),
            (10 * i + 10, 0, 2),
            points=(f"T{i}", f"T{i + 1}"),
            code="TX",
            holes=total,
            holes_used=used,
        )
        for i, (total, used) in enumerate(holes)
    ]
    answer = ducts(pipework(*spans), DuctsRequest(nodes=["T0", f"T{len(holes)}"]))
    return {**answer.result, "notes": [n.code for n in answer.notes]}


def test_the_tightest_span_counts() -> None:
    found = route((12, 4), (12, 9), (6, 1))
    assert found["free"] == found["free_at_most"] == 3
    assert found["tightest"] == [1]
    assert [s["free"] for s in found["spans"]] == [8, 3, 5]
    assert found["length"] == 30
    assert found["notes"] == []


def test_an_unknown_span_leaves_the_whole_unknown() -> None:
    found = route((12, 4), (np.nan, 2), (6, 1))
    assert found["free"] is None
    assert found["free_at_most"] == 5
    assert found["unknown"] == 1
    assert found["spans"][1]["free"] is None
    assert found["notes"] == ["HOLES-UNKNOWN"]


def test_more_used_than_there_are_is_a_mistake_of_the_survey() -> None:
    found = route((6, 7))
    assert (found["free"], found["free_at_most"], found["unknown"]) == (None, None, 1)


def test_a_full_route() -> None:
    assert route((6, 6), (6, 0))["free"] == 0
