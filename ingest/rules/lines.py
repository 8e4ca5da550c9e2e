"""Checks of survey lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ingest.rules.hits import Hits, hits
from ingest.rules.network import Floats, Survey

#: Lines between the same two points are the same line when these agree.
_SAME_LINE = ("class_code", "width_mm", "height_mm", "owner", "voltage_kv", "cables")


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
    own = survey.lines.loc[survey.connected(), ["row", *_SAME_LINE]]
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
    first_row = own["row"].groupby(full if identical else pair, sort=False).transform("min")
    mask = np.zeros(len(survey.lines), bool)
    mask[own.index[wanted.to_numpy()]] = True
    first = np.zeros(len(survey.lines), np.int64)
    first[own.index] = first_row.to_numpy()
    yield hits("line", mask, "to_no", first=first)


def _lengths(survey: Survey) -> tuple[Floats, Floats]:
    """Plan and spatial length, NaN where an end is not known."""
    dx = np.subtract(*survey.at_ends("x_src")[::-1])
    dy = np.subtract(*survey.at_ends("y_src")[::-1])
    dz = survey.numbers("line", "to_ref_z") - survey.numbers("line", "from_ref_z")
    plan = np.hypot(dx, dy)
    return plan, np.hypot(plan, dz)


def too_long(survey: Survey, limit: float) -> Iterator[Hits]:
    """Lines longer in plan than ``limit`` metres."""
    plan, _ = _lengths(survey)
    yield hits("line", survey.connected() & (plan > limit), "to_no", found=np.round(plan, 2))


def too_short(survey: Survey, limit: float) -> Iterator[Hits]:
    """Lines shorter in space than ``limit`` metres."""
    _, length = _lengths(survey)
    yield hits("line", survey.connected() & (length < limit), "to_no", found=np.round(length, 3))


def too_deep(survey: Survey, limit: float) -> Iterator[Hits]:
    """Depths over ``limit`` metres."""
    for name in ("from_depth", "to_depth"):
        depth = survey.numbers("line", name)
        yield hits("line", depth > limit, name, found=depth)


def too_steep(survey: Survey, limit: float) -> Iterator[Hits]:
    """Slopes over ``limit`` degrees; lines that stand upright are meant to."""
    plan, length = _lengths(survey)
    dz = np.sqrt(np.maximum(length**2 - plan**2, 0.0))
    angle = np.degrees(np.arctan2(dz, plan))
    mask = survey.connected() & (plan > 0.05) & (angle > limit)
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
    """Gravity lines that do not say which way they run."""
    gravity = survey.values("line", "gravity").astype(bool)
    flow = survey.numbers("line", "flow")
    yield hits("line", survey.alive["line"] & gravity & np.isnan(flow), "flow")


def lonely_lines(survey: Survey, open_features: Sequence[str]) -> Iterator[Hits]:
    """Lines that meet no other line at either end, and do not end at a reserved or edge point."""
    live = survey.connected()
    a, b = survey.ends()
    count = survey.degrees()
    feature = np.append(survey.values("point", "feature"), np.array([None], object))
    ends_open = pd.Series(feature).isin(list(open_features)).to_numpy()
    mask = live & (count[a] == 1) & (count[b] == 1) & ~ends_open[a] & ~ends_open[b]
    yield hits("line", mask, "from_no")


def reverse_slope(survey: Survey, tolerance: float) -> Iterator[Hits]:
    """Gravity lines whose invert rises along the flow, weighed against the survey's error."""
    flow = survey.numbers("line", "flow")
    start, end = survey.numbers("line", "from_invert_h"), survey.numbers("line", "to_invert_h")
    up, down = np.where(flow < 0, end, start), np.where(flow < 0, start, end)
    rise = down - up
    sigma = np.hypot(*(np.nan_to_num(s) for s in survey.at_ends("sigma_z")))
    gravity = survey.values("line", "gravity").astype(bool)
    certain = rise > 2 * sigma
    mask = survey.connected() & gravity & (np.abs(flow) == 1) & (rise > tolerance + 1e-9)
    numbers = survey.values("line", "from_no"), survey.values("line", "to_no")
    yield hits(
        "line",
        mask,
        "flow",
        cls=survey.values("line", "class_code"),
        up_no=np.where(flow < 0, numbers[1], numbers[0]),
        down_no=np.where(flow < 0, numbers[0], numbers[1]),
        zu=up,
        zd=down,
        found=np.round(rise, 3),
        s=np.round(2 * sigma, 3),
        verdict_zh=np.where(certain, "确定", "可能"),
        verdict_en=np.where(certain, "certain", "possible"),
    )
