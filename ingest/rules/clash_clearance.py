"""Horizontal and vertical clearances between pipes (CLS-02)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.rules.clash import in_survey, overlaps, pair_hits, review_hits, solid
from ingest.rules.hits import Check, Hits
from ingest.rules.network import Floats, Survey
from models.clearance.judge import FINDINGS, Verdict
from models.clearance.limits import Limit, Measure, load_limits
from models.clearance.measure import Kind, clearances

#: How a finding's sentence names whether the number was read in a published source (§9.5).
STATUS: Final = {True: ("已核验", "verified"), False: ("待核验", "not verified")}

#: Distances and limits that differ by less (m) are equal.
_SAME: Final = 1e-6


def clearance(
    survey: Survey,
    kind: Kind,
    verdict: str,
    short: bool | None = None,
    verified: bool | None = None,
) -> Iterator[Hits]:
    """Pairs of lines that are nearer than the tables allow, surface to surface: ``kind``
    horizontal or vertical; ``certain`` beyond twice the survey's error, ``possible``, or
    ``review`` where an attribute that decides is missing. ``short`` chooses pairs that are below
    the limit as measured (or not), ``verified`` limits that were read in a published source. Pairs
    that certainly share a place are told of as clashes only (:mod:`ingest.rules.clash`)."""
    made = solid(survey)
    if made is None:
        return
    pairs = survey.kept("clearances", _measured)
    pairs = pairs[(pairs["kind"] == kind) & (pairs["verdict"] == verdict)]
    pairs = chosen(pairs.drop_duplicates(["a", "b"]), short, verified)
    if verdict == Verdict.REVIEW:
        yield from review_hits(survey, made.made, pairs)
        return
    values = {
        "found": shown(pairs["distance"].to_numpy(np.float64)),
        "limit": pairs["limit"].to_numpy(np.float64),
        **cited(kind, pairs["rule"].to_numpy(object), pairs["verified"].to_numpy(bool)),
    }
    found = pair_hits(survey, made.made, pairs, "a", "b", values)
    yield with_rules(found, pairs["rule"].to_numpy(object))


def chosen(found: pd.DataFrame, short: bool | None, verified: bool | None) -> pd.DataFrame:
    """Those of the findings that are below their limit as measured, and whose limit is verified,
    as is asked for."""
    mask = np.ones(len(found), bool)
    if short is not None:
        mask &= (found["distance"] < found["limit"] - _SAME).to_numpy(bool) == short
    if verified is not None:
        mask &= found["verified"].to_numpy(bool) == verified
    return found[mask]


def shown(distance: Floats) -> Floats:
    """Distances (n,) in whole millimetres, rounded down: what is below a limit is seen to be."""
    return np.asarray(np.floor(distance * 1000 + 1e-4) / 1000 + 0.0)


def cited(
    kind: Measure, rules: npt.NDArray[Any], verified: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[Any]]:
    """``clause`` (standard, table or clause, edition), ``verified`` and its words for cells of the
    tables."""
    cells = {cell.rule: cell for cell in load_limits(kind).cells}
    index, names = pd.factorize(rules)
    clauses = np.array([*(_citation(cells[name]) for name in names), ""], object)
    status = [STATUS[bool(v)] for v in verified]
    return {
        "clause": clauses[index],
        "verified": verified,
        "status_zh": np.array([*(zh for zh, _ in status), None], object)[:-1],
        "status_en": np.array([*(en for _, en in status), None], object)[:-1],
    }


def with_rules(found: Hits, rules: npt.NDArray[Any]) -> Hits:
    """The hits with the ids of their cells in ``extra``."""
    extra = {**found.extra, "limit_rule": rules}
    return Hits(found.table, found.rows, found.column, found.values, found.at, extra)


def _citation(cell: Limit) -> str:
    source = cell.source
    where = f"表 {source.table}" if source.table else source.clause
    edition = f" ({source.edition})" if source.edition and source.edition != 2016 else ""
    return " ".join(filter(None, (source.standard, where))) + edition


def _measured(survey: Survey) -> pd.DataFrame:
    made = solid(survey)
    if made is None:
        return pd.DataFrame()
    found = clearances(made.bodies, made.segments, keep=FINDINGS, groups=made.groups)
    found = in_survey(made, found)
    clashing = overlaps(survey)
    if clashing is None:
        return found
    certain = clashing.pairs["verdict"] == Verdict.CERTAIN
    return found[~_pairs(found).isin(_pairs(clashing.pairs[certain.to_numpy(bool)]))]


def _pairs(found: pd.DataFrame) -> pd.MultiIndex:
    """The two lines of every row, whichever of them comes first."""
    ends = found[["a", "b"]].to_numpy(np.intp)
    return pd.MultiIndex.from_arrays([ends.min(axis=1), ends.max(axis=1)])


CHECKS: Final[tuple[Check, ...]] = (clearance,)
