"""Checks of survey lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from ingest.rules.cells import unreported
from ingest.rules.drawn import plan_lengths
from ingest.rules.hits import EMPTY, Hits, hits
from ingest.rules.network import Floats, Survey, TableName

#: Lines between the same two points are the same line when these agree.
_SAME_LINE = ("class_code", "width_mm", "height_mm", "owner", "voltage_kv", "cables")
_DEPTHS: Final[tuple[tuple[TableName, str], ...]] = (
    ("line", "from_depth"),
    ("line", "to_depth"),
    ("point", "well_depth"),
)


def same_ends(survey: Survey) -> Iterator[Hits]:
    """Lines that end where they start."""
    start, end = survey.values("line", "from_no"), survey.values("line", "to_no")
    named = pd.notna(start)
    yield hits("line", named & (start == end), "to_no", found=start)


def absent_points(survey: Survey) -> Iterator[Hits]:
    """Lines that name a point number which the point table does not have."""
    for positions, name in zip(survey.ends(), ("from_no", "to_no"), strict=True):
        numbers = survey.values("line", name)
        yield hits("line", (positions < 0) & pd.notna(numbers), name, found=numbers)


def refused_points(survey: Survey) -> Iterator[Hits]:
    """Sound lines that cannot stay because one of their points was refused."""
    for positions, name in zip(survey.ends(), ("from_no", "to_no"), strict=True):
        gone = ~np.append(survey.alive["point"], True)[positions]
        mask = gone & survey.alive["line"]
        yield hits("line", mask, name, found=survey.values("line", name))


def duplicate_lines(survey: Survey, identical: bool) -> Iterator[Hits]:
    """Lines between the same two points of one class, in either direction, after the first one:
    equal in size, owner and cables (the same line twice), or not (perhaps parallel lines)."""
    a, b = survey.ends()
    own = survey.lines.loc[survey.connected(), list(_SAME_LINE)]
    low = np.minimum(a, b)[own.index]
    high = np.maximum(a, b)[own.index]
    ends = own.assign(low=low, high=high).groupby(
        ["low", "high", "class_code"], dropna=False, sort=False
    )
    if ends.ngroups == len(own):
        return
    pair = ends.ngroup()
    full = own.assign(pair=pair).groupby(["pair", *_SAME_LINE], dropna=False, sort=False).ngroup()
    again = full.duplicated(keep="first")
    wanted = again if identical else pair.duplicated(keep="first") & ~again
    group = full if identical else pair
    firsts = pd.Series(own.index, own.index).groupby(group, sort=False).transform("first")
    mask = np.zeros(len(survey.lines), bool)
    mask[own.index[wanted.to_numpy()]] = True
    first = np.full(len(survey.lines), "", object)
    for position in np.flatnonzero(mask).tolist():
        first[position] = survey.row_names("line", [int(firsts[position])], position)
    yield hits("line", mask, "to_no", found=first, first=first)


def _lengths(survey: Survey) -> tuple[Floats, Floats]:
    """Plan and spatial length as drawn, NaN where an end is not known."""
    plan = plan_lengths(survey)
    dz = survey.numbers("line", "to_ref_z") - survey.numbers("line", "from_ref_z")
    return plan, np.hypot(plan, dz)


def too_long(survey: Survey, limit: float) -> Iterator[Hits]:
    """Lines longer in plan than ``limit`` metres."""
    plan, _ = _lengths(survey)
    yield hits("line", survey.connected() & (plan > limit), "to_no", found=np.round(plan, 2))


def too_short(survey: Survey, limit: float) -> Iterator[Hits]:
    """Lines shorter in space than ``limit`` metres."""
    _, length = _lengths(survey)
    yield hits("line", survey.connected() & (length < limit), "to_no", found=np.round(length, 3))


def too_deep(survey: Survey, limit: float, below: float) -> Iterator[Hits]:
    """Depths over ``limit`` metres, and not so large that the unit must be another."""
    for table, name in _DEPTHS[:2]:
        depth = survey.numbers(table, name)
        yield hits(table, (depth > limit) & (depth < below), name, found=depth)


def depth_unit(survey: Survey, cm_from: float, mm_from: float) -> Iterator[Hits]:
    """Depths that no trench has in metres, but one has in centimetres or millimetres."""
    for table, name in _DEPTHS:
        depth = survey.numbers(table, name)
        for low, high, unit, zh, factor in (
            (cm_from, mm_from, "cm", "厘米", 0.01),
            (mm_from, np.inf, "mm", "毫米", 0.001),
        ):
            rows = np.flatnonzero((depth >= low) & (depth < high))
            values = {
                "found": [f"{d:g}" for d in depth[rows]],
                "metres": [f"{d * factor:g}" for d in depth[rows]],
                "unit": [unit] * len(rows),
                "unit_zh": [zh] * len(rows),
            }
            yield Hits(table, rows, name, {k: np.array(v, object) for k, v in values.items()})


def too_steep(survey: Survey, limit: float, upto: float = 90.0) -> Iterator[Hits]:
    """Slopes over ``limit`` degrees, up to ``upto``; lines that stand upright are meant to."""
    plan, length = _lengths(survey)
    dz = np.sqrt(np.maximum(length**2 - plan**2, 0.0))
    angle = np.degrees(np.arctan2(dz, plan))
    mask = survey.connected() & (plan > 0.05) & (angle > limit) & (angle <= upto)
    yield hits("line", mask, "to_no", found=np.round(angle, 1))


def depth_identity(survey: Survey, tolerance: float) -> Iterator[Hits]:
    """Ends where ground height is not depth plus the height of the line."""
    grounds = survey.at_ends("ground_h")
    loop = np.equal(*survey.ends())  # one of the two numbers is wrong, so is what it refers to
    for end, ground, number in zip(("from", "to"), grounds, ("from_no", "to_no"), strict=True):
        depth = survey.numbers("line", f"{end}_depth")
        height = survey.numbers("line", f"{end}_ref_h")
        off = ground - depth - height
        field = survey.values("line", f"{end}_ref_field")
        mask = (np.abs(off) > tolerance + 1e-9) & ~loop
        for name in np.unique(field[mask].astype(str)):
            yield hits(
                "line",
                mask & (field.astype(str) == name),
                name,
                no=survey.values("line", number),
                g=ground,
                d=depth,
                h=height,
                dv=np.round(off, 3),
                found=np.round(off, 3),
            )


def holes_used(survey: Survey) -> Iterator[Hits]:
    """More holes used than there are."""
    used, total = survey.numbers("line", "holes_used"), survey.numbers("line", "holes")
    yield hits("line", used > total, "holes_used", found=used, total=total)


def bank_area(survey: Survey, hole_mm: float) -> Iterator[Hits]:
    """Duct banks too small for their holes, if each is at least ``hole_mm`` wide."""
    holes = survey.numbers("line", "holes")
    area = survey.numbers("line", "width_mm") * survey.numbers("line", "height_mm")
    need = holes * hole_mm**2
    mask = survey.values("line", "box").astype(bool) & (need > area)
    size = np.round(area / 1e6, 4)
    yield hits("line", mask, "holes", found=holes, area=size, need=np.round(need / 1e6, 4))


def end_coordinates(survey: Survey, tolerance: float) -> Iterator[Hits]:
    """Coordinates in the line table that are not the point's."""
    for axis, column in (("x", "x_src"), ("y", "y_src")):
        for end, value in zip(("from", "to"), survey.at_ends(column), strict=True):
            said = survey.numbers("line", f"{end}_{axis}")
            off = np.abs(said - value)
            yield hits("line", off > tolerance, f"{end}_{axis}", found=said, expected_value=value)


