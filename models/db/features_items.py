"""Reading features for the API: conditions, keyset paging and what a row is answered as, as SQL.

Text in a statement comes from :mod:`models.features` and from here; whatever a client wrote is
bound. Rows are in order of ``row_id``, which never changes, unless another order is asked for;
``row_id`` then decides between equals. With both times pinned the set of rows is fixed too, so a
page neither repeats nor misses a feature while others publish.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import shapely

from models.cql2.tree import Expression
from models.db.errors import translate
from models.db.features_cql import Arguments, sql_of
from models.db.features_state import State
from models.db.pool import DRIVER_ERRORS
from models.errors import TwinError
from models.features import TABLES

#: Declared type -> how a sort key is bound.
_KEYS: Final = {
    "text": "text",
    "uuid": "uuid",
    "integer": "float8",
    "smallint": "float8",
    "double precision": "float8",
    "date": "date",
    "timestamptz": "timestamptz",
}
_OPEN: Final = ("valid_from", "valid_to", "tx_from")
#: Datasets that are read side by side where no index on place is used.
_MOST_BRANCHES: Final = 8
#: Rows that a stream holds at once.
BATCH: Final = 1_000


class ArithmeticOverflowError(TwinError):
    """A filter's arithmetic leaves the numbers that a computer has."""

    code = "CQL2-03"


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key: the property, its declared type, and whether it falls."""

    name: str
    declared: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Which features: ``table`` in the storage CRS ``srid``, at ``state``.

    ``since`` begins an interval of valid time that ends at the state's moment; of each feature its
    last content in it is answered (``interval``). ``spatial`` tells that an index on place serves
    the filter. ``box`` is a shapely polygon in the storage CRS, ``heights`` a
    range of 1985 heights in metres. ``after`` are the sort keys and the ``row_id`` of the last
    feature of the page before.
    """

    table: str
    srid: int
    state: State
    ids: tuple[Any, ...] = ()
    filter: Expression | None = None
    box: Any = None
    heights: tuple[float, float] | None = None
    since: dt.datetime | None = None
    interval: bool = False
    order: tuple[Order, ...] = ()
    after: tuple[Any, ...] | None = None
    spatial: bool = False


def expression(table: str, name: str) -> str:
    """The SQL of a property of ``table``, qualified by ``t``; open ends of times are null."""
    if name == "geometry":
        return "t.geom"
    if name == "dataset":
        return "(SELECT d.name FROM dataset AS d WHERE d.id = t.dataset_id)"
    if name in _OPEN:
        return f"nullif(nullif(t.{name}, 'infinity'), '-infinity')"
    if name not in TABLES[table]:
        raise KeyError(name)
    return f"t.{name}"


def plan(table: str) -> str:
    """The SQL of a feature's outline in plan: GEOS takes no polyhedral surface."""
    if TABLES[table]["geom"] == "geometry(PolyhedralSurfaceZ)":
        return "ST_ConvexHull(ST_Force2D(ST_Points(t.geom)))"
    return "t.geom"


