"""All pieces of a table made ready to be measured, and the pairs of them that may matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from models.clearance.bodies import Bodies
from models.clearance.distance import segment_segment
from models.clearance.joints import F64, I64, Mask, Words
from models.clearance.pairs import Relations, candidates
from models.clearance.passing import Runs
from models.clearance.solids import Solids, shadows, solids

#: A pipe of unknown size is looked at as far as one of this width (m) would matter.
UNKNOWN_WIDTH: Final = 2.0


@dataclass(frozen=True, slots=True)
class Near:
    """n pairs of pieces ``a``, ``b`` with the parameters ``s``, ``t`` of the points where their
    centre lines are closest in plan, and how far these are ``apart`` (n,) in metres."""

    a: I64
    b: I64
    s: F64
    t: F64
    apart: F64

    def __getitem__(self, rows: I64 | Mask) -> Near:
        return Near(self.a[rows], self.b[rows], self.s[rows], self.t[rows], self.apart[rows])


@dataclass(frozen=True, slots=True)
class Search:
    """Pieces with their solids, shadows and relations; ``girth`` (n,) how far a surface is from the
    centre line at most, that of :data:`UNKNOWN_WIDTH` where the size is unknown; ``low``, ``high``
    (n,) heights that hold the piece, NaN where unknown; ``groups`` (s,), where given, a number of
    every row of the table: pairs within one group are not looked at."""

    bodies: Bodies
    relations: Relations
    runs: Runs
    space: Solids
    plan: Solids
    girth: F64
    low: F64
    high: F64
    groups: I64 | None = None

    @classmethod
    def of(cls, bodies: Bodies, segments: pd.DataFrame, groups: I64 | None = None) -> Search:
        """Prepare the pieces of ``segments``."""
        every = np.arange(len(bodies))
        wide, tall = bodies.half_width, bodies.half_height
        girth = np.where(bodies.box, np.hypot(wide, tall), np.maximum(wide, tall))
        girth = np.where(np.isnan(girth), UNKNOWN_WIDTH / 2, girth)
        z = np.stack([bodies.start[:, 2], bodies.end[:, 2]])
        return cls(
            bodies,
            Relations.of(bodies, segments),
            Runs.of(bodies),
            solids(bodies, every),
            shadows(bodies, every),
            girth,
            z.min(axis=0) - girth,
            z.max(axis=0) + girth,
            groups,
        )

    def strangers(self, reach: float) -> Iterator[tuple[I64, I64]]:
        """Bulks of pairs that are not related, and may be within ``reach`` metres in plan."""
        owner = self.bodies.owner
        for a, b in candidates(self.bodies, reach + UNKNOWN_WIDTH / 2):
            if self.groups is not None:
                apart = self.groups[owner[a]] != self.groups[owner[b]]
                a, b = a[apart], b[apart]
            use = self.relations.strangers(owner[a], owner[b])
            yield a[use], b[use]

    def near(self, a: I64, b: I64, room: F64) -> Near:
        """Those of the pairs whose surfaces may be within ``room`` (n,) metres of each other in
        plan, by twice the accuracy of both."""
        start, end = self.bodies.start[:, :2], self.bodies.end[:, :2]
        p, q, d, e = start[a], start[b], end[a] - start[a], end[b] - start[b]
        s, t = segment_segment(p, d, q, e)
        apart = np.linalg.norm(p + s[:, None] * d - q - t[:, None] * e, axis=1)
        reach = room + self.girth[a] + self.girth[b] + 2 * np.nan_to_num(self.sigma_plan(a, b))
        return Near(a, b, s, t, apart)[apart <= reach]

    def over(self, pairs: Near, room: F64) -> Mask:
        """Whether the pairs may be within ``room`` (n,) metres of each other in height."""
        a, b = pairs.a, pairs.b
        gap = np.maximum(self.low[a] - self.high[b], self.low[b] - self.high[a])
        return np.asarray(~(gap > room + 2 * np.nan_to_num(self.sigma_up(a, b))))

    def by_one_link(self, pairs: Near) -> Mask:
        """Pairs that are near because one short segment joins them."""
        a, b = pairs.a, pairs.b
        reach = pairs.apart + self.girth[a] + self.girth[b]
        return self.relations.by_one_link(self.bodies.owner[a], self.bodies.owner[b], reach)

    def sigma_plan(self, a: I64, b: I64) -> F64:
        """Plan accuracy of both together (n,), 1 sigma in metres, NaN where unknown."""
        return np.hypot(self.bodies.sigma_xy[a], self.bodies.sigma_xy[b])

    def sigma_up(self, a: I64, b: I64) -> F64:
        """Height accuracy of both together (n,), 1 sigma in metres, NaN where unknown."""
        return np.hypot(self.bodies.sigma_z[a], self.bodies.sigma_z[b])

    def height(self, rows: I64, place: F64) -> F64:
        """Heights (n,) of centre lines at parameters in 0..1."""
        z0, z1 = self.bodies.start[rows, 2], self.bodies.end[rows, 2]
        return np.asarray(z0 + place * (z1 - z0))

    def lacking(self, a: I64, b: I64, *, height: bool) -> Words:
        """What geometry lacks of each pair: ``a.size``, ``b.height`` and the like, with commas."""
        out = np.full(len(a), "", object)
        for side, rows in (("a", a), ("b", b)):
            blank = {"size": np.isnan(self.bodies.half_width[rows] + self.bodies.half_height[rows])}
            if height:
                blank["height"] = np.isnan(self.low[rows])
            for name, where in blank.items():
                out[where] += f",{side}.{name}"
        return out


__all__ = ["UNKNOWN_WIDTH", "Near", "Search"]
