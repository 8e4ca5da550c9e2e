"""Units of a table's columns: in the brackets of a header, or in a row of their own beneath it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ingest.mapping.text import Objects, fold, header_unit
from ingest.mapping.words import SurveyWords

_UNIT: Final = r"|米|厘米|毫米|m|cm|mm|兆帕|千帕|mpa|kpa|pa|bar|千伏|伏|kv|v|孔|根|条|个|年|-|/"


def units_row(cells: Objects, row: int) -> list[str] | None:
    """The row beneath a header when it holds nothing but units."""
    if row >= len(cells):
        return None
    texts = [fold(v).strip("()[] ").lower() if isinstance(v, str) else v for v in cells[row]]
    said = [t for t in texts if t is not None]
    if not said or not all(isinstance(t, str) and re.fullmatch(_UNIT, t) for t in said):
        return None
    return [t if isinstance(t, str) else "" for t in texts]


def factors(
    used: Mapping[str, int],
    names: tuple[str | None, ...],
    unit_row: list[str] | None,
    words: SurveyWords,
) -> dict[str, float]:
    """Factors of the fields ``used`` (with their columns) into their own units, where not 1."""
    out = {}
    for name, index in used.items():
        table = words.units.get(words.kinds.get(name, ""), {})
        own = header_unit(names[index] or "")
        below = unit_row[index] if unit_row is not None else None
        for unit in (own, below):
            if unit is not None and table.get(unit, 1) != 1:
                out[name] = float(table[unit])
                break
    return out
