"""Checks of gravity flow, judged on whole runs against the survey's error (GRV-01, 02, 04, 08)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingest.rules.gravity_flow import COVERAGE, Flows, flows
from ingest.rules.hits import Check, Hits
from ingest.rules.network import Mask, Rows, Survey
from ingest.rules.topology import line_names
from ingest.rules.topology_tables import canonical
from models.network import Runs, drains

_VERDICTS: Final = {"certain": ("确定", "certain"), "possible": ("可能", "possible")}


def adverse_slope(survey: Survey, tolerance: float, verdict: str) -> Iterator[Hits]:
    """Drains whose invert rises along the flow by more than ``tolerance`` metres: ``certain`` where
    that is beyond twice the mean error of both heights, else ``possible``. Runs whose whole fall
    is against the stored flow are :func:`opposed_runs` and not named again."""
    found = flows(survey)
    if found is None:
        return
    rise, error = found.down - found.up, COVERAGE * found.rise_sigma
    certain = rise > error
    mask = found.known & (rise > tolerance + 1e-9) & ~in_runs(found, opposed(found))
    mask &= certain if verdict == "certain" else ~certain
    edges = np.flatnonzero(mask)
    numbers = survey.values("point", "exp_no")
    run = found.found.runs.of_edge[edges]
    values = {
        "cls": found.made.segments["class_code"].to_numpy(object)[edges],
        "up_no": numbers[found.first[edges]],
        "down_no": numbers[found.last[edges]],
        "zu": found.up[edges],
        "zd": found.down[edges],
        "found": np.round(rise[edges], 3),
        "s": np.round(error[edges], 3),
        **said(verdict, len(edges)),
    }
    extra = {
        "run_fall": np.round(np.nan_to_num(np.abs(found.found.fall[run])), 3),
        "run_sigma": np.round(np.nan_to_num(found.found.sigma[run]), 3),
    }
    at = found.points_at(found.last[edges])
    yield Hits("line", found.made.lines[edges], "flow", values, at, extra)


def opposed_runs(survey: Survey) -> Iterator[Hits]:
    """Runs whose stored flow is against the fall of the whole run, which is beyond its error, and
    which rises without its worst line too; else that line is wrong, not the run."""
    found = flows(survey)
    if found is None:
        return
    way, wrong = found.found, opposed(found)
    chains = [_chain(way.runs, run) for run in wrong]
    first = np.array([chain[0] for chain in chains], np.intp)
    numbers = survey.values("point", "exp_no")
    order = way.stored[wrong] > 0
    start, end = way.runs.start[wrong], way.runs.end[wrong]
    names = [line_names(survey, found.made.lines[chain]).tolist() for chain in chains]
    values = {
        "cls": found.made.segments["class_code"].to_numpy(object)[first],
        "up_no": numbers[np.where(order, start, end)],
        "down_no": numbers[np.where(order, end, start)],
        "found": np.round(np.abs(way.fall[wrong]), 3),
        "s": np.round(COVERAGE * way.sigma[wrong], 3),
        "span": np.round(way.span[wrong], 1),
        "many": np.array([len(chain) for chain in chains], np.intp),
    }
    extra = {"chain": _objects(names)}
    yield Hits("line", found.made.lines[first], "flow", values, None, extra)


def opposed_lines(survey: Survey) -> Iterator[Hits]:
    """Lines whose stored flow is against the way in which their whole run falls, beyond its error,
    while most of the run flows that way."""
    found = flows(survey)
    if found is None:
        return
    way = found.found
    run, falls = way.runs.entry_run, way.falls[way.runs.entry_run]
    order = np.where(way.runs.forward, 1, -1)
    against = found.net.flow[way.runs.edge] * order == -falls
    mask = against & (falls != 0) & (way.stored[run] == falls) & found.part[way.runs.edge]
    edge, run = way.runs.edge[mask], run[mask]
    numbers = survey.values("point", "exp_no")
    down = way.falls[run] > 0
    values = {
        "cls": found.made.segments["class_code"].to_numpy(object)[edge],
        "up_no": numbers[np.where(down, way.runs.start[run], way.runs.end[run])],
        "down_no": numbers[np.where(down, way.runs.end[run], way.runs.start[run])],
        "found": np.round(np.abs(way.fall[run]), 3),
        "s": np.round(COVERAGE * way.sigma[run], 3),
        "span": np.round(way.span[run], 1),
    }
    yield Hits("line", found.made.lines[edge], "flow", values)


def sinks(survey: Survey) -> Iterator[Hits]:
    """Points where water comes in by known flow and none leaves, though they are no outfall, pump,
    treatment plant or edge of the survey."""
    found = flows(survey)
    if found is None:
        return
    points = drains(found.net, within=_drains(found)).sinks
    # a line that names an absent point may leave from here
    own = found.net.degree(np.ones(found.net.edges, bool))[points]
    points = points[survey.degrees()[points] == own]
    comes = np.bincount(found.last[found.known], minlength=found.net.nodes)[points]
    numbers = survey.values("point", "appurtenance")[points]
    words = canonical(survey.values("point", "feature"))[points]
    word = np.where(numbers == None, words, numbers)  # noqa: E711 elementwise
    yield Hits(
        "point",
        points,
        None,
        {"found": np.where(word == None, "-", word), "comes": comes},  # noqa: E711 elementwise
    )


def forks(survey: Survey) -> Iterator[Hits]:
    """Points that more than one drain leaves by known flow."""
    found = flows(survey)
    if found is None:
        return
    points = drains(found.net, within=_drains(found)).forks
    leave = np.bincount(found.first[found.known], minlength=found.net.nodes)[points]
    yield Hits("point", points, None, {"found": leave})


def gully_lines(found: Flows, words: Sequence[str]) -> Mask:
    """Drains (m,) one end of which is a point with one of ``words``."""
    named = np.zeros(found.net.nodes, bool)
    for labels in (found.net.feature, found.net.appurtenance):
        named |= labels.where(frozenset(words).__contains__)
    return np.asarray(named[found.first] | named[found.last])


def _drains(found: Flows) -> Mask:
    """Drains in use with the links in chambers, for what is joined by one goes on."""
    return found.part | (found.net.in_use & found.net.in_chamber)


def opposed(found: Flows) -> Rows:
    """The runs of :func:`opposed_runs`."""
    way = found.found
    edge, run = way.runs.edge, way.runs.entry_run
    rise = np.nan_to_num(found.down - found.up)[edge]
    greatest = np.zeros(way.runs.count)
    np.maximum.at(greatest, run, rise)
    rest = np.bincount(run, rise, way.runs.count) - greatest
    return way.opposed[rest[way.opposed] > 1e-9]


def in_runs(found: Flows, of: Rows) -> Mask:
    """Edges (m,) of the runs ``of``."""
    return np.asarray(np.isin(found.found.runs.of_edge, of) & (found.found.runs.of_edge >= 0))


def _chain(every: Runs, run: int) -> Rows:
    return every.edge[every.first[run] : every.first[run + 1]]


def said(verdict: str, count: int) -> dict[str, npt.NDArray[Any]]:
    """The words of a verdict for ``count`` findings."""
    zh, en = _VERDICTS[verdict]
    return {"verdict_zh": np.full(count, zh), "verdict_en": np.full(count, en)}


def _objects(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    out = np.empty(len(values), object)
    out[:] = list(values)
    return out


CHECKS: Final[tuple[Check, ...]] = (
    adverse_slope,
    forks,
    opposed_lines,
    opposed_runs,
    sinks,
)
