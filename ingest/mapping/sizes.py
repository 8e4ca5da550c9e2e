"""Section sizes as survey tables write them: round, box and bank."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ingest.mapping.text import Objects, as_text
from ingest.mapping.values import BAD, NULL, Floats, Mask, Placeholders, parse_each

_UNIT: Final = r"\s*(mm|cm|m|毫米|厘米|米)?"
_MILLIMETRES: Final = {"mm": 1.0, "毫米": 1.0, "cm": 10.0, "厘米": 10.0, "m": 1000.0, "米": 1000.0}
_DIAMETER: Final = "DN|DE|D|Φ|Ф|∅|Ø|⌀"  # Greek Phi, Cyrillic Ef
_TIMES: Final = r"\s*[X×Х*]\s*"  # Latin X, Cyrillic Kha
_SIZE: Final = r"(\d+(?:\.\d+)?)"
_ROUND: Final = re.compile(rf"({_DIAMETER})?\s*{_SIZE}{_UNIT}", re.IGNORECASE)
_BOX: Final = re.compile(
    rf"(?:(?:[BW]{_TIMES}H|宽{_TIMES}高)\s*[=:]?\s*)?{_SIZE}{_TIMES}{_SIZE}{_UNIT}", re.IGNORECASE
)
_DUCTS: Final = re.compile(
    rf"([1-9]\d?){_TIMES}([1-9]\d?)(?:{_TIMES}|\s*-\s*|\s*)(?:{_DIAMETER})\s*{_SIZE}{_UNIT}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Section sizes in millimetres: ``width`` = ``height`` = diameter where ``box`` is false.
    ``outer`` tells that the diameter was written as an outer one (De); ``ducts`` counts those of a
    bank that is written by its ducts, else NaN."""

    width: Floats
    height: Floats
    box: Mask
    outer: Mask
    ducts: Floats
    bad: Mask
    placeholder: Mask


def sizes(values: Objects, placeholders: Placeholders, factor: float = 1.0) -> Sizes:
    """``300``, ``DN300``, ``Φ219``, ``De110`` (round), ``800X600`` and ``B×H=800×600`` (width x
    height), ``3X4Φ150`` (a bank of 3 ducts side by side, 4 above each other; its size is that of
    the ducts alone, which touch).

    A bare number is in the column's unit (``factor`` turns it into mm), one with a prefix in mm,
    one with a unit behind it (``1.2m``) in that.
    """

    def unit(word: str | None, otherwise: float) -> float:
        return _MILLIMETRES[word.lower()] if word else otherwise

    def parse(value: Any) -> Any:
        if isinstance(value, bool):
            return BAD
        text = as_text(value)
        if text is None:
            return None
        if found := _ROUND.fullmatch(text):
            prefix, number = (found[1] or "").upper(), float(found[2])
            if number == 0.0:
                return NULL
            number *= unit(found[3], 1.0 if prefix else factor)
            return (number, number, 0.0, float(prefix == "DE"), math.nan)
        if found := _DUCTS.fullmatch(text):
            across, up = float(found[1]), float(found[2])
            duct = float(found[3]) * unit(found[4], 1.0)
            return (across * duct, up * duct, 1.0, 0.0, across * up) if duct > 0 else BAD
        if found := _BOX.fullmatch(text):
            scale = unit(found[3], factor)
            width, height = float(found[1]) * scale, float(found[2]) * scale
            return (width, height, 1.0, 0.0, math.nan) if width > 0 and height > 0 else BAD
        return NULL if placeholders.holds(text) else BAD

    out, bad, null = parse_each(values, parse)
    table = np.full((len(out), 5), np.nan)
    good = np.fromiter((v is not None for v in out), bool, len(out))
    if good.any():
        table[good] = np.array(list(out[good]), np.float64)
    box, outer = table[:, 2] == 1.0, table[:, 3] == 1.0
    return Sizes(table[:, 0], table[:, 1], box, outer, table[:, 4], bad, null)
