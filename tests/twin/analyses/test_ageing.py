"""Ageing statistics."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from twin.analyses.ageing import AgeingRequest, ageing
from twin.analyses.testing import pipework, round_pipe


def made(**request: Any) -> dict[str, Any]:
    """Four pipes of 100 m: cast iron of 1985, steel of 2008 and 2012, one of unknown year."""
    years = [(1985, "铸铁", "JS"), (2008, "钢", "RQ"), (2012, "钢", "RQ"), (None, None, "JS")]
    pipes = [
        round_pipe(
            (0, i, 2),
            (100, i, 2),
            points=(f"A{i}", f"B{i}"),
            code=code,
            built=None if year is None else dt.date(year, 1, 1),
            material=material,
            status="废弃" if year == 1985 else "在用",
        )
        for i, (year, material, code) in enumerate(years)
    ]
    moment = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    return ageing(pipework(*pipes), AgeingRequest(datetime=moment, **request)).result


def test_groups_and_unknown_ones() -> None:
    found = made()
    assert found["year"] == 2025
    assert [(g["decade"], g["count"]) for g in found["by_decade"]] == [
        (1980, 1),
        (2000, 1),
        (2010, 1),
        (None, 1),
    ]
    assert {g["material"]: g["count"] for g in found["by_material"]} == {
        "铸铁": 1,
        "钢": 2,
        None: 1,
    }
    assert found["unknown"]["count"] == 1
    assert found["abandoned"]["count"] == 1
    assert sum(g["length"] for g in found["groups"]) == pytest.approx(found["total"]["length"])


def test_ages() -> None:
    assert made()["mean_age"] == 23.3  # (40 + 17 + 13) / 3
    assert made(old=17)["older"]["count"] == 2
    assert made(old=18)["older"]["count"] == 1
    assert made(class_code="RQ")["total"]["count"] == 2


def test_lengths_are_true_ones() -> None:
    # 124 km from the central meridian the grid is 0.019 % too long
    assert made()["total"]["length"] == pytest.approx(400 * (1 - 0.00019), abs=0.01)