def _conditions(what: Selection, args: Arguments, dataset: str) -> list[str]:
    state = what.state
    out = [dataset]
    if state.current:
        out.append("t.tx_to = 'infinity'")
    else:
        held = args.add(state.recorded, "timestamptz")
        # two arms, so that the partial indexes on what is current serve the first
        out.append(
            f"((t.tx_to = 'infinity' AND t.tx_from <= {held}) OR "
            f"(t.tx_to < 'infinity' AND t.tx_to > {held} AND t.tx_from <= {held}))"
        )
    moment = args.add(state.moment, "timestamptz")
    out.append(f"t.valid_from <= {moment}")
    if what.interval:
        since = args.add(what.since or dt.datetime.min.replace(tzinfo=dt.UTC), "timestamptz")
        recorded = args.add(state.recorded, "timestamptz")
        out.append(f"t.valid_to > {since}")
        out.append(
            f"(t.valid_to > {moment} OR NOT EXISTS (SELECT FROM {what.table} AS n "
            f"WHERE n.id = t.id AND n.tx_from <= {recorded} AND n.tx_to > {recorded} "
            f"AND n.valid_from >= t.valid_to AND n.valid_from <= {moment}))"
        )
    else:
        out.append(f"t.valid_to > {moment}")
    if what.ids:
        out.append(f"t.id = ANY({args.add(list(what.ids), 'uuid[]')})")
    if what.box is not None:
        box = f"ST_GeomFromWKB({args.add(shapely.to_wkb(what.box), 'bytea')}, {what.srid})"
        outline = plan(what.table)
        out.append(f"ST_Intersects({outline}, {box})")
        if outline != "t.geom":
            out.append(f"t.geom && {box}")
    if what.heights is not None:
        low, high = (args.add(value, "float8") for value in what.heights)
        out.append(f"ST_ZMax(t.geom) >= {low} AND ST_ZMin(t.geom) <= {high}")
    if what.filter is not None:
        columns = _Columns(what.table)
        outline = plan(what.table)
        out.append(f"({sql_of(what.filter, columns, args, srid=what.srid, plan=outline)})")
    if what.after is not None:
        out.append(_after(what, args))
    return out


class _Columns(dict[str, str]):
    def __init__(self, table: str) -> None:
        self.table = table

    def __missing__(self, name: str) -> str:
        return expression(self.table, name)


def _key(what: Selection, order: Order) -> str:
    column = expression(what.table, order.name)
    return f'{column} COLLATE "C"' if order.declared == "text" else column


def _after(what: Selection, args: Arguments) -> str:
    """The rows that follow the last one of the page before; nulls come last in both directions."""
    assert what.after is not None
    *values, row_id = what.after
    arms, equal = [], ""
    for order, value in zip(what.order, values, strict=True):
        column = _key(what, order)
        if value is None:
            equal += f"{column} IS NULL AND "
            continue
        bound = args.add(value, _KEYS[order.declared])
        sign = "<" if order.descending else ">"
        arms.append(f"({equal}({column} {sign} {bound} OR {column} IS NULL))")
        equal += f"{column} = {bound} AND "
    arms.append(f"({equal}t.row_id > {args.add(row_id, 'bigint')})")
    return f"({' OR '.join(arms)})"


def _order(what: Selection) -> str:
    keys = [f"{_key(what, o)} {'DESC' if o.descending else 'ASC'} NULLS LAST" for o in what.order]
    return ", ".join([*keys, "t.row_id"])


def statement(what: Selection, select: Sequence[str], args: Arguments, limit: int | None) -> str:
    """``SELECT`` of the columns ``select`` for the rows of ``what``, in order, at most ``limit``.

    Several datasets are read one by one and merged where their own index gives the order: the rows
    of other twins in the table are then never passed.
    """
    ordered = f"ORDER BY {_order(what)}"
    bounded = "" if limit is None else f" LIMIT {args.add(limit, 'bigint')}"
    columns = ", ".join(select)
    datasets = what.state.datasets
    plain = not what.order and not what.spatial and what.box is None and not what.ids
    if len(datasets) == 1:
        where = [f"t.dataset_id = {args.add(datasets[0], 'bigint')}"]
    elif not plain or not 1 < len(datasets) <= _MOST_BRANCHES or not what.state.current:
        where = [f"t.dataset_id = ANY({args.add(list(datasets), 'bigint[]')})"]
    else:
        branches = " UNION ALL ".join(
            f"(SELECT t.* FROM {what.table} AS t WHERE "  # noqa: S608 - no client's text
            + " AND ".join(_conditions(what, args, f"t.dataset_id = {args.add(one, 'bigint')}"))
            + f" {ordered}{bounded})"
            for one in datasets
        )
        return f"SELECT {columns} FROM ({branches}) AS t {ordered}{bounded}"  # noqa: S608
    conditions = " AND ".join(_conditions(what, args, where[0]))
    return f"SELECT {columns} FROM {what.table} AS t WHERE {conditions} {ordered}{bounded}"  # noqa: S608


