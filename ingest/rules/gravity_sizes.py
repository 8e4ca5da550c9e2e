"""Checks of drains against tables by size: least diameter (GRV-05), manhole spacing (GRV-06)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from ingest.rules.gravity import gully_lines
from ingest.rules.gravity_flow import COVERAGE, flows
from ingest.rules.hits import Check, Hits, hits
from ingest.rules.network import Survey
from ingest.rules.topology_tables import with_role
from models.network import runs


def least_diameter(
    survey: Survey,
    limit: float,
    above: float,
    gullies: Sequence[str],
    private: Sequence[str],
    gully: bool,
) -> Iterator[Hits]:
    """Round drains narrower than ``limit`` mm: with ``gully`` connections of ``gullies`` (words of
    their points), else the others. Sizes up to ``above`` mm are in another unit; connections of
    ``private`` houses are not looked at.
    """
    found = flows(survey)
    if found is None:
        return
    round_ = (found.made.segments["shape"] == "round").to_numpy(bool)
    own = gully_lines(found, gullies)
    own = own if gully else ~own & ~gully_lines(found, private)
    narrow = found.part & found.made.sound & round_ & own & (found.width < limit)
    narrow &= found.width > above
    every = np.zeros(len(survey.lines), bool)
    every[found.made.lines[narrow]] = True
    cls = survey.values("line", "class_code")
    yield hits("line", every, "size", found=survey.numbers("line", "width_mm"), cls=cls)


def manhole_spacing(survey: Survey, spacing: Mapping[float, float]) -> Iterator[Hits]:
    """Stretches of a drain between manholes, or from one to an end or a branch, that are longer
    than ``spacing`` allows (greatest size in mm: metres; the narrowest pipe counts), by more than
    the survey's error. Sizes beyond the table, and under 300 mm, are not looked at."""
    found = flows(survey)
    if found is None:
        return
    words = survey.values("point", "appurtenance")
    wells = np.zeros(found.net.nodes, bool)
    wells[: len(words)] = with_role(words, "well")
    stretch = runs(found.net, within=found.part, breaks=wells)
    plan = np.bincount(stretch.entry_run, found.plan[stretch.edge], stretch.count)
    narrowest = np.full(stretch.count, np.inf)
    np.minimum.at(narrowest, stretch.entry_run, np.nan_to_num(found.width[stretch.edge], nan=0.0))
    sizes = np.array(sorted(spacing), np.float64)
    metres = np.array([*(spacing[size] for size in sorted(spacing)), np.inf], np.float64)
    limit = metres[np.searchsorted(sizes, narrowest - 0.5)]
    first = stretch.edge[stretch.first[:-1]]
    error = COVERAGE * np.nan_to_num(found.sigma_plan[first])
    rows = np.flatnonzero((plan - error > limit) & (narrowest >= _LEAST) & found.made.sound[first])
    numbers = survey.values("point", "exp_no")
    values = {
        "found": np.round(plan[rows], 1),
        "limit": limit[rows],
        "size": np.round(narrowest[rows]),
        "start": numbers[stretch.start[rows]],
        "end": numbers[stretch.end[rows]],
        "cls": found.made.segments["class_code"].to_numpy(object)[first[rows]],
    }
    yield Hits("line", found.made.lines[first[rows]], None, values)


#: Narrower drains (mm) are connections, which the table is not about.
_LEAST: Final = 300.0

CHECKS: Final[tuple[Check, ...]] = (least_diameter, manhole_spacing)
