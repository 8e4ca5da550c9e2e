"""Plans over enough buildings, BIM elements and places: indexes serve what is asked most."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import shapely
from psycopg import sql

from models.cql2 import Kind, parse
from models.db import mvt, pool
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.features_cql import Arguments
from models.db.features_order import key_columns, statement
from models.db.features_query import Heights, Selection
from models.db.features_state import read_state
from models.db.provision import create_database
from models.db.space import places_query
from models.db.statements import text
from models.features import THEME_TABLES

EAST, NORTH = 600_000.0, 3_430_000.0
ROWS = 20_000
#: Boxes of 12 m on a grid of 20 m: buildings, elements and a place in the middle of each.
MADE = f"""
INSERT INTO twin VALUES ('one', '一', 'One', 121, 31, '{{120,30,122,32}}', 4);
INSERT INTO dataset (twin_id, name, theme, horizontal, vertical)
VALUES ('one', 'a', 'buildings', 'EPSG:4549', '1985'), ('one', 'b', 'bim', 'EPSG:4549', '1985');
INSERT INTO revision (dataset_id, number, valid_from, recorded, complete, counts)
SELECT id, 1, '2020-01-01', now(), true, '{{}}' FROM dataset;
INSERT INTO source_file (revision_id, name, sha256, size, features_in, horizontal, vertical)
VALUES (1, 'x', 'x', 1, 1, 'EPSG:4549', '1985');
CREATE TEMPORARY TABLE made AS
SELECT i, gen_random_uuid() AS id, x, y
FROM generate_series(0, {ROWS} - 1) AS i,
  LATERAL (SELECT {EAST} + (i % 200) * 20.0 AS x, {NORTH} + (i / 200) * 20.0 AS y) AS place;
INSERT INTO building (id, key, name, height, geom, dataset_id, revision_id, file_id, content_sha,
                      valid_from, tx_from)
SELECT id, 'B' || i, '楼' || i, i % 90,
  ST_Multi(ST_Force3D(ST_MakeEnvelope(x, y, x + 12, y + 12, 4549), 4)),
  1, 1, 1, '\\x00', '2020-01-01', now()
FROM made;
INSERT INTO bim_element (id, key, ifc_class, geom, dataset_id, revision_id, file_id, content_sha,
                         valid_from, tx_from)
