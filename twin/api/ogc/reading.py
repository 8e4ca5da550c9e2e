"""From what a client asks to what is read: the state of the data, the selection, the next page."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from models.crs import StorageCrs
from models.db.features_items import estimate, fetch
from models.db.features_query import Selection
from models.db.features_state import State, read_state
from models.features import SORTED
from models.twins import TwinDefinition
from twin.api.ogc.collections import Collection
from twin.api.ogc.errors import ParameterError
from twin.api.ogc.paging import Place, read_token, write_token
from twin.api.ogc.parameters import Wanted

#: Features that are sorted for one page: more take longer than a reader waits.
MOST_SORTED: Final = 50_000
#: Of more a page is looked for in the order of an index, which passes few for each that it finds.
MOST_GATHERED: Final = 20_000
_LAST: Final = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """One question to the database, and what names it."""

    twin: TwinDefinition
    collection: Collection
    wanted: Wanted
    state: State
    selection: Selection
    storage: StorageCrs

    @property
    def fields(self) -> dict[str, str]:
        """The properties asked for with their declared types."""
        names = self.wanted.properties
        all_ = self.collection.fields
        return {n: all_[n].declared for n in (all_ if names is None else names)}

    def next(self, after: Sequence[Any]) -> str:
        """The token of the page after the row whose keys are ``after``."""
        place = Place(tuple(after), self.state.moment, self.state.recorded)
        return write_token(place, self.wanted.question)


@dataclass(frozen=True, slots=True)
class Page:
    """Features as JSON texts joined by commas (UTF-8), their number, the token of the next page."""

    body: bytes
    count: int
    token: str | None


async def page_of(
    conn: Any,
    reading: Reading,
    columns: Sequence[str],
    texts: Callable[[Reading, Sequence[Any]], list[str]],
    limit: int,
) -> Page:
    """A page whose texts are made by ``texts`` of rows that begin with ``columns``."""
    rows = await fetch(conn, reading.selection, columns, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    token = reading.next(tuple(rows[-1])[len(columns) :]) if more else None
    told = await asyncio.to_thread(texts, reading, rows)
    return Page(",".join(told).encode(), len(rows), token)


async def prepare(
    conn: Any, twin: TwinDefinition, collection: Collection, wanted: Wanted, storage: StorageCrs
) -> Reading:
    """The reading of ``wanted``, at the moments that its token pins, or that it asks for.

    Raises :class:`twin.api.ogc.errors.ParameterError` for a token of another question and
    :class:`models.errors.DatabaseError`.
    """
    period, after = wanted.period, None
    moment = None if period is None else (period.end or _LAST)
    as_of = wanted.as_of
    if wanted.token is not None:
        place = read_token(wanted.token, wanted.question, wanted.order)
        after, moment, as_of = place.after, place.moment, place.recorded
    state = await read_state(conn, twin.id, collection.theme, moment, as_of)
    selection = Selection(
        collection.table,
        storage.srid,
        state,
        filter=wanted.filter,
        box=wanted.box,
        heights=wanted.heights,
        since=None if period is None else period.start,
        interval=period is not None and not period.instant,
        order=wanted.order,
        after=after,
        spatial=wanted.spatial,
    )
    return Reading(twin, collection, wanted, state, selection, storage)


def one(reading: Reading, identity: uuid.UUID) -> Selection:
    """The selection of a single feature at the reading's moments."""
    selection = reading.selection
    return Selection(
        selection.table,
        selection.srid,
        selection.state,
        ids=(identity,),
        since=selection.since,
        interval=selection.interval,
    )


async def in_order(conn: Any, reading: Reading) -> Reading:
    """The reading as a page of it can be put in order at once: by an index where there are many.

    What lies in a small place is found by that and sorted. What was closed since an earlier record
    is in no index of an order and sorted always. Of a question whose first page was given all pages
    are, however much is published meanwhile: the limit of statements bounds them. Raises
    :class:`twin.api.ogc.errors.ParameterError` where no index has the order asked for.
    """
    selection = reading.selection
    if selection.by_index and (selection.state.current or not selection.order):
        return reading
    whole = replace(selection, after=None)
    found = await estimate(conn, whole, closed_only=selection.by_index)
    if not selection.order:
        few = found <= MOST_GATHERED
        return replace(reading, selection=replace(selection, gathered=few))
    if found > MOST_SORTED and selection.ordered and selection.placed:
        reading = replace(reading, selection=replace(selection, wide=True))
        found = 0 if selection.state.current else await estimate(conn, whole, closed_only=True)
    if found <= MOST_SORTED or reading.wanted.token is not None:
        return reading
    order = ",".join(one.name for one in selection.order)
    names = [*SORTED[selection.table], "id"]
    raise ParameterError(
        f"sortby: about {found:,} features are there, at most {MOST_SORTED:,} are sorted by "
        f"'{order}'. Narrow them with bbox or filter, or sort by one of "
        f"{', '.join(names)} alone, as they are now.",
        f"sortby：约有 {found:,} 个要素，按“{order}”排序至多 {MOST_SORTED:,} 个。"
        f"请用 bbox 或 filter 缩小范围，或对现状仅按 {'、'.join(names)} 之一排序。",
    )
