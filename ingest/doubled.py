"""Buildings that several files of one dataset deliver: nobody knows which file is right.

Each such row is refused, as it is where one file has an id twice; the rest of the files is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ingest.rules.network import Mask
from models.features import Delivery
from models.findings import Finding, Place, Severity


def refuse_doubled(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """``deliveries`` of one dataset without the buildings that more than one of them has (STR-06)
    and without the parts of these (BLD-07)."""
    houses = _files(deliveries, "building")
    parts = _files(deliveries, "building_part")
    out = []
    for delivery in deliveries:
        tables, findings = dict(delivery.tables), list(delivery.findings)
        for name, files in (("building", houses), ("building_part", parts)):
            frame = tables.get(name)
            if frame is None or frame.empty:
                continue
            doubled = _mask(frame["key"].isin(files.index))
            findings += [
                _doubled(delivery, row, files[row["key"]]) for row in _rows(frame[doubled])
            ]
            orphans = np.zeros(len(frame), dtype=bool)
            if name == "building_part":
                orphans = _mask(frame["building_key"].isin(houses.index)) & ~doubled
            findings += [_orphan(delivery, row) for row in _rows(frame[orphans])]
            tables[name] = frame[~doubled & ~orphans].reset_index(drop=True)
        out.append(replace(delivery, tables=tables, findings=tuple(findings)))
    return out


def _files(deliveries: Sequence[Delivery], table: str) -> pd.Series[Any]:
    """By key the names of the files that have it, for keys that more than one has."""
    held = pd.concat(
        [
            pd.DataFrame({"key": frame["key"], "file": delivery.source.name}, dtype=object)
            for delivery in deliveries
            if (frame := delivery.tables.get(table)) is not None
        ]
        or [pd.DataFrame({"key": [], "file": []}, dtype=object)]
    )
    again = held[held["key"].duplicated(keep=False)]
    return again.groupby("key")["file"].agg(", ".join)


def _mask(column: pd.Series[Any]) -> Mask:
    return column.to_numpy(dtype=bool)


def _rows(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    names = [n for n in ("key", "building_key", "source_row", "source_sheet") if n in frame]
    return frame[names].to_dict("records")


def _place(delivery: Delivery, row: dict[Any, Any]) -> Place:
    number, sheet = row.get("source_row"), row.get("source_sheet")
    return Place(
        delivery.source.name,
        None if pd.isna(sheet) else str(sheet),
        None if pd.isna(number) else int(number),
        None,
        str(row["key"]),
    )


def _doubled(delivery: Delivery, row: dict[Any, Any], files: str) -> Finding:
    place = _place(delivery, row)
    return Finding(
        "STR-06",
        Severity.ERROR,
        place,
        f"{place.file} 第 {place.row} 个要素：编号 {row['key']} 在同一数据集的多个文件中重复"
        f"（{files}），均不予入库。请只在一个文件中提交该要素。",
        f"{place.file}, feature {place.row}: id {row['key']} is in several files of this dataset "
        f"({files}); none of them is taken. Deliver it in one of them only.",
        str(row["key"]),
        "unique",
    )


def _orphan(delivery: Delivery, row: dict[Any, Any]) -> Finding:
    place = _place(delivery, row)
    return Finding(
        "BLD-07",
        Severity.ERROR,
        place,
        f"{place.file} 第 {place.row} 个要素：所属建筑 {row['building_key']} 因编号重复未入库。"
        "请更正后一并提交。",
        f"{place.file}, feature {place.row}: its building {row['building_key']} is not taken, for "
        "several files have it. Correct that and deliver both together.",
        str(row["building_key"]),
        "id of a building in this file",
    )
