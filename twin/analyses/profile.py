"""纵断面 longitudinal profile: a run of pipes with its heights, slopes, sizes and crossings."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from models.clearance.solids import solids
from models.clearance.vertical import vertical
from twin.analyses import describe, heights
from twin.analyses.answer import Answer, Note
from twin.analyses.cuts import Cuts, cut
from twin.analyses.describe import metres
from twin.analyses.errors import BadRequestError
from twin.analyses.pipework import Pipework, numbers, words
from twin.analyses.route import Route, RouteRequest, route
from twin.drawings.profile import draw_profile

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

LONGEST: Final = 20_000.0
_STEP: Final = 2.0
_PLAN: Final = Note(
    "PLAN-LENGTH",
    "里程为存储坐标系投影平面长度累计值，未作投影长度改正。",
    "Chainage is cumulative plan length in the projection of the storage CRS, not corrected for "
    "its scale.",
)


class ProfileRequest(RouteRequest):
    """A run of pipes, see :class:`RouteRequest`; the drawing's scales are along and up."""

    scale: Literal[100, 200, 500, 1000, 2000, 5000] | None = Field(
        default=None, description="scale along, 1:n; by default the largest that fits the sheet"
    )
    vertical_scale: Literal[20, 50, 100, 200, 500] | None = Field(
        default=None, description="scale up, 1:n; by default a tenth of the one along"
    )
    crossings: bool = Field(default=True, description="whether crossing pipes are looked for")


def profile(pipework: Pipework, request: ProfileRequest) -> Answer:
    """Heights along a run of pipes, and the pipes that cross it.

    ``chainage`` is the cumulative plan length in the storage CRS (m). ``nodes`` have the ground
    height (surveyed, else sampled); ``segments`` the invert, outer top and depth at both ends in
    the run's direction, ``slope`` in ‰ (positive downhill), size and material; ``crossings`` the
    chainage, outline and ``clearance``: the net vertical distance of the outer surfaces (m,
    negative where they overlap), ``position`` above or below. Definition: domain reference §4,
    纵断面.

    Raises :class:`BadRequestError` where the run cannot be made or is longer than
    :data:`LONGEST`.
    """
    way = route(pipework, request)
    pieces, backward = _pieces(pipework, way)
    chain = _chainage(pipework, pieces)
    if chain[-1] > LONGEST:
        raise BadRequestError(
            f"The run is {chain[-1]:.0f} m long; at most {LONGEST:.0f} m are shown. Shorten it.",
            f"所选管线长 {chain[-1]:.0f} m，最长 {LONGEST:.0f} m，请缩短。",
        )
    owner = pipework.bodies.owner[pieces]
    first = np.searchsorted(_place(owner, way), np.arange(len(way.edges) + 1))
    stations = chain[first]
    ends = _ends(pipework, way, pieces, backward, first)
    crossing, outlines, rows = _crossings(pipework, way, pieces, backward, chain, request.crossings)
    result: dict[str, Any] = {
        "length": metres(float(chain[-1])),
        "nodes": _nodes(pipework, way, stations),
        "segments": _segments(pipework, way, stations, ends),
        "ground": _ground(pipework, pieces, backward, chain),
        "crossings": crossing,
    }

    def draw() -> str:
        return draw_profile(
            result,
            outlines,
            describe.datum(pipework),
            describe.revisions(pipework),
            request.scale,
            request.vertical_scale,
        )

    used = np.concatenate([way.edges, rows])
    return describe.answer(pipework, result, used, (_PLAN,), draw=draw)


