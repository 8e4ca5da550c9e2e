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
_DATE: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MONTH: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})月?")
_YEAR: Final = re.compile(r"(\d{4})年?")
_ABOUT: Final = re.compile(r"(?:大?约|大致)\s*(\d{4})年?|(\d{4})年?(?:左右|前后)")
_DECADE: Final = re.compile(r"(\d{3}0)年代|(\d0)年代")
_OF: Final = r"\s*[孔根条个]?"
_PAIR: Final = re.compile(rf"(\d+){_OF}\s*/\s*(\d+){_OF}")
_COUNT: Final = re.compile(rf"(\d+){_OF}")
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


#: What a parser returns for a cell that cannot be read, and for one that stands for unknown.
BAD: Final = object()
NULL: Final = object()


def parse_each(values: Objects, parse: Callable[[Any], Any]) -> tuple[Objects, Mask, Mask]:
    """Parse every spelling once; ``parse`` returns a value, ``None``, :data:`BAD` or
    :data:`NULL`; values, bad cells and null ones."""
    codes, unique = each_unique(values)
    table = np.empty(len(unique) + 1, object)
    for index, value in enumerate(unique):
        table[index] = parse(value)
    table[-1] = None
    bad = np.fromiter((v is BAD for v in table), bool, len(table))
    null = np.fromiter((v is NULL for v in table), bool, len(table))
    table[bad | null] = None
    return table[codes], bad[codes], null[codes]


def _floats(values: Objects) -> Floats:
    return values.astype(np.float64)


def numbers(values: Objects, placeholders: Placeholders, factor: float = 1.0) -> Parsed:
    """A column of numbers times ``factor``; text is read as the exact decimal it spells."""

    def parse(value: Any) -> Any:
        if isinstance(value, bool):
            return BAD
        if isinstance(value, int | float):
            number = float(value)
        else:
            text = as_text(value)
            if text is None:
                return None
            if not _NUMBER.fullmatch(text):
                return NULL if placeholders.holds(text) else BAD
            number = float(text)
        if not math.isfinite(number):
            return BAD
        if number in placeholders.numbers or (placeholders.zero and number == 0.0):
            return NULL
        return number * factor if factor != 1.0 else number

    out, bad, null = parse_each(values, parse)
    return Parsed(_floats(out), bad, null)


def quantities(
    values: Objects, placeholders: Placeholders, units: Mapping[str, float], factor: float = 1.0
) -> tuple[Parsed, Mask]:
    """A column of numbers that may have a unit behind them (``0.4MPa``), and which cells have
    another unit than the column. ``units`` are lower-case words with their factors; a bare number
    is in the column's unit, whose factor is ``factor``."""
    words = "|".join(map(re.escape, sorted(units, key=len, reverse=True)))
    pattern = re.compile(rf"({_NUMBER.pattern})\s*({words})", re.IGNORECASE)

    def split(value: Any) -> Any:
        found = pattern.fullmatch((as_text(value) or "").casefold()) if units else None
        return (float(found[1]), units[found[2]]) if found else None

    split_cells, _, _ = parse_each(values, split)
    written = np.fromiter((p is not None for p in split_cells), bool, len(split_cells))
    scale = np.full(len(written), factor)
    bare = values.copy()
    if written.any():
        both = np.array(list(split_cells[written]), np.float64)
        bare[written], scale[written] = both[:, 0], both[:, 1]
    parsed = numbers(bare, placeholders)
    scaled = np.where(scale == 1.0, parsed.values, parsed.values * scale)
    return Parsed(scaled, parsed.bad, parsed.placeholder), written & (scale != factor)


def counts(values: Objects, placeholders: Placeholders) -> tuple[Parsed, Floats]:
    """Whole numbers that are not negative, ``12`` or ``12孔``; of ``12/9`` and ``12孔/9孔`` the
    first, and the second beside it."""

    def split(value: Any) -> Any:
        text = as_text(value) or ""
        if pair := _PAIR.fullmatch(text):
            return (float(pair[1]), float(pair[2]))
        one = _COUNT.fullmatch(text)
        return (float(one[1]), math.nan) if one else None

    pairs, _, _ = parse_each(values, split)
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
        return NULL if placeholders.holds(text) else BAD

    out, bad, null = parse_each(values, parse)
    return Parsed(out, bad, null)


def texts(values: Objects, placeholders: Placeholders) -> Parsed:
    """Free text, folded; placeholder words become null."""

    def parse(value: Any) -> Any:
        text = as_text(value)
        return NULL if text is not None and placeholders.holds(text) else text

    out, bad, null = parse_each(values, parse)
    return Parsed(out, bad, null)


def flows(values: Objects, table: Mapping[str, int]) -> Parsed:
    """Flow along the line: +1 from start to end, -1 back, 0 none, NaN where empty."""

    def parse(value: Any) -> Any:
        text = as_text(value)
        return None if text is None else table.get(text, BAD)

    out, bad, null = parse_each(values, parse)
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
            return BAD

    out, bad, null = parse_each(values, parse)
    days = np.empty(len(out), object)
    precision = np.empty(len(out), object)
    for index in np.flatnonzero([v is not None for v in out]):
        days[index], precision[index] = out[index]
    return Parsed(days, bad, null), precision


def _known(day: date, placeholders: Placeholders) -> Any:
    if day.isoformat() in placeholders.dates:
        return NULL
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
        return (date(year, 1, 1), "year") if 1840 <= year <= 2100 else NULL
    if found := _ABOUT.fullmatch(text):
        return date(int(found[1] or found[2]), 1, 1), "decade"
    if found := _DECADE.fullmatch(text):
        return date(int(found[1] or f"19{found[2]}"), 1, 1), "decade"
    if placeholders.holds(text) or text in {"0", "0000"}:
        return NULL
    return BAD


def folded(text: str) -> str:
    """Folded and upper-case, for comparing names."""
    return fold(text).upper()