def key_columns(what: Selection) -> list[str]:
    """What the next page begins after: the sort keys as text, and the row."""
    return [*(f"({_key(what, o)})::text" for o in what.order), "t.row_id"]


@asynccontextmanager
async def connection(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """One of the pool's connections. Raises :class:`models.errors.DatabaseError`."""
    try:
        conn = await pool.acquire()
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    try:
        yield conn
    finally:
        await pool.release(conn)


async def fetch(
    conn: asyncpg.Connection, what: Selection, select: Sequence[str], limit: int
) -> list[asyncpg.Record]:
    """At most ``limit`` rows: ``select``, then :func:`key_columns`.

    Raises :class:`models.errors.DatabaseError` and :class:`ArithmeticOverflowError`.
    """
    args = Arguments()
    query = statement(what, [*select, *key_columns(what)], args, limit)
    try:
        found: list[asyncpg.Record] = await conn.fetch(query, *args.values)
    except DRIVER_ERRORS as error:
        raise _told(error) from error
    return found


async def fetch_page(
    conn: asyncpg.Connection, what: Selection, text: str, limit: int
) -> tuple[bytes, int, tuple[Any, ...] | None]:
    """The texts (SQL ``text``, UTF-8) of at most ``limit`` rows joined by commas, how many they
    are, and the keys of the last one where more rows follow.

    They are joined in the database: a page is then one value, which nobody takes apart. Raises as
    :func:`fetch`.
    """
    args = Arguments()
    keys = key_columns(what)
    names = [f"k{number}" for number in range(len(keys))]
    select = [f"{text} AS told", *(f"{k} AS {n}" for k, n in zip(keys, names, strict=True))]
    inner = statement(what, select, args, limit + 1)
    place = args.add(limit, "bigint")
    last = "".join(f", max({name}) FILTER (WHERE n = {place}) AS {name}" for name in names)
    query = (
        f"SELECT convert_to(string_agg(told, ',' ORDER BY n) FILTER (WHERE n <= {place}), "  # noqa: S608
        "'UTF8') "
        f"AS body, count(*) AS found{last} "
        f"FROM (SELECT p.*, row_number() OVER () AS n FROM ({inner}) AS p) AS numbered"
    )
    try:
        row = await conn.fetchrow(query, *args.values)
    except DRIVER_ERRORS as error:
        raise _told(error) from error
    assert row is not None
    found = row["found"]
    after = tuple(row[name] for name in names) if found > limit else None
    return row["body"] or b"", min(found, limit), after


async def stream(
    conn: asyncpg.Connection, what: Selection, select: Sequence[str], limit: int | None
) -> AsyncGenerator[list[asyncpg.Record], None]:
    """All rows in lists of at most :data:`BATCH`, through a cursor: memory stays constant."""
    args = Arguments()
    query = statement(what, select, args, limit)
    try:
        async with conn.transaction(readonly=True):
            cursor = await conn.cursor(query, *args.values)
            while rows := await cursor.fetch(BATCH):
                yield rows
    except DRIVER_ERRORS as error:
        raise _told(error) from error


async def count(conn: asyncpg.Connection, what: Selection) -> int:
    """How many features there are; as slow as reading them."""
    args = Arguments()
    dataset = f"t.dataset_id = ANY({args.add(list(what.state.datasets), 'bigint[]')})"
    where = " AND ".join(_conditions(what, args, dataset))
    try:
        found: int = await conn.fetchval(
            f"SELECT count(*) FROM {what.table} AS t WHERE {where}",  # noqa: S608
            *args.values,
        )
    except DRIVER_ERRORS as error:
        raise _told(error) from error
    return found


def _told(error: BaseException) -> TwinError:
    # the only data exceptions that a checked filter can cause are those of its numbers
    if isinstance(error, asyncpg.DataError):
        return ArithmeticOverflowError(
            "filter: its arithmetic gives a number that is too large or does not exist. "
            "Change the numbers.",
            "filter：运算结果过大或无意义，请调整数值。",
        )
    return translate(error)
