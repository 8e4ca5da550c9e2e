"""Which limit holds for which pair of lines, for a million pairs as for one.

Lines that meet the same conditions are one profile; a city has some dozens, so that the table is
worked out once for every pair of profiles and then only indexed. A missing attribute matters where
the limit depends on it, and only there: then the pair has no limit, but the greatest one that may
hold and the names of what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from models.clearance.facts import Facts, facts_of, facts_of_words
from models.clearance.joints import F64, I64, Mask, Words
from models.clearance.limits import LINES, Bounds, Limit, Limits, Side

#: Attributes of conditions and the segment column that a reviewer has to fill in.
COLUMNS: Final = {
    "kind": "class_code",
    "laying": "embed",
    "pressure": "pressure_level",
    "material": "material",
    "diameter_mm": "width_mm",
    "voltage_kv": "voltage_kv",
}
_BITS: Final = {name: 1 << i for i, name in enumerate(COLUMNS)}
_NO, _YES, _UNKNOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Found:
    """Limits of n pairs: ``rule`` (n,) ids of cells, ``None`` where nothing is regulated; ``limit``
    (n,) metres, of an ambiguous pair the greatest that may hold, NaN where nothing is; ``verified``
    (n,); ``ambiguous`` (n,); ``missing`` (n,) names such as ``a.pressure_level``, joined by commas,
    empty where nothing is missing."""

    rule: Words
    limit: F64
    verified: Mask
    ambiguous: Mask
    missing: Words

    @classmethod
    def same(cls, count: int, limit: float, rule: str) -> Found:
        """One limit for all pairs, which needs no source."""
        return cls(
            np.full(count, rule, object),
            np.full(count, limit),
            np.ones(count, bool),
            np.zeros(count, bool),
            np.full(count, "", object),
        )


@dataclass(frozen=True, slots=True)
class Lookup:
    """The table of ``limits`` for two sets of lines, made by :meth:`of`."""

    limits: Limits
    profile_a: I64
    profile_b: I64
    cell: I64
    greatest: F64
    verified: Mask
    ambiguous: Mask
    missing: I64

    @classmethod
    def of(cls, limits: Limits, a: Facts, b: Facts) -> Lookup:
        """Work out the limits of every pair of profiles of lines ``a`` and ``b``
        (:mod:`models.clearance.facts`)."""
        tests = _tests(limits)
        profile_a, state_a = _profiles(tests, a)
        profile_b, state_b = _profiles(tests, b)
        return cls(limits, profile_a, profile_b, *_resolve(limits, tests, state_a, state_b))

    def limit(self, a: I64, b: I64) -> F64:
        """Only the limits (n,) of the pairs of rows ``a`` and ``b``, as in :class:`Found`."""
        out: F64 = self.greatest[self.profile_a[a], self.profile_b[b]]
        return out

    def find(self, a: I64, b: I64) -> Found:
        """Limits of the pairs of rows ``a`` (n,) and ``b`` (n,)."""
        at = self.profile_a[a], self.profile_b[b]
        rules = np.array([*(cell.rule for cell in self.limits.cells), None], object)
        bits, of = np.unique(self.missing[at], return_inverse=True)
        names = np.array([*(_names(int(bit)) for bit in bits), ""], object)
        return Found(
            rules[self.cell[at]],
            self.greatest[at],
            self.verified[at],
            self.ambiguous[at],
            names[of],
        )


def _tests(limits: Limits) -> list[tuple[str, Any]]:
    found: dict[tuple[str, Any], None] = {}
    for cell in limits.cells:
        for side in (cell.a, cell.b):
            found |= dict.fromkeys(side.conditions().items())
    return list(found)


def _profiles(tests: list[tuple[str, Any]], facts: Facts) -> tuple[I64, I64]:
    """The profile (n,) of every line, and the answers (p, t) of the profiles to the tests."""
    answers = np.stack([_answer(facts, name, test) for name, test in tests], axis=1)
    if not len(answers):
        return np.empty(0, np.int64), answers.astype(np.int64)
    words = np.ascontiguousarray(answers).view(np.dtype((np.void, answers.shape[1]))).ravel()
    _, first, of = np.unique(words, return_index=True, return_inverse=True)
    return of.astype(np.int64), answers[first].astype(np.int64)


def _answer(facts: Facts, name: str, test: Any) -> Any:
    values = facts[name]
    unknown: Any = pd.isna(values)
    if isinstance(test, Bounds):
        holds: Any = ~unknown
        with np.errstate(invalid="ignore"):
            for limit, compare in (
                (test.at_most, np.less_equal),
                (test.above, np.greater),
                (test.below, np.less),
                (test.at_least, np.greater_equal),
            ):
                if limit is not None:
                    holds = holds & compare(values, limit)
    else:
        words = (test,) if isinstance(test, str) else test
        holds = np.isin(values.astype(str), words)
        if name == "kind" and bool(LINES & set(words)) != facts["lines"]:
            unknown = np.zeros(len(unknown), bool)  # an unknown line is no building
    return np.where(unknown, _UNKNOWN, holds).astype(np.int8)


def _match(side: Side, tests: list[tuple[str, Any]], state: I64) -> tuple[I64, I64]:
    """Whether profiles (p,) meet a cell's side (no, yes, unknown), and what they lack for it."""
    conditions = side.conditions()
    columns = [tests.index(item) for item in conditions.items()]
    answers = state[:, columns]
    bits = np.array([_BITS[name] for name in conditions])
    met = np.where((answers == _NO).any(axis=1), _NO, answers.max(axis=1))
    return met, ((answers == _UNKNOWN) * bits).sum(axis=1)


