"""Checks of drains where they meet: sizes (GRV-03), drops (GRV-09), mixed connections (GRV-07)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingest.rules.batch import own_column
from ingest.rules.gravity import gully_lines
from ingest.rules.gravity_flow import COVERAGE, Flows, flows, joints
from ingest.rules.hits import Check, Hits
from ingest.rules.network import Floats, Mask, Rows, Survey
from ingest.rules.topology import line_names
from ingest.rules.topology_tables import canonical
from models.network import Kind, MixedConnection, mixed_connections


def narrowing(survey: Survey, series: Sequence[float], steps: int) -> Iterator[Hits]:
    """Drains that flow on in a smaller size (大管接小管): all that leave together against the
    largest that comes. Allowed are up to ``steps`` sizes of ``series`` (mm) where the slope
    steepens."""
    found = flows(survey)
    if found is None:
        return
    pairs = joints(found)
    come, leave = pairs["come"].to_numpy(), pairs["leave"].to_numpy()
    area = np.zeros(found.net.nodes)
    edges = np.flatnonzero(found.known)
    np.add.at(area, found.place[found.first[edges]], found.width[edges] ** 2)
    out = np.sqrt(area[pairs["place"].to_numpy()])
    narrower = found.width[come] > out + 0.5
    slope = (found.up - found.down) / np.where(found.plan > 0, found.plan, np.nan)
    down = _steps(found.width[come], series) - _steps(out, series)
    allowed = (slope[leave] > slope[come]) & (down <= steps)
    rows = np.flatnonzero(narrower & ~allowed & found.made.sound[come] & found.made.sound[leave])
    # one finding a leaving line: the widest that comes to it
    rows = rows[np.lexsort((-found.width[come[rows]], leave[rows]))]
    rows = rows[np.unique(leave[rows], return_index=True)[1]]
    come, leave = come[rows], leave[rows]
    point = found.first[leave]
    values = {
        "no": survey.values("point", "exp_no")[point],
        "found": np.round(found.width[leave]),
        "from_size": np.round(found.width[come]),
        "other": line_names(survey, found.made.lines[come]),
        "down": down[rows],
        "slope_in": _text(slope[come]),
        "slope_out": _text(slope[leave]),
    }
    yield Hits("line", found.made.lines[leave], "size", values, found.points_at(point))


def _steps(size: Floats, series: Sequence[float]) -> Rows:
    """How many sizes of the series a size is from its start."""
    return np.asarray(np.searchsorted(np.asarray(series, np.float64), size - 0.5), np.intp)


def _text(slope: Floats) -> npt.NDArray[np.object_]:
    texts = ["?" if np.isnan(s) else f"{s:.4f}" for s in slope.tolist()]
    return np.array([*texts, None], object)[:-1]


def drops(
    survey: Survey, limit: float, wells: Sequence[str], besides: Sequence[str]
) -> Iterator[Hits]:
    """Drains that end more than ``limit`` metres above the highest that leaves, by more than the
    survey's error, where there is none of ``wells`` (跌水井). Connections of ``besides`` (gullies,
    house connections) may fall into a manhole."""
    found = flows(survey)
    if found is None:
        return
    pairs = joints(found)
    least = pairs.groupby("come", sort=True)["drop"].min()
    come, drop = least.index.to_numpy(np.intp), least.to_numpy(np.float64)
    point = found.last[come]
    named = np.zeros(found.net.nodes, bool)
    words = canonical(survey.values("point", "appurtenance")).astype(str)
    named[found.place[np.flatnonzero(np.isin(words, list(wells)))]] = True
    small = gully_lines(found, besides)[come]
    error = COVERAGE * found.sigma[point] * np.sqrt(2)
    rows = np.flatnonzero((drop - error > limit) & ~named[found.place[point]] & ~small)
    rows = rows[found.made.sound[come[rows]]]
    values = {
        "no": survey.values("point", "exp_no")[point[rows]],
        "found": np.round(drop[rows], 2),
        "s": np.round(error[rows], 2),
    }
    at = found.points_at(point[rows])
    yield Hits("line", found.made.lines[come[rows]], None, values, at)


def mixed(survey: Survey, kind: str, linking: Mapping[str, Sequence[str]]) -> Iterator[Hits]:
    """Storm drains joined to foul or combined ones (雨污混接): ``storm_to_foul``,
    ``foul_to_storm``, or ``unknown`` where the flow does not tell. The chain that proves it, from
    the point down to the outfall, is in ``extra``. ``linking`` are the headers of columns (备注 …)
    whose words declare that a line joins the systems on purpose: such a line is left out."""
    found = flows(survey)
    if found is None:
        return
    met = survey.kept(
        "mixed",
        lambda _: mixed_connections(found.net, linking=_linking(survey, found, linking)),
    )
    cases = [c for c in met if c.kind == kind]
    if not cases:
        return
    come, receive = zip(*(_sides(found, case) for case in cases), strict=True)
    edges = np.array(come, np.intp)
    numbers = survey.values("point", "exp_no")
    node = np.array([case.node for case in cases], np.intp)
    ends = np.array([case.end for case in cases], np.intp)
    chains = [_names(survey, found, case.chain) for case in cases]
    values = {
        "found": line_names(survey, found.made.lines[edges]),
        "other": line_names(survey, found.made.lines[np.array(receive, np.intp)]),
        "no": numbers[node],
        "outfall": _ends(cases, numbers[ends], "zh"),
        "outfall_en": _ends(cases, numbers[ends], "en"),
        "links": np.array([len(chain) for chain in chains]),
        "chain": np.array([_short(chain) for chain in chains], object),
        "sure_zh": np.where([c.certain for c in cases], "流向已知", "部分流向不明"),
        "sure_en": np.where([c.certain for c in cases], "known flow", "flow partly unknown"),
    }
    extra = {
        "chain": _lists(chains),
        "storm": _lists([_names(survey, found, case.storm) for case in cases]),
        "foul": _lists([_names(survey, found, case.foul) for case in cases]),
        "certain": np.array([c.certain for c in cases], object),
    }
    yield Hits("line", found.made.lines[edges], None, values, found.points_at(node), extra)


def _linking(survey: Survey, found: Flows, words: Mapping[str, Sequence[str]]) -> Mask:
    """Edges (m,) that the survey declares to be links between the systems (连通管); a word with a
    negation before it declares nothing."""
    declared = re.compile(rf"(?<![非无不])(?:{'|'.join(map(re.escape, words['words']))})")
    out = np.zeros(len(found.made.lines), bool)
    for header in words["columns"]:
        column = own_column(survey, "line", header)
        if column is not None:
            remarks = column[found.made.lines]
            out |= np.array([bool(declared.search(str(r or ""))) for r in remarks], bool)
    return out


def _sides(found: Flows, case: MixedConnection) -> tuple[int, int]:
    """The line that lets water in, and the one that takes it (any of the others where the flow
    does not tell)."""
    giving, taking = case.storm, case.foul
    if case.kind is Kind.FOUL_TO_STORM:
        giving, taking = taking, giving
    comes = giving[found.last[giving] == case.node]
    into = case.receiving if len(case.receiving) else taking
    return int((comes if len(comes) else giving)[0]), int(into[0])


def _names(survey: Survey, found: Flows, edges: Rows) -> list[str]:
    return [str(name) for name in line_names(survey, found.made.lines[edges])]


_END_WORDS: Final = {"zh": ("出水口", "测区内末端"), "en": ("outfall", "the last known point")}


def _ends(cases: list[MixedConnection], numbers: Any, language: str) -> npt.NDArray[np.object_]:
    words = _END_WORDS[language]
    texts = [
        f"{words[0] if case.at_outfall else words[1]} {no}"
        for case, no in zip(cases, numbers, strict=True)
    ]
    return np.array([*texts, None], object)[:-1]


def _short(chain: list[str], most: int = 4) -> str:
    """The chain as a sentence shows it; ``extra`` of the finding has all of it."""
    if len(chain) <= most:
        return " → ".join(chain)
    return " → ".join([*chain[: most - 1], "…", chain[-1]])


def _lists(values: list[list[str]]) -> npt.NDArray[np.object_]:
    out = np.empty(len(values), object)
    out[:] = values
    return out


CHECKS: Final[tuple[Check, ...]] = (drops, mixed, narrowing)
