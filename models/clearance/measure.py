"""Clashes and clearances of all pipes of a table, pair by pair."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from models.clearance.bodies import Bodies
from models.clearance.distance import Gaps, spatial
from models.clearance.facts import facts_of
from models.clearance.joints import F64, I64, Words
from models.clearance.judge import Verdict, judge
from models.clearance.limits import Limits, load_limits
from models.clearance.lookup import Found, Lookup
from models.clearance.passing import passes
from models.clearance.search import Near, Search
from models.clearance.vertical import vertical

Kind = Literal["horizontal", "vertical"]
#: Shadows that overlap by less (m) lie side by side.
_TOUCH: Final = 1e-6
#: Stable code of clashes; it is no limit of a table, but that two bodies cannot share a place.
CLASH: Final = "CLS-01"
COLUMNS: Final = (
    "a", "b", "kind", "distance", "limit", "sigma", "verdict",
    "ax", "ay", "az", "bx", "by", "bz", "rule", "verified", "missing", "nominal",
)  # fmt: skip


def clearances(
    bodies: Bodies,
    segments: pd.DataFrame,
    *,
    kinds: Sequence[Kind] = ("horizontal", "vertical"),
    limits: Mapping[Kind, Limits] | None = None,
    reach: float | None = None,
    keep: Collection[Verdict] | None = None,
    groups: I64 | None = None,
) -> pd.DataFrame:
    """Clearances between the pipes ``segments``, of which ``bodies`` were made.

    A pair whose shadows on the plan overlap has a vertical distance (:mod:`.vertical`), at a
    crossing as well as where one lies along above the other; every other pair a horizontal one,
    between the nearest points of the shadows. Not measured are pairs that are joined, meet in a
    chamber or lie one in the other (:class:`.pairs.Relations`), pieces that their run only passes
    (:mod:`.passing`), and crossings next to a common branch.

    One row a pair of pieces: ``a``, ``b`` rows of ``segments`` (of a vertical pair ``a`` is the
    lower); ``kind``; ``distance``, ``limit`` and ``sigma`` (1 sigma, both pipes together) in
    metres; ``verdict`` (:class:`.judge.Verdict`); the facing points ``ax`` … ``bz`` in the storage
    CRS (z of a horizontal pair is that of the centre lines); ``rule`` the cell's id; ``verified``;
    ``missing`` what has to be known for a judgement, with commas (``a.pressure_level``, ``b.size``,
    ``a.height``, ``b.accuracy``); ``nominal`` whether an outer size is only the nominal one.
    ``limits`` are the project's unless given. Listed are pairs within ``reach`` metres (default: of
    which the limit, with the accuracy, may be missed), and of those the verdicts in ``keep``.
    With ``groups``, a number of every row of ``segments``, only pairs of different groups are.
    """
    tables = {kind: (limits or {}).get(kind) or load_limits(kind) for kind in kinds}
    facts = facts_of(segments)
    lookups = {kind: Lookup.of(table, facts, facts) for kind, table in tables.items()}
    search = Search.of(bodies, segments, groups)
    widest = max((table.greatest for table in tables.values()), default=0.0)
    parts = []
    for a, b in search.strangers(max(reach or 0.0, widest)):
        room = _room(bodies, lookups, a, b, reach)
        use = ~np.isnan(room)
        pairs = search.near(a[use], b[use], room[use])
        for part in _measured(search, lookups, pairs):
            least = part["distance"].fillna(0) - 2 * part["sigma"].fillna(0)
            within = least <= part["limit"]
            if reach is not None:
                within |= ~(part["distance"] > reach)
            parts.append(part[within & _kept(part, keep)])
    return _table(parts)


def clashes(
    bodies: Bodies,
    segments: pd.DataFrame,
    *,
    keep: Collection[Verdict] | None = None,
    groups: I64 | None = None,
) -> pd.DataFrame:
    """Pipes that share a place: net distance in space below zero.

    Columns, ``groups`` and exceptions as of :func:`clearances`, ``kind`` ``spatial``, ``limit`` 0.
    Lines out of use are in the ground still and clash as others do. Listed are overlaps that are
    certain, those that the accuracy makes possible, and pairs of unknown size or height that may be
    some.
    """
    search = Search.of(bodies, segments, groups)
    parts = []
    for a, b in search.strangers(0.0):
        pairs = search.near(a, b, np.zeros(len(a)))
        pairs = pairs[search.over(pairs, np.zeros(len(pairs.a)))]
        pairs = pairs[~search.by_one_link(pairs)]
        gaps = spatial(search.space[pairs.a], search.space[pairs.b])
        found = Found.same(len(pairs.a), 0.0, CLASH)
        part = _rows(search, "spatial", pairs, gaps, _along(search, pairs, gaps), found)
        parts.append(part[(part["verdict"] != Verdict.COMPLIANT) & _kept(part, keep)])
    return _table(parts)


def _room(
    bodies: Bodies, lookups: Mapping[Kind, Lookup], a: I64, b: I64, reach: float | None
) -> F64:
    """How far apart (n,) each pair may be and still matter; NaN where nothing is regulated."""
    room = np.full(len(a), np.nan if reach is None else reach)
    for lookup in lookups.values():
        orders = ((a, b), (b, a)) if lookup.limits.ordered else ((a, b),)
        for one, other in orders:
            room = np.fmax(room, lookup.limit(bodies.owner[one], bodies.owner[other]))
    return room


def _measured(
    search: Search, lookups: Mapping[Kind, Lookup], pairs: Near
) -> Iterator[pd.DataFrame]:
    owner = search.bodies.owner
    plan = spatial(search.plan[pairs.a], search.plan[pairs.b])
    unknown = np.isnan(plan.distance)
    over = np.where(unknown, pairs.apart < _TOUCH, plan.distance < -_TOUCH)
    if (lookup := lookups.get("horizontal")) is not None:
        rows = np.flatnonzero(~over)
        side = pairs[rows]
        alone = ~passes(search.bodies, search.runs, side.a, side.b, side.s, side.t)
        side, rows = side[alone], rows[alone]
        found = lookup.find(owner[side.a], owner[side.b])
        on_a, on_b = plan.on_a[rows], plan.on_b[rows]
        on_a[:, 2] = search.height(side.a, side.s)
        on_b[:, 2] = search.height(side.b, side.t)
        gaps = Gaps(np.maximum(plan.distance[rows], 0.0), on_a, on_b, plan.normal[rows])
        sigma = search.sigma_plan(side.a, side.b)
        yield _rows(search, "horizontal", side, gaps, sigma, found)
    if (lookup := lookups.get("vertical")) is not None:
        cross = pairs[over & ~search.by_one_link(pairs)]
        both = (
            lookup.limit(owner[x], owner[y]) for x, y in ((cross.a, cross.b), (cross.b, cross.a))
        )
        yield _vertical(search, lookup, cross, np.fmax(*both))


def _vertical(search: Search, lookup: Lookup, pairs: Near, room: F64) -> pd.DataFrame:
    found = vertical(search.space[pairs.a], search.space[pairs.b])
    above = found.a_above
    swapped = Near(
        np.where(above, pairs.b, pairs.a),
        np.where(above, pairs.a, pairs.b),
        np.where(above, pairs.t, pairs.s),
        np.where(above, pairs.s, pairs.t),
        pairs.apart,
    )
    side = above[:, None]
    lower, upper = (
        np.where(side, found.on_b, found.on_a),
        np.where(side, found.on_a, found.on_b),
    )
    gaps = Gaps(found.distance, lower, upper, np.zeros_like(lower))
    owner = search.bodies.owner
    limit = lookup.find(owner[swapped.a], owner[swapped.b])
    sigma = search.sigma_up(pairs.a, pairs.b)
    return _rows(search, "vertical", swapped, gaps, sigma, limit)


def _along(search: Search, pairs: Near, gaps: Gaps) -> F64:
    """Accuracy (n,) of both together along the shortest way between them."""
    plan, up = search.sigma_plan(pairs.a, pairs.b), search.sigma_up(pairs.a, pairs.b)
    level = np.hypot(gaps.normal[:, 0], gaps.normal[:, 1])
    return np.asarray(np.hypot(plan * level, up * gaps.normal[:, 2]))


def _rows(
    search: Search, kind: str, pairs: Near, gaps: Gaps, sigma: F64, found: Found
) -> pd.DataFrame:
    bodies, a, b = search.bodies, pairs.a, pairs.b
    verdict = judge(gaps.distance, found.limit, sigma, found.ambiguous)
    values: dict[str, Any] = {
        "a": bodies.owner[a],
        "b": bodies.owner[b],
        "kind": kind,
        "distance": gaps.distance,
        "limit": found.limit,
        "sigma": sigma,
        "verdict": verdict,
        **dict(zip(("ax", "ay", "az"), gaps.on_a.T, strict=True)),
        **dict(zip(("bx", "by", "bz"), gaps.on_b.T, strict=True)),
        "rule": found.rule,
        "verified": found.verified,
        "missing": _missing(search, kind, pairs, verdict, found),
        "nominal": bodies.nominal[a] | bodies.nominal[b],
    }
    return pd.DataFrame(values, columns=list(COLUMNS))


def _missing(search: Search, kind: str, pairs: Near, verdict: Words, found: Found) -> Words:
    """What has to be known: of reviews attributes, sizes and heights, of the rest the accuracy."""
    review = verdict == Verdict.REVIEW
    out = np.where(review, search.lacking(pairs.a, pairs.b, height=kind != "horizontal"), "")
    ask = review & found.ambiguous & (found.missing != "")
    out[ask] = "," + found.missing[ask] + out[ask]
    plan, up = search.bodies.sigma_xy, search.bodies.sigma_z
    sigma = {"horizontal": plan, "vertical": up}.get(kind, plan + up)
    for side, rows in (("a", pairs.a), ("b", pairs.b)):
        out[np.isnan(sigma[rows]) & (verdict == Verdict.POSSIBLE)] += f",{side}.accuracy"
    some = np.flatnonzero(out != "")
    out[some] = [text[1:] for text in out[some]]
    return out


def _kept(part: pd.DataFrame, keep: Collection[Verdict] | None) -> Any:
    if keep is None:
        return np.ones(len(part), bool)
    return part["verdict"].isin(list(keep)).to_numpy(bool)


def _table(parts: list[pd.DataFrame]) -> pd.DataFrame:
    some = [part for part in parts if len(part)]
    if not some:
        return pd.DataFrame({name: [] for name in COLUMNS})
    return pd.concat(some, ignore_index=True)
