"""水平净距、垂直净距、碰撞: net distances between outer surfaces, judged with their accuracy.

The kernels and the standards' limits are those of :mod:`models.clearance`; here a question about
some pipes becomes a call of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from models.clearance.bodies import bodies
from models.clearance.judge import Verdict
from models.clearance.measure import Kind, clashes, clearances
from twin.analyses import describe
from twin.analyses.answer import Answer, Note
from twin.analyses.describe import metres
from twin.analyses.pipework import Pipework
from twin.analyses.scope import ScopeRequest, scope

Rows = npt.NDArray[np.int64]

#: Neighbours of named segments are looked for this far (m): no limit reaches farther than 20 m.
_AROUND: Final = 25.0


class ClearanceRequest(ScopeRequest):
    """Segments (each against all others), and how far to look."""

    reach: Annotated[
        float | None,
        Field(
            ge=0,
            le=20,
            description="list all pairs nearer than this, m; by default those that "
            "may miss their limit",
        ),
    ] = None
    verdicts: list[Verdict] | None = Field(default=None, description="only pairs of these verdicts")
    most: Annotated[int, Field(ge=1, le=5000, description="pairs listed, nearest first")] = 500


class ClashRequest(ScopeRequest):
    """Segments, each against all others."""

    most: Annotated[int, Field(ge=1, le=5000, description="pairs listed, deepest first")] = 500


def horizontal_clearance(pipework: Pipework, request: ClearanceRequest) -> Answer:
    """Least horizontal distance of outer surfaces of pipes that lie side by side, with the limit.

    ``distance`` is between the surfaces in plan (m), never between centre lines; ``verdict`` is
    certain or possible (below the limit surely, or perhaps, by 2 sigma of both pipes), compliant,
    review where something that decides is unknown (``missing``). ``a_at`` and ``b_at`` are the
    facing points. Definition: domain reference §3, §4, 水平净距.
    """
    return _clearance(pipework, request, "horizontal")


def vertical_clearance(pipework: Pipework, request: ClearanceRequest) -> Answer:
    """Least vertical distance of outer surfaces of pipes that cross or lie above each other.

    As for the horizontal one; ``a`` is the lower pipe, ``b`` the upper. Negative distances are
    overlaps. Definition: domain reference §3.5, §4, 垂直净距.
    """
    return _clearance(pipework, request, "vertical")


def clash(pipework: Pipework, request: ClashRequest) -> Answer:
    """Pairs of pipes whose bodies overlap in space, certainly or within their accuracy.

    ``distance`` is the net distance in space, negative where they overlap (m). Pipes that are
    joined, meet in a chamber or lie one in the other are no clash. Definition: domain reference §4,
    空间净距/碰撞.
    """

    def measure(table: pd.DataFrame) -> pd.DataFrame:
        return clashes(bodies(table, pipework.points), table)

    return _answer(pipework, request, measure, request.most, None)


def _clearance(pipework: Pipework, request: ClearanceRequest, kind: Kind) -> Answer:
    keep = None if request.verdicts is None else set(request.verdicts)

    def measure(table: pd.DataFrame) -> pd.DataFrame:
        return clearances(
            bodies(table, pipework.points), table, kinds=(kind,), reach=request.reach, keep=keep
        )

    return _answer(pipework, request, measure, request.most, request.reach)


def _answer(
    pipework: Pipework,
    request: ScopeRequest,
    measure: Callable[[pd.DataFrame], pd.DataFrame],
    most: int,
    reach: float | None,
) -> Answer:
    named = scope(pipework, request)
    near = _neighbourhood(pipework, named, max(_AROUND, reach or 0.0))
    found = measure(pipework.segments.iloc[near].reset_index(drop=True))
    found = found.assign(
        a=near[found["a"].to_numpy(np.int64)], b=near[found["b"].to_numpy(np.int64)]
    )
    found = found[found["a"].isin(named) | found["b"].isin(named)]
    # One row a pair of segments: where it is nearest; what is unknown stands behind.
    found = found.sort_values("distance", kind="stable", na_position="last")
    found = found.drop_duplicates(["a", "b"])
    counts = {str(k): int(v) for k, v in found["verdict"].value_counts().items()}
    shown = found.head(most)
    a, b = (shown[side].to_numpy(np.int64) for side in ("a", "b"))
    result = {
        "segments": len(named),
        "count": len(found),
        "verdicts": counts,
        "pairs": [
            _pair(row, one, other)
            for row, one, other in zip(
                shown.to_dict("records"),
                describe.segments(pipework, a),
                describe.segments(pipework, b),
                strict=True,
            )
        ],
    }
    return describe.answer(pipework, result, np.concatenate([a, b]), (_LIMITS,))


def _neighbourhood(pipework: Pipework, named: Rows, around: float) -> Rows:
    """Rows of the named segments and of all that come within ``around`` metres of them."""
    if len(named) == len(pipework.segments):
        return named
    plan = pipework.plan[pipework.pieces_of(named)]
    _, piece = pipework.tree.query(plan, predicate="dwithin", distance=around)
    return np.union1d(named, pipework.bodies.owner[piece]).astype(np.int64)


def _pair(row: dict[Any, Any], a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return {
        "distance": metres(row["distance"]),
        "limit": metres(row["limit"]),
        "sigma": metres(row["sigma"]),
        "verdict": str(row["verdict"]),
        "rule": row["rule"],
        "verified": bool(row["verified"]),
        "missing": row["missing"].split(",") if row["missing"] else [],
        "outer_nominal": bool(row["nominal"]),
        "a_at": [metres(row[name]) for name in ("ax", "ay", "az")],
        "b_at": [metres(row[name]) for name in ("bx", "by", "bz")],
        "a": a,
        "b": b,
    }


_LIMITS: Final = Note(
    "LIMIT-EVIDENCE",
    "净距为外壁至外壁；verified 为 false 的限值尚未与标准原文核对，只可作提示。",
    "Distances are from surface to surface. Limits whose verified is false were not compared with "
    "the standard's text yet; they are hints only.",
)