def _pieces(pipework: Pipework, way: Route) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Pieces in the order of the run, and which of them are gone along backwards."""
    order, first = pipework.pieces
    parts = [
        order[first[e] : first[e + 1]][:: 1 if ahead else -1]
        for e, ahead in zip(way.edges, way.forward, strict=True)
    ]
    if any(not len(part) for part in parts):
        raise BadRequestError(
            "A segment of the run has no line. Choose a run of drawn pipes.",
            "所选路线中有管段没有线形，请另选。",
        )
    counts = [len(part) for part in parts]
    return np.concatenate(parts), np.repeat(~way.forward, counts)


def _chainage(pipework: Pipework, pieces: Rows) -> Array:
    body = pipework.bodies
    step = body.end[pieces, :2] - body.start[pieces, :2]
    return np.concatenate([[0.0], np.cumsum(np.hypot(step[:, 0], step[:, 1]))])


def _place(owner: Rows, way: Route) -> Rows:
    """The place in the run of each piece; a segment may occur twice, never next to itself."""
    change = np.r_[False, owner[1:] != owner[:-1]]
    return np.cumsum(change)


def _ends(
    pipework: Pipework, way: Route, pieces: Rows, backward: npt.NDArray[np.bool_], first: Rows
) -> heights.Heights:
    """Heights (2k,) at the first ends of all segments in the run's direction, then at the last."""
    head, tail = first[:-1], first[1:] - 1
    piece = np.concatenate([pieces[head], pieces[tail]])
    back = np.concatenate([backward[head], backward[tail]])
    t = np.where(back, 1.0, 0.0)
    t[len(head) :] = 1.0 - t[len(head) :]
    nodes = np.concatenate([way.nodes[:-1], way.nodes[1:]])
    return heights.at(pipework, piece, t, _node_ground(pipework, nodes))


def _node_ground(pipework: Pipework, nodes: Rows) -> Array:
    """Surveyed ground heights of network nodes, sampled where a survey has none."""
    at = pipework.network.position[nodes]
    ground = numbers(_points(pipework, nodes), "ground_h")
    missing = np.isnan(ground)
    if missing.any():
        ground[missing] = pipework.ground.sample(at[missing, 0], at[missing, 1])
    return np.asarray(ground, np.float64)


def _nodes(pipework: Pipework, way: Route, stations: Array) -> list[dict[str, Any]]:
    ground = _node_ground(pipework, way.nodes)
    at = pipework.network.position[way.nodes]
    table = _points(pipework, way.nodes)
    named = {name: words(table, name) for name in ("id", "exp_no", "feature", "appurtenance")}
    bottom = numbers(table, "well_bottom_h")
    return [
        {
            "chainage": metres(stations[i]),
            "position": [metres(at[i, 0]), metres(at[i, 1])],
            "ground": metres(ground[i]),
            "well_bottom": metres(bottom[i]),
            **{name: describe.plain(values[i]) for name, values in named.items()},
        }
        for i in range(len(way.nodes))
    ]


def _points(pipework: Pipework, nodes: Rows) -> pd.DataFrame:
    """What a profile tells of network nodes; nothing of those that are no survey points."""
    names = ("id", "exp_no", "feature", "appurtenance", "ground_h", "well_bottom_h")
    known = nodes < len(pipework.points)
    table = describe.taken(pipework.points, nodes[known], names)
    return table.set_axis(np.flatnonzero(known)).reindex(np.arange(len(nodes)))


def _segments(
    pipework: Pipework, way: Route, stations: Array, ends: heights.Heights
) -> list[dict[str, Any]]:
    count = len(way.edges)
    attributes = describe.segments(pipework, way.edges)
    length = np.diff(stations)
    fall = ends.invert[:count] - ends.invert[count:]
    slope = np.divide(1000 * fall, length, out=np.full(count, np.nan), where=length > 0.01)

    def pair(values: Array, i: int) -> list[float | None]:
        return [metres(values[i]), metres(values[count + i])]

    return [
        {
            "chainage": [metres(stations[i]), metres(stations[i + 1])],
            "length": metres(length[i]),
            "forward": bool(way.forward[i]),
            "invert": pair(ends.invert, i),
            "top": pair(ends.top, i),
            "bottom": pair(ends.bottom, i),
            "cover": pair(ends.cover, i),
            "depth": pair(ends.depth, i),
            "depth_measured_to": ends.depth_ref[i],
            "slope": None if np.isnan(slope[i]) else round(float(slope[i]), 2) + 0.0,
            "segment": attributes[i],
        }
        for i in range(count)
    ]


