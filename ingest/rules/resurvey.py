"""A second measurement of survey points (重复探查) and dug-up ones (开挖验证) against the delivery.

Limits (1.9 of the domain reference): a hidden point may be off by 0.10 h in plan and 0.15 h in
depth, h being the depth to the centre, at least 1 m; mean errors may be half of that. Of a second
measurement the mean error of one is √(Σd² / 2n).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ingest.mapping.text import Objects, as_text, header_key, header_unit
from ingest.rules.network import Floats, Mask, Rows, Survey
from ingest.rules.totals import Cells
from models import pipes

#: Folded headers of check tables; those with 原 before them are of the first measurement.
_COLUMNS: Final = {
    "exp_no": {"物探点号", "管线点号", "点号", "exp_no"},
    "x": {"检查x", "复测x", "复探x", "重复探查x", "开挖x", "验证x", "检查x坐标"},
    "y": {"检查y", "复测y", "复探y", "重复探查y", "开挖y", "验证y", "检查y坐标"},
    "depth": {"检查埋深", "复测埋深", "复探埋深", "重复探查埋深", "开挖埋深", "验证埋深"},
    "kind": {"检查方式", "检查方法", "验证方式"},
}
_DUG: Final = "开挖"
_FACTORS: Final = {"m": 1.0, "米": 1.0, "cm": 0.01, "厘米": 0.01, "mm": 0.001, "毫米": 0.001}
#: Share of the limit that a mean error may reach.
HALF: Final = 0.5


class Verdict(enum.StrEnum):
    """What an excavation check says of a survey."""

    PASSED = "passed"
    TOO_FEW = "too few"
    DIG_MORE = "dig more"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Resurvey:
    """Points measured again, in the delivery's CRS and datum: ``exp_no``, northings ``x`` and
    eastings ``y`` (m) and ``depth`` (m, measured to what the delivery measures to), NaN where not
    measured, and which were ``dug`` up; ``row`` is each one's row in ``sheet`` of ``file``."""

    file: str
    sheet: str | None
    row: Rows
    exp_no: Objects
    x: Floats
    y: Floats
    depth: Floats
    dug: Mask


def read_resurvey(grids: Iterable[Cells]) -> tuple[Resurvey, ...]:
    """The check tables among the sheets of a file. A point was dug up where the column 检查方式,
    the sheet's name or the header of its depth says 开挖."""
    return tuple(found for grid in grids if (found := _table(grid)) is not None)


def _table(grid: Cells) -> Resurvey | None:
    for header in range(min(20, len(grid.cells))):
        names = [as_text(v) or "" for v in grid.cells[header]]
        keys = [header_key(name) for name in names]
        at = {f: next((i for i, k in enumerate(keys) if k in w), -1) for f, w in _COLUMNS.items()}
        if at["exp_no"] >= 0 and (at["depth"] >= 0 or (at["x"] >= 0 and at["y"] >= 0)):
            break
    else:
        return None
    body = grid.cells[header + 1 :]
    number = np.array([as_text(v) for v in body[:, at["exp_no"]]], object)
    rows = np.flatnonzero(pd.notna(number))

    def column(name: str) -> Floats:
        if at[name] < 0:
            return np.full(len(rows), np.nan)
        factor = _FACTORS.get(header_unit(names[at[name]]) or "m", 1.0)
        numbers = pd.to_numeric(pd.Series(body[rows, at[name]], dtype=object), errors="coerce")
        out: Floats = numbers.to_numpy(np.float64) * factor
        return out

    dug = np.full(len(rows), _DUG in (grid.sheet or "") or _DUG in keys[at["depth"]])
    if at["kind"] >= 0:
        dug = np.array([_DUG in (as_text(v) or "") for v in body[rows, at["kind"]]], bool)
    x, y, depth = (column(name) for name in ("x", "y", "depth"))
    return Resurvey(grid.file, grid.sheet, rows + header + 2, number[rows], x, y, depth, dug)


def compare(survey: Survey, resurvey: Resurvey) -> pd.DataFrame:
    """The points of ``resurvey`` that the delivery has: position ``point``, ``row`` and ``dug`` of
    the check, differences ``ds`` in plan and ``dh`` in depth (m, NaN where not measured) and their
    limits ``limit_s`` and ``limit_h``.

    Where several lines meet, the depth that is nearest to the measured one is compared.
    """
    numbers = pd.Series(np.arange(len(survey.points)), survey.points["exp_no"])
    numbers = numbers[survey.alive["point"]]
    numbers = numbers[~numbers.index.duplicated()]
    point = numbers.reindex(pd.Index(resurvey.exp_no)).to_numpy(np.float64)
    known = np.isfinite(point)
    point = point[known].astype(np.intp)
    ds = np.hypot(
        survey.numbers("point", "x_src")[point] - resurvey.x[known],
        survey.numbers("point", "y_src")[point] - resurvey.y[known],
    )
    h = np.maximum(centre_depth(survey)[point], pipes.accuracy()["hidden"]["least_h"])
    figures = pipes.accuracy()["hidden"]
    return pd.DataFrame(
        {
            "point": point,
            "row": resurvey.row[known],
            "dug": resurvey.dug[known],
            "ds": ds,
            "dh": _depth_differences(survey, point, resurvey.depth[known]),
            "limit_s": 2 * figures["xy"] * h,
            "limit_h": 2 * figures["depth"] * h,
        }
    )


def centre_depth(survey: Survey) -> Floats:
    """Depth (m) to the centre of the deepest line at every point, 0 where none is known."""
    deepest = np.zeros(len(survey.points) + 1)
    grounds = survey.at_ends("ground_h")
    for ends, end, ground in zip(survey.ends(), ("from", "to"), grounds, strict=True):
        depth = ground - survey.numbers("line", f"{end}_centre_z")
        known = np.isfinite(depth)
        np.maximum.at(deepest, ends[known], depth[known])
    return deepest[:-1]


def _depth_differences(survey: Survey, point: Rows, measured: Floats) -> Floats:
    a, b = survey.ends()
    ends = pd.DataFrame(
        {
            "point": np.concatenate([a, b]),
            "depth": np.concatenate(
                [survey.numbers("line", f"{end}_depth_out") for end in ("from", "to")]
            ),
        }
    ).dropna()
    asked = pd.DataFrame({"i": np.arange(len(point)), "point": point, "measured": measured})
    both = asked.merge(ends, on="point")
    both["dh"] = (both["measured"] - both["depth"]).abs()
    out: Floats = both.groupby("i")["dh"].min().reindex(asked["i"]).to_numpy(np.float64)
    return out


def mean_error(differences: Floats) -> float:
    """Mean error (1 sigma) of one of two measurements of the same points: √(Σd² / 2n); NaN where
    nothing was measured twice."""
    known = differences[np.isfinite(differences)]
    return float(np.sqrt(np.sum(known**2) / (2 * len(known)))) if len(known) else float("nan")


def excavation_verdict(hidden: int, dug: int, over: int) -> Verdict:
    """What ``dug`` excavations, ``over`` of them over the limit, say of ``hidden`` hidden points.

    At least 1 % and 3 are to be dug. Up to 10 % over the limit pass; up to 20 % ask for a second
    sample, and so do more than that of 10 or fewer; more than 20 % of more than 10 fail.
    """
    if dug < max(3, int(np.ceil(0.01 * hidden))):
        return Verdict.TOO_FEW
    if over <= 0.10 * dug:
        return Verdict.PASSED
    if over <= 0.20 * dug or dug <= 10:
        return Verdict.DIG_MORE
    return Verdict.FAIL
