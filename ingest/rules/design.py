"""An as-built survey against the approved design (AS-01).

``CheckContext.design`` is the design's delivery as a reader gave it, in its own CRS. What is
compared: every end of an as-built line with the nearest design line of its class in plan, and the
height of its centre with that of the design there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from ingest.rules.drawn import stored_lines
from ingest.rules.hits import EMPTY, Hits, Statement
from ingest.rules.network import Floats, Mask, Survey
from models.crs import to_storage
from models.features import Delivery
from models.findings import Place

_ENDS: Final = ("from", "to")
#: Metres from its end at which a line is matched with the design.
_INWARD: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Match:
    """For each end of each line (2, n): ``line`` the design line (-1: none near) and how far it is
    in plan; ``up`` the as-built centre over the design's (m)."""

    line: npt.NDArray[np.intp]
    away: Floats
    up: Floats


def plan_deviation(survey: Survey, limit: float, search: float) -> Iterator[Hits]:
    """Lines of which an end lies farther than ``limit`` metres from the design's line."""
    if (match := _match(survey, search)) is None:
        return
    for index, end in enumerate(_ENDS):
        rows = np.flatnonzero((match.line[index] >= 0) & (match.away[index] > limit + 1e-9))
        yield Hits("line", rows, f"{end}_no", {"found": match.away[index][rows].round(3)})


def height_deviation(survey: Survey, limit: float, search: float) -> Iterator[Hits]:
    """Lines of which an end lies more than ``limit`` metres above or below the design's line."""
    if (match := _match(survey, search)) is None:
        return
    for index, end in enumerate(_ENDS):
        up = match.up[index]
        rows = np.flatnonzero((match.line[index] >= 0) & (np.abs(up) > limit + 1e-9))
        yield Hits(
            "line",
            rows,
            f"{end}_depth",
            {"found": np.array([f"{v:+.3f}" for v in up[rows]], object)},
        )


def not_in_design(survey: Survey, search: float) -> Iterator[Hits]:
    """Lines without a design line of their class within ``search`` metres of either end."""
    if (match := _match(survey, search)) is None:
        return
    rows = np.flatnonzero((match.line < 0).all(axis=0) & survey.connected())
    cls = survey.values("line", "class_code")[rows]
    yield Hits("line", rows, "from_no", {"cls": cls, "found": np.full(len(rows), EMPTY, object)})


def section_deviation(survey: Survey, search: float) -> Iterator[Hits]:
    """Lines of another size than the design line that both ends lie on."""
    if (match := _match(survey, search)) is None or survey.context.design is None:
        return
    table = survey.context.design.tables["pipe_segment"]
    planned = np.append(table["width_mm"].to_numpy(np.float64), np.nan)[match.line[0]]
    built = survey.numbers("line", "width_mm")
    one = (match.line[0] == match.line[1]) & (match.line[0] >= 0)
    rows = np.flatnonzero(one & (np.abs(built - planned) > 0.5))
    yield Hits("line", rows, "size", {"found": built[rows], "planned": planned[rows]})


def not_built(survey: Survey, search: float) -> Iterator[Statement]:
    """Design lines whose middle has no as-built line of their class within ``search`` metres."""
    design, lines = survey.context.design, _built(survey)
    if design is None or lines is None:
        return
    table = design.tables["pipe_segment"]
    geometry, _ = _designed(design)
    middle = np.asarray(shapely.line_interpolate_point(geometry, 0.5, normalized=True), object)
    classes = table["class_code"].to_numpy(object)
    nearest, _ = _nearest(middle, classes, *lines, search)
    missing = np.flatnonzero(nearest < 0)
    if len(missing):
        keys = table["key"].to_numpy(object)[missing]
        length = float(np.sum(shapely.length(geometry[missing])))
        listed = ", ".join(map(str, keys[:5])) + (", …" if len(keys) > 5 else "")
        words = {"found": len(missing), "keys": listed, "length": f"{length:.1f}"}
        yield Statement(Place(design.source.name, element="design"), words)


