"""What a header lacks, and which of its unknown columns may be meant for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rapidfuzz import fuzz, process

from ingest.mapping.text import header_key
from ingest.mapping.words import SurveyWords

_SUGGEST_FROM: Final = 55.0
#: Likeness from which an unknown column is taken for a misspelt one that is not required.
_ALIKE_FROM: Final = 75.0
#: What a layer's geometry says in place of a column.
_GEOMETRY: Final = {
    "north_x": "geom_x",
    "east_y": "geom_y",
    "ground_h": "geom_h",
    "from_no": "geom_from_x",
    "to_no": "geom_to_x",
    "from_depth": "geom_from_h",
    "to_depth": "geom_to_h",
}


#: Line fields whose loss in a point table changes what a delivery says.
_LINE_ONLY: Final = frozenset(
    {"from_no", "to_no", "from_depth", "to_depth", "from_h", "to_h", "from_top_h", "to_top_h",
     "from_bot_h", "to_bot_h", "size"}
)  # fmt: skip
#: A point table's own: with these in a line table, points would go unread.
_PLACED: Final = frozenset({"exp_no", "north_x", "east_y"})


def absent(
    columns: Mapping[str, Mapping[str, int]], names: tuple[str | None, ...], words: SurveyWords
) -> dict[str, str | None]:
    """Required fields without a column (or geometry), each with the unknown header that looks most
    like it."""
    taken = {i for c in columns.values() for i in c.values()}
    spare = {header_key(n): n for i, n in enumerate(names) if n and i not in taken}
    out: dict[str, str | None] = {}
    for role, have in columns.items():
        lacking = [
            name
            for name in words.required[role]
            if name not in have and _GEOMETRY.get(name) not in have
        ]
        if role == "line":
            for end in ("from", "to"):
                heights = (f"{end}_depth", f"{end}_h", f"{end}_top_h", f"{end}_bot_h")
                if not any(f in have for f in (*heights, f"geom_{end}_h")):
                    lacking.append(f"{end}_depth")
        for name in lacking:
            aliases = [a for a, (to, _) in words.columns[role].items() if to == name]
            out[name] = _suggest(aliases, spare)
    return out


def alike(
    columns: Mapping[str, Mapping[str, int]],
    names: tuple[str | None, ...],
    missing: Mapping[str, str | None],
    words: SurveyWords,
) -> dict[str, str]:
    """Unknown headers with the absent field that they look like, each field once."""
    taken = {i for c in columns.values() for i in c.values()}
    guessed = {guess for guess in missing.values() if guess}
    lacking = {
        alias: to
        for role, have in columns.items()
        for alias, (to, _) in words.columns[role].items()
        if to not in have and to not in missing and not to.startswith("geom_")
    }
    out: dict[str, str] = {}
    for index, name in enumerate(names):
        if not name or index in taken or name in guessed or header_key(name) in words.unused:
            continue
        found = process.extractOne(
            header_key(name), list(lacking), scorer=fuzz.ratio, score_cutoff=_ALIKE_FROM
        )
        if found is not None and lacking[found[0]] not in out.values():
            out[name] = lacking[found[0]]
    return out


def unread(
    role: str, picked: Mapping[str, Mapping[str, int]], names: tuple[str | None, ...]
) -> dict[str, str]:
    """Headers with their fields that the ``role`` of a table leaves out: of a point table what only
    lines have (connections, depths, heights, sizes), of a line table whole placed points."""
    if role == "result":
        return {}
    other = "line" if role == "point" else "point"
    taken = set(picked[role].values())
    out = {name: index for name, index in picked[other].items() if index not in taken}
    if role == "line" and not out.keys() >= _PLACED:
        return {}
    signs = _LINE_ONLY if role == "point" else _PLACED
    return {str(names[index]): name for name, index in out.items() if name in signs}


def _suggest(aliases: list[str], spare: Mapping[str, str]) -> str | None:
    """The unknown header that looks most like one of a field's aliases."""
    best: tuple[float, str | None] = (_SUGGEST_FROM, None)
    for key, name in spare.items():
        found = process.extractOne(key, aliases, scorer=fuzz.ratio, score_cutoff=best[0])
        if found is not None:
            best = (found[1], name)
    return best[1]
