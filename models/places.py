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
from itertools import pairwise
from typing import Final

import shapely
from rapidfuzz import fuzz

from models.addresses import UNITS, numerals, read_address

_RUN: Final = re.compile(r"[〇㐀-鿿]+|[a-z0-9]+")
#: Pieces of a folded text: a number with the unit it belongs to, a run of one script.
_PIECE: Final = re.compile(rf"\d+ ?[{UNITS}]|[〇㐀-鿿]+|[a-z0-9]+")
_NUMBER: Final = re.compile(r"\d+")
_CHINESE: Final = re.compile(r"[〇㐀-鿿]")
#: What may be a syllable of pinyin without its tone, and how long one is.
_SYLLABLE: Final = re.compile(
    r"(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:i?ang|i?ong|uang|i?an|i?ao|uan|uai|[uv]e|i[aenu]|ing|u[aino]|[ae]ng|[ae]n|[ae]i|er|ou|"
    r"[aoeiuv])"
)
_LONGEST: Final = 6
_LATIN: Final = re.compile(r"[a-z]+|\d+")
#: Digits of a number that can be looked up as its beginning.
_DIGITS: Final = 4
#: Readings of a character, and of a whole name, that are kept.
_READINGS: Final = 2
_VARIANTS: Final = 8
#: Initials that can be looked up as a beginning.
_BEGINNING: Final = 8
#: Share of letters from which a name sounds like a question.
_ALIKE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Place:
    """A name in the city at east, north of the storage CRS (metres). ``kind``: building, storey,
    room, address, road, parcel, sensor or place; ``layer`` and ``feature`` name the feature that it
    stands for, if any; a road stands for ``features`` of its layer. ``height`` is a 1985 height in
    metres, ``outline`` a multipolygon of the storage CRS without heights: None where unknown."""

    kind: str
    name: str
    address: str | None
    layer: str | None
    feature: str | None
    east: float
    north: float
    features: int | None = None
    height: float | None = None
    outline: shapely.MultiPolygon | None = None


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a name (with its address) is found by: ``search`` folded text, the name's line first,
    ``pinyin`` every reading
    as syllables run together, then as initials, separated by spaces; ``grams`` of characters and
    words, beginnings of initials after a ``~`` and of numbers after a ``^``, neighbouring syllables
    after a ``'``. ``spine`` is that of its address (:mod:`models.addresses`)."""

    search: str
    pinyin: str
    grams: list[str]
    spine: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: ``folded``; ``written`` with its numerals as digits, ``tight`` without spaces;
    its ``letters`` as pinyin is compared; its ``parts`` (:func:`pairs`), ``sound`` and ``numbers``.
    """

    folded: str
    written: str
    tight: str
    letters: str
    chinese: bool
    parts: list[str]
    sound: str
    numbers: frozenset[str]


def fold(text: str) -> str:
    """Compatibility forms, full width and capitals folded; what is no letter or digit becomes one
    space between words, nothing between Chinese characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_RUN.findall(plain))


def is_chinese(folded: str) -> bool:
    """Whether a folded text holds a Chinese character."""
    return _CHINESE.search(folded) is not None


def pairs(folded: str) -> list[str]:
    """What tells a text: pairs of neighbouring characters, lone characters, words, and numbers with
    the unit that they belong to (``23号``)."""
    out = []
    for piece in _PIECE.findall(numerals(folded)):
        if _CHINESE.match(piece) and len(piece) > 1:
            out += [piece[i : i + 2] for i in range(len(piece) - 1)]
        else:
            out.append(piece.replace(" ", ""))
    return list(dict.fromkeys(out))


def wanted(folded: str) -> list[str]:
    """What a search asks for: :func:`pairs`, of which a number at the very end may go on."""
    out = pairs(folded)
    if out and _NUMBER.fullmatch(out[-1]) and len(out[-1]) <= _DIGITS:
        out[-1] = f"^{out[-1]}"
    return out


def sounds(asked: str) -> list[str]:
    """Neighbouring syllables in a text of Latin letters and digits: letters are read as pinyin with
    as few of them left over as can be, and then as few syllables."""
    said = [one for run in _LATIN.findall(asked) for one in _said(run)]
    return [f"'{a}{b}" for a, b in pairwise(said) if len(a) > 1 and len(b) > 1]


def _said(run: str) -> list[str]:
    if run.isdigit():
        return [run]
    best: list[tuple[int, int, int]] = [(0, 0, 0)]  # letters left over, syllables, where it began
    for end in range(1, len(run) + 1):
        over, count, _ = best[end - 1]
        found = (over + 1, count + 1, end - 1)
        for start in range(max(0, end - _LONGEST), end):
            if _SYLLABLE.fullmatch(run, start, end):
                found = min(found, (best[start][0], best[start][1] + 1, start))
        best.append(found)
    cuts = [len(run)]
    while cuts[-1] > 0:
        cuts.append(best[cuts[-1]][2])
    return [run[a:b] for a, b in pairwise(reversed(cuts))]


def index(name: str, address: str | None = None) -> Indexed:
    """How a name with its address is kept for search."""
    folded, where = fold(name), fold(address or "")
    text = numerals(f"{folded}\n{where}".strip())
    grams = pairs(text) + _CHINESE.findall(text)
    for number in _NUMBER.findall(text):
        grams += [number, *(f"^{number[:n]}" for n in range(1, min(len(number), _DIGITS) + 1))]
    readings = _readings(folded)
    full = ["".join(r) for r in readings]
    grams += [f"'{a}{b}" for r in readings for a, b in pairwise(r)]
    written = _characters(folded)
    initials = list(
        dict.fromkeys(
            "".join(s[0] if _CHINESE.match(c) else s for s, c in zip(r, written, strict=True))
            for r in readings
        )
    )
    grams += [f"~{i[:n]}" for i in initials for n in range(1, min(len(i), _BEGINNING) + 1)]
    found = read_address(where) or read_address(folded)
    spine = None if found is None else found.spine
    return Indexed(text, " ".join([*full, *initials]), list(dict.fromkeys(grams)), spine)


def ask(text: str) -> Asked:
    """A question taken apart, once for all the places that may answer it."""
    folded = fold(text)
    written = numerals(folded)
    return Asked(
        folded, written, written.replace(" ", ""), folded.replace(" ", ""), is_chinese(folded),
        pairs(folded), spoken(folded), frozenset(_NUMBER.findall(written)),
    )  # fmt: skip


def score(question: Asked, search: str, pinyin: str) -> float:
    """How well a place answers, 0..1: the name itself, its beginning, a part of it, all of the
    question's parts in any order, then likeness."""
    own, _, where = search.partition("\n")
    tight, close = question.tight, own.replace(" ", "")
    if tight == close:
        return 1.0
    whole = question.numbers <= set(_NUMBER.findall(search))
    short = 0.05 * min(1.0, len(tight) / max(len(own), 1)) + 0.02 * whole
    if own.startswith(question.written):
        return 0.9 + short
    if tight in close:
        return 0.8 + short
    if not question.chinese:
        said = pinyin.split()
        if question.letters in said:
            return 0.88 + short
        if any(one.startswith(question.letters) for one in said):
            return 0.78 + short
        if any(question.letters in one for one in said):
            return 0.6 + short
    both = where.replace(" ", "") + close  # from the large to the small
    if tight in both:
        return 0.7 + short
    found = sum(part in both for part in question.parts) / max(len(question.parts), 1)
    if found == 1.0:
        return 0.65
    likeness = fuzz.token_set_ratio(question.written, search) / 100
    alike = max((fuzz.ratio(question.sound, one) for one in pinyin.split()), default=0.0) / 100
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
