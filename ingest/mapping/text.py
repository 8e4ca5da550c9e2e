"""Folding of words: full-width forms, blanks, case, brackets and the units inside them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd

Objects = npt.NDArray[np.object_]
_BLANK: Final = re.compile(r"\s+")
_BRACKET: Final = re.compile(r"[(\[{【〔]([^)\]}】〕]*)[)\]}】〕]")


class Json(str):
    """A cell whose source declares it to be JSON text; any other text is what it says."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """What it holds, or its text where that is no JSON."""
        text = str(self)
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text


def fold(text: str) -> str:
    """NFKC (full-width digits and letters become plain), outer blanks off, inner blanks single."""
    if text.isascii():
        return _BLANK.sub(" ", text.strip()) if " " in text or not text.isprintable() else text
    return _BLANK.sub(" ", unicodedata.normalize("NFKC", text).strip())


def as_text(value: Any) -> str | None:
    """A cell as folded text: 12.0 is ``12``, blank is ``None``."""
    if value is None:
        return None
    if isinstance(value, str):
        return fold(value) or None
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def header_key(text: str) -> str:
    """A header for look-up: no blanks, brackets and what they hold off, lower case."""
    return _BRACKET.sub("", _tight(text)).strip("*:.")


def header_keys(text: str) -> tuple[str, ...]:
    """What a header may be looked up by, best first: without its brackets, then with their text."""
    tight = _tight(text)
    return (_BRACKET.sub("", tight).strip("*:."), re.sub(r"[()\[\]]", "", tight))


def header_unit(text: str) -> str | None:
    """The text in the last brackets of a header, or after its slash, lower case: ``埋深(m)``."""
    tight = _tight(text)
    found = _BRACKET.findall(tight)
    if found:
        return str(found[-1]) or None
    return tight.rsplit("/", 1)[1] or None if "/" in tight else None


def _tight(text: str) -> str:
    return _BLANK.sub("", unicodedata.normalize("NFKC", text)).casefold()


def counted(count: int, noun: str) -> str:
    """A count with its English noun: ``1 row``, ``2 rows``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def each_unique(values: Objects) -> tuple[npt.NDArray[np.intp], list[Any]]:
    """Codes (-1 where blank) and unique values, so that a parser sees every spelling once."""
    codes, unique = pd.factorize(values)
    return codes, list(unique)


def filled(values: Objects) -> npt.NDArray[np.bool_]:
    """Which cells are not ``None``."""
    out: npt.NDArray[np.bool_] = np.not_equal(values, np.array(None, object))
    return out


def trimmed(cells: Objects) -> Objects:
    """A grid without the blank rows below and blank columns beside what it holds."""
    known = filled(cells)
    bottom = int(np.max(np.flatnonzero(known.any(axis=1)), initial=-1)) + 1
    right = int(np.max(np.flatnonzero(known.any(axis=0)), initial=-1)) + 1
    return cells[:bottom, :right]


def text_column(values: Objects) -> Objects:
    """A column as folded text or ``None``."""
    codes, unique = each_unique(values)
    table = np.empty(len(unique) + 1, object)
    table[:-1] = [as_text(value) for value in unique]
    table[-1] = None
    out: Objects = table[codes]
    return out
