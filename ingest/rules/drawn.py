"""Lines as they are drawn: with the vertices between their ends that map layers and drawings have.

``geom_via`` of a line holds them as a list of (east, north, height or None) in the source CRS, in
the order from its first point to its last; null where there are none, as in all tables of points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from ingest.rules.network import Floats, Rows, Survey
from models.crs import STORAGE, StorageCrs, inside_area, to_storage

Lines = npt.NDArray[np.object_]


def bent(straight: Any, via: Any) -> Lines:
    """Lines ``straight`` (n,) from end to end through the vertices ``via`` (n,) between them.

    Heights between the ends go straight along the plan length: what a vertex's Z is measured to is
    not known where the ends' heights come from columns.
    """
    out: Lines = np.asarray(straight, object).copy()
    for row in np.flatnonzero(pd.notna(np.asarray(via, object))):
        ends = shapely.get_coordinates(out[row], include_z=True)
        inner = np.array([v[:2] for v in np.asarray(via, object)[row]], np.float64)
        plan = np.vstack([ends[0, :2], inner, ends[-1, :2]])
        run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(plan, axis=0).T))])
        z = np.interp(run, run[[0, -1]], ends[[0, -1], 2])
        out[row] = shapely.linestrings(np.column_stack([plan, z]))
    return out


def vertices(survey: Survey, lines: Rows) -> Lines:
    """Vertices (k,) between the ends of ``lines`` (k,) as delivered."""
    if "geom_via" not in survey.lines:
        return np.full(len(lines), None, object)
    return np.asarray(survey.values("line", "geom_via")[lines], object)


def stored_vertices(survey: Survey, lines: Rows, storage: StorageCrs = STORAGE) -> Lines:
    """The same in the storage CRS; null for a line of which one lies outside its area."""
    out = vertices(survey, lines).copy()
    rows = np.flatnonzero(pd.notna(out))
    if not len(rows) or survey.horizontal is None:
        return out
    x, y = np.array([v[:2] for row in rows for v in out[row]], np.float64).T
    at = np.full((len(x), 2), np.nan)
    good = inside_area(x, y, survey.horizontal, storage)
    moved = to_storage(x[good], y[good], None, survey.horizontal, "1985", storage)
    at[good] = np.column_stack(moved[:2])
    ends = np.cumsum([len(out[row]) for row in rows])[:-1]
    for row, part in zip(rows, np.split(at, ends), strict=True):
        out[row] = part.tolist() if np.isfinite(part).all() else None
    return out


def stored_lines(survey: Survey, lines: Rows, xy: Floats, storage: StorageCrs = STORAGE) -> Lines:
    """Plan of ``lines`` (k,), whose both points are known, in the storage CRS; ``xy`` (p, 2) are
    its points there."""
    ends = np.stack([end[lines] for end in survey.ends()], axis=1)
    straight = np.asarray(shapely.linestrings(xy[ends]), object)
    return bent(straight, stored_vertices(survey, lines, storage))


def plan_lengths(survey: Survey) -> Floats:
    """Plan length of every line as it is drawn, in the units of the declared CRS; NaN where an end
    is not known."""
    (ax, bx), (ay, by) = (survey.at_ends(name) for name in ("y_src", "x_src"))
    out: Floats = np.hypot(bx - ax, by - ay)
    via = vertices(survey, np.arange(len(out)))
    for row in np.flatnonzero(pd.notna(via) & np.isfinite(out)):
        inner = np.array([v[:2] for v in via[row]], np.float64)
        way = np.vstack([[ax[row], ay[row]], inner, [bx[row], by[row]]])
        out[row] = np.hypot(*np.diff(way, axis=0).T).sum()
    return out
