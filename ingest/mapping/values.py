"""Parsers of survey cells: whole columns in, arrays out, with masks of what could not be read.

Every spelling is parsed once (columns repeat themselves); nothing is guessed: what does not follow
the grammar is marked ``bad`` and becomes null.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingest.mapping.text import Objects, as_text, each_unique, fold

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_ROUND: Final = re.compile(r"(DN|DE|D|Φ|∅|Ø)?\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_BOX: Final = re.compile(r"(\d+(?:\.\d+)?)\s*[X×*]\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_DATE: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MONTH: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})月?")
_YEAR: Final = re.compile(r"(\d{4})年?")
_DECADE: Final = re.compile(r"(\d{3}0)年代|(\d0)年代")
_PAIR: Final = re.compile(r"(\d+)\s*/\s*(\d+)")
#: Days that field books enter for "about 1990" and "about 2000".
_DECADE_DAYS: Final = frozenset({date(1990, 1, 1), date(2000, 1, 1)})


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed column: ``values`` (NaN or None where null), ``bad`` cells, ``placeholder`` cells
    (a word or number that stands for unknown)."""

    values: npt.NDArray[Any]
    bad: Mask
    placeholder: Mask


@dataclass(frozen=True, slots=True)
class Placeholders:
    """What stands for null: folded upper-case words, numbers, ISO days, and whether zero does."""

    words: frozenset[str]
    numbers: frozenset[float]
    dates: frozenset[str]
    zero: bool

    def holds(self, text: str) -> bool:
        """Whether a folded cell is one of the words."""
        return text.upper() in self.words


_BAD: Final = object()
_NULL: Final = object()


def _apply(values: Objects, parse: Callable[[Any], Any]) -> tuple[Objects, Mask, Mask]:
    """Parse every spelling once; ``parse`` returns a value, ``None``, ``_BAD`` or ``_NULL``."""
    codes, unique = each_unique(values)
    table = np.empty(len(unique) + 1, object)
    for index, value in enumerate(unique):
        table[index] = parse(value)
    table[-1] = None
    bad = np.fromiter((v is _BAD for v in table), bool, len(table))
    null = np.fromiter((v is _NULL for v in table), bool, len(table))
    table[bad | null] = None
    return table[codes], bad[codes], null[codes]


def _floats(values: Objects) -> Floats:
    return values.astype(np.float64)


def numbers(values: Objects, placeholders: Placeholders, factor: float = 1.0) -> Parsed:
    """A column of numbers times ``factor``; text is read as the exact decimal it spells."""

    def parse(value: Any) -> Any:
        if isinstance(value, bool):
            return _BAD
        if isinstance(value, int | float):
            number = float(value)
        else:
            text = as_text(value)
            if text is None:
                return None
            if not _NUMBER.fullmatch(text):
                return _NULL if placeholders.holds(text) else _BAD
            number = float(text)
        if not math.isfinite(number):
            return _BAD
        if number in placeholders.numbers or (placeholders.zero and number == 0.0):
            return _NULL
        return number * factor if factor != 1.0 else number

    out, bad, null = _apply(values, parse)
    return Parsed(_floats(out), bad, null)


def counts(values: Objects, placeholders: Placeholders) -> tuple[Parsed, Floats]:
    """Whole numbers that are not negative; of ``12/9`` the first, and the second beside it."""

    def split(value: Any) -> Any:
        pair = _PAIR.fullmatch(as_text(value) or "")
        return (float(pair[1]), float(pair[2])) if pair else None

    pairs, _, _ = _apply(values, split)
    has_pair = np.fromiter((p is not None for p in pairs), bool, len(pairs))
    second = np.full(len(pairs), np.nan)
    rest = values.copy()
    if has_pair.any():
        both = np.array(list(pairs[has_pair]), np.float64)
        rest[has_pair] = both[:, 0]
        second[has_pair] = both[:, 1]
    parsed = numbers(rest, placeholders)
    wrong = (parsed.values < 0) | (parsed.values % 1 > 0)
    clean = np.where(wrong, np.nan, parsed.values)
    return Parsed(clean, parsed.bad | wrong, parsed.placeholder), second


@dataclass(frozen=True, slots=True)
class Sizes:
    """Section sizes in millimetres: ``width`` = ``height`` = diameter where ``box`` is false.
    ``outer`` tells that the diameter was written as an outer one (De)."""

    width: Floats
    height: Floats
    box: Mask
    outer: Mask
    bad: Mask
    placeholder: Mask


