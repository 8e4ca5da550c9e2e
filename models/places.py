"""Names and addresses as they are searched: folded text, grams of characters, pinyin.

Chinese is written without spaces and addresses run from the large to the small (市、区、路、号),
but people type parts of them in any order. So a text is cut into runs of one script; runs of
Chinese become pairs of characters (and single ones), others stay words, and a search asks for all
pairs of the question wherever they stand. Pinyin is kept for every reading of a character that has
several, as syllables run together and as initials.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz

_RUN: Final = re.compile(r"[㐀-鿿]+|[a-z0-9]+")
_CHINESE: Final = re.compile(r"[㐀-鿿]")
#: Readings of a character, and of a whole name, that are kept.
_READINGS: Final = 2
_VARIANTS: Final = 8
#: Initials that can be looked up as a beginning.
_BEGINNING: Final = 8
#: Share of letters from which a name sounds like a question.
_ALIKE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Place:
    """A name in the city at east, north of the storage CRS (metres). ``kind``: building, address,
    road or place; ``layer`` and ``feature`` name the feature that it stands for, if any."""

    kind: str
    name: str
    address: str | None
    layer: str | None
    feature: str | None
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a name (with its address) is found by: ``search`` folded text, ``pinyin`` every reading
    as syllables run together, then as initials, separated by spaces; ``grams`` of characters and
    words, and beginnings of initials after a ``~``."""

    search: str
    pinyin: str
    grams: list[str]


def fold(text: str) -> str:
    """Compatibility forms, full width and capitals folded; what is no letter or digit becomes one
    space between words, nothing between Chinese characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_RUN.findall(plain))


def is_chinese(folded: str) -> bool:
    """Whether a folded text holds a Chinese character."""
    return _CHINESE.search(folded) is not None


def pairs(folded: str) -> list[str]:
    """What a search asks for: pairs of neighbouring characters, lone characters and words."""
    out = []
    for run in _RUN.findall(folded):
        if _CHINESE.match(run) and len(run) > 1:
            out += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            out.append(run)
    return list(dict.fromkeys(out))


def index(name: str, address: str | None = None) -> Indexed:
    """How a name with its address is kept for search."""
    folded, where = fold(name), fold(address or "")
    text = f"{folded} {where}".strip()
    grams = pairs(text) + _CHINESE.findall(text)
    readings = _readings(folded)
    full = ["".join(r) for r in readings]
    written = _characters(folded)
    initials = list(
        dict.fromkeys(
            "".join(s[0] if _CHINESE.match(c) else s for s, c in zip(r, written, strict=True))
            for r in readings
        )
    )
    grams += [f"~{i[:n]}" for i in initials for n in range(1, min(len(i), _BEGINNING) + 1)]
    return Indexed(text, " ".join([*full, *initials]), list(dict.fromkeys(grams)))


def score(question: str, name: str, search: str, pinyin: str) -> float:
    """How well a place answers a folded question, 0..1: the name itself, its beginning, a part of
    it, all of the question's parts in any order, then likeness."""
    own = fold(name)
    tight = question.replace(" ", "")
    if tight == own.replace(" ", ""):
        return 1.0
    short = 0.05 * min(1.0, len(tight) / max(len(own), 1))
    if own.startswith(question):
        return 0.9 + short
    if tight in own.replace(" ", ""):
        return 0.8 + short
    if not is_chinese(question):
        said = pinyin.split()
        if tight in said:
            return 0.88 + short
        if any(one.startswith(tight) for one in said):
            return 0.78 + short
        if any(tight in one for one in said):
            return 0.6 + short
    if tight in search.replace(" ", ""):
        return 0.7 + short
    wanted = pairs(question)
    found = sum(gram in search for gram in wanted) / max(len(wanted), 1)
    likeness = fuzz.token_set_ratio(question, search) / 100
    sound = spoken(question)
    alike = max((fuzz.ratio(sound, one) for one in pinyin.split()), default=0.0) / 100
    return 0.65 * max(found, 0.6 * likeness, 0.9 * alike if alike > _ALIKE else 0.0)


def spoken(folded: str) -> str:
    """The usual reading of a folded text, its syllables and words run together."""
    said = _readings(folded)
    return "".join(said[0]) if said else ""


def _characters(folded: str) -> list[str]:
    """Chinese characters one by one, words of other scripts whole."""
    out: list[str] = []
    for run in _RUN.findall(folded):
        out += run if _CHINESE.match(run) else [run]
    return out


def _readings(folded: str) -> list[tuple[str, ...]]:
    """Readings of a folded name, syllable by syllable: the usual one, and those in which one of its
    characters is read otherwise throughout. Words of other scripts are read as they are."""
    characters = _characters(folded)
    known = {c: _syllables(c) if _CHINESE.match(c) else (c,) for c in characters}
    out = [tuple(known[c][0] for c in characters)] if characters else []
    for other, said in known.items():
        if len(said) > 1 and len(out) < _VARIANTS:
            out.append(tuple(said[1] if c == other else known[c][0] for c in characters))
    return out


@lru_cache(maxsize=30_000)
def _syllables(character: str) -> tuple[str, ...]:
    """Readings of a character without tones, the usual ones first; itself where it has none."""
    from pypinyin import Style, pinyin

    found = pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=False)[0]
    return tuple(dict.fromkeys(s for s in found if s))[:_READINGS] or (character,)
