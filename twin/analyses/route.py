"""A route through the network: through named points, or along named segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from models.network.connectivity import path
from models.network.graph import Network, major
from twin.analyses.errors import BadRequestError
from twin.analyses.names import point_rows, segment_rows
from twin.analyses.pipework import Pipework
from twin.analyses.requests import Name, Names, Request

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class RouteRequest(Request):
    """Give either ``nodes`` (the shortest way through them is taken) or ``segments`` in order."""

    nodes: Names | None = Field(
        default=None, description="two or more points: id, key or survey number"
    )
    segments: Names | None = Field(
        default=None, description="segments in order, each joined to the next: id, key or number"
    )
    class_code: Name | None = Field(
        default=None,
        description="class the way keeps to (CJJ 61-2017 code, major or minor); by default that "
        "of the pipes at the first node",
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.nodes is None) == (self.segments is None):
            raise ValueError("give either nodes or segments", "nodes 与 segments 应给且只给一个")
        if self.nodes is not None and len(self.nodes) < 2:
            raise ValueError("give at least two nodes", "nodes 至少应有两个点")
        return self


@dataclass(frozen=True, slots=True)
class Route:
    """``edges`` (k,) segment rows in order; ``forward`` (k,) true where the route goes from the
    segment's first point to its last; ``nodes`` (k + 1,) network nodes."""

    edges: Rows
    forward: Mask
    nodes: Rows


def route(pipework: Pipework, request: RouteRequest) -> Route:
    """The route that a request names.

    Between nodes the way is the shortest in plan over pipes of one class, abandoned ones left out.
    Raises :class:`BadRequestError` where there is none, or segments do not join.
    """
    network = pipework.network
    if request.segments is not None:
        return _along(pipework, network, segment_rows(pipework, request.segments))
    assert request.nodes is not None
    stops = point_rows(pipework, request.nodes)
    within = _class(network, int(stops[0]), request.class_code)
    edges: list[int] = []
    for i in range(len(stops) - 1):
        leg = path(network, [int(stops[i])], [int(stops[i + 1])], within=within)
        if leg is None or not len(leg.edges):
            a, b = request.nodes[i], request.nodes[i + 1]
            raise BadRequestError(
                f"No pipes lead from '{a}' to '{b}' within one class. Name points of one network, "
                "or set class_code.",
                f"同一类别内没有管线由“{a}”通到“{b}”。请选同一管网的点，或指定 class_code。",
            )
        edges += [int(edge) for edge in leg.edges]
    return _oriented(network, np.array(edges, np.int64), int(stops[0]))


def _class(network: Network, node: int, code: str | None) -> Mask:
    if code is not None:
        return np.asarray(network.in_use & network.edges_of(code))
    at = network.in_use & ((network.tail == node) | (network.head == node))
    index = np.unique(network.edge_class.index[at])
    majors = {major(network.edge_class.names[i]) for i in index if i >= 0}
    return np.asarray(network.in_use & network.edges_of(*majors)) if majors else network.in_use


def _along(pipework: Pipework, network: Network, edges: Rows) -> Route:
    if len(edges) == 1:
        return _oriented(network, edges, int(network.tail[edges[0]]))
    a, b = ({int(network.tail[e]), int(network.head[e])} for e in edges[:2])
    joint = a & b
    first = next(iter(a - joint), int(network.tail[edges[0]]))
    return _oriented(network, edges, first)


def _oriented(network: Network, edges: Rows, first: int) -> Route:
    nodes, forward = [first], []
    for place, edge in enumerate(edges):
        ends = int(network.tail[edge]), int(network.head[edge])
        if nodes[-1] not in ends:
            raise BadRequestError(
                f"Segments {place} and {place + 1} of the list do not join. Give them in order, "
                "each joined to the next.",
                f"所列第 {place} 段与第 {place + 1} 段不相接。请按顺序给出首尾相接的管段。",
            )
        ahead = nodes[-1] == ends[0]
        forward.append(ahead)
        nodes.append(ends[1] if ahead else ends[0])
    return Route(edges, np.array(forward, bool), np.array(nodes, np.int64))
