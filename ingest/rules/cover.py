"""Cover of pipes, metre by metre, against the least cover of their class (CLS-02)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from ingest.rules.clash import review_hits
from ingest.rules.clash_clearance import chosen, cited, shown, with_rules
from ingest.rules.cover_surfaces import limits, surface_text, surfaces
from ingest.rules.drawn import stored_lines
from ingest.rules.hits import Check, Hits
from ingest.rules.network import Floats, Mask, Rows, Survey
from ingest.rules.topology import LEAVES
from ingest.rules.topology_tables import ENDS, Tables, canonical, tables
from models.clearance.judge import FINDINGS, Verdict, judge

#: Metres between the places where cover is taken, and lines that are worked on at a time.
STEP: Final = 1.0
_BULK: Final = 20_000


def cover(
    survey: Survey, verdict: str, short: bool | None = None, verified: bool | None = None
) -> Iterator[Hits]:
    """Lines whose outer top is nearer to the ground than the tables allow: ``certain`` beyond
    twice the survey's error, ``possible``, or ``review`` where an attribute that decides is
    missing.

    The ground between the points of a line is that of the twin's terrain along the line as it is
    drawn, shifted to the surveyed ground heights at both ends, every metre; without terrain it is
    straight between them. Which
    surface lies above is told by the column 路面类型 (``surface``); where there is none, or a word
    that the table does not list (绿地), the weaker of the limits below footways and carriageways
    holds, and the finding says so. Lines above the ground and those that leave it
    (出地, 上杆) have no cover to keep.
    ``short`` and ``verified`` as for :func:`ingest.rules.clash_clearance.clearance`.
    """
    made = tables(survey)
    if made is None:
        return
    found = survey.kept("cover", _covers)
    found = chosen(found[found["verdict"] == verdict], short, verified)
    if verdict == Verdict.REVIEW:
        if found.empty:
            return
        lacking = found.assign(missing="a." + found["missing"].str.replace(",", ",a."))
        yield from review_hits(survey, made, lacking)
        return
    edge = found["a"].to_numpy(np.intp)
    surface, surface_en = surface_text(found["surface"].to_numpy(object))
    values: dict[str, Any] = {
        "found": shown(found["distance"].to_numpy(np.float64)),
        "limit": found["limit"].to_numpy(np.float64),
        "cls": made.segments["class_code"].to_numpy(object)[edge],
        "surface_zh": surface,
        "surface_en": surface_en,
        "ground_zh": np.where(found["terrain"], "地形", "两端地面高程内插"),
        "ground_en": np.where(found["terrain"], "terrain", "ground between its points"),
        "chainage": np.round(found["chainage"].to_numpy(np.float64), 1),
        "s": np.round(2 * np.nan_to_num(found["sigma"].to_numpy(np.float64)), 2),
        **cited("cover", found["rule"].to_numpy(object), found["verified"].to_numpy(bool)),
    }
    at = made.place(found[["x", "y", "z"]].to_numpy(np.float64))
    hit = Hits("line", made.lines[edge], "from_depth", values, at)
    yield with_rules(hit, found["rule"].to_numpy(object))


def _covers(survey: Survey) -> pd.DataFrame:
    """Findings of the sound lines: ``a`` row of the segments, least ``distance`` (cover) with its
    ``chainage`` and place, ``limit``, ``sigma``, ``verdict``, ``rule``, ``verified``, ``missing``,
    ``surface`` and whether the ``terrain`` was asked."""
    made = tables(survey)
    if made is None:
        return pd.DataFrame()
    surface = surfaces(survey, made)
    least_cover = limits(made.segments, surface)
    judged = made.sound & ~_risers(made) & (np.isfinite(least_cover.limit) | least_cover.ambiguous)
    rows = np.flatnonzero(judged)
    ground, anchored = _Ground(survey, made), survey.context.terrain is not None
    least, share = _least(made, rows, ground)
    sigma = _sigma(made)[rows]
    verdict = judge(least, least_cover.limit[rows], sigma, least_cover.ambiguous[rows])
    kept = np.isin(verdict.astype(str), [str(v) for v in FINDINGS])
    rows, least, share, sigma = rows[kept], least[kept], share[kept], sigma[kept]
    xyz = _at(made, rows, share)
    missing = np.where(np.isnan(least), "height", least_cover.missing[rows])
    return pd.DataFrame(
        {
            "a": rows,
            "b": rows,
            "distance": least,
            "chainage": share * _length(made, rows),
            "x": xyz[:, 0],
            "y": xyz[:, 1],
            "z": xyz[:, 2],
            "limit": least_cover.limit[rows],
            "sigma": sigma,
            "verdict": verdict[kept],
            "rule": least_cover.rule[rows],
            "verified": least_cover.verified[rows],
            "missing": missing,
            "surface": surface[rows],
            "terrain": anchored & np.isfinite(ground.shift[rows]).all(axis=1),
        }
    )


def _risers(made: Tables) -> Mask:
    """Lines (s,) that leave the ground: at a point that says so, and there either out of it or
    rising by more than they run."""
    ends = made.segments[list(ENDS)].to_numpy(np.intp)
    tops = made.segments[["from_top_h", "to_top_h"]].to_numpy(np.float64)
    words = np.isin(canonical(made.points["feature"].to_numpy(object)).astype(str), LEAVES)
    leaves = words[ends]
    out = tops >= made.points["ground_h"].to_numpy(np.float64)[ends]
    length = _length(made, np.arange(len(ends)))
    steep = np.abs(tops[:, 1] - tops[:, 0]) >= length
    return np.asarray((leaves & out).any(axis=1) | (leaves.any(axis=1) & steep))


class _Ground:
    """Ground heights over the lines: surveyed at both ends, shaped by the terrain in between.
    ``shift`` (s, 2) is what the terrain must be moved by at the ends, NaN where it is silent."""

    def __init__(self, survey: Survey, made: Tables) -> None:
        self.heights = made.points["ground_h"].to_numpy(np.float64)
        self.ends = made.segments[list(ENDS)].to_numpy(np.intp)
        self.shift = np.full((len(made.lines), 2), np.nan)
        self._terrain, stored = survey.context.terrain, None
        if self._terrain is not None:
            stored = survey.in_storage(self._terrain.storage)
        if self._terrain is None or stored is None:
            return
        self._xy = np.column_stack(stored[:2])
        self._lines = stored_lines(survey, made.lines, self._xy, self._terrain.storage)
        self._bent = shapely.get_num_coordinates(self._lines) > 2
        at_points = self._terrain.sample(*self._xy.T)
        self.shift = (self.heights - at_points)[self.ends]

    def over(self, rows: Rows, share: Floats) -> Floats:
        """Ground (n,) at ``share`` (n,) of the way along the segments ``rows`` (n,)."""
        straight = _between(self.heights[self.ends[rows]], share)
        if self._terrain is None or not np.isfinite(self.shift).any():
            return straight
        xy = _between(self._xy[self.ends[rows]].transpose(2, 0, 1), share)
        bent = np.flatnonzero(self._bent[rows])
        xy[:, bent] = _along(self._lines[rows[bent]], share[bent]).T
        shaped = self._terrain.sample(*xy) + _between(self.shift[rows], share)
        return np.asarray(np.where(np.isnan(shaped), straight, shaped))

    @property
    def shaped(self) -> bool:
        """Whether there is terrain, so that the ends are not enough."""
        return self._terrain is not None and bool(np.isfinite(self.shift).any())


def _between(ends: Floats, share: Floats) -> Floats:
    """Values (…, n) between those of both ends (…, n, 2)."""
    return np.asarray(ends[..., 0] + share * (ends[..., 1] - ends[..., 0]))


def _least(made: Tables, rows: Rows, ground: _Ground) -> tuple[Floats, Floats]:
    """Least cover of the segments and where (0 … 1 of the way); NaN where a height is unknown."""
    least, where = np.full(len(rows), np.nan), np.zeros(len(rows))
    tops = np.stack([made.segments[f"{e}_top_h"].to_numpy(np.float64) for e in ("from", "to")], 1)
    length = _length(made, rows)
    steps = np.ceil(length / STEP).astype(np.intp) if ground.shaped else np.ones(len(rows), np.intp)
    steps = np.maximum(steps, 1)
    for part in np.array_split(np.arange(len(rows)), max(1, len(rows) // _BULK)):
        if not len(part):
            continue
        count = steps[part] + 1
        first = np.cumsum(count) - count
        own = np.repeat(part, count)
        share = (np.arange(len(own)) - np.repeat(first, count)) / steps[own]
        line = rows[own]
        depth = ground.over(line, share) - _between(tops[line], share)
        low = np.fmin.reduceat(depth, first)
        hit = np.flatnonzero(depth == np.repeat(low, count))
        at, index = np.unique(own[hit], return_index=True)
        where[at] = share[hit[index]]
        known = np.isfinite(tops[rows[part]]).all(axis=1)
        least[part] = np.where(known, low, np.nan)
    return least, where


def _length(made: Tables, rows: Rows) -> Floats:
    return np.asarray(shapely.length(made.segments["geom"].to_numpy(object)[rows]))


def _along(lines: Any, share: Floats) -> Floats:
    """East and north (n, 2) at ``share`` (n,) of the way along ``lines`` (n,)."""
    at = shapely.line_interpolate_point(lines, share, normalized=True)
    return np.column_stack([shapely.get_x(at), shapely.get_y(at)])


def _at(made: Tables, rows: Rows, share: Floats) -> Floats:
    """Places (n, 3) on the centre lines; upright ones have all their height in one place."""
    geoms = made.segments["geom"].to_numpy(object)[rows]
    ends = [shapely.get_z(shapely.get_point(geoms, vertex)) for vertex in (0, -1)]
    return np.column_stack([_along(geoms, share), _between(np.stack(ends, axis=1), share)])


def _sigma(made: Tables) -> Floats:
    """The poorer height accuracy of both ends (s,), NaN where neither is known."""
    sigma = made.points["sigma_z"].to_numpy(np.float64)
    return np.asarray(np.fmax(*sigma[made.segments[list(ENDS)].to_numpy(np.intp)].T))


CHECKS: Final[tuple[Check, ...]] = (cover,)
