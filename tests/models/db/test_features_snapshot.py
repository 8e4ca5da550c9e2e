"""Connections of the API: nobody waits for one for ever, streams leave some to others, and all
statements of a snapshot see the same."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack

import asyncpg
import pytest

from models.db import pool
from models.db.features_items import connection, snapshot, streaming
from models.db.pool import BusyError
from models.db.testing import do
from models.errors import DatabaseError


def test_who_finds_no_connection_is_told(database: str) -> None:
    async def main() -> None:
        async with pool.open_pool(database, size=2, wait=0.2) as opened:
            async with opened.acquire(), opened.acquire():
                with pytest.raises(BusyError, match="2 connections"):
                    await pool.fetch_feature(opened, "one", uuid.UUID(int=1))
                with pytest.raises(BusyError, match="2 connections"):
                    async with connection(opened):
                        pass
            assert await pool.ping(opened)
            assert await pool.fetch_feature(opened, "one", uuid.UUID(int=1)) is None

    asyncio.run(main())


def test_ping_ends_where_all_connections_are_in_use(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PING", 0.2)

    async def main() -> bool:
        async with pool.open_pool(database, size=1) as opened, opened.acquire():
            return await pool.ping(opened)

    assert asyncio.run(main()) is False


@pytest.mark.parametrize(("size", "streams"), [(2, 1), (8, 3)])
def test_streams_leave_connections_to_others(database: str, size: int, streams: int) -> None:
    async def main() -> None:
        async with pool.open_pool(database, size=size, wait=0.2) as opened:
            for _ in range(2):  # places are given back
                async with AsyncExitStack() as stack:
                    for _ in range(streams):
                        await stack.enter_async_context(streaming(opened))
                    with pytest.raises(BusyError, match="f=json"):
                        await stack.enter_async_context(streaming(opened))
                    assert await pool.ping(opened)

    asyncio.run(main())
    assert issubclass(BusyError, DatabaseError)  # which is answered as 503


def test_a_snapshot_sees_one_state(database: str) -> None:
    async def counted(conn: asyncpg.Connection) -> int:
        found: int = await conn.fetchval("SELECT count(*) FROM twin")
        return found

    async def main() -> list[int]:
        async with pool.open_pool(database) as opened:
            async with snapshot(opened) as conn:
                before = await counted(conn)
                new = "INSERT INTO twin VALUES ('new', '新', 'New', 121, 31, '{120,30,122,32}', 4)"
                await asyncio.to_thread(do, database, new)
                within = await counted(conn)
            async with snapshot(opened) as conn:
                return [before, within, await counted(conn)]

    before, within, after = asyncio.run(main())
    assert (within, after) == (before, before + 1)
