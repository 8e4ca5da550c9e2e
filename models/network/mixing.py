"""Mixed connections (雨污混接): storm water joined to sewage, with the chain that proves it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.network.columns import Mask, Rows
from models.network.flow import gravity_edges
from models.network.graph import Network
from models.network.roles import Role
from models.network.search import edges_on, search

STORM: Final = ("YS",)
FOUL: Final = ("WS", "HS")


class Kind(enum.StrEnum):
    """Which way the water crosses."""

    STORM_TO_FOUL = "storm_to_foul"  # rain loads the treatment plant
    FOUL_TO_STORM = "foul_to_storm"  # sewage reaches the river
    UNKNOWN = "unknown"  # joined, but the flow does not tell


@dataclass(frozen=True, slots=True)
class MixedConnection:
    """Storm edges (``storm``) and sewage or combined ones (``foul``) that meet at ``node``.

    ``receiving`` are the edges that lead away from it in the class that receives. ``chain`` are the
    edges from ``node`` through one of these down to ``end``, which is an outfall if ``at_outfall``,
    else where the network ends; ``certain`` tells that known flow leads all along it.
    """

    node: int
    kind: Kind
    storm: Rows
    foul: Rows
    receiving: Rows
    chain: Rows
    end: int
    at_outfall: bool
    certain: bool


def mixed_connections(
    network: Network,
    *,
    storm: tuple[str, ...] = STORM,
    foul: tuple[str, ...] = FOUL,
    linking: Mask | None = None,
    outfalls: Mask | None = None,
) -> list[MixedConnection]:
    """Every point where pipes of the ``storm`` classes meet pipes of the ``foul`` ones (GB 50014
    §3.1.2), those in use only. Give it inferred flow (:meth:`Network.with_flow`) where the survey
    has little.

    ``linking`` (m,) marks declared 连通管: an edge of these joins the systems on purpose and is
    left out. ``outfalls`` (n,) are by default points of that role.
    """
    part = network.in_use if linking is None else network.in_use & ~linking
    ends = network.nodes_of(Role.OUTFALL) if outfalls is None else outfalls
    is_storm, is_foul = (part & network.edges_of(*codes) for codes in (storm, foul))
    nodes = np.flatnonzero(_ends(network, is_storm) & _ends(network, is_foul))
    if len(nodes) == 0:
        return []
    ways = _Ways(network, part & gravity_edges(network), ends)
    return [_connection(network, int(node), is_storm, is_foul, ways) for node in nodes]


class _Ways:
    """Ways down from any node, searched once from all ends upward."""

    def __init__(self, network: Network, part: Mask, outfalls: Mask) -> None:
        self._network = network
        known = part & (network.flow != 0)
        leaving = np.where(network.flow > 0, network.tail, network.head)[known]
        comes = np.zeros(network.nodes, bool)
        comes[np.where(network.flow > 0, network.head, network.tail)[known]] = True
        comes[leaving] = False
        last = np.flatnonzero(comes & ~outfalls)
        self.outfalls = outfalls
        goals = np.flatnonzero(outfalls)
        self._searches = [
            (search(network, goals, within=part, direction="upstream", known_only=True), True),
            (search(network, goals, within=part, direction="upstream"), False),
            (search(network, last, within=part, direction="upstream", known_only=True), True),
        ]

    def down(self, node: int, through: Rows) -> tuple[Rows, int, bool]:
        """Edges from ``node`` to an outfall, along known flow if it can be, else to where known
        flow ends; that end; and whether known flow leads there. The first is one of ``through``
        where there are any; no edges where nothing leads on."""
        network = self._network
        beyond = network.tail[through] + network.head[through] - node
        for found, certain in self._searches:
            far = found.distance[beyond] + network.length[through]
            if np.isfinite(far).any():
                best = int(np.argmin(far))
                way = found.way(int(beyond[best]))
                chain = np.append(edges_on(network, found, way), through[best])[::-1]
                return chain, int(way[0]), certain and bool(network.flow[through[best]])
            if len(through) == 0 and np.isfinite(found.distance[node]):
                way = found.way(node)
                return edges_on(network, found, way)[::-1], int(way[0]), certain
        if len(through):
            return through[:1], int(beyond[0]), False
        return through, node, False


def _connection(
    network: Network, node: int, is_storm: Mask, is_foul: Mask, ways: _Ways
) -> MixedConnection:
    at = _at(network, node)
    out = np.where(network.tail[at] == node, network.flow[at], -network.flow[at])
    storm, foul = is_storm[at], is_foul[at]
    kind, receiving = Kind.UNKNOWN, np.zeros(len(at), bool)
    if (storm & (out > 0)).any() and (foul & (out < 0)).any():
        kind, receiving = Kind.FOUL_TO_STORM, storm & (out > 0)
    elif (storm & (out < 0)).any() and (foul & (out > 0)).any():
        kind, receiving = Kind.STORM_TO_FOUL, foul & (out > 0)
    elif (storm & (out < 0)).any() and (foul & (out == 0)).any():
        receiving = foul & (out == 0)
    chain, end, certain = ways.down(node, at[receiving])
    return MixedConnection(
        node=node,
        kind=kind,
        storm=at[storm],
        foul=at[foul],
        receiving=at[receiving],
        chain=chain,
        end=end,
        at_outfall=bool(ways.outfalls[end]),
        certain=certain and kind is not Kind.UNKNOWN,
    )


def _ends(network: Network, edges: Mask) -> Mask:
    mask = np.zeros(network.nodes, bool)
    mask[network.tail[edges]] = mask[network.head[edges]] = True
    return mask


def _at(network: Network, node: int) -> Rows:
    arcs = network.adjacency
    return np.unique(arcs.edge[arcs.at(node)]).astype(np.intp)
