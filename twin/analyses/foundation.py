"""建（构）筑物基础净距: pipes beside a foundation, by the table and, where deeper, by the soil."""

from __future__ import annotations

from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field

from models.clearance.deep import DEEP_RULE, DEEP_VERIFIED, deep_limits
from models.clearance.judge import Verdict, judge
from models.clearance.things import clearance_limits
from twin.analyses import describe
from twin.analyses.answer import Answer, Note
from twin.analyses.describe import metres
from twin.analyses.pipework import Pipework
from twin.analyses.requests import Request, Ring, polygon

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

#: Pipes are judged in stretches of at most so many metres: the depth changes along them.
STEP: Final = 1.0


class FoundationRequest(Request):
    """The outline of the foundation, how deep it is, and the soil."""

    polygon: Ring
    depth: Annotated[
        float, Field(gt=0, le=100, description="bottom of the foundation, metres below the ground")
    ]
    friction: Annotated[
        float, Field(gt=0, lt=90, description="angle of internal friction of the soil, degrees")
    ]
    trench: Annotated[
        float, Field(gt=0, le=20, description="width of the trench that the pipe needs, metres")
    ]
    reach: Annotated[
        float, Field(gt=0, le=50, description="pipes farther away are not looked at, metres")
    ] = 20.0


def foundation_clearance(pipework: Pipework, request: FoundationRequest) -> Answer:
    """Net distance of pipes from a foundation, with the limit that its and their depth ask for.

    ``distance`` is between the outer surface and the outline in plan (m). ``table`` is the limit of
    the standards' table; ``deep`` is (H - h) / tan α + B / 2 less the pipe's half width, where the
    pipe's outer bottom (H = ``laid``) is below the foundation's (h); ``limit`` the greater one with
    its ``rule``. Each pipe is told of where it misses its limit by most, or keeps it by least.
    ``verdict`` counts 2 sigma of place and depth: certain, possible, compliant; review where
    something that decides is unknown. Definition: domain reference §3.4, GB 50289-2016 4.1.11.

    Raises :class:`BadRequestError` for a polygon that cannot be used.
    """
    outline = polygon(request.polygon, request.crs, pipework.storage)
    body = pipework.bodies
    reach = request.reach + float(np.nan_to_num(body.half_width).max(initial=0.0))
    pieces = np.sort(pipework.tree.query(outline, predicate="dwithin", distance=reach))
    of, start, end = _stretches(pipework, pieces)
    piece = pieces[of]
    lines = shapely.linestrings(np.stack([start[:, :2], end[:, :2]], axis=1))
    distance = shapely.distance(lines, outline) - body.half_width[piece]
    laid = np.fmax(*(_laid(pipework, piece, at) for at in (start, end)))
    row = body.owner[piece]
    table = clearance_limits(
        pipework.segments.iloc[row].reset_index(drop=True), np.full(len(row), "building", object)
    )
    deep = deep_limits(
        laid, request.depth, request.friction, request.trench, body.half_width[piece]
    )
    limit = np.fmax(table.limit, deep)
    by_soil = deep >= np.where(np.isnan(table.limit), -np.inf, table.limit)
    tilt = np.where(by_soil, body.sigma_z[piece] / np.tan(np.radians(request.friction)), 0.0)
    sigma = np.hypot(body.sigma_xy[piece], tilt)
    verdict = judge(distance, limit, sigma, table.ambiguous & ~by_soil)
    verdict[np.isnan(laid)] = Verdict.REVIEW  # how deep it is may ask for more than the table
    order = np.lexsort((np.where(np.isnan(limit), np.inf, distance - limit), row))
    worst = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    worst = worst[~(distance[worst] > request.reach)]
    worst = worst[np.argsort((distance - limit)[worst], kind="stable")]
    attributes = describe.segments(pipework, row[worst])
    middle = (start + end)[worst, :2] / 2
    pipes: list[dict[str, Any]] = [
        {
            "distance": metres(distance[i]),
            "laid": metres(laid[i]),
            "table": metres(table.limit[i]),
            "deep": metres(deep[i]),
            "limit": metres(limit[i]),
            "rule": DEEP_RULE if by_soil[i] else table.rule[i],
            "verified": DEEP_VERIFIED if by_soil[i] else bool(table.verified[i]),
            "missing": _missing(table.missing[i], laid[i]),
            "sigma": metres(sigma[i]),
            "verdict": str(verdict[i]),
            "position": describe.points(middle[place : place + 1])[0],
            "segment": attributes[place],
        }
        for place, i in enumerate(worst)
    ]
    result = {"count": len(pipes), "pipes": pipes}
    return describe.answer(pipework, result, np.unique(row), (_EVIDENCE,))


def _stretches(pipework: Pipework, pieces: Rows) -> tuple[Rows, Array, Array]:
    """Stretches of at most :data:`STEP` metres: their piece (index into ``pieces``), and both ends
    (n, 3) of their centre lines."""
    body = pipework.bodies
    a, b = body.start[pieces], body.end[pieces]
    count = np.maximum(np.ceil(np.hypot(*(b - a)[:, :2].T) / STEP), 1).astype(np.int64)
    of = np.repeat(np.arange(len(pieces)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    ends = (a[of] + (share / count[of])[:, None] * (b - a)[of] for share in (number, number + 1))
    start, end = ends
    return of, start, end


def _laid(pipework: Pipework, piece: Rows, at: Array) -> Array:
    """Metres from the ground down to the outer bottom of pieces at places (n, 3)."""
    ground = pipework.ground.sample(at[:, 0], at[:, 1])
    return np.asarray(ground - at[:, 2] + pipework.bodies.half_height[piece])


def _missing(table: str, laid: float) -> list[str]:
    return [*(table.split(",") if table else []), *(["depth"] if np.isnan(laid) else [])]


_EVIDENCE: Final = Note(
    "LIMIT-EVIDENCE",
    "深埋管线净距按 GB 50289-2016 第 4.1.11 条公式计算，条文与 verified 为 false 的限值"
    "尚未与标准原文核对，只可作提示；基础埋深、土的内摩擦角与沟槽宽度由提问者给出，未作核实。",
    "Limits of deep pipes are by the formula of GB 50289-2016, 4.1.11; it and the limits whose "
    "verified is false were not compared with the standard's text yet and are hints only. Depth of "
    "the foundation, friction angle and width of the trench are as asked, not verified.",
)
