"""Upstream and downstream traces along the flow, with what is uncertain told apart.

An edge without known flow may be gone along both ways, as facility-network software does when its
switch for uncertain directions is on; then whatever is reached only through such edges is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.network.columns import Floats, Mask, Rows
from models.network.graph import Direction, Network
from models.network.roles import Role
from models.network.search import Search, search


@dataclass(frozen=True, slots=True)
class Trace:
    """What a trace reached, in the order of the tables.

    ``nodes`` (k,) with ``distance`` (k,) from the start, metres along the edges gone (or what the
    weights are); ``edges`` (e,) with ``edge_distance`` (e,) of their nearer end. ``node_certain``
    and ``edge_certain`` are true for what is reached along known flow alone; ``unknown_flow`` (e,)
    marks edges whose own direction is uncertain. ``stopped_at`` are the nodes where it ended at a
    source or outfall, ``ends`` those from which no edge goes on, these included. ``previous`` (n,)
    is the node before each on its way from the start, negative where there is none.
    """

    nodes: Rows
    distance: Floats
    node_certain: Mask
    edges: Rows
    edge_distance: Floats
    edge_certain: Mask
    unknown_flow: Mask
    stopped_at: Rows
    ends: Rows
    previous: npt.NDArray[np.int32]


def trace(
    network: Network,
    direction: Direction,
    *,
    nodes: Iterable[int] = (),
    edges: Iterable[int] = (),
    uncertain: bool = True,
    within: Mask | None = None,
    stops: Mask | None = None,
    weight: Floats | None = None,
    limit: float = np.inf,
) -> Trace:
    """Everything upstream or downstream of ``nodes`` and of ``edges``, which are in the answer.

    ``uncertain`` lets it go along edges of unknown flow; ``within`` (m,) are the edges that take
    part, by default those in use; ``stops`` (n,) are nodes it does not go beyond unless it starts
    there, by default sources (upstream) or outfalls (downstream); ``weight`` (m,) replaces the
    lengths, and ``limit`` is in its unit. Distances are the shortest over all that it may go
    along. Raises :class:`IndexError` for rows that the network has not.
    """
    part = network.in_use if within is None else within
    if stops is None:
        stops = network.nodes_of(Role.OUTFALL if direction == "downstream" else Role.SOURCE)
    begin, given = (np.unique(np.fromiter(rows, np.intp)) for rows in (nodes, edges))
    sure, unsure = _starts(network, given, direction)
    sure = np.union1d(begin, sure)
    barrier = stops.copy()
    barrier[begin] = False

    def reach(starts: Rows, known_only: bool) -> Search:
        return search(
            network,
            starts,
            within=part,
            direction=direction,
            known_only=known_only,
            stops=barrier,
            weight=weight,
            limit=limit,
        )

    known = found = reach(sure, known_only=True)
    if uncertain and (len(unsure) or bool((part & (network.flow == 0)).any())):
        found = reach(np.union1d(sure, unsure), known_only=False)
    by_flow = np.isfinite(known.distance)
    distance = found.distance
    near, sure_edge, goes_on = _gone(network, found, distance, by_flow)
    near[given] = 0.0
    sure_edge[given] = network.flow[given] != 0
    taken = np.flatnonzero(np.isfinite(near))
    reached = np.flatnonzero(np.isfinite(distance))
    return Trace(
        nodes=reached,
        distance=distance[reached],
        node_certain=by_flow[reached],
        edges=taken,
        edge_distance=near[taken],
        edge_certain=sure_edge[taken],
        unknown_flow=network.flow[taken] == 0,
        stopped_at=reached[barrier[reached]],
        ends=reached[~goes_on[reached]],
        previous=found.previous,
    )


def _starts(network: Network, edges: Rows, direction: Direction) -> tuple[Rows, Rows]:
    """The nodes where a trace from ``edges`` begins: those known by the flow, and the others."""
    flow = network.flow[edges] if direction == "downstream" else -network.flow[edges]
    tail, head = network.tail[edges], network.head[edges]
    unknown = flow == 0
    return (
        np.unique(np.where(flow > 0, head, tail)[~unknown]),
        np.unique(np.concatenate([tail[unknown], head[unknown]])),
    )


def _gone(
    network: Network, found: Search, distance: Floats, by_flow: Mask
) -> tuple[Floats, Mask, Mask]:
    """Of every edge the distance of its nearer end (infinite where it is not gone along) and
    whether known flow leads along it; of every node whether an edge goes on from it."""
    arcs = network.adjacency
    gone = found.allowed & np.isfinite(distance)[arcs.start]
    near = np.full(network.edges, np.inf)
    from_node = np.full(network.edges, -1, np.intp)
    for sign in (1, -1):  # an edge has one arc of each, so nothing is assigned twice
        chosen = gone & (arcs.along == sign)
        edge, start = arcs.edge[chosen], arcs.start[chosen]
        nearer = distance[start] < near[edge]
        near[edge[nearer]] = distance[start[nearer]]
        from_node[edge[nearer]] = start[nearer]
    goes_on = np.zeros(network.nodes, bool)
    taken = from_node >= 0
    goes_on[from_node[taken]] = True
    sure = taken & (network.flow != 0)
    sure[taken] &= by_flow[from_node[taken]]
    return near, sure, goes_on
