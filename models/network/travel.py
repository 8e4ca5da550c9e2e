"""Travel times in gravity networks, and who may have let in what a manhole shows (污染溯源)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.network.columns import Floats, Labels, Mask, Rows, numbers
from models.network.flow import gravity_edges
from models.network.graph import Network
from models.network.roles import Role, hydraulics
from models.network.trace import Trace, trace


@dataclass(frozen=True, slots=True)
class Velocities:
    """``speed`` (k,) metres a second, and ``computed`` (k,): by Manning, else the default."""

    speed: Floats
    computed: Mask


@dataclass(frozen=True, slots=True)
class PollutionSources:
    """Nodes from which a manhole can be reached, most likely first.

    ``nodes`` (k,) are dischargers and upstream ends; ``seconds`` (k,) the shortest travel time,
    ``metres`` (k,) the length of that way, ``certain`` (k,) whether known flow leads all along it,
    ``discharger`` (k,) whether the point's own word says that water is let in there. Certain ones
    come first, then those that are near in time. ``computed`` is the share of the traced length
    whose velocity is computed; ``default`` (m/s) was taken for the rest. ``traced`` is the trace in
    seconds.
    """

    nodes: Rows
    seconds: Floats
    metres: Floats
    certain: Mask
    discharger: Mask
    computed: float
    default: float
    traced: Trace


def velocities(
    network: Network, segments: pd.DataFrame, edges: Rows, *, default: float | None = None
) -> Velocities:
    """Velocity in ``edges`` (k,) flowing full: Manning, v = R^(2/3) S^(1/2) / n.

    ``segments`` is the table that the network was made of. R is the hydraulic radius of the inner
    section, S the fall of the inverts over the length, n that of the material
    (``models/data/network/hydraulics.yaml``). Where size, material or fall is unknown, the fall is
    not along the flow, or it is not a gravity pipe, it is ``default`` (by default the file's). No
    velocity is above the file's greatest.
    """
    figures = hydraulics()
    given = figures["velocity"]["default"] if default is None else default
    rows = segments.iloc[edges]
    radius = _hydraulic_radius(rows)
    n = _roughness(Labels.of(rows, "material"), figures["manning"])
    invert, flow = network.invert[edges], network.flow[edges]
    fall = (invert[:, 0] - invert[:, 1]) * np.where(flow == 0, 1, flow)
    fall = np.where(flow == 0, np.abs(fall), fall)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(fall > 0, fall, np.nan) / network.length[edges]
        speed = radius ** (2 / 3) * np.sqrt(slope) / n
    computed = np.isfinite(speed) & (speed > 0) & gravity_edges(network)[edges]
    speed = np.where(computed, np.minimum(speed, figures["velocity"]["greatest"]), given)
    return Velocities(speed, computed)


def pollution_sources(
    network: Network,
    segments: pd.DataFrame,
    manhole: int,
    *,
    within: Mask | None = None,
    dischargers: Mask | None = None,
    default: float | None = None,
    limit: float = np.inf,
) -> PollutionSources:
    """Trace upstream from the node ``manhole`` by travel time and rank where it may come from.

    Mixed connections are followed: foul water in a storm pipe is what one looks for. ``within``
    (m,) as in :func:`models.network.trace.trace`; ``dischargers`` (n,) are by default points of
    that role; ``limit`` in seconds.
    """
    part = network.in_use if within is None else within
    found = trace(network, "upstream", nodes=[manhole], within=part)
    speed = velocities(network, segments, found.edges, default=default)
    seconds = np.zeros(network.edges)
    long = network.length[found.edges]
    seconds[found.edges] = long / speed.speed
    reach = np.zeros(network.edges, bool)
    reach[found.edges] = True
    timed = trace(network, "upstream", nodes=[manhole], within=reach, weight=seconds, limit=limit)
    named = network.nodes_of(Role.DISCHARGER) if dischargers is None else dischargers
    last = np.zeros(network.nodes, bool)
    last[timed.ends] = True
    chosen = (named | last)[timed.nodes] & (timed.nodes != manhole)
    nodes, time = timed.nodes[chosen], timed.distance[chosen]
    certain = timed.node_certain[chosen]
    order = np.lexsort((time, ~certain))
    total = float(long.sum())
    return PollutionSources(
        nodes=nodes[order],
        seconds=time[order],
        metres=_metres(network, timed, seconds)[nodes[order]],
        certain=certain[order],
        discharger=named[nodes[order]],
        computed=float(long[speed.computed].sum() / total) if total > 0 else 0.0,
        default=hydraulics()["velocity"]["default"] if default is None else default,
        traced=timed,
    )


def _metres(network: Network, timed: Trace, seconds: Floats) -> Floats:
    """(n,) length of the way that is shortest in time, by doubling the pointers back."""
    before = timed.previous
    pointer = np.where(before < 0, np.arange(network.nodes), before)
    metres = _lengths_back(network, timed, seconds)
    while not np.array_equal(further := pointer[pointer], pointer):
        metres, pointer = metres + metres[pointer], further
    return metres


def _lengths_back(network: Network, timed: Trace, seconds: Floats) -> Floats:
    """(n,) length of the quickest edge of the trace to the node before, 0 at the start."""
    slow_first = timed.edges[np.argsort(-seconds[timed.edges], kind="stable")]
    ends = network.tail[slow_first], network.head[slow_first]
    step = np.zeros(network.nodes)
    edge = np.repeat(slow_first, 2)
    node, other = np.column_stack(ends).ravel(), np.column_stack(ends[::-1]).ravel()
    used = timed.previous[node] == other
    step[node[used]] = network.length[edge[used]]  # of several the last, the quickest, stays
    return step


def _hydraulic_radius(rows: pd.DataFrame) -> Floats:
    """Area over wetted perimeter (k,) in metres of the full inner section."""
    shape = Labels.of(rows, "shape").where(lambda s: s in {"rect", "bank"})
    width, height = numbers(rows, "width_mm"), numbers(rows, "height_mm")
    inner = numbers(rows, "id_mm")
    round_ = np.where(np.isnan(inner), width, inner) / 4
    with np.errstate(invalid="ignore", divide="ignore"):
        box = width * height / (2 * (width + height))
    radius = np.where(shape, box, round_) / 1000
    return np.where(radius > 0, radius, np.nan)


def _roughness(material: Labels, known: dict[str, float]) -> Floats:
    table = np.array([*(known.get(name, np.nan) for name in material.names), np.nan])
    return np.asarray(table[material.index])
