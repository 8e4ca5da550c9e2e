"""Checks of what meets at a point: depth, height and material of its lines (LN-09)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.rules.hits import Hits
from ingest.rules.network import Mask, Survey
from models import pipes

#: Points at which lines may lie at different heights: chambers are entered at every height.
_CHAMBERS: Final = frozenset({"well", "structure", "cabinet", "inlet", "pole"})


def differing_heights(
    survey: Survey, field: str, tolerance: float, features: Sequence[str]
) -> Iterator[Hits]:
    """Points, no chambers, at which lines of one class give different depths (``field`` depth) or
    heights (``field`` h) over the tolerance in metres; ``features`` say that they may."""
    name = "depth" if field == "depth" else "ref_h"
    ends = _ends(survey)
    values = np.concatenate([survey.numbers("line", f"{end}_{name}") for end in ("from", "to")])
    open_ends = ends["free"] & np.isfinite(values) & ~_named(survey, features)[ends["point"]]
    rows = pd.DataFrame({"point": ends["point"], "cls": ends["cls"], "z": values})[open_ends]
    if rows.empty:
        return
    spread = rows.groupby(["point", "cls"], sort=False)["z"].agg(["min", "max", "size"])
    off = spread["max"] - spread["min"]
    spread = spread[(spread["size"] > 1) & (off > tolerance + 1e-9)]
    points = spread.index.get_level_values("point").to_numpy(np.intp)
    yield Hits(
        "point",
        points,
        "exp_no",
        {
            "found": (spread["max"] - spread["min"]).round(3).to_numpy(),
            "low": spread["min"].to_numpy(),
            "high": spread["max"].to_numpy(),
            "cls": spread.index.get_level_values("cls").to_numpy(object),
        },
    )


def differing_lines(survey: Survey, field: str, features: Sequence[str]) -> Iterator[Hits]:
    """Points, no chambers, at which exactly two lines of one class meet whose ``field`` (the
    material; sizes are TOP-07) differs although no feature or appurtenance says so (``features``).
    Where a third line was refused the point is still a branch."""
    ends = _ends(survey)
    values = np.tile(survey.values("line", field), 2)
    standing = np.tile(survey.standing(), 2) & ends["open"]
    keep = standing & ~_named(survey, features)[ends["point"]]
    frame = {"point": ends["point"], "cls": ends["cls"], "v": values, "live": ends["free"]}
    rows = pd.DataFrame(frame)[keep]
    if rows.empty:
        return
    groups = rows.groupby(["point", "cls"], sort=False)
    two = groups["v"].agg(["size", "count", "nunique", "first", "last"])
    whole = (two["size"] == 2) & (two["count"] == 2) & (two["nunique"] == 2)
    two = two[whole & groups["live"].all()]
    points = two.index.get_level_values("point").to_numpy(np.intp)
    found = (two["first"].astype(str) + " / " + two["last"].astype(str)).to_numpy(object)
    cls = two.index.get_level_values("cls").to_numpy(object)
    yield Hits("point", points, "feature", {"found": found, "cls": cls})


def _ends(survey: Survey) -> dict[str, npt.NDArray[Any]]:
    """Both ends of every line under each other: the point, the class, whether the point is there
    and no chamber (``open``), and whether line and points are not refused either (``free``)."""
    a, b = survey.ends()
    point = np.concatenate([a, b])
    free = (point >= 0) & ~_chambers(survey)[point]
    return {
        "point": point,
        "cls": np.tile(survey.values("line", "class_code"), 2),
        "open": free,
        "free": free & np.tile(survey.connected(), 2),
    }


def _chambers(survey: Survey) -> Mask:
    known = pipes.point_words()
    kinds = survey.values("point", "appurtenance")
    roles = [k in known and known[k].role in _CHAMBERS for k in kinds]
    return np.array([*roles, False], bool)  # the last for lines without their point


def _named(survey: Survey, words: Sequence[str]) -> Mask:
    points = survey.points[["feature", "appurtenance"]]
    named = points.isin(list(words)).to_numpy(bool).any(axis=1)
    return np.append(named, False)


CHECKS: Final = (differing_heights, differing_lines)
