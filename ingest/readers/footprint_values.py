"""Numbers and lengths in the columns of a footprint layer, each spelling parsed once."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.mapping import buildings
from ingest.mapping.text import header_unit
from ingest.readers.footprint_report import Mask

Floats = npt.NDArray[np.float64]

_QUANTITY: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([^\d\s.,+-]\D*)?")


@dataclass(frozen=True, slots=True)
class Numbers:
    """``values`` (NaN where null or not a number), ``wrong`` where neither null nor a number,
    ``with_unit`` where a unit of length was written beside the number or in the header."""

    values: Floats
    wrong: Mask
    with_unit: Mask


def header_factor(header: str) -> float | None:
    """Metres of the unit in the brackets of a header, ``高度(mm)``; None where there is none."""
    return buildings.length_units().get(header_unit(header) or "")


def numbers(values: npt.NDArray[Any], header: str | None = None) -> Numbers:
    """A column as floats. Numbers may be written in full width.

    With a ``header`` they are lengths in metres: a number may carry a unit that
    :func:`ingest.mapping.buildings.length_units` knows, and is converted by it; one without is in
    the unit that the header's brackets name, else in metres. Text with any other unit is wrong.
    """
    factor = None if header is None else header_factor(header)
    scale = 1.0 if factor is None else factor
    if values.dtype != object:
        floats = values.astype(np.float64)
        finite = np.isfinite(floats)
        return Numbers(
            np.where(finite, floats * scale, np.nan),
            np.isinf(floats),
            finite & np.bool_(factor is not None),
        )
    units = {} if header is None else buildings.length_units()
    codes, words = pd.factorize(values)
    plain = [unicodedata.normalize("NFKC", str(word)).strip().casefold() for word in words]
    parsed = np.array([_quantity(word, units, scale) for word in plain]).reshape(-1, 2)
    fine = np.isfinite(parsed[:, 0])
    wrong = ~fine & np.array([word != "" for word in plain], dtype=bool)
    said = fine & ((parsed[:, 1] > 0) | (factor is not None))
    # Code -1 stands for null; the added last element is what it indexes.
    return Numbers(
        np.append(np.where(fine, parsed[:, 0], np.nan), np.nan)[codes],
        np.append(wrong, False)[codes],
        np.append(said, False)[codes],
    )


def _quantity(word: str, units: dict[str, float], scale: float) -> tuple[float, bool]:
    """The number in ``word``, NaN where it is none, and whether a unit stands beside it."""
    match = _QUANTITY.fullmatch(word)
    if match is None:
        return np.nan, False
    if match[2] is None:
        return float(match[1]) * scale, False
    unit = units.get(match[2].strip())
    return (np.nan, False) if unit is None else (float(match[1]) * unit, True)
