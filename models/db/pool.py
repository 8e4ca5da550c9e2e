"""Reading for the API: an asyncpg pool whose role can only select, within a time limit."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import orjson

from models.db.errors import translate
from models.db.provision import READ_ROLE
from models.db.statements import text
from models.errors import DatabaseError
from models.features import TABLES

DRIVER_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
#: Seconds that a probe waits for a connection, and then for an answer.
PING: Final = 5.0


class BusyError(DatabaseError):
    """All of what there is for a question is in use, and stayed so while it waited."""

    code = "DB-08"


class Pool(asyncpg.Pool):  # type: ignore[misc]  # its package has no types
    """Connections for which nobody waits longer than ``wait`` seconds, however he asks.

    ``streams`` are the places for those who hold a connection as long as their client reads: so
    few that connections are left for all others.
    """

    def __init__(self, url: str, *, size: int, wait: float, **options: Any) -> None:
        super().__init__(
            url,
            min_size=0,
            max_size=size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            **options,
        )
        self.wait = wait
        self.most_streams = max(1, size * 3 // 8)
        self.streams = asyncio.Semaphore(self.most_streams)

    async def _acquire(self, timeout: float | None) -> asyncpg.Connection:
        # all ways to a connection lead through here; the public one would not see fetch and others
        try:
            return await super()._acquire(self.wait if timeout is None else timeout)
        except TimeoutError as error:
            if self.get_idle_size() or self.get_size() < self.get_max_size():
                raise  # it was the database that did not answer
            raise BusyError(
                f"All {self.get_max_size()} connections of the service to its database are in use. "
                "Ask again in a few seconds.",
                f"服务的 {self.get_max_size()} 个数据库连接均在使用中，请稍后重试。",
            ) from error


@asynccontextmanager
async def open_pool(
    url: str, *, size: int = 8, statement_seconds: float = 10.0, wait: float = 10.0
) -> AsyncIterator[Pool]:
    """A pool of at most ``size`` read-only connections, closed at the end of the block.

    Give it the read role's URL. Where the URL's role is another one that may become ``twin_read``,
    each connection becomes it. Transactions are read-only and a statement that runs longer than
    ``statement_seconds`` is stopped; who waits longer than ``wait`` seconds for a connection gets
    :class:`BusyError`. Connections are made when they are needed, so that a server may start before
    its database and outlives a restart of it: what is wrong is told at the first question.
    """
    try:
        pool = await Pool(
            url,
            size=size,
            wait=wait,
            timeout=10,
            init=_become_reader,
            server_settings={
                "application_name": "twin-api",
                "default_transaction_read_only": "on",
                "statement_timeout": str(int(statement_seconds * 1000)),
                "timezone": "UTC",
                # a plan for any values may leave the spatial index out
                "plan_cache_mode": "force_custom_plan",
                # starting a second process takes longer than most answers
                "max_parallel_workers_per_gather": "0",
                "jit": "off",
            },
        )
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    try:
        yield pool
    finally:
        await pool.close()


async def _become_reader(conn: asyncpg.Connection) -> None:
    await conn.set_type_codec(
        "jsonb", encoder=_dumps, decoder=orjson.loads, schema="pg_catalog", format="text"
    )
    await conn.execute(text("pool_reader").replace("{role}", READ_ROLE))


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


async def ping(pool: asyncpg.Pool) -> bool:
    """Whether the database answers; never raises for a database that does not."""
    try:
        async with pool.acquire(timeout=PING) as conn:
            return bool(await conn.fetchval("SELECT true", timeout=PING))
    except BusyError:
        return False
    except DRIVER_ERRORS as error:
        translate(error)
        return False


async def schema_revision(pool: asyncpg.Pool) -> str | None:
    """The migration that the database has, or None."""
    try:
        found: str | None = await pool.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    return found


async def fetch_feature(
    pool: asyncpg.Pool, twin: str, feature: str | uuid.UUID
) -> dict[str, Any] | None:
    """All attributes of a feature that is current now, whatever its table, or None.

    Keys: ``table``, the canonical columns without ``geom`` and ``source_geom``, ``dataset``
    (name), ``file`` and ``file_sha256`` (where the row came from), ``revision`` (number),
    ``valid_from``, ``valid_to``, ``tx_from`` (ISO 8601; open ends None). None also for what is not
    a UUID. Raises :class:`models.errors.DatabaseError`.
    """
    try:
        key = uuid.UUID(str(feature))
    except ValueError:
        return None
    one = text("pool_feature")
    query = "\nUNION ALL\n".join(one.replace("{table}", table) for table in TABLES)
    try:
        row = await pool.fetchrow(query, twin, key)
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    if row is None:
        return None
    found: dict[str, Any] = {"table": row["name"], **row["attributes"]}
    for end in ("valid_from", "valid_to", "tx_from"):
        if found[end] in ("infinity", "-infinity"):
            found[end] = None
    return found


async def tiled_options(
    conn: asyncpg.Connection, twin: str, layer: str, store: str
) -> dict[str, str]:
    """The options that a layer in a store was tiled with (:class:`models.db.tiles.TiledLayer`),
    empty before it was. Raises :class:`models.errors.DatabaseError`."""
    query = "SELECT options FROM tile_layer WHERE twin_id = $1 AND layer = $2 AND store = $3"
    try:
        found: dict[str, str] | None = await conn.fetchval(query, twin, layer, store)
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    return found or {}


async def filled(pool: asyncpg.Pool, twin: str) -> frozenset[str]:
    """The feature tables that have rows of the twin that are current now. Counts nothing."""
    one = text("pool_filled")
    query = "\nUNION ALL\n".join(one.replace("{table}", table) for table in TABLES)
    try:
        return frozenset(row["name"] for row in await pool.fetch(query, twin))
    except DRIVER_ERRORS as error:
        raise translate(error) from error


async def summary(pool: asyncpg.Pool, twin: str) -> dict[str, dict[str, Any]]:
    """For each feature table ``count`` and ``extent`` (west, south, east, north in degrees, or
    None), of what is current now, and ``times``: from when until when anything was, is or will be
    so, None where that is open. The extent is of plan position only: no height is transformed.
    """
    one = text("pool_summary")
    query = "\nUNION ALL\n".join(one.replace("{table}", table) for table in TABLES)
    try:
        rows = await pool.fetch(query, twin)
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    return {
        row["name"]: {
            "count": row["n"],
            "extent": None if row["west"] is None else list(row)[2:6],
            "times": (row["first"], row["last"]),
        }
        for row in rows
    }
