"""Datum declarations inside survey tables: words → CRS and vertical datum, or why not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from ingest.mapping.text import as_text, fold

#: Whole degrees only: 120.5 and 120°30′ are meridians of a local system.
_CM: Final = re.compile(
    r"(?<!\d)(7[5-9]|[89]\d|1[0-3]\d)(?!\.\d*[1-9]|[°度]0*[1-9])(?:\.0+)?(?:°|度|E|$|[^\d.带])"
)
_ZONE: Final = re.compile(
    r"(?:ZONE|带号?|第)[::_]?(2[5-9]|3\d|4[0-5])(?!\d)|(?<!\d)(2[5-9]|3\d|4[0-5])(?:号?带)"
)
#: An axis, what is done with its constant, and the number: ``X=3400000``, ``Y坐标+600000``.
_AXIS: Final = re.compile(
    r"(?<![A-LN-Z=])([XYH])(?:坐标)?(?:加常数|常数)?\s*([=:]?)\s*([+-]|(?<==|:| )|(?=\d{4}))\s*"
    r"(\d+(?:\.\d+)?)(?![\d.]|\s*(?:KM|千米|公里|万))"
)
#: What a cell beside a CRS may say of its zone.
_ZONE_WORD: Final = re.compile(r".*(?:带|子午线|经线).*|\d+(?:\.\d+)?\s*[°度]?E?", re.IGNORECASE)
_COMPLEMENTS: Final = {"meridian": "中央子午线", "zone": "带号"}
#: The three ways an offset is understood; a bare number would leave its sign to guessing.
_OFFSETS: Final = (
    (re.compile(r"(?:H?(?:19)?85)=H?[^\d+\-=]*([+-])(\d+(?:\.\d+)?)"), "-"),
    (re.compile(r"=H?(?:19)?85[^\d+\-=]*([+-])(\d+(?:\.\d+)?)"), "+"),
    (re.compile(r"WUSONG[:=]([+-]?)(\d+(?:\.\d+)?)"), "+"),
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A word of a declaration as delivered: ``kind`` is ``horizontal``, ``vertical``, ``offset_x``
    … or another key of ``datums.yaml``; ``row`` counts from 0 in its sheet, ``column`` likewise."""

    kind: str
    text: str
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a word cannot be used; both sentences continue "the word … "."""

    zh: str
    en: str


@cache
def _tables() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(
        (files("ingest.mapping") / "data" / "datums.yaml").read_text("utf-8")
    )
    return data


@cache
def _key_pattern() -> re.Pattern[str]:
    keys = _tables()["keys"]
    # The longest first: 高程加常数 is no 高程.
    every = sorted((str(word) for words in keys.values() for word in words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, every)), re.IGNORECASE)


@cache
def _kinds() -> dict[str, str]:
    keys = _tables()["keys"]
    return {str(word).upper(): str(kind) for kind in keys for word in keys[kind]}


def find(cells: list[list[Any]]) -> list[Declaration]:
    """Declarations in rows of cells: ``key: value`` in one cell, several in one cell, or the value
    in the next filled cell of the row. Constants for several axes become one each, and a central
    meridian or a zone of its own completes the CRS that names none."""
    found: list[Declaration] = []
    for row, values in enumerate(cells):
        texts = [as_text(value) for value in values]
        for column, text in enumerate(texts):
            if text is None:
                continue
            parts = _split(text)
            for kind, value in parts:
                beside = _beside(texts[column + 1 :]) if len(parts) == 1 else []
                if kind == "offsets":
                    text_of = " ".join([value, *beside])
                    found += [Declaration(k, t, row, column) for k, t in _offsets(text_of)]
                    continue
                said = value or next(iter(beside), None)
                if kind == "horizontal" and said and isinstance(horizontal(said), Unknown):
                    rest = [t for t in beside if t != said and _ZONE_WORD.fullmatch(t)]
                    said = " ".join([said, *rest])
                if said:
                    found.append(Declaration(kind, said, row, column))
                    if kind == "horizontal" and re.search(_tables()["vertical_inside"], said):
                        found.append(Declaration("vertical", said, row, column))
    return _completed(found)


def _beside(texts: list[str | None]) -> list[str]:
    """The filled cells beside a key, up to the next key."""
    filled = [text for text in texts if text]
    others = (i for i, text in enumerate(filled[1:], 1) if _split(text))
    return filled[: next(others, len(filled))]


def _offsets(text: str) -> list[tuple[str, str]]:
    """(kind, number) of each axis in ``X=3400000 Y=600000``. What takes a constant off (``X-500``)
    stays as it is, for its sign could mean either way; so does what has no axis, or a strange unit.
    """
    word = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", fold(text).upper())
    found = [
        (f"offset_{axis.lower()}", f"{axis if sign == '-' and not equals else ''}{sign}{number}")
        for axis, equals, sign, number in _AXIS.findall(word)
    ]
    if not found and re.search(r"[XY].*\d|^[\d.+\-, M米]*\d{3}", word):
        return [("offset_x", word.strip())]
    return found


def _completed(found: list[Declaration]) -> list[Declaration]:
    """Declarations with the meridian and zone put to the CRS. One that contradicts it is a CRS of
    its own, so that both are told."""
    more = [d for d in found if d.kind in _COMPLEMENTS]
    out: list[Declaration] = []
    for item in found:
        if item.kind in _COMPLEMENTS:
            continue
        known = horizontal(item.text) if item.kind == "horizontal" else None
        if isinstance(known, Unknown) and more:
            added = " ".join(f"{_COMPLEMENTS[d.kind]}{d.text}" for d in more)
            item = replace(item, text=f"{item.text} {added}")
        out.append(item)
        if isinstance(known, str):
            for d in more:
                own = f"CGCS2000 {_COMPLEMENTS[d.kind]}{d.text}"
                if _meridian(known) not in {None, _meridian(horizontal(own))}:
                    out.append(Declaration("horizontal", own, d.row, d.column))
    return out


def _meridian(crs: str | Unknown) -> int | None:
    """Which of the 3-degree meridians of CGCS2000 a code means, counted from 75E."""
    code = int(crs.removeprefix("EPSG:")) if isinstance(crs, str) else 0
    for first in _tables()["families"]["cgcs2000"].values():
        if 0 <= code - first <= 20:
            return int(code - first)
    return None


def _split(text: str) -> list[tuple[str, str]]:
    """(kind, value) pairs of a cell that begins with a key, or has ``key:`` inside."""
    hits = [
        m
        for m in _key_pattern().finditer(text)
        if (m.start() == 0 or not text[m.start() - 1].isalnum())
        and (m.end() == len(text) or re.match(r"\s*[::=]", text[m.end() :]))
    ]
    bounds = [*[m.start() for m in hits[1:]], len(text)]
    return [
        (_kinds()[m[0].upper()], text[m.end() : end].strip(" :=;,。、"))
        for m, end in zip(hits, bounds, strict=False)
    ]


def is_datum(kind: str) -> bool:
    """Whether a kind of declaration decides where things are."""
    return kind in {"horizontal", "vertical"} or kind.startswith("offset_")


def horizontal(text: str) -> str | Unknown:
    """The CRS that a word means, as ``EPSG:n``, or why it names none."""
    word = fold(text).upper().replace(" ", "")
    for entry in _tables()["horizontal"]:
        found = re.search(entry["match"], word)
        if found is None:
            continue
        if "epsg" in entry:
            return f"EPSG:{str(entry['epsg']).format('', *found.groups())}"
        family = entry["family"]
        if family is None:
            return Unknown(
                "是 6 度带，请直接写 EPSG 代码", "is a 6-degree zone; write its EPSG code"
            )
        zones: dict[str, int] = _tables()["families"][family]
        return _gauss_kruger(word[found.end() :] or word, zones)
    return Unknown(
        "不是可识别的坐标系（如 EPSG:4549，或“CGCS2000 3度带 120E”）",
        "is no known CRS (write EPSG:4549, or “CGCS2000 3度带 120E”)",
    )


def _gauss_kruger(rest: str, family: dict[str, int]) -> str | Unknown:
    if found := _ZONE.search(rest):
        return f"EPSG:{family['zone'] + int(found[1] or found[2]) - 25}"
    if found := _CM.search(rest):
        steps, off = divmod(int(found[1]) - 75, 3)
        if not off and 0 <= steps <= 20:
            return f"EPSG:{family['cm'] + steps}"
    return Unknown(
        "没有写明 3 度带中央子午线（如 120E）或带号（如 40 带）",
        "names neither a central meridian (120E) nor a zone (40带)",
    )


def vertical(text: str) -> str | Unknown:
    """The word of :class:`models.crs.VerticalDatum` that a text means, or why it names none."""
    word = fold(text).upper().replace(" ", "")
    for entry in _tables()["vertical"]:
        found = re.search(entry["match"], word)
        if found is None:
            continue
        if not entry.get("offset"):
            return str(entry["word"])
        for pattern, plus in _OFFSETS:
            if offset := pattern.search(word):
                return f"wusong:{'' if (offset[1] or '+') == plus else '-'}{offset[2]}"
        return Unknown(
            "是吴淞高程，但没有写明与 1985 基准的差值（如“吴淞高程 H85=H-1.6587”）",
            "is Wusong without its offset to the 1985 datum (write “吴淞高程 H85=H-1.6587”)",
        )
    return Unknown(
        "不是可识别的高程基准（如 1985国家高程基准）",
        "is no known vertical datum (write 1985国家高程基准)",
    )
