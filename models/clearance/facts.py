"""What the conditions of a table of limits ask of lines and of what is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from models import pipes
from models.clearance.joints import Words, column, numbers

#: Lines so embedded do not lie in the ground: the tables are not about them.
_NOT_BURIED: Final = ("架空", "地面", "上架", "综合管廊", "井内连线")
_CABLE_LAYING: Final = {"直埋": "direct", "水下": "direct", "管埋": "conduit", "管块": "conduit",
                        "顶管": "conduit", "管沟": "trench", "小通道": "trench"}  # fmt: skip
_PIPE_LAYING: Final = {"直埋": "direct", "水下": "direct", "管埋": "direct", "顶管": "direct",
                       "管沟": "trench", "小通道": "trench"}  # fmt: skip
#: Upper ends of the pressure levels (MPa), §3.2 of the domain reference; 低压 is below its end.
_PRESSURES: Final = {"低压": 0.01, "中压B": 0.2, "中压A": 0.4, "次高压B": 0.8, "次高压A": 1.6}

Facts = Mapping[str, Any]


def facts_of(segments: pd.DataFrame) -> Facts:
    """What the conditions ask of ``segments``; ``None`` or NaN where the table does not say.

    Lines out of use or not in the ground are of no kind that a table names.
    """
    known = pipes.classes()
    code, embed = column(segments, "class_code"), column(segments, "embed")
    kind = np.array([_kind(known[c].major, c) if c in known else None for c in code], object)
    out_of_use = column(segments, "status") == "废弃"
    kind[np.isin(embed.astype(str), _NOT_BURIED) | out_of_use] = "-"
    cable = np.isin(kind.astype(str), ("DL", "TX"))
    bank = (column(segments, "shape") == "bank") & pd.isna(embed)
    laying = np.array(
        [(_CABLE_LAYING if c else _PIPE_LAYING).get(e) for c, e in zip(cable, embed, strict=True)],
        object,
    )
    laying[bank] = "conduit"
    laying[(kind == "TX") & (laying == "trench")] = "conduit"
    width, inner, od = (numbers(segments, n) for n in ("width_mm", "id_mm", "od_mm"))
    size = np.where(np.isnan(width), np.where(np.isnan(inner), od, inner), width)
    return {
        "lines": True,
        "kind": kind,
        "laying": laying,
        "pressure": _pressures(segments),
        "material": column(segments, "material"),
        "diameter_mm": size,
        "voltage_kv": numbers(segments, "voltage_kv"),
    }


def facts_of_words(kinds: Words) -> Facts:
    """Facts of what is no line (a building, a carriageway): its kind, ``None`` where unknown."""
    count = len(kinds)
    nothing, nan = np.full(count, None, object), np.full(count, np.nan)
    return {
        "lines": False,
        "kind": kinds,
        "laying": nothing,
        "pressure": nothing,
        "material": nothing,
        "diameter_mm": nan,
        "voltage_kv": nan,
    }


def _kind(major: str, code: str) -> str | None:
    if code == "BM":
        return None
    return code if code == "ZS" else major


def _pressures(segments: pd.DataFrame) -> Words:
    """Pressure levels, from the word, else from the pressure; above 1.6 MPa is ``beyond``."""
    word, mpa = column(segments, "pressure_level"), numbers(segments, "pressure_mpa")
    names, ends = list(_PRESSURES), np.array(list(_PRESSURES.values()))
    by_value = np.array([*names, "beyond", None], object)
    at = np.searchsorted(ends, mpa) + (mpa == ends[0])
    level = by_value[np.where(mpa > 0, at, len(names) + 1)]
    told = np.isin(word.astype(str), names)
    level[told] = word[told]
    level[np.char.startswith(word.astype(str), "高压")] = "beyond"
    return np.asarray(level, object)
