"""Reading features for the API: pages, single features, all of them, and how many there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import asyncpg
import orjson

from models.db.errors import translate
from models.db.features_cql import Arguments
from models.db.features_order import key_columns, statement
from models.db.features_query import Order, Selection, among, conditions, narrowed, records
from models.db.pool import DRIVER_ERRORS, BusyError, Pool
from models.errors import TwinError

__all__ = [
    "ArithmeticOverflowError",
    "Order",
    "Selection",
    "connection",
    "count",
    "estimate",
    "fetch",
    "fetch_page",
    "snapshot",
    "stream",
    "streaming",
    "told",
    "transaction",
]

#: Rows that a stream holds at once.
BATCH: Final = 1_000


class ArithmeticOverflowError(TwinError):
    """A filter's arithmetic leaves the numbers that a computer has."""

    code = "CQL2-03"


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


@asynccontextmanager
async def snapshot(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection all of whose statements see the same, whatever is published meanwhile: what a
    page says of itself is then true of its features. Raises as :func:`connection`."""
    async with connection(pool) as conn, transaction(conn):
        yield conn


@asynccontextmanager
async def streaming(pool: Pool) -> AsyncIterator[asyncpg.Connection]:
    """A :func:`snapshot` for whoever keeps it as long as a client reads. Raises also
    :class:`models.db.pool.BusyError` where as many as may be do so already."""
    try:
        async with asyncio.timeout(pool.wait):
            await pool.streams.acquire()
    except TimeoutError as error:
        most = pool.most_streams
        raise BusyError(
            f"The service sends {most} whole collections already, as many as it may at one time. "
            "Ask again in a few seconds, or ask for pages (f=json).",
            f"服务正在同时发送 {most} 份完整数据，已达上限。请稍后重试，或改用分页（f=json）。",
        ) from error
    try:
        async with snapshot(pool) as conn:
            yield conn
    finally:
        pool.streams.release()


@asynccontextmanager
async def transaction(conn: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction that reads one state of the database; within another, a part of it.

    The connection is closed where a statement was left so that it can be used no more: what was on
    its way belonged to no answer. Raises :class:`models.errors.DatabaseError`.
    """
    begun = conn.transaction(isolation="repeatable_read", readonly=True)
    try:
        await begun.start()
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    try:
        yield
    except BaseException:
        try:
            await begun.rollback()
        except (*DRIVER_ERRORS, asyncpg.InternalClientError):
            with suppress(asyncpg.InterfaceError):  # a part of this one may have closed it
                conn.terminate()
        raise
    try:
        await begun.commit()
    except DRIVER_ERRORS as error:
        raise translate(error) from error


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
        raise told(error) from error
    return found


async def fetch_page(
    conn: asyncpg.Connection, what: Selection, written: str, limit: int
) -> tuple[bytes, int, tuple[Any, ...] | None]:
    """What is ``written`` (SQL of type ``bytea``) of at most ``limit`` rows, joined by commas, how
    many they are, and the keys of the last one where more rows follow.

    They are joined in the database: a page is then one value, which nobody takes apart. Raises as
    :func:`fetch`.
    """
    args = Arguments()
    keys = key_columns(what)
    names = [f"k{number}" for number in range(len(keys))]
    select = [f"{written} AS told", *(f"{k} AS {n}" for k, n in zip(keys, names, strict=True))]
    inner = statement(what, select, args, limit + 1)
    # rows come in order; they are not numbered, since a window keeps a copy of their texts
    at, beyond = args.add(limit, "integer"), args.add(limit + 1, "integer")
    last = "".join(f", (array_agg({name}))[{at}] AS {name}" for name in names)
    query = (
        "SELECT string_agg(told, ',') AS body, count(*) AS found, "  # noqa: S608
        f"(array_agg(octet_length(told)))[{beyond}] AS spare{last} FROM ({inner}) AS p"
    )
    try:
        row = await conn.fetchrow(query, *args.values)
    except DRIVER_ERRORS as error:
        raise told(error) from error
    assert row is not None
    body, found, spare = row["body"] or b"", row["found"], row["spare"]
    if spare is None:
        return body, found, None
    # one row more than asked for, which tells that there are more
    return body[: -spare - len(",")], limit, tuple(row[name] for name in names)


async def stream(
    conn: asyncpg.Connection, what: Selection, select: Sequence[str], limit: int | None
) -> AsyncGenerator[list[asyncpg.Record], None]:
    """All rows in lists of at most :data:`BATCH`, through a cursor: memory stays constant."""
    args = Arguments()
    query = statement(what, select, args, limit)
    try:
        async with transaction(conn):
            cursor = await conn.cursor(query, *args.values)
            while rows := await cursor.fetch(BATCH):
                yield rows
    except DRIVER_ERRORS as error:
        raise told(error) from error


async def count(conn: asyncpg.Connection, what: Selection) -> int:
    """How many features there are; as slow as reading them."""
    args = Arguments()
    try:
        found: int = await conn.fetchval(f"SELECT count(*) {_all(what, args)}", *args.values)
    except DRIVER_ERRORS as error:
        raise told(error) from error
    return found


async def estimate(conn: asyncpg.Connection, what: Selection, *, closed_only: bool = False) -> int:
    """How many features the database expects there to be, by its statistics; at once.

    With ``closed_only`` those that were closed since the state, which no index has in order.
    """
    args = Arguments()
    query = f"EXPLAIN (FORMAT JSON) SELECT {_all(what, args, closed_only=closed_only)}"
    try:
        found = orjson.loads(await conn.fetchval(query, *args.values))
    except DRIVER_ERRORS as error:
        raise told(error) from error
    return int(found[0]["Plan"]["Plan Rows"])


def _all(what: Selection, args: Arguments, *, closed_only: bool = False) -> str:
    """The rows of ``what``, without order or page."""
    what = narrowed(what)
    held = records(what.state, args)[1:] if closed_only else records(what.state, args)
    where = conditions(what, args, among(what.state.datasets, args), held or ["false"])
    return f"FROM {what.table} AS t WHERE {' AND '.join(where)}"


def told(error: BaseException) -> TwinError:
    """The sentence for a driver's error in a question about features."""
    # the only data exceptions that a checked filter can cause are those of its numbers
    if isinstance(error, asyncpg.DataError):
        return ArithmeticOverflowError(
            "filter: its arithmetic gives a number that is too large or does not exist. "
            "Change the numbers.",
            "filter：运算结果过大或无意义，请调整数值。",
        )
    return translate(error)
