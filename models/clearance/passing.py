"""Pairs of pieces whose nearness belongs to the next piece of the run.

A pipe that crosses another within its first metre begins beside it, and its neighbour ends there:
their plan distance is small because the run passes, not because it runs alongside. Such a pair is
left to the piece that comes nearer, which is a candidate itself (or is joined to the other pipe).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.clearance.bodies import Bodies
from models.clearance.joints import F64, I64, Mask

#: A run that comes nearer at more than 30 degrees to being parallel passes.
_STEEP: Final = 0.5


@dataclass(frozen=True, slots=True)
class Runs:
    """Pieces by the node where they begin or end: ``node`` (2n,) sorted, ``away`` (2n, 2) unit
    plan directions from it (nought for uprights)."""

    node: I64
    away: F64

    @classmethod
    def of(cls, bodies: Bodies) -> Runs:
        """The runs of ``bodies``."""
        along = (bodies.end - bodies.start)[:, :2]
        length = np.linalg.norm(along, axis=1)
        unit = along / np.where(length > 0, length, 1.0)[:, None]
        node = bodies.nodes.T.ravel()
        order = np.argsort(node, kind="stable")
        return cls(node[order], np.concatenate([unit, -unit])[order])

    def nearer(self, node: I64, towards: F64) -> Mask:
        """Whether a piece at each ``node`` (n,) leads steeply ``towards`` (n, 2), a unit vector."""
        first = np.searchsorted(self.node, node)
        count = np.searchsorted(self.node, node, side="right") - first
        pair = np.repeat(np.arange(len(node)), count)
        place = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
        lead = (self.away[first[pair] + place] * towards[pair]).sum(axis=1)
        return np.bincount(pair, lead > _STEEP, len(node)) > 0


def passes(bodies: Bodies, runs: Runs, a: I64, b: I64, s: F64, t: F64) -> Mask:
    """Pairs (n,) that another piece of either run brings nearer. ``s`` and ``t`` are the parameters
    of the plan-closest points of the centre lines."""
    out = np.zeros(len(a), bool)
    on_a, on_b = _at(bodies, a, s), _at(bodies, b, t)
    between = on_b - on_a
    size = np.linalg.norm(between, axis=1)
    towards = between / np.where(size > 0, size, 1.0)[:, None]
    for rows, place, direction in ((a, s, towards), (b, t, -towards)):
        at_end = np.flatnonzero(((place <= 0) | (place >= 1)) & (size > 0))
        node = bodies.nodes[rows[at_end], (place[at_end] >= 1).astype(int)]
        out[at_end] |= runs.nearer(node, direction[at_end])
    return out


def _at(bodies: Bodies, rows: I64, place: F64) -> F64:
    start, end = bodies.start[rows, :2], bodies.end[rows, :2]
    out: F64 = start + place[:, None] * (end - start)
    return out
