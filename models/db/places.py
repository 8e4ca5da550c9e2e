"""Finding names and addresses: by text, pinyin and likeness, and by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.db.errors import translate
from models.db.pool import DRIVER_ERRORS, Pool
from models.db.statements import text
from models.pinyin import after, beginnings, sounds
from models.places import Asked, ask, score, wanted

#: Candidates that are looked at for one question, of addresses for every way to say it; likeness
#: below which they are no answer.
_CANDIDATES: Final = 200
_ADDRESSES: Final = 50
_GRAMS: Final = 12
_LEAST: Final = 0.3
#: Letters of what is compared by its three-letter parts, which takes long in long texts.
_SHORT: Final = 10
#: Letters of pinyin that an index of three-letter parts needs.
_PART: Final = 3


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place that was found; ``score`` 0..1 for a text, ``distance`` metres for a place. East,
    north in the storage CRS, ``height`` of the 1985 datum (metres), None where unknown."""

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
    spine: str | None = None
    features: int | None = None
    height: float | None = None


async def search(pool: Pool, twin: str, question: str, limit: int) -> list[FoundPlace]:
    """Places that answer a text, best first: names that begin with it, names and addresses with all
    of its parts in any order, pinyin or initials, and where these are too few, what is alike.

    Raises :class:`models.errors.DatabaseError`.
    """
    asked = ask(question)
    if not asked.folded:
        return []
    rows = await _exact(pool, twin, asked, limit)
    if not rows:
        ids = await _alike(pool, twin, asked, limit)
        rows = list(await _fetch(pool, "places_told", sorted(ids))) if ids else []
    scored = [(score(asked, r["search"], r["pinyin"], r["address_pinyin"]), r) for r in rows]
    scored = [(s, r) for s, r in scored if s >= _LEAST]
    scored.sort(key=lambda one: (-one[0], len(one[1]["name"]), one[1]["name"], one[1]["id"]))
    return [_place(r, score=round(s, 4)) for s, r in scored[:limit]]


async def joined(pool: Pool, twin: str, spine: str, above: Sequence[str], limit: int) -> list[
    tuple[str, FoundPlace]
]:  # fmt: skip
    """What shares an address by its spine (:mod:`models.addresses`): ``same``, the lanes and roads
    ``above`` it, and what lies ``below`` it. Raises :class:`models.errors.DatabaseError`."""
    low = f"{spine}/"
    found = await _fetch(pool, "places_joined", twin, spine, list(above), low, after(low), limit)
    told = {r["id"]: r for r in await _fetch(pool, "places_told", [r["id"] for r in found])}
    return [(r["relation"], _place(told[r["id"]])) for r in found if r["id"] in told]


async def around(
    pool: Pool, twin: str, east: float, north: float, srid: int, radius: float, limit: int
) -> list[FoundPlace]:
    """Places within ``radius`` metres of a place of the storage CRS ``srid``, nearest first; a
    building or parcel that holds it is at distance 0. Raises
    :class:`models.errors.DatabaseError`."""
    near = await _fetch(pool, "places_around", twin, east, north, srid, radius, limit)
    told = {r["id"]: r for r in await _fetch(pool, "places_told", [r["id"] for r in near])}
    return [_place(told[r["id"]], distance=round(r["away"], 3)) for r in near if r["id"] in told]


async def _exact(pool: Pool, twin: str, asked: Asked, limit: int) -> list[Any]:
    """What holds all that was asked for."""
    written, letters = asked.written, asked.letters
    text = (written, after(written))
    addressed = beginnings(asked.heard)
    if asked.chinese:
        grams = wanted(asked.folded) if len(asked.tight) > 1 else None
        rows = await _found(pool, twin, text, (None, None), grams, None)
        if len(rows) >= limit or len(asked.tight) == 1:
            return rows
        # a character that sounds the same is a usual slip
        sound = (asked.sound, after(asked.sound))
        more = await _found(pool, twin, (None, None), sound, None, None, addressed)
    else:
        sound = (letters, after(letters))
        grams = [f"~{letters[:8]}"]
        rows = await _found(pool, twin, text, sound, grams, wanted(asked.folded), addressed)
        more = []
    if len(rows) + len(more) < limit and len(asked.sound) >= _PART:
        # in the middle of an address a character that sounds the same is worth no look
        part = (f"%{asked.sound}%", f"%{asked.heard}%" if asked.latin else None)
        ids = await _ids(pool, "places_pinyin", twin, *part, _CANDIDATES)
        more += await _fetch(pool, "places_told", sorted(ids)) if ids else []
    known = {row["id"] for row in rows}
    rows = [*rows, *{row["id"]: row for row in more if row["id"] not in known}.values()]
    if rows:
        return rows
    rests = [one for rest in asked.rests for one in beginnings(rest)]
    return await _found(pool, twin, (None, None), (None, None), None, None, rests) if rests else []


async def _found(
    pool: Pool,
    twin: str,
    text: tuple[str | None, str | None],
    sound: tuple[str | None, str | None],
    grams: list[str] | None,
    others: list[str] | None,
    addressed: Sequence[tuple[str, str]] = (),
) -> list[Any]:
    """Places by the beginning of their text or sound, by grams, and as they are ``addressed``
    (:func:`models.pinyin.beginnings`); None asks for nothing."""
    least, most = [one for one, _ in addressed], [one for _, one in addressed]
    values = (*text, *sound, grams, others, _CANDIDATES, least, most, _ADDRESSES)
    return list(await _fetch(pool, "places_found", twin, *values))


async def _alike(pool: Pool, twin: str, asked: Asked, limit: int) -> set[int]:
    """Where nothing holds all that was asked for: what holds most of it, or sounds like it.

    A missing character spoils one pair, a wrong one two neighbouring pairs, a wrong letter up to
    three pairs of syllables: so many are left out, one place after the other.
    """
    ids: set[int] = set()
    said = sounds(asked.sound)[:_GRAMS]
    for grams, most in ((wanted(asked.folded)[:_GRAMS], 2), (said, 3)):
        for spoilt in range(1, min(most, len(grams) - 1) + 1):
            some = [grams[:at] + grams[at + spoilt :] for at in range(len(grams) - spoilt + 1)]
            ids |= await _ids(pool, "places_most", twin, list(map(_joined, some)), _CANDIDATES // 3)
            if len(ids) >= limit:
                return ids
    if not ids:
        singles = [*asked.parts, *said][:_GRAMS]
        ids = await _ids(pool, "places_most", twin, singles, _CANDIDATES // 3)
    if not ids and _PART <= len(asked.sound) <= _SHORT:
        ids = await _ids(pool, "places_alike", twin, asked.sound, _CANDIDATES)
    return ids


def _joined(grams: Sequence[str]) -> str:
    return chr(31).join(grams)


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
        row["spine"],
        row["features"],
        row["height"],
    )