def attribute_conflict(survey: Survey, field: str, majors: Sequence[str]) -> Iterator[Hits]:
    """A field that has a value although the class cannot have it."""
    major = survey.values("line", "major").astype(str)
    value = survey.numbers("line", field)
    cls = survey.values("line", "class_code")
    mask = np.isin(major, list(majors)) & np.isfinite(value)
    yield hits("line", mask, field, found=value, cls=cls)


def missing_flow(survey: Survey) -> Iterator[Hits]:
    """Gravity lines that do not say which way they run, and no word that could not be read."""
    gravity = survey.values("line", "gravity").astype(bool)
    flow = survey.numbers("line", "flow")
    mask = survey.alive["line"] & gravity & np.isnan(flow) & unreported(survey, "line", "flow")
    yield hits("line", mask, "flow", found=np.full(len(mask), EMPTY, object))


def lonely_lines(survey: Survey, open_features: Sequence[str]) -> Iterator[Hits]:
    """Lines that meet no other line at either end, and do not end at a reserved or edge point."""
    live = survey.connected()
    a, b = survey.ends()
    count = survey.degrees()
    feature = np.append(survey.values("point", "feature"), np.array([None], object))
    ends_open = pd.Series(feature).isin(list(open_features)).to_numpy()
    mask = live & (count[a] == 1) & (count[b] == 1) & ~ends_open[a] & ~ends_open[b]
    yield hits("line", mask, "from_no", found=np.zeros(len(mask), int))


CHECKS: Final = (
    absent_points,
    attribute_conflict,
    bank_area,
    depth_identity,
    depth_unit,
    duplicate_lines,
    end_coordinates,
    holes_used,
    lonely_lines,
    missing_flow,
    refused_points,
    same_ends,
    too_deep,
    too_long,
    too_short,
    too_steep,
)