def _resolve(
    limits: Limits, tests: list[tuple[str, Any]], state_a: I64, state_b: I64
) -> tuple[I64, F64, Mask, Mask, I64]:
    """For every pair of profiles: cell, greatest limit, verified, ambiguous, bits of what lacks."""
    shape = (len(state_a), len(state_b))
    cell, missing = np.full(shape, -1), np.zeros(shape, np.int64)
    value, low, high = np.full(shape, np.nan), np.full(shape, np.inf), np.full(shape, -np.inf)
    verified, settled, maybe_cell = np.zeros(shape, bool), np.zeros(shape, bool), cell.copy()
    for index, turned in _order(limits):
        limit = limits.cells[index]
        a, b = (limit.b, limit.a) if turned else (limit.a, limit.b)
        met_a, lack_a = _match(a, tests, state_a)
        met_b, lack_b = _match(b, tests, state_b)
        possible = (met_a != _NO)[:, None] & (met_b != _NO)[None]
        yes = (met_a == _YES)[:, None] & (met_b == _YES)[None]
        read = limit.verified and not (turned and limits.ordered)
        better = yes & settled & (value == limit.value) & ~verified & read
        perhaps = possible & ~yes & ~settled
        maybe_cell[perhaps & (limit.value > high)] = index
        low[perhaps] = np.minimum(low[perhaps], limit.value)
        high[perhaps] = np.maximum(high[perhaps], limit.value)
        missing |= np.where(perhaps, lack_a[:, None] | lack_b[None] << len(_BITS), 0)
        fresh = yes & ~settled
        cell[fresh | better] = index
        verified[fresh | better] = read
        value[fresh] = limit.value
        settled |= yes
    ambiguous = np.where(settled, (np.fmin(low, value) != np.fmax(high, value)), low < high)
    # Nothing settled, or more may be asked: the greatest limit that may hold, from its own cell.
    more = np.isfinite(high) & ~(value >= high)
    cell[more], value[more] = maybe_cell[more], high[more]
    every = np.array([c.verified for c in limits.cells])
    verified[more] = every[cell[more]] & (not limits.ordered)
    missing[~ambiguous] = 0
    return cell, value, verified, ambiguous, missing


def _order(limits: Limits) -> list[tuple[int, bool]]:
    """Cells from the strongest to the weakest, in their own order and turned around.

    Of an ordered table a cell holds first as it stands; a cell that a newer edition replaces (same
    conditions, other value) is left out.
    """
    newest: dict[tuple[Side, Side], Limit] = {}
    for limit in limits.cells:
        held = newest.setdefault((limit.a, limit.b), limit)
        if limit.precedence > held.precedence:
            newest[limit.a, limit.b] = limit
    live = [i for i, c in enumerate(limits.cells) if c.value == newest[c.a, c.b].value]
    both = [(i, turned) for turned in (False, True) for i in live]

    def strength(item: tuple[int, bool]) -> tuple[bool, tuple[int, int]]:
        return (not item[1] if limits.ordered else True), limits.cells[item[0]].precedence

    return sorted(both, key=strength, reverse=True)


def _names(bits: int) -> str:
    sides = ((side, bits >> shift) for side, shift in (("a", 0), ("b", len(_BITS))))
    return ",".join(
        f"{side}.{COLUMNS[name]}" for side, own in sides for name, bit in _BITS.items() if own & bit
    )


__all__ = ["COLUMNS", "Facts", "Found", "Lookup", "facts_of", "facts_of_words"]
