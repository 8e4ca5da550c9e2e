"""Flow of gravity pipes from the gradient of whole runs, judged against the survey's error."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models import pipes
from models.network.columns import Floats, Mask, Rows
from models.network.graph import Network, Signs
from models.network.roles import Role
from models.network.runs import Runs, runs

#: A fall counts when it is more than this many times its mean error (95 %).
COVERAGE: Final = 2.0


class Basis(enum.IntEnum):
    """What a flow sign rests on."""

    UNKNOWN = 0
    STORED = 1
    CONTINUITY = 2  # the other pipes of the same run
    GRADIENT = 3  # the fall of the run


@dataclass(frozen=True, slots=True)
class FlowDirections:
    """Flow of every edge, and what contradicts it.

    ``flow`` (m,) is the stored sign, or the inferred one where none is stored, with ``basis`` (m,)
    of :class:`Basis`. A run (see ``runs``) has ``fall`` (r,) metres from its first to its last
    known invert, positive in the run's order, with mean error ``sigma`` (r,), over ``span`` (r,)
    metres; ``falls`` (r,) is its sign where it is beyond the error, else 0; ``stored`` (r,) is the
    sign of the stored flow over most of the run's length. ``opposed`` are runs whose stored flow is
    against the fall (管道反向), ``split`` those whose stored flows meet or part in mid-run.
    """

    runs: Runs
    flow: Signs
    basis: npt.NDArray[np.uint8]
    fall: Floats
    sigma: Floats
    span: Floats
    falls: Signs
    stored: Signs
    opposed: Rows
    split: Rows


def gravity_edges(network: Network) -> Mask:
    """Edges (m,) in use whose class flows by gravity."""
    known = pipes.classes()
    return network.in_use & network.edge_class.where(lambda c: c in known and known[c].gravity)


def flow_directions(
    network: Network, *, within: Mask | None = None, sigma_unknown: float | None = None
) -> FlowDirections:
    """Infer the flow of ``within`` (default: gravity classes in use) where it is not stored.

    A run without branches can only flow one way: what some of its pipes say holds for all. Where
    none says anything, or they contradict each other, the fall of the whole run decides, provided
    that it is more than :data:`COVERAGE` times its mean error. ``sigma_unknown`` (m) stands for
    points without a mean error, by default that of a hidden point 1 m deep.
    """
    part = gravity_edges(network) if within is None else within
    found = runs(network, within=part)
    sigma = np.where(
        np.isfinite(network.sigma_z),
        network.sigma_z,
        _hidden_sigma() if sigma_unknown is None else sigma_unknown,
    )
    fall, error, span = _falls(network, found, sigma)
    with np.errstate(invalid="ignore"):
        falls = np.where(np.abs(fall) > COVERAGE * error, np.sign(fall), 0)
    falls = np.nan_to_num(falls).astype(np.int8)
    order = np.where(found.forward, 1, -1).astype(np.int8)
    own = network.flow[found.edge] * order
    along, against = (
        _sums(found, np.where(own == s, _lengths(network, found), 0)) for s in (1, -1)
    )
    stored = np.sign(along - against).astype(np.int8)
    split = (along > 0) & (against > 0)
    of_run = np.where(split | (stored == 0), falls, stored)
    basis_of_run = np.where(split | (stored == 0), Basis.GRADIENT, Basis.CONTINUITY)
    entry = found.entry_run
    missing = (own == 0) & (of_run[entry] != 0)
    flow, basis = network.flow.copy(), np.zeros(network.edges, np.uint8)
    basis[flow != 0] = Basis.STORED
    flow[found.edge[missing]] = (of_run[entry] * order)[missing]
    basis[found.edge[missing]] = basis_of_run[entry][missing]
    return FlowDirections(
        runs=found,
        flow=flow,
        basis=basis,
        fall=fall,
        sigma=error,
        span=span,
        falls=falls,
        stored=stored,
        opposed=np.flatnonzero(falls * stored < 0),
        split=np.flatnonzero(split),
    )


@dataclass(frozen=True, slots=True)
class Drains:
    """Nodes of a gravity network where water comes in and none leaves though nothing takes it
    (``sinks``), and those that more than one edge leaves (``forks``)."""

    sinks: Rows
    forks: Rows


def drains(network: Network, *, within: Mask | None = None, taken: Mask | None = None) -> Drains:
    """Where known flow ends or forks. Edges of unknown flow may go on: their nodes are no sinks.

    ``taken`` (n,) are nodes where water may end: by default outfalls, pumps, the survey's border.
    """
    part = (gravity_edges(network) if within is None else within) & ~network.in_chamber
    flow, tail, head = network.flow[part], network.tail[part], network.head[part]
    size = network.nodes
    comes = np.bincount(np.where(flow > 0, head, tail)[flow != 0], minlength=size)
    leaves = np.bincount(np.where(flow > 0, tail, head)[flow != 0], minlength=size)
    unknown = np.bincount(np.concatenate([tail[flow == 0], head[flow == 0]]), minlength=size)
    links = network.in_use & network.in_chamber
    unknown += np.bincount(
        np.concatenate([network.tail[links], network.head[links]]), minlength=size
    )
    if taken is None:
        taken = np.zeros(size, bool)
        for role in (Role.OUTFALL, Role.PUMP, Role.BOUNDARY):
            taken |= network.nodes_of(role)
    sinks = (comes > 0) & (leaves == 0) & (unknown == 0) & ~taken
    return Drains(np.flatnonzero(sinks), np.flatnonzero(leaves > 1))


def _hidden_sigma() -> float:
    figures = pipes.accuracy()
    hidden = figures["hidden"]
    return float(np.hypot(figures["survey"]["z"], hidden["depth"] * hidden["least_h"]))


def _lengths(network: Network, found: Runs) -> Floats:
    # a pipe without length still says which way it flows
    return np.maximum(network.length[found.edge], 1e-6)


def _sums(found: Runs, values: Floats) -> Floats:
    return np.bincount(found.entry_run, values, found.count).astype(np.float64)


def _falls(network: Network, found: Runs, sigma: Floats) -> tuple[Floats, Floats, Floats]:
    """Fall from the first to the last known invert of every run, its mean error, and the metres
    between; NaN where fewer than two places are known."""
    if found.count == 0:
        return np.empty(0), np.empty(0), np.empty(0)
    edge, forward = found.edge, found.forward
    invert = network.invert[edge]
    ends = np.column_stack([network.tail[edge], network.head[edge]])
    turned = ~forward
    invert[turned], ends[turned] = invert[turned, ::-1], ends[turned, ::-1]
    long = network.length[edge]
    chain = np.column_stack([found.chainage, found.chainage + long]).ravel()
    height, node = invert.ravel(), ends.ravel()
    index = np.arange(len(height))
    known = np.isfinite(height)
    starts = found.first[:-1] * 2
    first = np.minimum.reduceat(np.where(known, index, len(height)), starts)
    last = np.maximum.reduceat(np.where(known, index, -1), starts)
    good = last > first
    a, b = np.where(good, first, 0), np.where(good, last, 0)
    span = np.where(good, chain[b] - chain[a], np.nan)
    good &= span > 0
    fall = np.where(good, height[a] - height[b], np.nan)
    return fall, np.where(good, np.hypot(sigma[node[a]], sigma[node[b]]), np.nan), span
