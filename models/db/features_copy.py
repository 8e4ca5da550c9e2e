"""All features as the text that the database writes: nothing of it is taken apart on its way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final

import asyncpg

from models.db.features_cql import Arguments
from models.db.features_items import told, transaction
from models.db.features_order import statement
from models.db.features_query import Selection
from models.db.pool import DRIVER_ERRORS

#: Delimiter and quote that occur in no JSON text, whose control characters are all escaped: a line
#: of such a copy is the text itself.
_BARE: Final = {"delimiter": "\x01", "quote": "\x02"}
#: Bytes of a part, at least; the database sends a thirtieth of that at once.
_PART: Final = 1 << 18
#: Parts that may wait for a client that reads more slowly than the database writes.
_WAITING: Final = 4


async def copied(
    conn: asyncpg.Connection,
    what: Selection,
    select: Sequence[str],
    limit: int | None,
    *,
    bare: bool = False,
) -> AsyncGenerator[bytes, None]:
    """The rows of ``what`` as CSV (RFC 4180 with line feeds, UTF-8, null unquoted), whole rows in
    each part; with ``bare`` the one text ``select``, a line each, which must hold no line break.

    Memory stays constant: the database waits for whoever reads. A stream as a whole may take longer
    than the connection's ``statement_timeout``, which holds for the time that the database is
    silent. Closing the generator ends the statement. Raises
    :class:`models.errors.DatabaseError` and
    :class:`models.db.features_items.ArithmeticOverflowError`.
    """
    args = Arguments()
    query = statement(what, select, args, limit)
    parts: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(_WAITING)

    held = bytearray()

    async def put(data: bytes) -> None:
        held.extend(data)
        if len(held) >= _PART:
            await parts.put(bytes(held))
            held.clear()

    async def work() -> None:
        options = {"format": "csv", **(_BARE if bare else {})}
        try:
            await conn.copy_from_query(query, *args.values, output=put, **options)
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
