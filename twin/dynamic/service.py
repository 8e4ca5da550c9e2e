"""Answers questions with tilesets, within limits, from a cache that all server processes share."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from models.crs import StorageCrs
from models.db.connection import connect
from models.db.errors import RunningError
from models.db.lock import ProcessLock
from models.errors import DatabaseError
from tiles.errors import TileNotFoundError
from tiles.incremental_map import signature
from tiles.mesh.ragged import I64
from tiles.on_demand import OnDemand, Shelf, asked_with, on_demand
from tiles.profile import Profile
from tiles.store.base import ROOT, StoredFile
from tiles.store.cache import DiskCache, shared_key
from tiles.store.directory import MEDIA, NAME, digest, pack
from tiles.tilers.base import Source, Whole
from twin.dynamic.question import Question, ask, rows_of
from twin.dynamic.working import Once, Workers
from twin.services import Services
from twin.sources import frame_of, layer_source

log = logging.getLogger(__name__)

#: Lock files by which processes see that another is at the same question.
_LOCKS: Final = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """What questions may cost: ``features`` that one may select, ``waiting`` requests, ``seconds``
    for one; ``bytes`` on disk of what was made."""

    features: int = 50_000
    waiting: int = 64
    seconds: float = 20.0
    bytes: int = 2 << 30


class DynamicTiles:
    """One an application; ``url`` is that of a role that only reads, ``home`` holds the cache."""

    def __init__(
        self,
        services: Services,
        url: str,
        storage: StorageCrs,
        home: Path,
        bounds: Bounds | None = None,
    ) -> None:
        self.services, self.url, self.storage = services, url, storage
        self.bounds = bounds or Bounds()
        self._folder = home / "cache" / "tiles"
        self._cache = DiskCache(self._folder, self.bounds.bytes, _key(home / "cache.key"))
        self._workers = Workers(self.bounds.waiting, self.bounds.seconds)
        self._plans: Once[OnDemand] = Once()
        self._marks: dict[tuple[str, str, Profile], bytes] = {}

    def close(self) -> None:
        """End the threads."""
        self._workers.close()

    async def file(self, twin: str, layer: str, name: str, given: Mapping[str, str]) -> StoredFile:
        """``tileset.json`` or another file of the tileset that ``given`` parameters ask for.

        Raises :class:`UnknownTwinError`, :class:`TileNotFoundError`, :class:`ParameterError`,
        :class:`models.cql2.FilterError`, :class:`TooManyError`, :class:`BusyError`,
        :class:`models.errors.DatabaseError`.
        """
        if name == ROOT:
            question = await ask(self.services, twin, layer, given)
            plan = await self._plan(question)
            return _tileset(ROOT, plan.root, question.pinned, immutable=False)
        shelf = Shelf(self._cache, f"{twin}/{layer}")
        found = shelf.get(name)
        if found is None and NAME.fullmatch(name):  # it had to make room, or never was
            question = await ask(self.services, twin, layer, given)
            if name in (await self._plan(question)).files:
                found = shelf.get(name)
                if found is None:
                    await self._plan(question, anew=True)
                    found = shelf.get(name)
        if found is None:
            raise TileNotFoundError(
                f"The tileset has no content {name!r}; load tileset.json again.",
                f"瓦片集中没有内容 {name!r}；请重新加载 tileset.json。",
            )
        if name.endswith(".json"):
            return _tileset(name, found.decoded(), urlencode(list(given.items())), immutable=True)
        return found

    async def _plan(self, question: Question, *, anew: bool = False) -> OnDemand:
        """The tileset of ``question``; ``anew`` makes its files that the cache has lost."""
        mark = self._signature(question)
        # a clock that was set back may date a later revision before the moment that is pinned
        held = f"{question.twin.id}/{question.theme}/{question.state.revision}"
        name = f"plan/{held}/{mark.hex()}/{question.pinned}"
        known = None if anew else self._cache.get(name)
        if known is not None:
            return OnDemand.unpacked(known)

        async def make() -> OnDemand:
            rows = await rows_of(self.services, question, self.storage, self.bounds.features)

            def do(going: Callable[[], None]) -> OnDemand:
                with self._alone(name):
                    going()
                    known = None if anew else self._cache.get(name)
                    if known is not None:  # another process was at it
                        return OnDemand.unpacked(known)
                    plan = self._build(question, rows, mark, going)
                    self._cache.put(name, plan.packed())
                    return plan

            return await self._workers.run(do)

        return await self._plans.made(f"{name}/{anew}", make)

    def _build(
        self, question: Question, rows: dict[str, I64], mark: bytes, going: Callable[[], None]
    ) -> OnDemand:
        twin, theme = question.twin, question.theme
        with connect(self.url, read_only=True) as conn, conn.transaction():
            found = layer_source(conn, self.url, theme, twin, self.storage, rows)
            if not isinstance(found, Source):
                # keys of a layer that is held whole are numbers within this very selection
                found, mark = Whole(found), mark + b"".join(r.tobytes() for r in rows.values())
            shelf = Shelf(self._cache, f"{twin.id}/{theme}")
            return on_demand(found, shelf, question.profile, mark, going)

    def _signature(self, question: Question) -> bytes:
        """All that the contents of a layer depend on but its features."""
        twin, profile = question.twin, question.profile
        key = (twin.id, question.theme.value, profile)
        if key not in self._marks:
            place = (frame_of(twin, self.storage), self.storage.srid, twin.n_offset)
            self._marks[key] = signature(profile, None, question.theme, *place)
        return self._marks[key]

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Wait while another process is at the same question; where that takes too long, or the
        folder cannot be written, both do the work."""
        number = int(digest(name.encode()), 16) % _LOCKS
        lock = ProcessLock(self._folder / "locks" / f"{number:02}", wait=self.bounds.seconds)
        try:
            with suppress(RunningError, DatabaseError):
                lock.acquire()
            yield
        finally:
            lock.release()


def _tileset(name: str, document: bytes, query: str, *, immutable: bool) -> StoredFile:
    """A tileset's JSON as a store would hand it out, its contents asked for with ``query``."""
    data = asked_with(document, query)
    return StoredFile(name, pack(data), "gzip", MEDIA["json"], digest(data), immutable)


def _key(path: Path) -> bytes:
    try:
        return shared_key(path)
    except OSError as error:
        log.warning("no cache of tiles outlives this process: %s (%s)", path, error.strerror)
        return os.urandom(32)
