"""Pipes of twins read from the database, kept in memory while their revisions are current."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from models.crs import StorageCrs
from models.db import read
from models.db.connection import Connection, connect
from models.features import TABLES, Theme
from models.terrain import Terrain, open_terrain
from twin.analyses.city import Cities
from twin.analyses.pipework import Pipework, Source

#: Columns that no analysis looks at.
_LEFT_OUT: Final = frozenset({"source_geom", "attrs", "source_row", "source_sheet"})

#: How much longer than other statements the reading of all pipes may take.
_ALL: Final = 12

Key = tuple[object, ...]


class PipeworkCache:
    """Reads :class:`Pipework` once per twin, moment and set of revisions.

    At most ``rows`` segments and points are kept, the least recently used go first; the newest
    stays whatever its size. Any number of threads may ask at once; the same pipes are read once.
    ``url`` is the read role's; ``home`` holds the twins' terrain (:mod:`models.terrain`).
    ``cities`` opens what is not kept in memory, for questions about space. ``seconds`` is what a
    statement may take, and a dozenth of what reading all pipes may.
    """

    def __init__(
        self,
        url: str,
        home: Path | None = None,
        rows: int = 3_000_000,
        seconds: float = 10.0,
    ) -> None:
        self._url = url
        self._home = home
        self._milliseconds = int(seconds * _ALL * 1000)
        self.cities = Cities(url, home, seconds)
        self._rows = rows
        self._held: OrderedDict[Key, Pipework] = OrderedDict()
        self._lock = threading.Lock()
        self._reading: dict[Key, threading.Lock] = {}

    def get(
        self,
        twin: str,
        datetime: dt.datetime | None = None,
        as_of: dt.datetime | None = None,
    ) -> Pipework:
        """Pipes of ``twin`` as they were at ``datetime``, as known at ``as_of`` (None is now).

        Blocks while it reads. Raises :class:`models.errors.DatabaseError`.
        """
        with connect(self._url, read_only=True) as conn:
            conn.execute(f"SET statement_timeout = {self._milliseconds}".encode())
            sources = _sources(conn, twin, as_of)
            # Valid times are whole days or moments of publication: what is valid now changes
            # with a revision or at a full hour.
            moment = datetime or dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
            numbers = tuple((s.dataset, s.number) for s in sources)
            terrain = self._terrain(twin, conn)
            dem = None if terrain is None else terrain.passport.sha256
            key = (twin, datetime is None, moment, as_of, numbers, dem)
            with self._lock:
                turn = self._reading.setdefault(key, threading.Lock())
            try:
                with turn:
                    found = self._lookup(key)
                    if found is None:
                        found = _read(conn, twin, datetime, as_of, terrain)
                        self._keep(key, found)
            finally:
                with self._lock:
                    self._reading.pop(key, None)
        return found

    def _terrain(self, twin: str, conn: Connection) -> Terrain | None:
        if self._home is None:
            return None
        return open_terrain(self._home, twin, StorageCrs(read.storage_srid(conn)))

    def _lookup(self, key: Key) -> Pipework | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def _keep(self, key: Key, pipework: Pipework) -> None:
        with self._lock:
            self._held[key] = pipework
            while len(self._held) > 1 and sum(map(_size, self._held.values())) > self._rows:
                self._held.popitem(last=False)


def _read(
    conn: Connection,
    twin: str,
    datetime: dt.datetime | None,
    as_of: dt.datetime | None,
    terrain: Terrain | None,
) -> Pipework:
    tables = {}
    with read.snapshot(conn):
        sources = _sources(conn, twin, as_of)
        for table in ("pipe_segment", "pipe_point"):
            columns = [c for c in TABLES[table] if c not in _LEFT_OUT]
            tables[table] = read.read_table(
                conn,
                table,
                twin,
                columns=[*columns, "dataset", "dataset_id"],
                datetime=datetime,
                as_of=as_of,
            )
        storage = StorageCrs(read.storage_srid(conn))
    return Pipework.of(
        tables["pipe_segment"],
        tables["pipe_point"],
        twin=twin,
        storage=storage,
        sources=sources,
        terrain=terrain,
        datetime=datetime,
        as_of=as_of,
    )


def _sources(conn: Connection, twin: str, as_of: dt.datetime | None) -> list[Source]:
    """The newest revision of each pipe dataset that was recorded by ``as_of``."""
    known = {d.name: d for d in read.datasets(conn, twin) if d.theme == Theme.PIPES}
    newest = {
        r.dataset: r
        for r in read.revisions(conn, twin)
        if r.dataset in known and (as_of is None or r.recorded <= as_of)
    }
    return [
        Source(name, r.number, r.recorded, known[name].passport)
        for name, r in sorted(newest.items())
    ]


def _size(pipework: Pipework) -> int:
    return len(pipework.segments) + len(pipework.points)
