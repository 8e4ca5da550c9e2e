"""老化统计 ageing: how much pipe of which class and material was built when."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from twin.analyses import describe, measure
from twin.analyses.answer import Answer, Note
from twin.analyses.pipework import Pipework, words
from twin.analyses.scope import ScopeRequest, scope

Array = npt.NDArray[np.float64]


class AgeingRequest(ScopeRequest):
    """Segments, and from which age on they count as old."""

    old: Annotated[
        int, Field(ge=0, le=300, description="years from which a pipe counts as old")
    ] = 30


def ageing(pipework: Pipework, request: AgeingRequest) -> Answer:
    """Number and true plan length (m) of segments by class, material and decade of building.

    Lengths are geodesic. The age is the year of ``datetime`` (by default this year) less the year
    built; ``mean_age`` is weighted by length over those whose year is known. Unknown years and
    materials are counted as groups of their own (None). Abandoned pipes are counted apart.
    Definition: domain reference §4, 废弃/老化.
    """
    rows = scope(pipework, request)
    table = pipework.segments.iloc[rows]
    year = (request.datetime or dt.datetime.now(dt.UTC)).year
    built = np.array([_year(value) for value in words(table, "built")], np.float64)
    length = _lengths(pipework)[rows]
    frame = pd.DataFrame(
        {
            "class_code": words(table, "class_code"),
            "material": words(table, "material"),
            "decade": np.floor(built / 10) * 10,
            "length": length,
            "count": 1,
        }
    )
    age = year - built
    known = np.isfinite(age)
    weight = float(length[known].sum())
    abandoned = words(table, "status") == "废弃"
    result = {
        "year": year,
        "old": request.old,
        "total": _sum(length, np.ones(len(rows), bool)),
        "known": _sum(length, known),
        "unknown": _sum(length, ~known),
        "older": _sum(length, known & (age >= request.old)),
        "abandoned": _sum(length, abandoned),
        "mean_age": round(float((age * length)[known].sum() / weight), 1) if weight else None,
        "by_class": _groups(frame, ["class_code"]),
        "by_material": _groups(frame, ["material"]),
        "by_decade": _groups(frame, ["decade"]),
        "groups": _groups(frame, ["class_code", "material", "decade"]),
    }
    return describe.answer(pipework, result, rows, _notes(int((~known).sum())), surfaces=False)


def _year(value: Any) -> float:
    return float(value.year) if hasattr(value, "year") else np.nan


def _lengths(pipework: Pipework) -> Array:
    body = pipework.bodies
    each = measure.lengths(body.start, body.end, pipework.storage)
    summed = np.bincount(body.owner, weights=each, minlength=len(pipework.segments))
    return summed.astype(np.float64)


def _sum(length: Array, which: npt.NDArray[np.bool_]) -> dict[str, Any]:
    return {"count": int(which.sum()), "length": round(float(length[which].sum()), 2)}


def _groups(frame: pd.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    summed = frame.groupby(by, dropna=False, sort=True)[["count", "length"]].sum().reset_index()
    return [
        {
            **{k: _key(k, row[k]) for k in by},
            "count": int(row["count"]),
            "length": round(float(row["length"]), 2),
        }
        for row in summed.to_dict("records")
    ]


def _key(name: str, value: Any) -> Any:
    if pd.isna(value):
        return None
    return int(value) if name == "decade" else str(value)


def _notes(unknown: int) -> list[Note]:
    if not unknown:
        return []
    return [
        Note(
            "BUILT-UNKNOWN",
            f"{unknown} 段管线建设年代不详，未计入管龄。",
            f"The year of building of {unknown} segments is unknown; they have no age.",
        )
    ]
