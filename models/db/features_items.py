"""Reading features for the API: pages, single features, all of them, and how many there are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import orjson

from models.db.errors import translate
from models.db.features_cql import Arguments
from models.db.features_order import key_columns, statement
from models.db.features_query import Order, Selection, among, conditions
from models.db.pool import DRIVER_ERRORS
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
    "stream",
    "told",
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
    # rows come in order; they are not numbered, since a window keeps a copy of their texts
    at, beyond = args.add(limit, "integer"), args.add(limit + 1, "integer")
    last = "".join(f", (array_agg({name}))[{at}] AS {name}" for name in names)
    query = (
        "SELECT convert_to(string_agg(told, ','), 'UTF8') AS body, count(*) AS found, "  # noqa: S608
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
        async with conn.transaction(readonly=True):
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


async def estimate(conn: asyncpg.Connection, what: Selection) -> int:
    """How many features the database expects there to be, by its statistics; at once."""
    args = Arguments()
    query = f"EXPLAIN (FORMAT JSON) SELECT {_all(what, args)}"
    try:
        found = orjson.loads(await conn.fetchval(query, *args.values))
    except DRIVER_ERRORS as error:
        raise told(error) from error
    return int(found[0]["Plan"]["Plan Rows"])


def _all(what: Selection, args: Arguments) -> str:
    """The rows of ``what``, without order or page."""
    where = " AND ".join(conditions(what, args, among(what.state.datasets, args)))
    return f"FROM {what.table} AS t WHERE {where}"


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
