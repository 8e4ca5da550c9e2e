"""Streams of all features: whole rows, constant memory, an end when nobody reads on."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any

import asyncpg
import orjson
import pytest

from models.db import pool
from models.db.features_columns import feature_bytes, geometry_in
from models.db.features_copy import copied, sequenced
from models.db.features_query import Selection
from models.db.features_state import read_state
from models.db.testing import do
from models.errors import DatabaseError
from models.features import Theme
from tests.models.db.conftest import ROWS

Work = Callable[[asyncpg.Connection, Selection], Coroutine[Any, Any, Any]]
FIELDS = {"key": "text", "width_mm": "double precision", "material": "text"}
RUNNING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY%'
"""
JSON = feature_bytes("pipe_segment", FIELDS, geometry_in("pipe_segment", 4549, 4490, False), 8)


def run(url: str, work: Work, seconds: float = 10.0) -> Any:
    """What ``work`` gives over a connection of the API, for the segments of one twin."""

    async def main() -> Any:
        async with (
            pool.open_pool(url, statement_seconds=seconds) as opened,
            opened.acquire() as conn,
        ):
            state = await read_state(conn, "one", Theme.PIPES)
            return await work(conn, Selection("pipe_segment", 4549, state))

    return asyncio.run(main())


def test_every_part_is_of_whole_lines_in_order(segments: str) -> None:
    async def read(conn: asyncpg.Connection, what: Selection) -> list[bytes]:
        return [part async for part in sequenced(conn, what, JSON, None)]

    parts = run(segments, read)
    assert len(parts) > 5
    assert all(part.startswith(b"\x1e") and part.endswith(b"\n") for part in parts)
    texts = b"".join(parts).removeprefix(b"\x1e").split(b"\x1e")  # RFC 7464, section 2.1
    found = [orjson.loads(text) for text in texts]
    assert [f["properties"]["key"] for f in found] == [f"L1-{i}" for i in range(ROWS // 3)]


@pytest.mark.parametrize("text", ['a,"b"', "two\nlines", "", None, "\\.", "制表\t符"])
def test_csv_keeps_every_text(database: str, segments: str, text: str | None) -> None:
    quoted = "NULL" if text is None else "E'" + text.replace("\\", "\\\\") + "'"

    async def read(conn: asyncpg.Connection, what: Selection) -> bytes:
        select = ["t.key", f"{quoted}::text", "t.width_mm"]
        return b"".join([part async for part in copied(conn, what, select, 3)])

    data = run(segments, read).decode()
    rows = list(csv.reader(io.StringIO(data, newline="")))
    assert [row[0] for row in rows] == ["L1-0", "L1-1", "L1-2"]
    assert {row[1] for row in rows} == {text or ""}
    assert (',"",' in data) == (text == "")  # an empty text is not the same as none


@pytest.mark.parametrize("reads", [0, 1, 4])
def test_one_who_reads_no_further_ends_the_statement(segments: str, reads: int) -> None:
    async def main() -> None:
        async with pool.open_pool(segments) as opened:
            async with opened.acquire() as conn:
                state = await read_state(conn, "one", Theme.PIPES)
                what = Selection("pipe_segment", 4549, state)
                async with aclosing(sequenced(conn, what, JSON, None)) as parts:
                    for _ in range(reads):
                        await anext(parts)
            for _ in range(100):
                if not await opened.fetchval(RUNNING):
                    return
                await asyncio.sleep(0.05)
            raise TimeoutError

    asyncio.run(main())


def test_a_slow_reader_is_waited_for(segments: str) -> None:
    async def read(conn: asyncpg.Connection, what: Selection) -> int:
        size = 0
        async for part in sequenced(conn, what, JSON, None):
            size += part.count(b"\n")
            await asyncio.sleep(0.02)
        return size

    assert run(segments, read, seconds=0.3) == ROWS // 3


def test_a_silent_database_is_not_waited_for(segments: str) -> None:
    async def read(conn: asyncpg.Connection, what: Selection) -> list[bytes]:
        select = ["(SELECT max(x::text || t.key) FROM generate_series(1, 9000000) AS x)"]
        return [part async for part in copied(conn, what, select, None)]

    with pytest.raises(DatabaseError, match="limit"):
        run(segments, read, seconds=0.2)


def test_a_missing_table_is_told(database: str) -> None:
    do(database, "ALTER TABLE pipe_segment RENAME TO gone")

    async def read(conn: asyncpg.Connection, what: Selection) -> list[bytes]:
        return [part async for part in copied(conn, what, ["t.key"], None)]

    with pytest.raises(DatabaseError, match="lacks the tables"):
        run(database, read)
