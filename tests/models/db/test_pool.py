from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import TypeVar

import asyncpg
import pandas as pd
import pytest
import shapely

from models.db import migrate, pool
from models.db.connection import Connection
from models.db.embedded import EmbeddedPostgres
from models.db.publish import publish
from models.errors import DatabaseError
from models.features import Theme, feature_id
from models.testing import buildings, delivery, pipes

T = TypeVar("T")


def inside(url: str, work: Callable[[asyncpg.Pool], Awaitable[T]], seconds: float = 10.0) -> T:
    async def run() -> T:
        async with pool.open_pool(url, size=2, statement_seconds=seconds) as opened:
            return await work(opened)

    return asyncio.run(run())


def test_a_feature_of_any_table_comes_with_all_its_attributes(
    conn: Connection, database: str
) -> None:
    house = delivery(Theme.BUILDINGS, {"building": buildings({"a": 12.5})}, name="a.geojson")
    pipe = delivery(Theme.PIPES, pipes(1), name="b.xlsx", valid_from=date(2020, 1, 1))
    publish(conn, twin="test", dataset="made", deliveries=[house])
    publish(conn, twin="test", dataset="pipes", deliveries=[pipe])
    key = feature_id("test", "made", "building", "a")
    found = inside(database, lambda p: pool.fetch_feature(p, "test", str(key)))
    assert found is not None
    assert found["table"] == "building"
    assert found["id"] == str(key)
    assert (found["height"], found["name"], found["attrs"]) == (12.5, "楼 a", {"k": "a"})
    assert (found["dataset"], found["file"], found["source_row"]) == ("made", "a.geojson", 1)
    assert (found["revision"], found["valid_to"]) == (1, None)
    assert not {"geom", "source_geom", "row_id"} & set(found)
    segment = feature_id("test", "made", "pipe_segment", "YS0-YS1")
    other = inside(database, lambda p: pool.fetch_feature(p, "test", segment))
    assert other is not None
    assert (other["table"], other["built"]) == ("pipe_segment", "2019-05-01")
    assert other["valid_from"].startswith("2019-12-31T16:00:00")
    for twin, name in (("other", str(key)), ("test", "no uuid"), ("test", str(key)[:-1] + "0")):
        assert inside(database, partial(pool.fetch_feature, twin=twin, feature=name)) is None


def test_a_bim_element_comes_with_its_property_sets(conn: Connection, database: str) -> None:
    key = feature_id("test", "made", "bim_element", "w")
    box = shapely.force_3d(shapely.MultiPolygon([shapely.box(0, 0, 1, 1)] * 6), 5.0)
    psets = {"Pset_WallCommon": {"IsExternal": True}}
    frame = pd.DataFrame({"id": [key], "key": ["w"], "psets": [psets], "geom": [box]})
    made = delivery(Theme.BIM, {"bim_element": frame})
    publish(conn, twin="test", dataset="made", deliveries=[made])
    found = inside(database, lambda p: pool.fetch_feature(p, "test", key))
    assert found is not None
    assert (found["table"], found["psets"]) == ("bim_element", psets)
    assert "geom" not in found
    count = inside(database, lambda p: pool.summary(p, "test"))["bim_element"]["count"]
    assert count == 1


def test_a_closed_feature_is_gone(conn: Connection, database: str) -> None:
    for keys in ({"a": 1.0, "b": 1.0}, {"b": 1.0}):
        made = delivery(Theme.BUILDINGS, {"building": buildings(keys)})
        publish(conn, twin="test", dataset="made", deliveries=[made])
    key = feature_id("test", "made", "building", "a")
    assert inside(database, lambda p: pool.fetch_feature(p, "test", key)) is None


def test_the_summary_counts_and_tells_the_extent_in_degrees(
    conn: Connection, database: str
) -> None:
    made = delivery(Theme.PIPES, pipes(10))
    publish(conn, twin="test", dataset="made", deliveries=[made])
    found = inside(database, lambda p: pool.summary(p, "test"))
    assert found["building"] == {"count": 0, "extent": None, "times": (None, None)}
    assert found["pipe_segment"]["count"] == 10
    west, south, east, north = found["pipe_segment"]["extent"]
    # EPSG:4549 at 521.7 km east: 21.7 km from 120 E; 300 m of pipe
    assert west == pytest.approx(120.227, abs=1e-3)
    assert east - west == pytest.approx(300 / 95_500, rel=0.01)
    assert south == pytest.approx(30.98, abs=0.01)
    assert 0 <= north - south < 1e-4


def test_the_pool_can_only_read(conn: Connection, database: str) -> None:
    async def write(opened: asyncpg.Pool) -> None:
        # the second time the connection has been given back and reset
        for _ in range(2):
            async with opened.acquire() as one:
                await forbidden(one)

    async def forbidden(one: asyncpg.Connection) -> None:
        assert await one.fetchval("SELECT current_user") == "twin_read"
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await one.execute("DELETE FROM twin")
        await one.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await one.execute("DELETE FROM twin")

    inside(database, write)


def test_a_long_statement_is_stopped(database: str) -> None:
    async def wait(opened: asyncpg.Pool) -> None:
        with pytest.raises(asyncpg.QueryCanceledError):
            await opened.fetchval("SELECT pg_sleep(20)")

    inside(database, wait, seconds=0.2)


def test_ping_and_schema(cluster: EmbeddedPostgres, database: str) -> None:
    assert inside(database, pool.ping)
    assert inside(database, pool.schema_revision) == migrate.head()
    assert inside(cluster.admin_url(), pool.schema_revision) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("{database}_no", "does not exist"),
        ("postgresql://twin@127.0.0.1:1/twin", "cannot be reached"),
        ("postgresql://twin@/twin?host=/nowhere", "cannot be reached"),
    ],
)
def test_a_database_that_is_not_there_is_told_at_the_first_question(
    database: str, url: str, said: str
) -> None:
    where = database.replace("?", "_no?") if "{database}" in url else url
    assert not inside(where, pool.ping)
    with pytest.raises(DatabaseError, match=said):
        inside(where, lambda p: pool.summary(p, "test"))
    with pytest.raises(DatabaseError, match=said):
        inside(where, pool.schema_revision)
