"""Names and addresses as they are searched: folded text, grams of characters, pinyin.

Chinese is written without spaces and addresses run from the large to the small (市、区、路、号),
but people type parts of them in any order. So a text is cut into runs of one script; runs of
Chinese become pairs of characters (and single ones), others stay words, and a search asks for all
pairs of the question wherever they stand. Pinyin is kept for every reading of a character that has
several, as syllables run together and as initials, of names and of addresses from their road on.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import shapely
from rapidfuzz import fuzz

from models.addresses import UNITS, numerals, read_address, road_and_rest
from models.pinyin import (
    CHINESE,
    RUN,
    address_said,
    characters,
    initials,
    readings,
    spoken,
    tails,
)  # fmt: skip

#: Pieces of a folded text: a number with the unit it belongs to, a run of one script.
_PIECE: Final = re.compile(rf"\d+ ?[{UNITS}]|[〇㐀-鿿]+|[a-z0-9]+")
_NUMBER: Final = re.compile(r"\d+")
_LETTER: Final = re.compile(r"[a-z]")
#: Digits of a number that can be looked up as its beginning.
_DIGITS: Final = 4
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
    ``pinyin`` every reading as syllables run together, then as initials, separated by spaces;
    ``grams`` of characters and words, beginnings of initials after a ``~`` and of numbers after a
    ``^``, neighbouring syllables after a ``'``. ``spine`` is that of its address
    (:mod:`models.addresses`), ``address_pinyin`` is to the address from its road on, numerals as
    digits, what ``pinyin`` is to the name, ``address_initials`` are its usual ones."""

    search: str
    pinyin: str
    grams: list[str]
    spine: str | None = None
    address_pinyin: str | None = None
    address_initials: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: ``folded``; ``written`` with its numerals as digits, ``tight`` without spaces;
    its ``letters`` as pinyin is compared; whether it holds ``chinese`` and ``latin`` letters; its
    ``parts`` (:func:`pairs`), ``sound``, that as of an address (``heard``: numerals are digits),
    ``rests`` of this without a region, and ``numbers``."""

    folded: str
    written: str
    tight: str
    letters: str
    chinese: bool
    latin: bool
    parts: list[str]
    sound: str
    heard: str
    rests: list[str]
    numbers: frozenset[str]


def fold(text: str) -> str:
    """Compatibility forms, full width and capitals folded; what is no letter or digit becomes one
    space between words, nothing between Chinese characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(RUN.findall(plain))


def is_chinese(folded: str) -> bool:
    """Whether a folded text holds a Chinese character."""
    return CHINESE.search(folded) is not None


def pairs(folded: str) -> list[str]:
    """What tells a text: pairs of neighbouring characters, lone characters, words, and numbers with
    the unit that they belong to (``23号``)."""
    out = []
    for piece in _PIECE.findall(numerals(folded)):
        if CHINESE.match(piece) and len(piece) > 1:
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


def index(name: str, address: str | None = None) -> Indexed:
    """How a name with its address is kept for search."""
    folded, where = fold(name), fold(address or "")
    text = numerals(f"{folded}\n{where}".strip())
    grams = pairs(text) + CHINESE.findall(text)
    for number in _NUMBER.findall(text):
        grams += [number, *(f"^{number[:n]}" for n in range(1, min(len(number), _DIGITS) + 1))]
    said, written = readings(folded), characters(folded)
    full = ["".join(reading) for reading in said]
    grams += [f"'{a}{b}" for reading in said for a, b in pairwise(reading)]
    short = list(dict.fromkeys(initials(written, reading) for reading in said))
    grams += [f"~{i[:n]}" for i in short for n in range(1, min(len(i), _BEGINNING) + 1)]
    found = read_address(where) or read_address(folded)
    spine = None if found is None else found.spine
    pinyin, grams = " ".join([*full, *short]), list(dict.fromkeys(grams))
    return Indexed(text, pinyin, grams, spine, *index_address(folded, where))


def index_address(name: str, address: str) -> tuple[str, str] | tuple[None, None]:
    """``address_pinyin`` and ``address_initials`` of a folded name with its folded address; None
    where there is none, or the name says as much."""
    if not address or address == name:
        return None, None
    return address_said(*road_and_rest(address))


def ask(text: str) -> Asked:
    """A question taken apart, once for all the places that may answer it."""
    folded = fold(text)
    written = numerals(folded)
    heard = spoken(written)
    return Asked(
        folded, written, written.replace(" ", ""), folded.replace(" ", ""), is_chinese(folded),
        _LETTER.search(folded) is not None, pairs(folded), spoken(folded), heard, tails(heard),
        frozenset(_NUMBER.findall(written)),
    )  # fmt: skip


def score(question: Asked, search: str, pinyin: str, address_pinyin: str | None = None) -> float:
    """How well a place answers, 0..1: the name itself, its beginning, a part of it, its address by
    sound, all of the question's parts in any order, then likeness."""
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
    heard = _heard(question, pinyin, address_pinyin, whole)
    if not question.chinese:
        said = pinyin.split()
        if question.letters in said:
            return 0.88 + short
        if any(one.startswith(question.letters) for one in said):
            return 0.78 + short
        if any(question.letters in one for one in said):
            return max(0.6 + short, heard)
        if heard:
            return heard
    both = where.replace(" ", "") + close  # from the large to the small
    if tight in both:
        return 0.7 + short
    found = sum(part in both for part in question.parts) / max(len(question.parts), 1)
    if found == 1.0:
        return 0.65
    likeness = fuzz.token_set_ratio(question.written, search) / 100
    alike = max((fuzz.ratio(question.sound, one) for one in pinyin.split()), default=0.0) / 100
    return max(heard, 0.65 * max(found, 0.6 * likeness, 0.9 * alike if alike > _ALIKE else 0.0))


def _heard(question: Asked, pinyin: str, address_pinyin: str | None, whole: bool) -> float:
    """How well an address answers a sound, 0 where it does not: from its road on, by a part of it,
    or, as a name may too, without what the question says of its region."""
    sound, said = question.heard, (address_pinyin or "").split()
    begun = [len(one) for one in said if one.startswith(sound)]
    if begun:
        return 0.66 + 0.05 * len(sound) / min(begun) + 0.02 * whole
    if any(sound in one for one in said):
        return 0.55 + 0.02 * whole
    said += pinyin.split()
    rests = [rest for rest in question.rests if any(one.startswith(rest) for one in said)]
    return 0.5 + 0.05 * len(rests[0]) / len(sound) + 0.02 * whole if rests else 0.0
