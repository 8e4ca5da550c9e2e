"""All features as the text that the database writes: nothing of it is taken apart on its way."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final

import asyncpg

from models.db.features_cql import Arguments
from models.db.features_items import told, transaction
from models.db.features_order import statement
from models.db.features_query import Selection
from models.db.pool import DRIVER_ERRORS

#: What PostgreSQL's binary copy has before the first row, and before the one column of each: how
#: many columns there are (-1 ends the copy) and how many bytes it has ("COPY", File Formats).
_FRONT: Final = len(b"PGCOPY\n\xff\r\n\0") + struct.calcsize(">ii")
_ROW: Final = struct.Struct(">hi")
#: Bytes of a part, at least; the database sends a thirtieth of that at once.
_PART: Final = 1 << 18
#: Parts that may wait for a client that reads more slowly than the database writes.
_WAITING: Final = 4


def copied(
    conn: asyncpg.Connection, what: Selection, select: Sequence[str], limit: int | None
) -> AsyncGenerator[bytes, None]:
    """The rows of ``what`` as CSV (RFC 4180 with line feeds, UTF-8, null unquoted), whole rows in
    each part.

    Memory stays constant: the database waits for whoever reads. A stream as a whole may take longer
    than the connection's ``statement_timeout``, which holds for the time that the database is
    silent. Closing the generator ends the statement. Raises
    :class:`models.errors.DatabaseError` and
    :class:`models.db.features_items.ArithmeticOverflowError`.
    """
    return _copied(conn, what, select, limit, texts=False)


def sequenced(
    conn: asyncpg.Connection, what: Selection, written: str, limit: int | None
) -> AsyncGenerator[bytes, None]:
    """As :func:`copied`, but a text sequence (RFC 7464) of what is ``written`` of each row: a JSON
    text as SQL of type ``bytea``."""
    return _copied(
        conn, what, [f"'\\x1e'::bytea || {written} || '\\x0a'::bytea"], limit, texts=True
    )


async def _copied(
    conn: asyncpg.Connection, what: Selection, select: Sequence[str], limit: int | None, texts: bool
) -> AsyncGenerator[bytes, None]:
    args = Arguments()
    query = statement(what, select, args, limit)
    parts: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(_WAITING)

    held, front = bytearray(), _FRONT

    async def put(data: bytes) -> None:
        held.extend(data)
        if len(held) >= _PART:
            await parts.put(bytes(held))
            held.clear()

    async def put_rows(data: bytes) -> None:
        nonlocal front
        at, front = front, 0
        ends = len(data) - _ROW.size
        rows = []
        while at <= ends:
            _, size = _ROW.unpack_from(data, at)
            at += _ROW.size + size
            rows.append(data[at - size : at])
        await put(b"".join(rows))

    async def work() -> None:
        output, form = (put_rows, "binary") if texts else (put, "csv")
        try:
            await conn.copy_from_query(query, *args.values, output=output, format=form)
        except Exception as error:  # noqa: BLE001 - raised where the parts are read
            await parts.put(error)
        else:
            if held:
                await parts.put(bytes(held))
            await parts.put(None)

    try:
        async with transaction(conn):
            seconds = await _unlimited(conn)
            task = asyncio.ensure_future(work())
            try:
                while (part := await _next(parts, seconds)) is not None:
                    yield part
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
    except DRIVER_ERRORS as error:
        raise told(error) from error


async def _next(
    parts: asyncio.Queue[bytes | Exception | None], seconds: float | None
) -> bytes | None:
    try:
        async with asyncio.timeout(seconds):
            part = await parts.get()
    except TimeoutError as error:
        raise asyncpg.QueryCanceledError("the database was silent for too long") from error
    if isinstance(part, Exception):
        raise part
    return part


async def _unlimited(conn: asyncpg.Connection) -> float | None:
    """Lift the limit of the transaction's statements, and let two processes work on them; the
    limit that there was, in seconds, None for none."""
    milliseconds: int = await conn.fetchval(
        "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"
    )
    await conn.execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL max_parallel_workers_per_gather = 1"
    )
    return milliseconds / 1000 or None
