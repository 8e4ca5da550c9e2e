"""Tilesets of what was, will be or matches a filter: encoded when asked for, within limits.

Every moment between two publications shows the same, so both times are pinned to the last boundary
at or before them: what is pinned never changes, and plans and contents are cached for as long as
there is room. Contents carry the whole question in their address; any process can answer them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import urlencode

import numpy as np

from models.cql2 import Expression, FilterError, Language, NotListedError, parse
from models.crs import StorageCrs
from models.db.connection import connect
from models.db.features_items import Order, Selection, connection, fetch
from models.db.features_state import State, read_state
from models.errors import TwinError
from models.features import THEME_TABLES, Theme
from models.twins import TwinDefinition
from tiles.errors import TileNotFoundError
from tiles.gltf import DEFAULT
from tiles.incremental_map import signature
from tiles.on_demand import OnDemand, file_of, on_demand
from tiles.store.base import ROOT, StoredFile
from tiles.tilers.base import Source, Whole
from twin.api.errors import STATUS
from twin.api.ogc.collections import COLLECTIONS, Collection
from twin.api.ogc.crs import CRS84, find_crs, storage_geometry
from twin.api.ogc.errors import ParameterError
from twin.api.ogc.times import read_moment
from twin.services import Services
from twin.sources import layer_source

#: Parameters that make a tileset one of these.
PARAMETERS: Final = ("datetime", "as-of", "filter", "filter-lang", "filter-crs")
#: Requests worked on at a time; more threads would wait for one another.
WORKING: Final = 2

Value = TypeVar("Value")


class TooManyError(TwinError):
    """The question selects more features than are encoded on demand."""

    code = "DYN-01"


class BusyError(TwinError):
    """More is asked for at once than can be encoded, or it takes too long."""

    code = "DYN-02"


STATUS[TooManyError] = 400
STATUS[BusyError] = 503


@dataclass(frozen=True, slots=True)
class Bounds:
    """What questions may cost: ``features`` that one may select, ``waiting`` requests, ``seconds``
    for one; ``planned`` features of cached plans and ``bytes`` of cached contents."""

    features: int = 50_000
    waiting: int = 64
    seconds: float = 20.0
    planned: int = 400_000
    bytes: int = 128 << 20


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a layer of a twin, as the client wrote it, and what it comes to."""

    twin: TwinDefinition
    theme: Theme
    given: tuple[tuple[str, str], ...]
    state: State

    @property
    def pinned(self) -> str:
        """The question as a query string that means the same for ever."""
        rest = [(name, text) for name, text in self.given if name.startswith("filter")]
        times = [("datetime", _iso(self.state.moment)), ("as-of", _iso(self.state.recorded))]
        return urlencode([(name, text) for name, text in (*times, *rest) if text is not None])


class DynamicTiles:
    """One an application; ``url`` is that of a role that only reads."""

    def __init__(
        self, services: Services, url: str, storage: StorageCrs, bounds: Bounds | None = None
    ) -> None:
        self.services, self.url, self.storage = services, url, storage
        self.bounds = bounds or Bounds()
        self._plans: _Cache[OnDemand] = _Cache(self.bounds.planned)
        self._files: _Cache[StoredFile] = _Cache(self.bounds.bytes)
        self._pool = ThreadPoolExecutor(WORKING, "tiles")
        self._pending = 0

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def file(self, twin: str, layer: str, name: str, given: Mapping[str, str]) -> StoredFile:
        """``tileset.json`` or a content of the tileset that ``given`` parameters ask for.

        Raises :class:`UnknownTwinError`, :class:`TileNotFoundError`, :class:`ParameterError`,
        :class:`models.cql2.FilterError`, :class:`TooManyError`, :class:`BusyError`,
        :class:`models.errors.DatabaseError`.
        """
        if name != ROOT and (kept := self._files.get((twin, layer, name))) is not None:
            return kept
        plan = await self._plan(await self._question(twin, layer, given))
        if name == ROOT:
            return file_of(ROOT, plan.tileset, "application/json", immutable=False)
        stem = name.removesuffix(".glb")

        def make() -> StoredFile:
            return file_of(name, plan.content(stem) or b"", "model/gltf-binary", immutable=True)

        return await self._files.made(
            (twin, layer, name), lambda: self._work(make), lambda file: len(file.data)
        )

    async def _question(self, twin: str, layer: str, given: Mapping[str, str]) -> Question:
        definition = self.services.twin(twin)
        if layer not in definition.layers or layer not in list(Theme):
            raise TileNotFoundError(
                f"Twin '{twin}' has no layer '{layer}' with a history of features; "
                f"datetime, as-of and filter need one of {', '.join(Theme)}.",
                f"孪生体“{twin}”的图层“{layer}”没有要素历史；"
                f"datetime、as-of、filter 只用于 {'、'.join(Theme)}。",
            )
        moment, as_of = (_moment(name, given.get(name)) for name in ("datetime", "as-of"))
        theme = Theme(layer)
        async with connection(self.services.pool) as conn:
            state = await read_state(conn, twin, theme, moment, as_of)
        asked = tuple((name, given[name]) for name in PARAMETERS if name in given)
        return Question(definition, theme, asked, state)

    async def _plan(self, question: Question) -> OnDemand:
        async def make() -> OnDemand:
            rows = await self._rows(question)
            return await self._work(lambda: self._planned(question, rows))

        key = (question.twin.id, question.theme, question.pinned)
        return await self._plans.made(key, make, lambda plan: plan.features + 1)

    async def _rows(self, question: Question) -> dict[str, Any]:
        """Numbers of the rows that match, by table, in order of id."""
        out: dict[str, Any] = {}
        filters = _filters(question, self.storage)
        async with connection(self.services.pool) as conn:
            for table in THEME_TABLES[question.theme]:
                found = []
                if question.state.recorded is not None and table in filters:
                    what = Selection(
                        table,
                        self.storage.srid,
                        question.state,
                        filter=filters[table],
                        order=(Order("id", "uuid"),),
                    )
                    found = await fetch(conn, what, [], self.bounds.features + 1)
                out[table] = np.array([row[-1] for row in found], np.int64)
        total = sum(map(len, out.values()))
        most = self.bounds.features
        if total > most:
            raise TooManyError(
                f"The question selects more than {most:,} features; that many are encoded "
                "on demand. Narrow the filter, such as by S_INTERSECTS(geometry, BBOX(…)).",
                f"所选要素超过 {most:,} 个，即时切片的上限。"
                "请缩小过滤条件，例如加上 S_INTERSECTS(geometry, BBOX(…))。",
            )
        return out

    def _planned(self, question: Question, rows: dict[str, Any]) -> OnDemand:
        query = question.pinned
        twin = question.twin
        with connect(self.url, read_only=True) as conn, conn.transaction():
            found = layer_source(conn, self.url, question.theme, twin, self.storage, rows)
            source = found if isinstance(found, Source) else Whole(found)
            # keys of a layer that is held whole are numbers within this very selection
            own = () if isinstance(found, Source) else tuple(rows.values())
            place = (source.frame, self.storage.srid, twin.n_offset, *own)
            mark = signature(DEFAULT, None, *place)
            return on_demand(source, DEFAULT, mark, lambda name: f"{name}.glb?{query}")

    async def _work(self, do: Callable[[], Value]) -> Value:
        """``do`` in a thread, if not too much is waiting."""
        if self._pending >= self.bounds.waiting:
            raise _busy(f"{self._pending} requests are waiting", f"已有 {self._pending} 个请求排队")
        self._pending += 1
        seconds = self.bounds.seconds
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._pool, do)
        except TimeoutError as error:
            raise _busy(f"not done within {seconds:.0f} s", f"{seconds:.0f} 秒内未完成") from error
        finally:
            self._pending -= 1