def _ground(
    pipework: Pipework, pieces: Rows, backward: npt.NDArray[np.bool_], chain: Array
) -> dict[str, Any]:
    body = pipework.bodies
    begin = np.where(backward[:, None], body.end[pieces, :2], body.start[pieces, :2])
    finish = np.where(backward[:, None], body.start[pieces, :2], body.end[pieces, :2])
    at = np.unique(np.r_[np.arange(0.0, chain[-1], _STEP), chain])
    piece = np.clip(np.searchsorted(chain, at, side="right") - 1, 0, len(pieces) - 1)
    length = np.diff(chain)[piece]
    t = np.divide(at - chain[piece], length, out=np.zeros_like(at), where=length > 0)
    xy = begin[piece] + t[:, None] * (finish - begin)[piece]
    z = pipework.ground.sample(xy[:, 0], xy[:, 1])
    ground = pipework.ground
    return {
        "source": ground.source,
        "zh": ground.zh,
        "en": ground.en,
        "profile": [[metres(a), metres(b)] for a, b in zip(at, z, strict=True)],
    }


def _crossings(
    pipework: Pipework,
    way: Route,
    pieces: Rows,
    backward: npt.NDArray[np.bool_],
    chain: Array,
    wanted: bool,
) -> tuple[list[dict[str, Any]], list[Array], Rows]:
    """Pipes that cross the run in plan and do not join it, with their outlines in (chainage, z)."""
    body = pipework.bodies
    legs = np.stack([body.start[pieces, :2], body.end[pieces, :2]], axis=1)
    legs[backward] = legs[backward][:, ::-1]
    level = np.flatnonzero(np.diff(chain) > 1e-6)
    if not wanted or not len(level):
        return [], [], np.empty(0, np.int64)
    cuts, _ = cut(pipework, legs[level])
    length = np.diff(chain)[level]
    inside = (cuts.s >= 0) & (cuts.s <= length[cuts.leg])
    network = pipework.network
    joined = np.isin(network.tail, way.nodes) | np.isin(network.head, way.nodes)
    joined[way.edges] = True
    cuts = cuts.take(inside & ~joined[cuts.row])
    own = pieces[level[cuts.leg]]
    at = chain[level[cuts.leg]] + cuts.s
    order = np.argsort(at, kind="stable")
    cuts, own, at = cuts.take(order), own[order], at[order]
    once = _first_of_joint(cuts, at)
    cuts, own, at = cuts.take(once), own[once], at[once]
    gaps = vertical(solids(body, own), solids(body, cuts.piece))
    shift = chain[level[cuts.leg]]
    outlines = [o + np.array([s, 0.0]) for o, s in zip(cuts.outlines(), shift, strict=True)]
    attributes = describe.segments(pipework, cuts.row)
    listed = [
        {
            "number": i + 1,
            "chainage": metres(at[i]),
            "z": metres(cuts.z[i]),
            "half_s": metres(cuts.half_s[i]),
            "half_z": metres(cuts.half_z[i]),
            "crossing_angle": round(float(np.degrees(np.arccos(min(cuts.cos[i], 1.0)))), 2) + 0.0,
            "clearance": metres(gaps.distance[i]),
            "position": None
            if np.isnan(gaps.distance[i])
            else ("below" if gaps.a_above[i] else "above"),
            "segment": attributes[i],
        }
        for i in range(len(cuts))
    ]
    return listed, outlines, cuts.row


def _first_of_joint(cuts: Cuts, at: Array) -> Rows:
    """A pipe that crosses at the joint of two legs is met by both: kept once."""
    keys = np.column_stack([cuts.row, np.round(at * 1000).astype(np.int64)])
    _, first = np.unique(keys, axis=0, return_index=True)
    return np.sort(first)
