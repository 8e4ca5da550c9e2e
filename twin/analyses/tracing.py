"""Traces through the network: connectivity, upstream and downstream, contamination source."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from models.network.connectivity import components, connected, path
from models.network.trace import trace as trace_network
from models.network.travel import pollution_sources
from twin.analyses import describe
from twin.analyses.answer import Answer, Note
from twin.analyses.describe import metres
from twin.analyses.names import point_rows, segment_rows
from twin.analyses.pipework import Pipework
from twin.analyses.requests import Name, Names, Request

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

Most = Annotated[int, Field(ge=1, le=20_000, description="segments and points listed at most")]


class ElementsRequest(Request):
    """Network elements by name: points (``nodes``), segments, or both."""

    nodes: Names | None = Field(default=None, description="points: id, key or survey number")
    segments: Names | None = Field(default=None, description="segments: id, key or number")

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.nodes is None and self.segments is None:
            raise ValueError("give nodes or segments", "请给出 nodes 或 segments")
        return self


class ConnectivityRequest(ElementsRequest):
    """Two or more elements; valves named in ``closed`` are shut."""

    closed: Names | None = Field(default=None, description="valves that are shut: points")


class TraceRequest(ElementsRequest):
    """Where the trace starts, and which way it goes."""

    direction: Literal["upstream", "downstream"]
    uncertain: bool = Field(
        default=True, description="whether segments of unknown flow are gone along, both ways"
    )
    inferred: bool = Field(
        default=True, description="whether flow inferred from whole runs fills what is not stored"
    )
    most: Most = 2000


class SourceRequest(Request):
    """The manhole where something was found."""

    node: Name = Field(description="point: id, key or survey number")
    velocity: Annotated[
        float | None, Field(gt=0, le=10, description="m/s where none can be computed")
    ] = None
    hours: Annotated[float | None, Field(gt=0, le=240, description="longest travel time")] = None
    most: Most = 500


def connectivity(pipework: Pipework, request: ConnectivityRequest) -> Answer:
    """Whether elements are connected through pipes in use, and the shortest way between the first
    two (m, plan). Closed valves connect nothing. Definition: domain reference §4, 连通性."""
    network = pipework.network
    nodes, edges = elements(pipework, request)
    closed = mask(pipework, request.closed)
    starts = [np.array([n]) for n in nodes]
    starts += [np.array([network.tail[e], network.head[e]]) for e in edges]
    found = path(network, starts[0], starts[1], closed=closed) if len(starts) > 1 else None
    parts = components(network, barriers=closed)
    label = parts.node[starts[0][0]]
    result = {
        "connected": connected(network, nodes=nodes, edges=edges, closed=closed),
        "component": {
            "segments": int((parts.edge == label).sum()),
            "length": metres(float(network.length[parts.edge == label].sum()), 2),
        },
        "path": None
        if found is None
        else {
            "length": metres(float(found.chainage[-1])),
            "nodes": describe.nodes(pipework, found.nodes),
            "segments": describe.brief(pipework, found.edges),
        },
    }
    used = edges if found is None else np.concatenate([edges, found.edges])
    return describe.answer(pipework, result, used, surfaces=False)


def trace(pipework: Pipework, request: TraceRequest) -> Answer:
    """All that feeds, or is fed by, the given elements along the flow.

    ``segments`` are in order of ``distance`` (m along the pipes); ``certain`` tells that known flow
    alone leads there, ``flow_unknown`` that the segment's own direction is not known. The trace
    ends at sources (upstream) and outfalls (downstream): ``stopped_at``. Definition: domain
    reference §4, 上游/下游追踪.
    """
    network = pipework.network
    if request.inferred:
        network = network.with_flow(pipework.flow.flow)
    nodes, edges = elements(pipework, request)
    found = trace_network(
        network, request.direction, nodes=nodes, edges=edges, uncertain=request.uncertain
    )
    shown = slice(0, request.most)
    nearest = _nearest(found.edge_distance, request.most)
    length = network.length[found.edges]
    result = {
        "direction": request.direction,
        "count": len(found.edges),
        "length": metres(float(length.sum()), 2),
        "uncertain": int((~found.edge_certain).sum()),
        "segments": [
            {"distance": metres(d), "certain": bool(c), "flow_unknown": bool(u), "segment": one}
            for d, c, u, one in zip(
                found.edge_distance[nearest],
                found.edge_certain[nearest],
                found.unknown_flow[nearest],
                describe.brief(pipework, found.edges[nearest]),
                strict=True,
            )
        ],
        "stopped_at": describe.nodes(pipework, found.stopped_at[shown]),
        "ends": describe.nodes(pipework, found.ends[shown]),
    }
    return describe.answer(
        pipework, result, found.edges, _uncertain(found.edge_certain), surfaces=False
    )


def source(pipework: Pipework, request: SourceRequest) -> Answer:
    """Which dischargers and upstream ends can reach a manhole, nearest in travel time first.

    Travel time is length over velocity: Manning, flowing full, where size, material and fall are
    known, else the default. ``certain`` tells that known flow leads all the way. Definition: domain
    reference §4, 污染/溯源.
    """
    manhole = int(point_rows(pipework, [request.node])[0])
    network = pipework.network.with_flow(pipework.flow.flow)
    found = pollution_sources(
        network,
        pipework.segments,
        manhole,
        default=request.velocity,
        limit=np.inf if request.hours is None else 3600 * request.hours,
    )
    shown = slice(0, request.most)
    result = {
        "node": describe.nodes(pipework, [manhole])[0],
        "count": len(found.nodes),
        "velocity": {
            "computed_share": round(found.computed, 4),
            "default": found.default,
        },
        "sources": [
            {
                "minutes": round(float(s) / 60, 2),
                "distance": metres(m),
                "certain": bool(c),
                "discharger": bool(d),
                "point": one,
            }
            for s, m, c, d, one in zip(
                found.seconds[shown],
                found.metres[shown],
                found.certain[shown],
                found.discharger[shown],
                describe.nodes(pipework, found.nodes[shown]),
                strict=True,
            )
        ],
    }
    edges = found.traced.edges
    return describe.answer(pipework, result, edges, _uncertain(found.certain), surfaces=False)


def _nearest(distance: npt.NDArray[np.float64], most: int) -> Rows:
    """Places of the ``most`` least distances, the least first; a million are not sorted for it."""
    few = np.arange(len(distance))
    if len(distance) > most:
        few = np.flatnonzero(distance <= np.partition(distance, most - 1)[most - 1])
    return few[np.argsort(distance[few], kind="stable")][:most]


def elements(pipework: Pipework, request: ElementsRequest) -> tuple[Rows, Rows]:
    """Rows of the points and of the segments that a request names."""
    nodes = point_rows(pipework, request.nodes or [])
    return nodes, segment_rows(pipework, request.segments or [])


def mask(pipework: Pipework, names: list[str] | None) -> Mask:
    """Network nodes (n,) that are named."""
    out = np.zeros(pipework.network.nodes, bool)
    out[point_rows(pipework, names or [])] = True
    return out


def _uncertain(certain: Mask) -> list[Note]:
    count = int((~certain).sum())
    if not count:
        return []
    return [
        Note(
            "FLOW-UNCERTAIN",
            f"{count} 项仅经由流向不明的管段到达，已标注，须现场核实。",
            f"{count} items are reached only through segments of unknown flow; they are marked and "
            "need to be verified on site.",
        )
    ]
