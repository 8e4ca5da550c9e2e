"""爆管/关阀 burst isolation, and 流向 flow direction."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from models.network.flow import Basis
from models.network.isolation import isolate
from twin.analyses import describe
from twin.analyses.answer import Answer, Note
from twin.analyses.describe import metres
from twin.analyses.errors import BadRequestError
from twin.analyses.names import point_rows, segment_rows
from twin.analyses.pipework import Pipework
from twin.analyses.requests import Names, Request
from twin.analyses.scope import ScopeRequest, scope
from twin.analyses.tracing import Most, mask


class IsolationRequest(Request):
    """The burst pipes, valves that cannot be moved, and valves that are shut already."""

    segments: Names = Field(description="burst segments: id, key or number")
    inoperable: Names | None = Field(default=None, description="valves that cannot be shut")
    closed: Names | None = Field(default=None, description="valves that are shut already")
    most: Most = 2000


class FlowRequest(ScopeRequest):
    """Segments whose flow is asked for."""

    most: Most = 2000


def isolation(pipework: Pipework, request: IsolationRequest) -> Answer:
    """Which valves isolate a burst, what is cut off, and who loses supply.

    ``close`` are the valves to shut; ``spared`` bound the cut-off part without a source behind
    them (none is where no source is connected with the burst); ``inoperable`` would have had to be
    shut; ``lost`` is all that no source reaches any more (number, length in m), ``customers`` the
    points of use among it. Definition: valve segments (Walski 1993), domain reference §4,
    爆管/关阀.

    Raises :class:`BadRequestError` where none of the segments is in use.
    """
    network = pipework.network
    edges = segment_rows(pipework, request.segments)
    try:
        found = isolate(
            network,
            edges,
            segments=pipework.valve_segments,
            inoperable=mask(pipework, request.inoperable),
            closed=mask(pipework, request.closed),
        )
    except ValueError as error:
        raise BadRequestError(
            "None of these segments is in use, so there is nothing to isolate.",
            "所列管段均不在用，无需关阀。",
        ) from error
    shown = slice(0, request.most)
    result: dict[str, Any] = {
        "supplied": found.supplied,
        "close": describe.nodes(pipework, found.close),
        "spared": describe.nodes(pipework, found.spared),
        "inoperable": describe.nodes(pipework, found.inoperable),
        "cut": _part(pipework, found.cut_edges, shown),
        "lost": _part(pipework, found.lost_edges, shown),
        "customers": describe.nodes(pipework, found.customers[shown]),
        "customers_count": len(found.customers),
        "sources_inside": describe.nodes(pipework, found.sources_inside),
    }
    rows = np.union1d(edges, found.cut_edges)
    notes = _isolation_notes(found.supplied) + _no_valves(pipework, request)
    return describe.answer(pipework, result, rows, notes, surfaces=False)


def flow_direction(pipework: Pipework, request: FlowRequest) -> Answer:
    """Flow of segments: as stored, else from the rest of the run, else from the run's fall.

    ``flow`` is +1 from first to last point, -1 back, 0 unknown; ``basis`` is stored, continuity,
    gradient or unknown. A fall counts where it is more than twice its mean error; ``opposed`` runs
    are stored against their fall, ``split`` ones meet or part in mid-run. Definition: domain
    reference §4, 流向.
    """
    rows = scope(pipework, request)
    found = pipework.flow
    run = found.runs.of_edge[rows]
    opposed, split = np.isin(run, found.opposed), np.isin(run, found.split)
    opposed &= run >= 0
    split &= run >= 0
    basis = [Basis(int(b)).name.lower() for b in found.basis[rows]]
    shown = slice(0, request.most)
    counts = {name: basis.count(name) for name in dict.fromkeys(b.name.lower() for b in Basis)}
    result = {
        "count": len(rows),
        "basis": counts,
        "opposed": int(opposed.sum()),
        "split": int(split.sum()),
        "segments": [
            {
                "flow": int(found.flow[row]),
                "stored": int(pipework.network.flow[row]),
                "basis": basis[i],
                "opposed": bool(opposed[i]),
                "split": bool(split[i]),
                "run_fall": metres(found.fall[run[i]]) if run[i] >= 0 else None,
                "run_sigma": metres(found.sigma[run[i]]) if run[i] >= 0 else None,
                "segment": one,
            }
            for i, (row, one) in enumerate(
                zip(rows[shown], describe.brief(pipework, rows[shown]), strict=True)
            )
        ],
    }
    return describe.answer(pipework, result, rows, surfaces=False)


def _part(pipework: Pipework, edges: Any, shown: slice) -> dict[str, Any]:
    return {
        "count": len(edges),
        "length": metres(float(pipework.network.length[edges].sum()), 2),
        "segments": describe.brief(pipework, edges[shown]),
    }


def _isolation_notes(supplied: bool) -> list[Note]:
    if supplied:
        return []
    return [
        Note(
            "NO-SOURCE",
            "数据中没有与爆管点相通的水源（气源）点：边界阀门须全部关闭；无法判断谁失去供应，停供范围可能不全。",
            "The data have no source connected with the burst: all valves around it must be shut, "
            "who loses supply cannot be told, and the part without supply may be incomplete.",
        )
    ]


def _no_valves(pipework: Pipework, request: IsolationRequest) -> list[Note]:
    """Points named as valves that are none: they change nothing, which the asker must know."""
    named = sorted({*(request.inoperable or []), *(request.closed or [])})
    valves = np.isin(point_rows(pipework, named), pipework.valve_segments.valves)
    strange = [name for name, valve in zip(named, valves, strict=True) if not valve]
    if not strange:
        return []
    listed = ", ".join(strange)
    return [
        Note(
            "NOT-A-VALVE",
            f"所列点不是阀门，对结果没有影响：{listed}。请核对点号，或在数据中补填附属物“阀门”后重新入库。",
            f"These points are no valves and change nothing: {listed}. Check the numbers, or "
            "deliver them with an appurtenance that says valve (阀门).",
        )
    ]
