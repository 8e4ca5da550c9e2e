"""Datum declarations inside survey tables: words → CRS and vertical datum, or why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from ingest.mapping.text import as_text, fold

_CM: Final = re.compile(r"(?<!\d)(7[5-9]|[89]\d|1[0-3]\d)(?:\.0+)?\s*(?:°|度|E|$|[^\d带])")
_ZONE: Final = re.compile(
    r"(?:ZONE|带号?|第)[::_]?(2[5-9]|3\d|4[0-5])(?!\d)|(?<!\d)(2[5-9]|3\d|4[0-5])(?:号?带)"
)
#: The three ways an offset is understood; a bare number would leave its sign to guessing.
_OFFSETS: Final = (
    (re.compile(r"(?:H?(?:19)?85)=H?[^\d+\-=]*([+-])(\d+(?:\.\d+)?)"), "-"),
    (re.compile(r"=H?(?:19)?85[^\d+\-=]*([+-])(\d+(?:\.\d+)?)"), "+"),
    (re.compile(r"WUSONG[:=]([+-]?)(\d+(?:\.\d+)?)"), "+"),
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A datum word as delivered: ``kind`` is ``horizontal`` or ``vertical``, ``row`` counts from
    0 in its sheet, ``column`` likewise."""

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
    groups = [f"(?P<{kind}>{'|'.join(map(re.escape, keys[kind]))})" for kind in keys]
    return re.compile("|".join(groups), re.IGNORECASE)


def find(cells: list[list[Any]]) -> list[Declaration]:
    """Declarations in rows of cells: ``key: value`` in one cell, several in one cell, or the value
    in the next filled cell of the row."""
    found = []
    for row, values in enumerate(cells):
        texts = [as_text(value) for value in values]
        for column, text in enumerate(texts):
            if text is None:
                continue
            parts = _split(text)
            for kind, value in parts:
                following = next((t for t in texts[column + 1 :] if t), None)
                said = value or (following if len(parts) == 1 else None)
                if said:
                    found.append(Declaration(kind, said, row, column))
                    if kind == "horizontal" and re.search(_tables()["vertical_inside"], said):
                        found.append(Declaration("vertical", said, row, column))
    return found


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
        (str(m.lastgroup), text[m.end() : end].strip(" :=;,。、"))
        for m, end in zip(hits, bounds, strict=False)
    ]


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
