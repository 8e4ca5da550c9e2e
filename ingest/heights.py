"""Rows of pipes without a height: they are refused one by one, for no depth is ever guessed.

A survey's own rules refuse such rows already (STR-02, STR-03 of the pack ``pipe-survey``; CJJ 61-
2017, 3.0.2, has depths recorded). Models of networks, which need none, come by here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from models.features import Delivery, Theme
from models.findings import Finding, Place, Severity

#: Findings of one kind before the rest is only counted.
MAX_TOLD: Final = 1000


@dataclass(frozen=True, slots=True)
class _Lack:
    """What is said of a row of one table: its code, sentences after the key, what is expected."""

    code: str
    zh: str
    en: str
    expected: str


_LACKS: Final = {
    "pipe_point": _Lack(
        "STR-02",
        "管点 {} 没有地面高程，不予入库，也不作推测。请以管点表提交该点及其地面高程。",
        "point {} has no ground height and is left out, for none is guessed. Deliver it in a point "
        "table with its ground height.",
        "地面高程 ground height",
    ),
    "pipe_segment": _Lack(
        "STR-03",
        "管段 {} 既无埋深也无高程，不予入库，也不作推测。"
        "请以管点表和线表提交两端的埋深或管线高程。",
        "segment {} has neither depths nor heights and is left out, for none is guessed. Deliver "
        "the depths or inverts of both its ends in a point and a line table.",
        "埋深或高程 depth or height",
    ),
}


def require(delivery: Delivery) -> Delivery:
    """``delivery`` without the rows of pipes of which some vertex has no height (NaN, m), each told
    with an error: STR-02 for points, STR-03 for segments. Other themes stay as they are."""
    if delivery.theme is not Theme.PIPES:
        return delivery
    tables, findings = dict(delivery.tables), list(delivery.findings)
    for name, lack in _LACKS.items():
        if name not in tables:
            continue
        frame = tables[name]
        geometry = frame["geom"].to_numpy(dtype=object)
        xyz, of = shapely.get_coordinates(geometry, include_z=True, return_index=True)
        lacking = np.zeros(len(frame), dtype=bool)
        lacking[of[np.isnan(xyz[:, 2])]] = True
        if lacking.any():
            tables[name] = frame[~lacking].reset_index(drop=True)
            findings += _told(delivery.source.name, lack, frame[lacking])
    return replace(delivery, tables=tables, findings=tuple(findings))


def _told(file: str, lack: _Lack, rows: pd.DataFrame) -> Iterator[Finding]:
    first = rows.head(MAX_TOLD)
    none: Any = pd.Series([None] * len(first))
    sheets, numbers = first.get("source_sheet", none), first.get("source_row", none)
    places = np.asarray(shapely.bounds(first["geom"].to_numpy(dtype=object))).reshape(-1, 4)
    for key, sheet, row, (x, y, _, _) in zip(first["key"], sheets, numbers, places, strict=True):
        number = None if pd.isna(row) else int(row)
        where = file if sheet is None else f"{file} [{sheet}]"
        zh, en = ("", "") if number is None else (f" 第 {number} 行", f" line {number}")
        yield Finding(
            lack.code,
            Severity.ERROR,
            Place(file, sheet, number, None, str(key)),
            f"{where}{zh}：{lack.zh.format(key)}",
            f"{where}{en}: {lack.en.format(key)}",
            "无高程 no height",
            lack.expected,
            extra={"source_position": [float(x), float(y)]},
        )
    if (more := len(rows) - len(first)) > 0:
        yield Finding(
            lack.code,
            Severity.ERROR,
            Place(file),
            f"{file}：另有 {more} 行同样没有高程（{lack.code}），均不予入库。请一并补充。",
            f"{file}: {more} more rows have no height either ({lack.code}) and are left out. "
            "Deliver theirs too.",
            str(more),
            lack.expected,
        )
