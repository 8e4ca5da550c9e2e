"""Finding names and addresses: by text, pinyin and likeness, and by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.db.errors import translate
from models.db.pool import DRIVER_ERRORS, Pool
from models.db.statements import text
from models.places import fold, is_chinese, pairs, score, spoken

#: Candidates that are looked at for one question, and likeness below which they are no answer.
_CANDIDATES: Final = 300
_GRAMS: Final = 8
_LEAST: Final = 0.3
#: Letters of pinyin that an index of three-letter parts needs.
_PART: Final = 3


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place that was found; ``score`` 0..1 for a text, ``distance`` metres for a place. East,
    north in the storage CRS."""

    kind: str
    name: str
    address: str | None
    layer: str | None
    feature: str | None
    source: str
    east: float
    north: float
    score: float | None = None
    distance: float | None = None


async def search(pool: Pool, twin: str, question: str, limit: int) -> list[FoundPlace]:
    """Places that answer a text, best first: names that begin with it, names and addresses with all
    of its parts in any order, pinyin or initials, and where these are too few, what is alike.

    Raises :class:`models.errors.DatabaseError`.
    """
    asked = fold(question)
    if not asked:
        return []
    tight = asked.replace(" ", "")
    ids = await _ids(pool, "places_beginning", twin, asked, _after(asked), _CANDIDATES)
    wanted = pairs(asked)
    if len(tight) > 1 or len(ids) < limit:
        ids |= await _ids(pool, "places_grams", twin, wanted, _CANDIDATES)
    if not is_chinese(asked):
        ids |= await _ids(pool, "places_grams", twin, [f"~{tight[:8]}"], _CANDIDATES)
        if len(tight) >= _PART:
            ids |= await _ids(pool, "places_pinyin", twin, f"%{_plain(tight)}%", _CANDIDATES)
    elif len(ids) < limit and len(tight) > 1:  # a character that sounds the same is a usual slip
        ids |= await _ids(pool, "places_pinyin", twin, f"%{_plain(spoken(asked))}%", _CANDIDATES)
    if not ids:
        ids = await _alike(pool, twin, asked, wanted)
    rows = await _fetch(pool, "places_told", sorted(ids))
    scored = [(score(asked, r["name"], r["search"], r["pinyin"]), r) for r in rows]
    scored = [(s, r) for s, r in scored if s >= _LEAST]
    scored.sort(key=lambda one: (-one[0], len(one[1]["name"]), one[1]["name"], one[1]["id"]))
    return [_place(r, score=round(s, 4)) for s, r in scored[:limit]]


async def around(
    pool: Pool, twin: str, east: float, north: float, srid: int, radius: float, limit: int
) -> list[FoundPlace]:
    """Places within ``radius`` metres of a place of the storage CRS ``srid``, nearest first; a
    building that holds it is at distance 0. Raises :class:`models.errors.DatabaseError`."""
    near = await _fetch(pool, "places_around", twin, east, north, srid, radius, limit)
    told = {r["id"]: r for r in await _fetch(pool, "places_told", [r["id"] for r in near])}
    return [_place(told[r["id"]], distance=round(r["away"], 3)) for r in near if r["id"] in told]


async def _alike(pool: Pool, twin: str, asked: str, wanted: Sequence[str]) -> set[int]:
    """Where nothing holds all that was asked for: what holds a part of it, or sounds like it."""
    ids: set[int] = set()
    for gram in wanted[:_GRAMS]:
        ids |= await _ids(pool, "places_grams", twin, [gram], _CANDIDATES // 3)
    sound = spoken(asked)
    if not ids and len(sound) >= _PART:
        ids = await _ids(pool, "places_alike", twin, sound, _CANDIDATES)
    return ids


async def _ids(pool: Pool, query: str, *values: Any) -> set[int]:
    return {row["id"] for row in await _fetch(pool, query, *values)}


async def _fetch(pool: Pool, query: str, *values: Any) -> Sequence[Any]:
    try:
        rows: Sequence[Any] = await pool.fetch(text(query), *values)
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    return rows


def _place(row: Any, score: float | None = None, distance: float | None = None) -> FoundPlace:
    return FoundPlace(
        row["kind"],
        row["name"],
        row["address"],
        row["layer"],
        row["feature"],
        row["source"],
        row["east"],
        row["north"],
        score,
        distance,
    )


def _plain(pattern: str) -> str:
    """Folded text holds letters and digits only, none of LIKE's signs."""
    return pattern.replace("%", "").replace("_", "")


def _after(beginning: str) -> str:
    """The least text after all that begin so, in the order of code points."""
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)
