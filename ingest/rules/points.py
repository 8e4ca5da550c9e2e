"""Checks of survey points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from ingest.rules.hits import Hits, hits
from ingest.rules.network import Survey
from models import pipes

_SAME: Final = ["x_src", "y_src", "ground_h", "feature", "appurtenance", "well_depth"]


def duplicate_numbers(survey: Survey, identical: bool) -> Iterator[Hits]:
    """Point numbers given twice: with the same data (all but the first row), or with differing
    data (every row, for nobody knows which is right)."""
    points = survey.points
    numbered = points["key"].notna()
    twice = points["key"].duplicated(keep=False) & numbered
    if not twice.any():
        return
    rows = points.loc[twice, ["key", *_SAME]]
    variants = rows.groupby(_SAME, dropna=False, sort=False).ngroup()
    per_key = variants.groupby(rows["key"], sort=False)
    same = per_key.transform("nunique") == 1
    wanted = same & rows["key"].duplicated(keep="first") if identical else ~same
    mask = np.zeros(len(points), bool)
    mask[rows.index[wanted.to_numpy()]] = True
    others = np.full(len(points), "", object)
    for position, own in _namesakes(rows["key"]).items():
        others[position] = survey.row_names("point", own[:1] if identical else own, position)
    yield hits("point", mask, "exp_no", found=points["exp_no"].to_numpy(), others=others)


def _namesakes(keys: pd.Series[str], most: int = 6) -> dict[int, list[int]]:
    """For each position of ``keys`` the first other positions with the same key."""
    out: dict[int, list[int]] = {}
    for positions in keys.groupby(keys, sort=False).groups.values():
        first = [int(p) for p in positions[: most + 1]]
        out |= {int(p): [q for q in first if q != p][:most] for p in positions}
    return out


def coincident(survey: Survey) -> Iterator[Hits]:
    """Points of one class and different numbers at the same X, Y, H, after the first one. The two
    ends of one line may coincide: a vertical pipe has no length in plan."""
    points = survey.points
    alive = survey.alive["point"] & points[["x_src", "y_src", "ground_h"]].notna().all(axis=1)
    own = points.loc[alive, ["class_code", "x_src", "y_src", "ground_h"]]
    own[["x_src", "y_src", "ground_h"]] = own[["x_src", "y_src", "ground_h"]].round(4)
    group = own.groupby(list(own.columns), dropna=False, sort=False).ngroup()
    later = group.duplicated(keep="first")
    if not later.any():
        return
    first = pd.Series(group.index, group.to_numpy())
    first = first[~first.index.duplicated(keep="first")]
    a, b = survey.ends()
    joined = set(zip(np.minimum(a, b).tolist(), np.maximum(a, b).tolist(), strict=True))
    mask = np.zeros(len(points), bool)
    other = np.full(len(points), None, object)
    for position in group.index[later]:
        twin = int(first[group[position]])
        if (twin, int(position)) not in joined:
            mask[position] = True
            other[position] = points["exp_no"].iat[twin]
    yield hits("point", mask, "exp_no", found=other, other=other)


def outside_area(survey: Survey) -> Iterator[Hits]:
    """Points outside the area of use of the declared CRS (column ``inside``), by the coordinate
    that is wrong (column ``north_off``: the northing is)."""
    x, y = survey.numbers("point", "x_src"), survey.numbers("point", "y_src")
    known = np.isfinite(x) & np.isfinite(y)
    found = np.array([f"X={n:.3f} Y={e:.3f}" for n, e in zip(x, y, strict=True)], object)
    mask = known & ~survey.values("point", "inside").astype(bool)
    crs = np.full(len(x), survey.crs, object)
    northing = mask & survey.values("point", "north_off").astype(bool)
    yield hits("point", northing, "north_x", found=found, crs=crs)
    yield hits("point", mask & ~northing, "east_y", found=found, crs=crs)


def isolated_points(survey: Survey) -> Iterator[Hits]:
    """Points that no line of the delivery uses."""
    a, b = survey.ends()
    used = np.zeros(len(survey.points) + 1, bool)
    used[a] = used[b] = True
    mask = survey.alive["point"] & ~used[:-1]
    yield hits("point", mask, "exp_no", found=np.zeros(len(mask), int))


def wells_without_depth(survey: Survey) -> Iterator[Hits]:
    """Wells that have neither a depth nor a bottom height."""
    known = pipes.point_words()
    kinds = survey.values("point", "appurtenance")
    well = np.fromiter((k in known and known[k].role == "well" for k in kinds), bool, len(kinds))
    depth = survey.numbers("point", "well_depth")
    bottom = survey.numbers("point", "well_bottom_h")
    mask = survey.alive["point"] & well & np.isnan(depth) & np.isnan(bottom)
    yield hits("point", mask, "well_depth", found=survey.delivered("point", "appurtenance"))


def well_bottom_identity(survey: Survey, tolerance: float) -> Iterator[Hits]:
    """Bottom height that is not ground height minus well depth."""
    bottom = survey.numbers("point", "well_bottom_h")
    expected = survey.numbers("point", "ground_h") - survey.numbers("point", "well_depth")
    off = np.abs(bottom - expected)
    yield hits("point", off > tolerance + 1e-9, "well_bottom_h", found=bottom, limit=expected)


def well_above_pipe(survey: Survey, tolerance: float) -> Iterator[Hits]:
    """Wells whose bottom is above the lowest invert of the lines that meet there."""
    lowest = np.full(len(survey.points) + 1, np.inf)
    live = survey.connected()
    for positions, column in zip(survey.ends(), ("from_invert_h", "to_invert_h"), strict=True):
        z = survey.numbers("line", column)
        use = live & np.isfinite(z)
        np.minimum.at(lowest, positions[use], z[use])
    bottom = survey.numbers("point", "well_bottom_h")
    depth = survey.numbers("point", "well_depth")
    bottom = np.where(np.isnan(bottom), survey.numbers("point", "ground_h") - depth, bottom)
    mask = survey.alive["point"] & np.isfinite(lowest[:-1]) & (bottom - lowest[:-1] > tolerance)
    yield hits("point", mask, "well_depth", found=np.round(bottom, 3), invert=lowest[:-1])


CHECKS: Final = (
    coincident,
    duplicate_numbers,
    isolated_points,
    outside_area,
    well_above_pipe,
    well_bottom_identity,
    wells_without_depth,
)