SELECT gen_random_uuid(), 'E' || i, 'IfcWall',
  ST_Translate(ST_GeomFromText('POLYHEDRALSURFACE Z (((0 0 0, 12 0 0, 12 12 0, 0 12 0, 0 0 0)),
    ((0 0 3, 12 0 3, 12 12 3, 0 12 3, 0 0 3)))', 4549), x, y, 4),
  2, 2, 1, '\\x00', '2020-01-01', now()
FROM made;
INSERT INTO place_source (twin_id, name, signature) VALUES ('one', 'x', 'x');
INSERT INTO place (source_id, twin_id, kind, name, layer, feature_id, search, pinyin, grams, geom,
                   spine, address_pinyin, address_initials)
SELECT 1, 'one', 'building', '楼' || i, 'buildings', id, 'lou' || i, 'lou' || i,
  ARRAY['a' || i, 'b' || i % 500], ST_SetSRID(ST_MakePoint(x + 6, y + 6, 0), 4549),
  'road' || i % 900 || '/' || i, 'donglu' || i || 'hao', 'dl' || i || 'h'
FROM made;
ANALYZE;
"""
PLACE = shapely.box(EAST + 1000, NORTH + 1000, EAST + 1100, NORTH + 1100)
#: So many that a few of them would be looked for in the order of pages.
TOWN = shapely.box(EAST + 1000, NORTH + 1000, EAST + 3000, NORTH + 3000)
NEAR = "S_INTERSECTS(geometry, BBOX(601000,3431000,601100,3431100))"
Explain = Callable[..., str]


@pytest.fixture(scope="module")
def town(cluster: EmbeddedPostgres) -> str:
    """URL of the database."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(MADE.encode())
    return url


@pytest.fixture(scope="module")
def explain(town: str) -> Iterator[Explain]:
    """The plan of a statement on one of the API's connections."""

    async def asked(query: str, values: tuple[Any, ...]) -> str:
        async with pool.open_pool(town) as opened:
            rows = await opened.fetch(f"EXPLAIN {query}", *values)
        return "\n".join(row[0] for row in rows)

    yield lambda query, *values: asyncio.run(asked(query, values))


def page(url: str, table: str, what: dict[str, Any], most: int) -> tuple[str, list[Any]]:
    """The statement of a page, and its values."""

    async def made() -> tuple[str, list[Any]]:
        theme = next(t for t, tables in THEME_TABLES.items() if table in tables)
        async with pool.open_pool(url) as opened, opened.acquire() as conn:
            state = await read_state(conn, "one", theme)
        selection = Selection(table, 4549, state, gathered="box" in what, **what)
        args = Arguments()
        return statement(selection, ["t.id", *key_columns(selection)], args, most), args.values

    return asyncio.run(made())


def serves(plan: str, *indexes: str) -> None:
    """Each of ``indexes`` is used, and no table of many rows is read whole."""
    for index in indexes:
        assert re.search(rf"(using|Scan on) ({index})\b", plan), plan
    assert not re.search(r"Seq Scan on (building|bim_element|place)\b(?!_source)", plan), plan


@pytest.mark.parametrize("table", ["building", "bim_element"])
@pytest.mark.parametrize("asked", ["box", "town", "heights", "filter", "nothing"])
def test_a_page_of_features(town: str, explain: Explain, table: str, asked: str) -> None:
    what: dict[str, dict[str, Any]] = {
        "box": {"box": PLACE},
        "town": {"box": TOWN},
        "heights": {"box": PLACE, "heights": Heights(0.0, 9.0, 1e-6, 1e-6)},
        "filter": {"filter": parse(NEAR, {"geometry": Kind.GEOMETRY}), "spatial": True},
        "nothing": {},
    }
    query, values = page(town, table, what[asked], 2 if asked == "town" else 1_000)
    index = "(page|pkey)" if asked == "nothing" else "geom_2d"
    serves(explain(query, *values), f"{table}_{index}")


@pytest.mark.parametrize(("table", "dataset"), [("building", 1), ("bim_element", 2)])
@pytest.mark.parametrize("largest", [True, False])
def test_a_vector_tile(explain: Explain, table: str, dataset: int, largest: bool) -> None:
    query = mvt.tile_query(table, raw=True, largest=largest)
    turn = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    values = ["all", [1], 16, 1, 1, [dataset], *turn, *PLACE.bounds, 4549]
    serves(explain(query, *values), f"{table}_geom_2d")


def test_names_and_addresses_at_a_place(explain: Explain) -> None:
    values = ("one", EAST + 1003, NORTH + 1003, 4549, 50.0, 10)
    plan = explain(text("places_around"), *values)
    serves(plan, "place_geom", "building_geom_2d")
    assert plan.count("place_geom") == 2  # those near it, and that of the building that holds it


def test_places_above_and_below_a_place(town: str) -> None:
    values = {"twin": "one", "east": EAST, "north": NORTH, "radius": 5.0, "most": 100}
    with connect(town) as conn:
        query = sql.SQL("EXPLAIN ") + places_query(conn)
        plan = "\n".join(row[0] for row in conn.execute(query, values))
    serves(plan, "place_geom", "place_outline")


@pytest.mark.parametrize(
    ("name", "values", "indexes"),
    [
        ("places_found", ("lou12", "lou13", "lou12", "lou13", ["a7"], ["a7", "b7"], 200,
                          ["donglu12", "dl7"], ["donglu13", "dl8"], 50),
         ("place_beginning|place_sounding", "place_grams", "place_pkey", "place_address_sounding",
          "place_address_initials")),
        ("places_pinyin", ("%ou199%", "%lu199%", 200), ("place_pinyin", "place_address_pinyin")),
        ("places_joined", ("road7/7", ["road7"], "road7/7/", "road7/70", 100), ("place_spine",)),
    ],
)  # fmt: skip
def test_names_and_addresses_by_text(
    explain: Explain, name: str, values: tuple[Any, ...], indexes: tuple[str, ...]
) -> None:
    serves(explain(text(name), "one", *values), *indexes)


@pytest.mark.parametrize("table", ["building", "bim_element"])
def test_whether_there_are_any_counts_none(explain: Explain, table: str) -> None:
    plan = explain(text("pool_filled").replace("{table}", table), "one")
    serves(plan, f"{table}_(page|dataset|by_\\w+)")
    assert "Aggregate" not in plan
    assert "Limit" in plan


def test_a_building_that_holds_a_place_is_nearest(town: str) -> None:
    async def asked() -> list[Any]:
        async with pool.open_pool(town) as opened:
            values = ("one", EAST + 1001, NORTH + 1001, 4549, 50.0, 3)
            return list(await opened.fetch(text("places_around"), *values))

    first, *others = asyncio.run(asked())
    assert first["away"] == 0
    assert all(5 < row["away"] < 50 for row in others)
