"""What hangs together: components with valves open or closed, and the way between two elements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.network.columns import Floats, Mask, Rows
from models.network.graph import Network
from models.network.search import edges_on, search


@dataclass(frozen=True, slots=True)
class Components:
    """``edge`` (m,) and ``node`` (n,) are numbers of components, 0 … ``count`` - 1; -1 for edges
    that take no part. A barrier is a component of its own."""

    count: int
    edge: Rows
    node: Rows


@dataclass(frozen=True, slots=True)
class Path:
    """A shortest way: ``nodes`` (k + 1,), ``edges`` (k,), ``chainage`` (k + 1,) metres."""

    nodes: Rows
    edges: Rows
    chainage: Floats


def components(
    network: Network, *, within: Mask | None = None, barriers: Mask | None = None
) -> Components:
    """Connected components of the edges ``within`` (default: in use).

    ``barriers`` (n,) are nodes through which nothing is connected, such as closed valves: every
    edge that ends there ends for itself.
    """
    part = np.flatnonzero(network.in_use if within is None else within)
    rank, count = network.adjacency.rank, network.nodes
    places = []
    for end in (network.tail[part], network.head[part]):
        place = rank[end]
        if barriers is not None:
            cut = barriers[end]
            place[cut] = count + np.arange(np.count_nonzero(cut))
            count += int(np.count_nonzero(cut))
        places.append(place)
    joined = coo_array((np.ones(len(part), np.int8), tuple(places)), shape=(count, count))
    number, label = connected_components(joined.tocsr(), directed=False)
    edge = np.full(network.edges, -1, np.intp)
    edge[part] = label[places[0]]
    return Components(int(number), edge, label[rank].astype(np.intp))


def connected(
    network: Network,
    *,
    nodes: Iterable[int] = (),
    edges: Iterable[int] = (),
    within: Mask | None = None,
    closed: Mask | None = None,
) -> bool:
    """Whether all of ``nodes`` and ``edges`` are in one component, ``closed`` (n,) valves shut.

    A closed valve is connected to nothing, and an edge that takes no part to nothing but itself.
    """
    found = components(network, within=within, barriers=closed)
    rows = np.unique(np.fromiter(edges, np.intp))
    labels = found.edge[rows]
    if (labels < 0).any():
        return len(rows) == 1 and not any(True for _ in nodes)
    both = np.concatenate([labels, found.node[np.fromiter(nodes, np.intp)]])
    return len(np.unique(both)) <= 1


def path(
    network: Network,
    starts: Iterable[int],
    goals: Iterable[int],
    *,
    within: Mask | None = None,
    closed: Mask | None = None,
) -> Path | None:
    """The shortest way, whatever the flow, from any of the nodes ``starts`` to any of ``goals``.

    ``None`` where nothing leads. ``closed`` (n,) valves are not passed, only begun or ended at.
    For an edge give both its ends. The first look goes little further than the straight distance,
    and doubles until a goal is met: over a large network a short way is found soon.
    """
    begin = np.unique(np.fromiter(starts, np.intp))
    end = np.unique(np.fromiter(goals, np.intp))
    part = network.in_use if within is None else within
    barrier = np.zeros(network.nodes, bool) if closed is None else closed.copy()
    barrier[begin] = False
    limit = _first_look(network, begin, end)
    whole = float(network.length[part].sum()) + 1.0
    while True:
        found = search(network, begin, within=part, stops=barrier, limit=limit)
        goal = int(end[np.argmin(found.distance[end])])
        if np.isfinite(found.distance[goal]):
            nodes = found.way(goal)
            return Path(nodes, edges_on(network, found, nodes), found.distance[nodes])
        if limit > whole:
            return None
        limit = limit * 2 if limit * 2 < whole / 4 else np.inf


def _first_look(network: Network, begin: Rows, end: Rows) -> float:
    """Metres to look at first: twice the distance between the middles of both, infinite where
    positions are unknown."""
    a, b = (network.position[rows, :2].mean(axis=0) for rows in (begin, end))
    straight = float(np.hypot(*(a - b)))
    return 2 * straight + 100.0 if np.isfinite(straight) else np.inf