def sizes(values: Objects, placeholders: Placeholders, factor: float = 1.0) -> Sizes:
    """``300``, ``DN300``, ``Φ219``, ``De110`` (round) and ``800X600`` (width x height).

    A bare number is in the column's unit (``factor`` turns it into mm), one with a prefix in mm.
    """

    def parse(value: Any) -> Any:
        if isinstance(value, bool):
            return _BAD
        text = as_text(value)
        if text is None:
            return None
        if found := _ROUND.fullmatch(text):
            prefix, number = (found[1] or "").upper(), float(found[2])
            if number == 0.0:
                return _NULL
            number *= 1.0 if prefix else factor
            return (number, number, 0.0, float(prefix == "DE"))
        if found := _BOX.fullmatch(text):
            width, height = float(found[1]) * factor, float(found[2]) * factor
            return (width, height, 1.0, 0.0) if width > 0 and height > 0 else _BAD
        return _NULL if placeholders.holds(text) else _BAD

    out, bad, null = _apply(values, parse)
    table = np.full((len(out), 4), np.nan)
    good = np.fromiter((v is not None for v in out), bool, len(out))
    if good.any():
        table[good] = np.array(list(out[good]), np.float64)
    return Sizes(table[:, 0], table[:, 1], table[:, 2] == 1.0, table[:, 3] == 1.0, bad, null)


def words(
    values: Objects, table: Mapping[str, Any], placeholders: Placeholders, *, upper: bool = False
) -> Parsed:
    """A column of code words by ``table``; brackets are left off when the whole is not known."""

    def parse(value: Any) -> Any:
        text = as_text(value)
        if text is None:
            return None
        key = text.upper() if upper else text
        for candidate in (key, re.sub(r"[(\[].*", "", key).strip()):
            if candidate in table:
                return table[candidate]
        return _NULL if placeholders.holds(text) else _BAD

    out, bad, null = _apply(values, parse)
    return Parsed(out, bad, null)


def texts(values: Objects, placeholders: Placeholders) -> Parsed:
    """Free text, folded; placeholder words become null."""

    def parse(value: Any) -> Any:
        text = as_text(value)
        return _NULL if text is not None and placeholders.holds(text) else text

    out, bad, null = _apply(values, parse)
    return Parsed(out, bad, null)


def flows(values: Objects, table: Mapping[str, int]) -> Parsed:
    """Flow along the line: +1 from start to end, -1 back, 0 none, NaN where empty."""

    def parse(value: Any) -> Any:
        text = as_text(value)
        return None if text is None else table.get(text, _BAD)

    out, bad, null = _apply(values, parse)
    return Parsed(_floats(out), bad, null)


def dates(values: Objects, placeholders: Placeholders) -> tuple[Parsed, Objects]:
    """Days and how exactly they are known (``day``, ``year``, ``decade``)."""

    def parse(value: Any) -> Any:
        if isinstance(value, datetime):
            value = value.date()
        if isinstance(value, date):
            return _known(value, placeholders)
        text = as_text(value)
        if text is None:
            return None
        try:
            return _day(text, placeholders)
        except ValueError:
            return _BAD

    out, bad, null = _apply(values, parse)
    days = np.empty(len(out), object)
    precision = np.empty(len(out), object)
    for index in np.flatnonzero([v is not None for v in out]):
        days[index], precision[index] = out[index]
    return Parsed(days, bad, null), precision


def _known(day: date, placeholders: Placeholders) -> Any:
    if day.isoformat() in placeholders.dates:
        return _NULL
    if day in _DECADE_DAYS:
        return day, "decade"
    return day, "year" if (day.month, day.day) == (1, 1) else "day"


def _day(text: str, placeholders: Placeholders) -> Any:
    """A day out of text. Raises :class:`ValueError` for a day that no calendar has."""
    if found := _DATE.fullmatch(text) or _COMPACT.fullmatch(text):
        return _known(date(int(found[1]), int(found[2]), int(found[3])), placeholders)
    if found := _MONTH.fullmatch(text):
        return date(int(found[1]), int(found[2]), 1), "year"
    if found := _YEAR.fullmatch(text):
        year = int(found[1])
        return (date(year, 1, 1), "year") if 1840 <= year <= 2100 else _NULL
    if found := _DECADE.fullmatch(text):
        return date(int(found[1] or f"19{found[2]}"), 1, 1), "decade"
    if placeholders.holds(text) or text in {"0", "0000"}:
        return _NULL
    return _BAD


def folded(text: str) -> str:
    """Folded and upper-case, for comparing names."""
    return fold(text).upper()
