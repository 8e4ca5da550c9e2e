"""Points and lines of map layers and drawings: what their geometry says beside their attributes.

Coordinates come from the geometry where a layer has no X and Y columns, ends of lines from the
points they end at. Columns ``geom_*`` are as :mod:`ingest.readers.tables_grid` names them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from ingest.errors import RefusedError
from ingest.rules.engine import row_spans
from ingest.rules.network import Floats, Mask, Rows, Survey, TableName
from models.findings import Finding, Place, Severity

#: Metres within which attribute and geometry, or a line's end and its point, are the same place.
TOLERANCE: Final = 0.01
_AXES: Final = ("x", "y", "h")


def place_points(survey: Survey) -> list[Finding]:
    """Fill X, Y and ground height of points from their geometry. Works in place.

    Findings: GEO-01 (error, the row is left out) where X, Y columns and geometry differ by over
    :data:`TOLERANCE`; GEO-02 (info) where heights come from the geometry. Raises
    :class:`ingest.errors.RefusedError` (GEO-01) when most points of a delivery differ, which means
    that one of both is in another CRS.
    """
    columns = {"geom_x": "north_x", "geom_y": "east_y", "geom_h": "ground_h"}
    given = {name: survey.numbers("point", name) for name in columns}
    if not np.isfinite(given["geom_x"]).any():
        return []
    own = {name: survey.numbers("point", to) for name, to in columns.items()}
    with np.errstate(invalid="ignore"):
        off = np.hypot(own["geom_x"] - given["geom_x"], own["geom_y"] - given["geom_y"])
    both = np.isfinite(off)
    wrong: Mask = both & (off > TOLERANCE)
    findings = []
    if wrong.any():
        findings = [_differs(survey, int(row), float(off[row])) for row in np.flatnonzero(wrong)]
        if wrong.sum() > both.sum() / 2:
            raise RefusedError([_all_differ(survey, wrong, off)])
        survey.alive["point"][wrong] = False
    for name, to in columns.items():
        survey.points[to] = np.where(np.isnan(own[name]), given[name], own[name])
    filled = np.isnan(own["geom_h"]) & np.isfinite(given["geom_h"])
    return findings + _taken(survey, "point", filled, "地面高程", "ground height")


def place_lines(survey: Survey) -> list[Finding]:
    """Numbers of the points at the ends of lines that name none, heights of ends that have neither
    depth nor height (GEO-02), and the ends' coordinates. Works in place; points must have theirs.

    An end where no point is gets its coordinates for a number, which no point has.
    """
    lines = survey.lines
    ends = {e: _end(survey, e) for e in ("from", "to")}
    if not np.isfinite(ends["from"]).any():
        return []
    filled = np.zeros(len(lines), bool)
    for end, at in ends.items():
        open_rows = lines[f"{end}_no"].isna().to_numpy(bool) & np.isfinite(at[:, :2]).all(axis=1)
        numbers = lines[f"{end}_no"].to_numpy(object).copy()
        numbers[open_rows] = _numbers_at(survey, at[open_rows], np.flatnonzero(open_rows))
        lines[f"{end}_no"] = pd.Series(numbers, dtype=object)
    _turn(survey, ends)
    for end, at in ends.items():
        unknown = np.isfinite(at[:, 2])
        for name in ("depth", "h", "top_h", "bot_h"):
            unknown &= np.isnan(survey.numbers("line", f"{end}_{name}"))
        lines[f"{end}_h"] = np.where(unknown, at[:, 2], survey.numbers("line", f"{end}_h"))
        filled |= unknown
        for index, axis in enumerate("xy"):
            stated = survey.numbers("line", f"{end}_{axis}")
            lines[f"{end}_{axis}"] = np.where(np.isnan(stated), at[:, index], stated)
    return _taken(survey, "line", filled, "管线高程", "height of the line")


def _end(survey: Survey, end: str) -> Floats:
    return np.column_stack([survey.numbers("line", f"geom_{end}_{axis}") for axis in _AXES])


def _numbers_at(survey: Survey, at: Floats, rows: Rows) -> npt.NDArray[np.object_]:
    """Numbers of the points at (north, east), those of the line's class before others."""
    place = np.column_stack([survey.numbers("point", "x_src"), survey.numbers("point", "y_src")])
    known = np.flatnonzero(
        np.isfinite(place).all(axis=1) & survey.points["exp_no"].notna().to_numpy(bool)
    )
    out = np.array([f"({e:.3f}, {n:.3f})" for n, e in at[:, :2]], object)
    if not len(known) or not len(at):
        return out
    tree = cKDTree(place[known])
    codes, number = survey.values("point", "class_code"), survey.values("point", "exp_no")
    own = survey.values("line", "class_code")[rows]
    near = tree.query_ball_point(at[:, :2], TOLERANCE)
    for index in np.flatnonzero([len(found) > 0 for found in near]):
        found = known[near[index]]
        best = next((p for p in found if codes[p] == own[index]), found[0])
        out[index] = number[best]
    return out


