"""Pipes read from a real database: kept while nothing changes, at any moment of both times."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from models.db import twins
from models.db.connection import Connection, connect
from models.db.publish import CHINA, PublishResult, publish
from models.features import Theme
from models.testing import Twin, buildings, delivery, pipes
from twin.analyses import describe
from twin.analyses.cache import PipeworkCache


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        yield conn


def put(conn: Connection, count: int, since: date, dataset: str = "made") -> PublishResult:
    made = delivery(Theme.PIPES, pipes(count, dataset=dataset), valid_from=since, name=f"{count}")
    return publish(conn, twin="test", dataset=dataset, deliveries=[made])


def test_the_same_pipes_are_read_once_until_a_revision(conn: Connection, database: str) -> None:
    put(conn, 3, date(2020, 1, 1))
    cache = PipeworkCache(database)
    first = cache.get("test")
    assert (len(first.segments), len(first.points)) == (3, 4)
    assert cache.get("test") is first
    put(conn, 5, date(2021, 1, 1))
    second = cache.get("test")
    assert len(second.segments) == 5
    assert [s.number for s in second.sources] == [2]


def test_revisions_and_datum_are_those_that_were_read(conn: Connection, database: str) -> None:
    put(conn, 2, date(2020, 1, 1))
    put(conn, 2, date(2020, 1, 1), "other")
    made = delivery(Theme.BUILDINGS, {"building": buildings({"a": 3})})
    publish(conn, twin="test", dataset="houses", deliveries=[made])
    found = PipeworkCache(database).get("test")
    assert [(s.dataset, s.number) for s in found.sources] == [("made", 1), ("other", 1)]
    (first, _) = describe.datum(found)["datasets"]
    assert (first["horizontal"], first["vertical"], first["accuracy"]) == (
        "EPSG:4549",
        "1985",
        0.05,
    )
    told = describe.revisions(found)
    assert datetime.fromisoformat(told[0]["recorded"]) == found.sources[0].recorded


def test_both_times(conn: Connection, database: str) -> None:
    first = put(conn, 3, date(2020, 1, 1))
    put(conn, 5, date(2022, 1, 1))
    cache = PipeworkCache(database)
    then = datetime(2021, 1, 1, tzinfo=CHINA)
    assert len(cache.get("test", datetime=then).segments) == 3
    known = cache.get("test", as_of=first.recorded)
    assert len(known.segments) == 3
    assert [s.number for s in known.sources] == [1]
    before = cache.get("test", as_of=first.recorded - timedelta(seconds=1))
    assert (len(before.segments), list(before.sources)) == (0, [])
    assert len(cache.get("test").segments) == 5


def test_what_is_least_used_is_let_go(conn: Connection, database: str) -> None:
    put(conn, 3, date(2020, 1, 1))
    cache = PipeworkCache(database, rows=10)  # 3 segments and 4 points
    now = cache.get("test")
    cache.get("test", datetime=datetime(2021, 1, 1, tzinfo=CHINA))
    assert cache.get("test") is not now


def test_many_threads_get_the_same(conn: Connection, database: str) -> None:
    put(conn, 50, date(2020, 1, 1))
    cache = PipeworkCache(database)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.get("test"), range(16)))
    assert all(one is found[0] for one in found)


def test_the_read_role_is_enough(samples_url: str) -> None:
    found = PipeworkCache(samples_url).get("qianwan")
    assert len(found.segments) > 1000
    assert found.network.edges == len(found.segments)


@pytest.fixture(scope="module")
def samples_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The read role's URL of the database of the samples, while it runs."""
    from models.db.embedded import EmbeddedPostgres

    program = request.getfixturevalue("samples")
    cluster = EmbeddedPostgres(program.home)
    cluster.ensure()
    yield cluster.read_url
