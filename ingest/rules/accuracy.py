"""Checks of a survey's accuracy (ACC-01): methods stated, and a sample that was measured again.

The mean errors of every point follow from its method and depth when the survey is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from ingest.rules.hits import Hits, Statement, hits
from ingest.rules.network import Survey
from ingest.rules.resurvey import (
    HALF,
    Verdict,
    compare,
    excavation_verdict,
    mean_error,
)
from models.findings import Place

_VERDICTS: Final = {
    Verdict.TOO_FEW: ("数量不足，请补足", "too few; dig more"),
    Verdict.DIG_MORE: ("超差较多，请再抽取不少于 1% 开挖验证", "dig another 1 % at least"),
    Verdict.FAIL: ("探查质量不合格，请重新探查", "the survey fails; repeat it"),
}


def unstated_methods(survey: Survey, share: float) -> Iterator[Hits]:
    """Hidden points that leave the column of the method empty, where they are more than ``share``
    of the hidden points of their sheet; their mean errors are assumed. Result tables without that
    column are usual and nothing is said of them."""
    column = np.array(["acq_method" in s.headers.get("point", {}) for s in survey.sheets], bool)
    hidden = survey.alive["point"] & column[survey.values("point", "sheet").astype(np.intp)]
    hidden &= survey.values("point", "acq_method") == "hidden"
    silent = hidden & ~survey.values("point", "method_stated").astype(bool)
    sheets = survey.values("point", "sheet")
    table = pd.DataFrame({"sheet": sheets, "hidden": hidden, "silent": silent})
    sums = table.groupby("sheet")[["hidden", "silent"]].transform("sum")
    part = (sums["silent"] / sums["hidden"].clip(lower=1)).to_numpy(np.float64)
    found = np.array([f"{100 * v:.0f}" for v in part], object)
    yield hits("point", silent & (part > share), "acq_method", found=found)


def without_accuracy(survey: Survey) -> Iterator[Hits]:
    """Points out of designs and records, which have no mean error: answers about them are open."""
    method = survey.values("point", "acq_method")
    mask = survey.alive["point"] & np.isnan(survey.numbers("point", "sigma_xy"))
    yield hits("point", mask, "acq_method", found=method)


def sample_size(survey: Survey, share: float) -> Iterator[Statement]:
    """Check tables that measured fewer than ``share`` of the points again."""
    tables = [(r, compare(survey, r)) for r in survey.context.resurveys]
    again = [(r, t) for r, t in tables if (~t["dug"]).any()]
    if not again:
        return
    points = int(survey.alive["point"].sum())
    count = sum(int((~t["dug"]).sum()) for _, t in again)
    if count < share * points:
        values = {"found": count, "points": points, "least": int(np.ceil(share * points))}
        yield Statement(Place(again[0][0].file, again[0][0].sheet, element="repeat"), values)


def over_limit(survey: Survey) -> Iterator[Hits]:
    """Points whose second measurement or excavation is off by more than the limit of a hidden
    point; of visible points more than the limit of a hidden one is wrong as well."""
    for resurvey in survey.context.resurveys:
        table = compare(survey, resurvey)
        for name, off, limit in (("exp_no", "ds", "limit_s"), ("ground_h", "dh", "limit_h")):
            bad = table[table[off] > table[limit] + 1e-9]
            values = {
                "found": bad[off].round(3).to_numpy(),
                "limit": bad[limit].to_numpy(),
                "check_row": bad["row"].to_numpy(),
                "what_zh": np.full(len(bad), "平面" if off == "ds" else "埋深", object),
                "what_en": np.full(len(bad), "plan" if off == "ds" else "depth", object),
            }
            yield Hits("point", bad["point"].to_numpy(np.intp), name, values)


def mean_errors(survey: Survey, from_count: int) -> Iterator[Statement]:
    """Mean errors of a second measurement of more than ``from_count`` points over half the limit;
    fewer are judged one by one."""
    for resurvey in survey.context.resurveys:
        table = compare(survey, resurvey)
        table = table[~table["dug"]]
        for off, zh, en in (("ds", "平面", "plan"), ("dh", "埋深", "depth")):
            own = table[np.isfinite(table[off])]
            error = mean_error(own[off].to_numpy(np.float64))
            limit = HALF * float(own[f"limit_{off[1]}"].mean()) if len(own) else np.nan
            if len(own) > from_count and error > limit + 1e-9:
                words = {"found": f"{error:.3f}", "limit": limit, "count": len(own)}
                place = Place(resurvey.file, resurvey.sheet, element=off)
                yield Statement(place, {**words, "what_zh": zh, "what_en": en})


def excavations(survey: Survey) -> Iterator[Statement]:
    """An excavation check that the survey does not pass."""
    tables = [compare(survey, r) for r in survey.context.resurveys]
    dug = [t[t["dug"]] for t in tables]
    count = sum(map(len, dug))
    if not count:
        return
    hidden = int((survey.alive["point"] & (survey.values("point", "acq_method") == "hidden")).sum())
    over = sum(int(((t["ds"] > t["limit_s"]) | (t["dh"] > t["limit_h"])).sum()) for t in dug)
    verdict = excavation_verdict(hidden, count, over)
    if verdict is Verdict.PASSED:
        return
    first = next(r for r, t in zip(survey.context.resurveys, dug, strict=True) if len(t))
    zh, en = _VERDICTS[verdict]
    values = {"found": f"{over}/{count}", "hidden": hidden, "verdict_zh": zh, "verdict_en": en}
    yield Statement(Place(first.file, first.sheet, element="excavation"), values)


CHECKS: Final = (
    excavations,
    mean_errors,
    over_limit,
    sample_size,
    unstated_methods,
    without_accuracy,
)
