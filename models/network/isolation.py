"""Burst isolation: which valves to close, what is cut off, and who loses supply.

Edges that no valve separates form a segment; segments and valves form a small graph of their own
(as in Walski, 1993, "Water distribution valve topology"), on which everything else is decided.
A valve at a point cuts all pipes that meet there from each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.network.columns import Mask, Rows
from models.network.connectivity import components
from models.network.graph import Network
from models.network.roles import Role


@dataclass(frozen=True, slots=True)
class ValveSegments:
    """``edge`` (m,) and ``node`` (n,) are segment numbers, -1 for edges that take no part and for
    valves; ``valves`` (v,) are nodes; ``valve`` and ``segment`` (p,) pair the positions in
    ``valves`` with the segments that meet there, each pair once."""

    count: int
    edge: Rows
    node: Rows
    valves: Rows
    valve: Rows
    segment: Rows


@dataclass(frozen=True, slots=True)
class Isolation:
    """What closing off a burst takes and costs; all rows are sorted.

    ``close`` are the valve nodes that must be shut; ``spared`` bound the cut-off part too, but no
    source is behind them, which can only be told of a burst that a source is known to feed;
    ``inoperable`` are the valves that would have had to be shut and could
    not, so that the part behind them is cut off as well. ``cut_edges`` and ``cut_nodes`` are the
    part within the valves; ``lost_edges`` and ``lost_nodes`` all that loses its supply, that part
    included as far as it had any. ``customers`` are the nodes among them where water or gas is
    taken. ``sources_inside`` are sources in the cut-off part, which no valve can hold back.
    ``supplied`` tells whether all of the burst was connected with a source.
    """

    close: Rows
    spared: Rows
    inoperable: Rows
    cut_edges: Rows
    cut_nodes: Rows
    lost_edges: Rows
    lost_nodes: Rows
    customers: Rows
    sources_inside: Rows
    supplied: bool


def valve_segments(
    network: Network, *, valves: Mask | None = None, within: Mask | None = None
) -> ValveSegments:
    """The parts into which ``valves`` (n,), by default those of role valve, can divide the edges
    ``within`` (default: in use)."""
    where = network.nodes_of(Role.VALVE) if valves is None else valves
    part = network.in_use if within is None else within
    found = components(network, within=part, barriers=where)
    rows = np.flatnonzero(where)
    number = np.full(network.nodes, -1, np.intp)
    number[rows] = np.arange(len(rows))
    edges = np.flatnonzero(part)
    at = np.concatenate([number[network.tail[edges]], number[network.head[edges]]])
    label = np.concatenate([found.edge[edges]] * 2)[at >= 0]
    pairs = np.unique(at[at >= 0] * found.count + label)
    node = np.where(where, -1, found.node)
    return ValveSegments(
        found.count,
        found.edge,
        node,
        rows,
        pairs // max(found.count, 1),
        pairs % max(found.count, 1),
    )


def isolate(
    network: Network,
    edges: Iterable[int],
    *,
    segments: ValveSegments | None = None,
    inoperable: Mask | None = None,
    closed: Mask | None = None,
    sources: Mask | None = None,
    customers: Mask | None = None,
) -> Isolation:
    """The valves that isolate the burst ``edges``.

    ``segments`` come from :func:`valve_segments`, by default those of the network's own words,
    which it keeps: they depend on the valves only. ``inoperable`` (n,) valves stay open; those that
    are ``closed`` (n,) already are shut and stay so. ``sources`` (n,) are by default points of role
    source and ends at the border of the survey, ``customers`` (n,) those of role customer. Sources
    that no pipe in use connects with the burst say nothing of it: where there is no other, its
    water comes from somewhere that the survey does not show, and no valve is spared.
    Raises :class:`ValueError` when none of ``edges`` takes part.
    """
    seg = network.kept("valve_segments", valve_segments) if segments is None else segments
    nobody = np.zeros(network.nodes, bool)
    shut = (nobody if closed is None else closed)[seg.valves]
    stuck = (nobody if inoperable is None else inoperable)[seg.valves] & ~shut
    fed_by = _sources(network) if sources is None else sources
    users = network.nodes_of(Role.CUSTOMER) if customers is None else customers
    burst = np.unique(seg.edge[np.fromiter(edges, np.intp)])
    burst = burst[burst >= 0]
    if len(burst) == 0:
        raise ValueError("none of the edges takes part in the network")
    feeding = _feeding(network, seg, fed_by)

    inside = _reached(seg, burst, stuck)
    touches = _valves_at(seg, inside)
    boundary = touches & _valves_at(seg, ~inside) & ~shut & ~stuck
    before = _reached(seg, feeding, ~shut)
    after = _reached(seg, feeding[~inside[feeding]], ~shut & ~boundary)
    needed = boundary & (_valves_at(seg, after & ~inside) | _valves_at(seg, inside & ~before))
    lost = (before & ~after) | inside
    source_rows = np.flatnonzero(fed_by)
    return Isolation(
        close=seg.valves[needed],
        spared=seg.valves[boundary & ~needed],
        inoperable=seg.valves[stuck & touches & (_meeting(seg) > 1)],
        cut_edges=_edges(seg, inside),
        cut_nodes=_nodes(seg, inside),
        lost_edges=_edges(seg, lost & before),
        lost_nodes=(gone := _nodes(seg, lost & before)),
        customers=gone[users[gone]],
        sources_inside=source_rows[np.isin(source_rows, _nodes(seg, inside))],
        supplied=bool(before[burst].all()),
    )


def _sources(network: Network) -> Mask:
    """Points that feed a network, and those where one may come in over the survey's border."""
    return network.nodes_of(Role.SOURCE) | network.nodes_of(Role.BOUNDARY)


def _feeding(network: Network, seg: ValveSegments, sources: Mask) -> Rows:
    """The segments that hold a source; one at a valve feeds all that meet there."""
    rows = np.flatnonzero(sources)
    own = seg.node[rows]
    return np.unique(np.concatenate([own[own >= 0], seg.segment[sources[seg.valves][seg.valve]]]))


def _reached(seg: ValveSegments, start: Rows, open_: Mask) -> Mask:
    """Segments that ``open_`` (v,) valves connect with any of ``start``, these included."""
    pairs = open_[seg.valve]
    size = seg.count + len(seg.valves)
    joined = coo_array(
        (
            np.ones(np.count_nonzero(pairs), np.int8),
            (seg.segment[pairs], seg.count + seg.valve[pairs]),
        ),
        shape=(size, size),
    )
    number, label = connected_components(joined.tocsr(), directed=False)
    reached = np.zeros(number, bool)
    reached[label[start]] = True
    return np.asarray(reached[label[: seg.count]])


def _valves_at(seg: ValveSegments, segments: Mask) -> Mask:
    """Valves (v,) where any of ``segments`` ends."""
    at = np.zeros(len(seg.valves), bool)
    at[seg.valve[segments[seg.segment]]] = True
    return at


def _meeting(seg: ValveSegments) -> Rows:
    """How many segments meet at every valve (v,)."""
    return np.bincount(seg.valve, minlength=len(seg.valves))


def _edges(seg: ValveSegments, segments: Mask) -> Rows:
    """Edges of ``segments``."""
    return np.flatnonzero(np.append(segments, False)[seg.edge])


def _nodes(seg: ValveSegments, segments: Mask) -> Rows:
    """Nodes of ``segments``, with the valves that have nothing else around them."""
    mask = np.append(segments, False)[seg.node]
    mask[seg.valves] = _valves_at(seg, segments) & ~_valves_at(seg, ~segments)
    return np.flatnonzero(mask)
