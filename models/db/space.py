"""Reading what may meet a volume: by the spatial indexes, as rows with their geometry.

Pipes, points and BIM boxes have an index over all three axes (``&&&``); buildings are stored as
footprints, so theirs is of the plan (``&&``) and their heights are compared beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from psycopg import sql
from psycopg.rows import dict_row

from models.db import read
from models.db.connection import Connection, connect
from models.db.errors import translated
from models.db.statements import statement
from models.db.stop import stoppable
from models.features import DatumPassport

Array = npt.NDArray[np.float64]

#: Features of one table that a question may have to look at.
MOST: Final = 50_000
_BOX: Final = (
    "ST_SetSRID(ST_MakeLine(ST_MakePoint(b.west, b.south, b.low),"
    " ST_MakePoint(b.east, b.north, b.high)), {srid})"
)
_PLAN: Final = "ST_MakeEnvelope(b.west, b.south, b.east, b.north, {srid})"
#: How a table's rows meet a box ``b``.
_MEETS: Final = {
    "building": f"t.geom && {_PLAN} AND coalesce(t.base_height, b.low) <= b.high"
    " AND coalesce(t.base_height + t.height, b.high) >= b.low",
    "pipe_segment": f"t.geom &&& {_BOX}",
}
_NAMES: Final = ("west", "south", "low", "east", "north", "high")


@dataclass(frozen=True, slots=True)
class SpaceSource:
    """A dataset with the revision that was read."""

    id: int
    dataset: str
    theme: str
    passport: DatumPassport
    revision: int
    number: int
    recorded: dt.datetime


class ReadPool:
    """Read-only connections that are kept open between questions; any number of threads.

    ``url`` is the read role's; a statement that runs longer than ``seconds`` is stopped. A
    connection on which anything failed is closed.
    """

    def __init__(self, url: str, seconds: float = 10.0, keep: int = 4) -> None:
        self._url, self._seconds, self._keep = url, seconds, keep
        self._idle: list[tuple[Connection, ExitStack]] = []
        self._lock = Lock()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for the block. Raises :class:`models.errors.DatabaseError`."""
        with self._lock:
            held = self._idle.pop() if self._idle else None
        if held is not None and held[0].closed:
            held = None
        conn, stack = held or self._open()
        try:
            with stoppable(conn):
                yield conn
        except BaseException:
            stack.close()
            raise
        with self._lock:
            if len(self._idle) < self._keep:
                self._idle.append((conn, stack))
                return
        stack.close()

    def close(self) -> None:
        """Close all connections that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, stack in idle:
            stack.close()

    def _open(self) -> tuple[Connection, ExitStack]:
        stack = ExitStack()
        conn = stack.enter_context(connect(self._url, read_only=True))
        conn.execute(f"SET statement_timeout = {int(self._seconds * 1000)}".encode())
        return conn, stack


@dataclass(frozen=True)
class Moment:
    """Which state is read: ``datetime`` of the city, ``as_of`` of record; None is now."""

    datetime: dt.datetime | None = None
    as_of: dt.datetime | None = None
    datasets: Sequence[int] = field(default=())


@translated
def sources(conn: Connection, twin: str, as_of: dt.datetime | None = None) -> list[SpaceSource]:
    """The datasets of ``twin`` by name, with the newest revision recorded by ``as_of``."""
    rows = conn.execute(statement("space_sources"), {"twin": twin, "as_of": as_of}).fetchall()
    return [
        SpaceSource(i, name, theme, DatumPassport(*passport), revision, number, recorded)
        for i, name, theme, *passport, revision, number, recorded in rows
    ]


@translated
def near(
    conn: Connection,
    table: str,
    boxes: Array,
    columns: Sequence[str],
    moment: Moment,
    most: int = MOST,
) -> pd.DataFrame:
    """Features of ``table`` whose own boxes meet one of ``boxes`` (n, 6: west, south, low, east,
    north, high in the storage CRS), once each, as :func:`models.db.read.read_table` gives them.

    At most ``most`` + 1 a box come back, so that a caller can tell that there are too many. What is
    held now is found by index; earlier states of record are read through. Raises
    :class:`models.errors.DatabaseError`.
    """
    names, _ = read.selected(table, columns)
    query, values = near_query(conn, table, boxes, columns, moment, most)
    with conn.cursor(binary=True) as cursor:
        return read.framed(table, names, cursor.execute(query, values).fetchall())


def near_query(
    conn: Connection,
    table: str,
    boxes: Array,
    columns: Sequence[str],
    moment: Moment,
    most: int = MOST,
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of :func:`near` and its values."""
    meets = _MEETS["building" if table in ("building", "building_part") else "pipe_segment"]
    query = statement(
        "space_near",
        columns=read.selected(table, columns)[1],
        table=sql.Identifier(table),
        meets=sql.SQL(meets.format(srid=read.storage_srid(conn))),
        **read.times(moment.datetime, moment.as_of),
    )
    values: dict[str, Any] = {name: boxes[:, column].tolist() for column, name in enumerate(_NAMES)}
    values |= {
        "datasets": list(moment.datasets),
        "datetime": moment.datetime,
        "as_of": moment.as_of,
        "most": most + 1,
    }
    return query, values


@translated
def by_id(
    conn: Connection, table: str, ids: Sequence[str], columns: Sequence[str], moment: Moment
) -> pd.DataFrame:
    """The features of ``table`` with these ids, as :func:`near` gives them."""
    names, expressions = read.selected(table, columns)
    query = sql.SQL(
        "SELECT {} FROM {} AS t WHERE t.id = ANY(%(ids)s::uuid[]) AND {}"
        " AND t.valid_from <= {} AND t.valid_to > {} AND t.dataset_id = ANY(%(datasets)s)"
    )
    when = read.times(moment.datetime, moment.as_of)
    parts = (when["held"], when["moment"], when["moment"])
    composed = query.format(expressions, sql.Identifier(table), *parts)
    values = {
        "ids": list(ids),
        "datasets": list(moment.datasets),
        "datetime": moment.datetime,
        "as_of": moment.as_of,
    }
    with conn.cursor(binary=True) as cursor:
        return read.framed(table, names, cursor.execute(composed, values).fetchall())


@translated
def places(
    conn: Connection, twin: str, east: float, north: float, radius: float
) -> list[dict[str, Any]]:
    """At most :data:`MOST` + 1 places of the address tables of ``twin`` as they are now, within
    ``radius`` metres of a point of the storage CRS in plan: ``kind``, ``name``, ``address``,
    ``source``, ``height`` (1985, None where unknown) and ``away``, by falling height."""
    values = {"twin": twin, "east": east, "north": north, "radius": radius, "most": MOST + 1}
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(places_query(conn), values).fetchall()


def places_query(conn: Connection) -> sql.Composed:
    """The statement of :func:`places`."""
    point = sql.SQL("ST_SetSRID(ST_MakePoint(%(east)s, %(north)s), {})")
    return statement("places_column", point=point.format(sql.Literal(read.storage_srid(conn))))


@translated
def widest(conn: Connection, dataset: int) -> float:
    """Half of the greatest outer size (m) that a pipe dataset's segments ever had: how far surfaces
    reach beyond the boxes of their centre lines. Reads them all."""
    row = conn.execute(
        "SELECT max(greatest(width_mm, height_mm, od_mm, id_mm + 2 * coalesce(wall_mm, 0)))"
        " FROM pipe_segment WHERE dataset_id = %s",
        (dataset,),
    ).fetchone()
    found = row[0] if row and row[0] is not None else 0.0
    return float(min(found, 20_000.0)) / 2000