def _turn(survey: Survey, ends: dict[str, Floats]) -> None:
    """Turn geometry that is drawn against the order of the point numbers. Works in place."""
    first: dict[Any, int] = {}
    for position, number in enumerate(survey.values("point", "exp_no")):
        first.setdefault(number, position)
    place = np.column_stack([survey.numbers("point", c) for c in ("x_src", "y_src")])
    place = np.vstack([place, [np.nan, np.nan]])
    at = {
        end: place[[first.get(n, -1) for n in survey.values("line", f"{end}_no")]] for end in ends
    }
    with np.errstate(invalid="ignore"):
        straight = _apart(ends["from"], at["from"]) + _apart(ends["to"], at["to"])
        crossed = _apart(ends["to"], at["from"]) + _apart(ends["from"], at["to"])
        turned: Mask = crossed < straight
    ends["from"][turned], ends["to"][turned] = ends["to"][turned], ends["from"][turned]
    via = survey.values("line", "geom_via").copy()
    for row in np.flatnonzero(turned & pd.notna(via)):
        via[row] = via[row][::-1]
    survey.lines["geom_via"] = pd.Series(via, dtype=object)


def _apart(one: Floats, other: Floats) -> Floats:
    out: Floats = np.hypot(*(one[:, :2] - other[:, :2]).T)
    return out


def _differs(survey: Survey, row: int, off: float) -> Finding:
    place = survey.place("point", row, "north_x")
    x, y, gx, gy = (
        float(survey.numbers("point", c)[row]) for c in ("north_x", "east_y", "geom_x", "geom_y")
    )
    found, expected = f"X={x:.3f} Y={y:.3f}", f"X={gx:.3f} Y={gy:.3f}"
    where = survey.sheets[int(survey.cell("point", "sheet", row))].name
    return Finding(
        "GEO-01",
        Severity.ERROR,
        place,
        f"{where} 第{place.row}条：{place.element} 的属性坐标 {found} 与图形位置 {expected} 相差 "
        f"{off:.3f} m（限差 {TOLERANCE} m），该点不予入库。请改正其一。",
        f"{where} record {place.row}: the columns of {place.element} say {found} and its geometry "
        f"{expected}, {off:.3f} m apart (limit {TOLERANCE} m); the point is left out. Correct one.",
        found,
        expected,
    )


def _all_differ(survey: Survey, wrong: Mask, off: Floats) -> Finding:
    first = int(np.flatnonzero(wrong)[0])
    one = _differs(survey, first, float(off[first]))
    middle = float(np.median(off[wrong]))
    count = int(wrong.sum())
    file = one.place.file
    return Finding(
        "GEO-01",
        Severity.ERROR,
        Place(file, one.place.sheet, one.place.row, one.place.column),
        f"{file}：{count} 个点的属性坐标与图形位置不一致（中位差 {middle:.3f} m；首个：{one.found} "
        f"与 {one.expected}），疑为不同坐标系。请统一后提交，或删除属性坐标列。",
        f"{file}: the X, Y columns of {count} points are not where their geometry is (median "
        f"{middle:.3f} m; the first: {one.found} and {one.expected}); probably they are in "
        "different CRS. Deliver both in one, or leave the columns out.",
        one.found,
        one.expected,
    )


def _taken(survey: Survey, table: TableName, rows: Mask, zh: str, en: str) -> list[Finding]:
    """GEO-02 for each sheet whose heights come from the geometry."""
    out = []
    sheets = survey.values(table, "sheet")
    for sheet in np.unique(sheets[rows]):
        own = rows & (sheets == sheet)
        source, count = survey.sheets[int(sheet)], int(own.sum())
        spans = row_spans(survey.values(table, "row")[own])
        out.append(
            Finding(
                "GEO-02",
                Severity.INFO,
                Place(source.file, source.sheet),
                f"{source.name}：{count} 条记录的{zh}取自图形的 Z 值。请确认其含义与高程基准。",
                f"{source.name}: the {en} of {count} records is the Z of their geometry. Check "
                "that it means that, in the declared vertical datum.",
                str(count),
                zh,
                extra={"rows": spans, "count": count},
            )
        )
    return out