def _match(survey: Survey, search: float) -> _Match | None:
    design, places = survey.context.design, survey.in_storage()
    if design is None or places is None or "pipe_segment" not in design.tables:
        return None
    geometry, classes = _designed(design)
    live = survey.connected()
    shape = (2, len(survey.lines))
    line = np.full(shape, -1, np.intp)
    away, up = np.full(shape, np.nan), np.full(shape, np.nan)
    shift = places[2] - survey.numbers("point", "ground_h")
    own = survey.values("line", "class_code")
    plan = np.column_stack(places[:2])
    a, b = survey.ends()
    known = live & np.isfinite(plan[a, 0]) & np.isfinite(plan[b, 0])
    rows = np.flatnonzero(known)
    for index, (end, at) in enumerate(zip(_ENDS, (a, b), strict=True)):
        points = np.asarray(shapely.points(plan[at[rows]]), object)
        # At a manhole many lines meet: the one that runs on with this line is nearest further in.
        inward = _inward(stored_lines(survey, rows, plan), index)
        found, _ = _nearest(inward, own[rows], geometry, classes, search)
        near = found >= 0
        on = geometry[found[near]]
        line[index, rows] = found
        away[index, rows[near]] = shapely.distance(points[near], on)
        # A design stands for what is to be built: its height where the as-built end is beside it.
        place = shapely.line_interpolate_point(on, shapely.line_locate_point(on, points[near]))
        z = survey.numbers("line", f"{end}_centre_z")[rows] + shift[at[rows]]
        up[index, rows[near]] = z[near] - shapely.get_z(place)
    return _Match(line, away, up)


def _inward(lines: npt.NDArray[Any], end: int) -> npt.NDArray[Any]:
    """Points (n,) of ``lines`` :data:`_INWARD` metres from their first (0) or last end (1), at most
    half way."""
    length = np.asarray(shapely.length(lines))
    inward = np.minimum(0.5 * length, _INWARD)
    place = inward if end == 0 else length - inward
    return np.asarray(shapely.line_interpolate_point(lines, place), object)


def _nearest(
    points: npt.NDArray[Any],
    classes: npt.NDArray[Any],
    geometry: npt.NDArray[Any],
    of: npt.NDArray[Any],
    search: float,
) -> tuple[npt.NDArray[np.intp], Floats]:
    """For each point the nearest line of its class within ``search`` (-1: none), and how far."""
    line, away = np.full(len(points), -1, np.intp), np.full(len(points), np.nan)
    for code in set(classes.tolist()) & set(of.tolist()):
        own, lines = np.flatnonzero(classes == code), np.flatnonzero(of == code)
        tree = shapely.STRtree(geometry[lines])
        (asked, found), distance = tree.query_nearest(
            points[own], max_distance=search, return_distance=True, all_matches=False
        )
        line[own[asked]], away[own[asked]] = lines[found], distance
    return line, away


def _designed(design: Delivery) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The design's centre lines in the storage CRS with 1985 heights, and their classes."""
    table = design.tables["pipe_segment"]
    geometry = table["geom"].to_numpy(object)
    passport = design.passport
    xyz = shapely.get_coordinates(geometry, include_z=True)
    if passport.horizontal is not None and passport.vertical is not None:
        x, y, z = xyz.T
        moved = to_storage(x, y, z, passport.horizontal, passport.vertical)
        geometry = shapely.set_coordinates(geometry.copy(), np.column_stack(moved))
    return geometry, table["class_code"].to_numpy(object)


def _built(survey: Survey) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """The as-built lines in plan (storage CRS), refused ones too, and their classes."""
    places = survey.in_storage()
    if places is None:
        return None
    a, b = survey.ends()
    east = np.append(places[0], np.nan)
    known: Mask = survey.standing() & np.isfinite(east[a]) & np.isfinite(east[b])
    lines = stored_lines(survey, np.flatnonzero(known), np.column_stack(places[:2]))
    return lines, survey.values("line", "class_code")[known]


CHECKS: Final = (height_deviation, not_built, not_in_design, plan_deviation, section_deviation)
