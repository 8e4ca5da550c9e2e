"""覆土 cover along pipes: ground less outer top, every metre and not only at the ends."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from models.clearance.judge import judge
from models.clearance.things import cover_limits
from twin.analyses import describe
from twin.analyses.answer import Answer, Note
from twin.analyses.describe import metres
from twin.analyses.errors import BadRequestError
from twin.analyses.pipework import Pipework
from twin.analyses.scope import ScopeRequest, scope

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

#: Most samples of one question (2,000 km at a metre).
MOST: Final = 2_000_000
#: Up to so many segments every sample is in the answer.
_DETAILED: Final = 20

Surface = Literal[
    "carriageway",
    "footway",
    "courtyard",
    "paddy",
    "waterway_I_V",
    "waterway_VI_VII",
    "river",
]


class CoverRequest(ScopeRequest):
    """Segments, and what lies above them where the cover is to be judged."""

    step: Annotated[float, Field(ge=0.1, le=1.0, description="metres between samples")] = 1.0
    surface: Surface | None = Field(
        default=None, description="what lies above (carriageway, footway, …): its limits are judged"
    )
    most: Annotated[int, Field(ge=1, le=5000, description="segments listed, least cover first")] = (
        200
    )


def cover(pipework: Pipework, request: CoverRequest) -> Answer:
    """Least cover of each segment (m), sampled along the whole pipe against the ground.

    ``cover`` is ground height less the outer top (centre + half the outer height); it is negative
    above the ground. Both ends are always among the samples, those of a riser too. ``least`` has
    value, chainage from the segment's first point and position; ``samples`` (at most 20 segments)
    rows of chainage, ground, top, cover. With ``surface`` the limit of the standards' table and a
    verdict: certain, possible, compliant (2 sigma of the pipe's height), review where something
    that decides is unknown. Definition: domain reference §3.6, §4.

    Raises :class:`BadRequestError` where more than :data:`MOST` samples were needed.
    """
    rows = scope(pipework, request)
    pieces = pipework.pieces_of(rows)
    body = pipework.bodies
    length = np.hypot(*(body.end[pieces, :2] - body.start[pieces, :2]).T)
    count = np.maximum(np.ceil(length / request.step), 1).astype(np.int64) + 1
    if count.sum() > MOST:
        raise BadRequestError(
            f"{count.sum()} samples are needed, at most {MOST} are taken. Give a polygon, segments "
            "or a class.",
            f"需采样 {count.sum()} 处，最多 {MOST} 处。请以多边形、管段或类别缩小范围。",
        )
    of, chain, at = _samples(pipework, pieces, length, count)
    ground = pipework.ground.sample(at[:, 0], at[:, 1])
    top = at[:, 2] + body.half_height[pieces[of]]
    owner = body.owner[pieces[of]]
    values = ground - top
    order, first = _least(values, owner)
    found = order[first]
    listed = found[np.argsort(values[found], kind="stable")]  # NaN last
    limits = _limits(pipework, owner[listed], values[listed], pieces[of[listed]], request.surface)
    detailed = len(rows) <= _DETAILED
    shown = listed[: request.most]
    attributes = describe.segments(pipework, owner[shown])
    segments = []
    for i, sample in enumerate(shown):
        one: dict[str, Any] = {
            "least": {
                "cover": metres(values[sample]),
                "chainage": metres(chain[sample]),
                "position": describe.points(at[sample : sample + 1, :2])[0],
                "ground": metres(ground[sample]),
                "top": metres(top[sample]),
            },
            **limits[i],
            "segment": attributes[i],
        }
        if detailed:
            own = owner == owner[sample]
            table = np.column_stack([chain, ground, top, values])[own]
            one["samples"] = describe.points(table)
        segments.append(one)
    result = {
        "count": len(rows),
        "samples": len(of),
        "unknown": int(np.isnan(values[found]).sum()),
        "surface": request.surface,
        "segments": segments,
    }
    return describe.answer(pipework, result, rows, _notes(pipework, request))


def _samples(
    pipework: Pipework, pieces: Rows, length: Array, count: Rows
) -> tuple[Rows, Array, Array]:
    """For every sample: its piece (index into ``pieces``), chainage along its segment, position."""
    body = pipework.bodies
    of = np.repeat(np.arange(len(pieces)), count)
    step = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    share = step / np.maximum(count[of] - 1, 1)
    start = body.start[pieces][of]
    at = start + share[:, None] * (body.end[pieces][of] - start)
    owner = body.owner[pieces]
    before = np.cumsum(length) - length
    opens = np.r_[True, owner[1:] != owner[:-1]] if len(owner) else np.empty(0, bool)
    begin = np.maximum.accumulate(np.where(opens, before, 0.0)) if len(owner) else before
    return of, (before - begin)[of] + share * length[of], at


def _least(values: Array, owner: Rows) -> tuple[Rows, Rows]:
    """An order of the samples by segment and value (NaN last), and where each segment begins."""
    order = np.lexsort((values, owner))
    return order, np.flatnonzero(np.diff(owner[order], prepend=-1))


def _limits(
    pipework: Pipework, rows: Rows, values: Array, piece: Rows, surface: str | None
) -> list[dict[str, Any]]:
    if surface is None:
        return [{}] * len(rows)
    above = np.full(len(rows), surface, object)
    found = cover_limits(pipework.segments.iloc[rows].reset_index(drop=True), above)
    verdict = judge(values, found.limit, pipework.bodies.sigma_z[piece], found.ambiguous)
    return [
        {
            "limit": metres(found.limit[i]),
            "rule": found.rule[i],
            "verified": bool(found.verified[i]),
            "missing": found.missing[i].split(",") if found.missing[i] else [],
            "verdict": str(verdict[i]),
        }
        for i in range(len(rows))
    ]


def _notes(pipework: Pipework, request: CoverRequest) -> list[Note]:
    notes = []
    if pipework.ground.source != "terrain":
        notes.append(
            Note(
                "GROUND",
                f"地面高程来源：{pipework.ground.zh}；两点之间的地面起伏未知。",
                f"Ground heights are {pipework.ground.en}; the ground between points is unknown.",
            )
        )
    if request.surface is not None:
        notes.append(
            Note(
                "LIMIT-EVIDENCE",
                "verified 为 false 的限值尚未与标准原文核对，只可作提示。",
                "Limits whose verified is false were not compared with the standard's text yet; "
                "they are hints only.",
            )
        )
    return notes
