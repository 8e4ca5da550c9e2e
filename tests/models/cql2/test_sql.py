"""Filters as SQL against PostGIS, beside the same filters by brute force."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import orjson
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings

from models.cql2 import parse
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.features_cql import Arguments, sql_of
from models.db.provision import create_database
from tests.models.cql2.brute_force import Row, evaluate
from tests.models.cql2.filters import DAYS, MOMENTS, NUMBERS, PROPERTIES, WORDS, filters

OPEN = {"begun": "-infinity", "ended": "infinity"}
ENDS = {name: f"t.{name}" for name in OPEN}
COLUMNS = {name: f"t.{'geom' if name == 'geometry' else name}" for name in PROPERTIES} | {
    name: f"nullif(t.{name}, '{infinite}')" for name, infinite in OPEN.items()
}
TABLE = """CREATE TABLE sample (id uuid, name text, note text, height float8, storeys integer,
built date, since timestamptz, until timestamptz, begun timestamptz NOT NULL,
ended timestamptz NOT NULL, tags text[], sizes float8[], open boolean, part_of uuid,
geom geometry(Geometry, 4549))"""
TALL = {"op": ">", "args": [{"property": "height"}, 1]}
Ask = Callable[[Any], list[Any]]


def rows() -> list[Row]:
    pick = random.Random(7)

    def some(values: list[Any]) -> Any:
        return pick.choice([*values, None])

    def place() -> Any:
        x, y = pick.randrange(5), pick.randrange(5)
        return pick.choice([shapely.Point(x, y), shapely.box(x, y, x + 2, y + 1),
                            shapely.LineString([(x, y), (x + 2, y + 2)]), None])  # fmt: skip

    return [
        {
            "id": str(uuid.UUID(int=number)),
            "name": some(WORDS),
            "note": some(WORDS),
            "height": some(NUMBERS),
            "storeys": some([0, 1, 2, 7]),
            "built": some(DAYS),
            "since": some(MOMENTS),
            "until": some(MOMENTS),
            **{name: some(MOMENTS) for name in OPEN},
            "tags": some([[], ["a"], ["b", "a", "a"], ["雨水"]]),
            "sizes": some([[], [1.0], [0.25, 2.0]]),
            "open": some([True, False]),
            "part_of": some([str(uuid.UUID(int=n)) for n in range(3)]),
            "geometry": place(),
        }
        for number in range(60)
    ]


ROWS = rows()


@pytest.fixture(scope="module")
def ask(cluster: EmbeddedPostgres) -> Iterator[Ask]:
    """The ids that PostGIS finds for a filter in CQL2 JSON."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    with connect(url) as conn:
        conn.execute(TABLE.encode())
        for row in ROWS:
            wkb = None if row["geometry"] is None else shapely.to_wkb(row["geometry"])
            conn.execute(
                f"INSERT INTO sample VALUES ({'%s, ' * (len(PROPERTIES) - 1)}"
                "ST_GeomFromWKB(%s, 4549))",
                [*(row[n] or OPEN.get(n, row[n]) for n in PROPERTIES if n != "geometry"), wkb],
            )
    loop = asyncio.new_event_loop()
    driver = loop.run_until_complete(asyncpg.connect(url))

    def asked(node: Any) -> list[Any]:
        tree = parse(orjson.dumps(node).decode(), PROPERTIES, language="cql2-json")
        args = Arguments()
        where = sql_of(tree, COLUMNS, args, srid=4549, plan="t.geom", ends=ENDS)
        query = f"SELECT t.id::text FROM sample AS t WHERE {where} ORDER BY 1"
        found = loop.run_until_complete(driver.fetch(query, *args.values))
        return [row[0] for row in found]

    yield asked
    loop.run_until_complete(driver.close())
    loop.close()


@settings(
    max_examples=200,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(node=filters)
def test_postgis_finds_what_brute_force_finds(ask: Ask, node: Any) -> None:
    expected = [row["id"] for row in ROWS if evaluate(node, row) is True]
    assert ask(node) == expected


@pytest.mark.parametrize(
    ("node", "count"),
    [
        ({"op": "=", "args": [{"op": "casei", "args": [{"property": "name"}]},
                              {"op": "casei", "args": ["STRASSE"]}]}, None),
        ({"op": "=", "args": [{"property": "id"}, "not an id"]}, 0),
        ({"op": "in", "args": [{"property": "id"}, ["x", str(uuid.UUID(int=3))]]}, 1),
        ({"op": "=", "args": [{"property": "id"}, str(uuid.UUID(int=10)).upper()]}, 0),
        ({"op": "=", "args": [{"op": "or", "args": [TALL, {"property": "open"}]}, False]}, None),
        ({"op": "in", "args": [TALL, [True, False]]}, None),
        ({"op": "=", "args": [{"property": "open"}, {"op": "=", "args": [1, 1]}]}, None),
        ({"op": "<>", "args": [{"op": "not", "args": [TALL]}, {"property": "open"}]}, None),
        ({"op": "not", "args": [{"op": "in", "args": [{"property": "part_of"}, ["x"]]}]}, None),
        ({"op": "t_intersects", "args": [
            {"interval": [{"property": "begun"}, {"property": "ended"}]},
            {"interval": ["2026-11-01", "2027-01-01"]}]}, None),
    ],
)  # fmt: skip
def test_cases_of_their_own(ask: Ask, node: Any, count: int | None) -> None:
    expected = [row["id"] for row in ROWS if evaluate(node, row) is True]
    assert ask(node) == expected
    assert len(expected) == count if count is not None else expected


@pytest.mark.parametrize(
    "text",
    ["x'; DROP TABLE sample; --", "$1", "%s", "\\'; SELECT pg_sleep(9)", "{}", "'||version()||'",
     "\U0001f600\u202e", "E'\\\\x00'"],
)  # fmt: skip
def test_what_a_client_writes_is_never_sql(ask: Ask, text: str) -> None:
    """It travels as a value: it finds nothing, changes nothing, and stands in no statement."""
    node = {"op": "or", "args": [
        {"op": "=", "args": [{"property": "name"}, text]},
        {"op": "in", "args": [{"property": "id"}, [text]]},
        {"op": "=", "args": [{"op": "accenti", "args": [{"property": "note"}]}, text]},
        {"op": "a_contains", "args": [{"property": "tags"}, [text]]},
    ]}  # fmt: skip
    assert ask(node) == []
    args = Arguments()
    tree = parse(orjson.dumps(node).decode(), PROPERTIES, language="cql2-json")
    where = sql_of(tree, COLUMNS, args, srid=4549, plan="t.geom")
    assert text not in where.replace("$1::", "") or text == "$1"
    assert text in args.values


def test_a_statement_is_no_longer_than_its_filter_asks() -> None:
    """However conditions are nested in the lists of one another."""
    node: Any = TALL
    for _ in range(25):
        node = {"op": "in", "args": [node, [TALL, {"property": "open"}]]}
    tree = parse(orjson.dumps(node).decode(), PROPERTIES, language="cql2-json")
    assert len(sql_of(tree, COLUMNS, Arguments(), srid=4549, plan="t.geom")) < 2_000
