"""Drains against the least slope of their size, stretch by stretch (GRV-04)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from ingest.rules.gravity import gully_lines, in_runs, opposed, said
from ingest.rules.gravity_flow import COVERAGE, Flows, flows
from ingest.rules.hits import Check, Hits
from ingest.rules.network import Floats, Mask, Survey
from models.network import runs


def least_slope(
    survey: Survey,
    least: Sequence[dict[str, Any]],
    gullies: Sequence[str],
    verdict: str,
) -> Iterator[Hits]:
    """Runs that fall by less than the least slope of their size.

    ``least`` are rows of ``slope`` for sizes up to ``size`` mm: of connections of ``gullies``
    (words of their points) where ``gully`` is true, of ``plastic`` pipes, or of the others. A run
    is taken between changes of limit; it is ``certain`` where its fall is short by more than twice
    its mean error. Rising lines belong to :func:`adverse_slope`, opposed runs to their own check.
    """
    found = flows(survey)
    if found is None:
        return
    limit = _least(found, least, gully_lines(found, gullies))
    part = found.known & np.isfinite(limit) & ~in_runs(found, opposed(found))
    part &= np.isfinite(found.up) & np.isfinite(found.down)
    if not part.any():
        return
    stretch = runs(found.net, within=part, breaks=_changes(found, part, limit))
    order = np.where(stretch.forward, 1, -1) * found.net.flow[stretch.edge]
    own, many = stretch.entry_run, stretch.count
    fall = np.bincount(own, order * (found.up - found.down)[stretch.edge], many)
    plan = np.bincount(own, found.plan[stretch.edge], many)
    sign = np.sign(np.bincount(own, order, many))
    fall = fall * sign
    error = COVERAGE * np.hypot(found.sigma[stretch.start], found.sigma[stretch.end])
    first = stretch.edge[stretch.first[:-1]]
    need = limit[first] * plan
    certain = fall + error < need
    short = (fall < need - 1e-6) & (fall > -error) & (sign != 0) & (plan > 0)
    short &= certain if verdict == "certain" else ~certain
    rows = np.flatnonzero(short)
    numbers = survey.values("point", "exp_no")
    start, end = stretch.start[rows], stretch.end[rows]
    down = sign[rows] > 0
    edge = first[rows]
    values = {
        "cls": found.made.segments["class_code"].to_numpy(object)[edge],
        "up_no": numbers[np.where(down, start, end)],
        "down_no": numbers[np.where(down, end, start)],
        "found": np.round(fall[rows] / plan[rows], 5),
        "limit": limit[edge],
        "size": np.round(found.width[edge]),
        "span": np.round(plan[rows], 1),
        "fall": np.round(fall[rows], 3),
        "s": np.round(error[rows], 3),
        **said(verdict, len(rows)),
    }
    yield Hits("line", found.made.lines[edge], "size", values)


def _least(found: Flows, least: Sequence[dict[str, Any]], gully: Mask) -> Floats:
    """The least slope (m,) of every drain, NaN where the table has none."""
    plastic = np.isin(found.made.segments["material"].to_numpy(object).astype(str), PLASTICS)
    out = np.full(found.net.edges, np.nan)
    for row in least:
        fits = gully if row.get("gully", False) else ~gully
        fits = fits & (plastic == row["plastic"] if "plastic" in row else True)
        fits = fits & (found.width <= row["size"]) & np.isnan(out)
        out[fits] = row["slope"]
    return out


#: Materials with smooth walls, whose least slope is smaller.
PLASTICS: Final = ("聚乙烯", "聚氯乙烯", "玻璃钢")


def _changes(found: Flows, part: Mask, limit: Floats) -> Mask:
    """Nodes (n,) where drains of different limits meet, or where flows meet or part."""
    size = found.net.nodes
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    for end in (found.first, found.last):
        np.minimum.at(low, end[part], limit[part])
        np.maximum.at(high, end[part], limit[part])
    comes = np.bincount(found.last[part], minlength=size)
    leaves = np.bincount(found.first[part], minlength=size)
    return np.asarray((low < high) | (comes > 1) | (leaves > 1))


CHECKS: Final[tuple[Check, ...]] = (least_slope,)