class _Cache(Generic[Value]):
    """The values used last whose sizes together are at most ``room``; each is made once."""

    def __init__(self, room: int) -> None:
        self._room, self._used = room, 0
        self._held: OrderedDict[object, tuple[Value, int]] = OrderedDict()
        self._making: dict[object, asyncio.Future[Value]] = {}

    def get(self, key: object) -> Value | None:
        """The value of ``key``, if there is one."""
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    async def made(self, key: object, make: Any, size: Callable[[Value], int]) -> Value:
        """The value of ``key``; who asks for it while it is made waits for it."""
        kept = self.get(key)
        if kept is not None:
            return kept
        if key not in self._making:
            task = asyncio.ensure_future(make())
            self._making[key] = task
            task.add_done_callback(lambda done: self._keep(key, done, size))
        return await asyncio.shield(self._making[key])

    def _keep(self, key: object, done: asyncio.Future[Value], size: Callable[[Value], int]) -> None:
        self._making.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        value = done.result()
        self._held[key] = (value, size(value))
        self._used += size(value)
        while self._used > self._room and len(self._held) > 1:
            _, (_, freed) = self._held.popitem(last=False)
            self._used -= freed


def _filters(question: Question, storage: StorageCrs) -> dict[str, Expression | None]:
    """The filter for each table that has its properties.

    Raises :class:`models.cql2.FilterError` where none has.
    """
    given, out = dict(question.given), {}
    missing: FilterError | None = None
    for collection in COLLECTIONS.values():
        if collection.table in THEME_TABLES[question.theme]:
            try:
                out[collection.table] = _filter(given, collection, storage)
            except NotListedError as error:
                missing = error
    if missing is not None and not out:
        raise missing
    return out


def _filter(
    given: Mapping[str, str], collection: Collection, storage: StorageCrs
) -> Expression | None:
    language = given.get("filter-lang", "cql2-text")
    if language not in ("cql2-text", "cql2-json"):
        raise ParameterError(
            f"filter-lang: found '{language}', expected cql2-text or cql2-json.",
            f"filter-lang：收到“{language}”，应为 cql2-text 或 cql2-json。",
        )
    crs = find_crs("filter-crs", given.get("filter-crs", CRS84), storage)
    if "filter" not in given:
        return None
    return parse(
        given["filter"],
        collection.queryables,
        language=cast("Language", language),
        transform=lambda shape: storage_geometry(shape, crs, storage),
    )


def _moment(name: str, text: str | None) -> dt.datetime | None:
    """The last moment of what is written."""
    if text is None:
        return None
    if "/" in text:
        raise ParameterError(
            f"{name}: found the period '{text}'; a tileset shows one moment. Give that, such as "
            "2020-01-31.",
            f"{name}：收到区间“{text}”；瓦片集只显示一个时刻，请给出时刻，如 2020-01-31。",
        )
    return read_moment(name, text)[1]


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _busy(en: str, zh: str) -> BusyError:
    return BusyError(
        f"Tiles on demand: {en}. Ask again in a few seconds, or for fewer features.",
        f"即时切片：{zh}。请稍后重试，或减少所选要素。",
    )
