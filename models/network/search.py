"""Shortest ways over the arcs that may be gone along, and the edges on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import dijkstra

from models.network.columns import Floats, Mask, Rows
from models.network.graph import Direction, Network, arcs, matrix


@dataclass(frozen=True, slots=True)
class Search:
    """``distance`` (n,) from the nearest start, infinite where nothing leads; ``previous`` (n,)
    the node before on that way, negative at starts and where nothing leads; ``allowed`` (2m,) the
    arcs of the adjacency that could be gone along; ``weight`` (m,) what they cost."""

    distance: Floats
    previous: npt.NDArray[np.int32]
    allowed: Mask
    weight: Floats

    def way(self, node: int) -> Rows:
        """Nodes from the start to ``node``, both among them; empty where nothing leads there."""
        if not np.isfinite(self.distance[node]):
            return np.empty(0, np.intp)
        back = [node]
        while (node := int(self.previous[node])) >= 0:
            back.append(node)
        return np.array(back[::-1], np.intp)


def search(
    network: Network,
    starts: Rows,
    *,
    within: Mask,
    direction: Direction | None = None,
    known_only: bool = False,
    stops: Mask | None = None,
    weight: Floats | None = None,
    limit: float = np.inf,
) -> Search:
    """Shortest ways from any of ``starts`` (Dijkstra); see :func:`models.network.graph.arcs`.

    ``weight`` (m,) must not be negative and is the length by default; nothing further than
    ``limit`` is looked at.
    """
    cost = network.length if weight is None else weight
    first, allowed = arcs(network, within, direction=direction, known_only=known_only, stops=stops)
    if len(starts) == 0 or first[-1] == 0:
        distance = np.full(network.nodes, np.inf)
        distance[starts] = 0.0
        return Search(distance, np.full(network.nodes, -1, np.int32), allowed, cost)
    ranked = network.adjacency
    distance, previous, _ = dijkstra(
        matrix(network, first, allowed, cost),
        indices=ranked.rank[starts],
        return_predecessors=True,
        limit=limit,
        min_only=True,
    )
    before = np.where(previous < 0, np.int32(-1), ranked.order[np.maximum(previous, 0)])
    return Search(distance[ranked.rank], before[ranked.rank], allowed, cost)


def edges_on(network: Network, found: Search, nodes: Rows) -> Rows:
    """The edges between consecutive ``nodes`` of a way; of parallel ones the cheapest allowed."""
    if len(nodes) < 2:
        return np.empty(0, np.intp)
    sorted_ = network.adjacency
    rank = sorted_.rank[nodes[:-1]]
    start, count = sorted_.first[rank], sorted_.first[rank + 1] - sorted_.first[rank]
    step = np.repeat(np.arange(len(count)), count)
    arc = np.repeat(start - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    arc += np.arange(len(step))
    right = found.allowed[arc] & (sorted_.node[arc] == nodes[1:][step])
    step, edge = step[right], sorted_.edge[arc[right]].astype(np.intp)
    order = np.lexsort((edge, found.weight[edge], step))
    _, best = np.unique(step[order], return_index=True)
    return np.asarray(edge[order][best])
