"""Plans of the most used queries over enough rows: indexes serve, above all that on place."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import shapely

from models.cql2 import Kind, parse
from models.db import features_items, pool
from models.db.embedded import EmbeddedPostgres
from models.db.features_cql import Arguments
from models.db.features_items import Order, Selection
from models.db.features_state import read_state
from models.db.provision import create_database
from models.features import Theme

ROWS = 60_000
EAST, NORTH = 600_000.0, 3_430_000.0
#: Segments of 25 m on a grid of 30 m, as a survey of a town would be; two twins, one after the
#: other in the table.
MADE = """
INSERT INTO twin VALUES ('one', '一', 'One', 121, 31, '{120,30,122,32}', 4),
                        ('two', '二', 'Two', 121, 31, '{120,30,122,32}', 4);
INSERT INTO dataset (twin_id, name, theme, horizontal, vertical)
VALUES ('one', 'a', 'pipes', 'EPSG:4549', '1985'), ('two', 'b', 'pipes', 'EPSG:4549', '1985'),
       ('two', 'c', 'pipes', 'EPSG:4549', '1985');
INSERT INTO revision (dataset_id, number, valid_from, recorded, complete, counts)
SELECT id, 1, '2020-01-01', now(), true, '{}' FROM dataset;
INSERT INTO source_file (revision_id, name, sha256, size, features_in, horizontal, vertical)
VALUES (1, 'x', 'x', 1, 1, 'EPSG:4549', '1985');
INSERT INTO pipe_segment (id, key, class_code, width_mm, geom, dataset_id, revision_id, file_id,
                          content_sha, valid_from, tx_from)
SELECT gen_random_uuid(), 'L' || d || '-' || i, (array['YS', 'WS', 'JS'])[1 + i % 3],
  100 * (1 + i % 9),
  ST_SetSRID(ST_MakeLine(ST_MakePoint(x, y, 2), ST_MakePoint(x + 25, y, 1.9)), 4549),
  d, d, 1, '\\x00', '2020-01-01', now()
FROM generate_series(1, 3) AS d, generate_series(0, {rows} - 1) AS i,
  LATERAL (SELECT {east} + (i % 250) * 30.0 AS x, {north} + (i / 250) * 30.0 AS y) AS place;
ANALYZE;
"""
PLACE = shapely.box(EAST + 3000, NORTH + 3000, EAST + 3300, NORTH + 3300)
QUERYABLES = {"class_code": Kind.TEXT, "width_mm": Kind.NUMBER, "id": Kind.UUID,
              "geometry": Kind.GEOMETRY}  # fmt: skip
WITHIN = "S_INTERSECTS(geometry, BBOX(603000,3433000,603300,3433300))"
Plan = Callable[..., str]


@pytest.fixture(scope="module")
def plan(cluster: EmbeddedPostgres) -> Iterator[Plan]:
    """The plan of a page of a twin's segments."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    made = MADE.replace("{rows}", str(ROWS // 3))
    made = made.replace("{east}", str(EAST)).replace("{north}", str(NORTH))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(made.encode())

    async def explained(twin: str, limit: int, what: dict[str, Any]) -> str:
        async with pool.open_pool(url) as opened, opened.acquire() as conn:
            state = await read_state(conn, twin, Theme.PIPES)
            if what.pop("as_of", False):
                state = replace(state, current=False)
            selection = Selection("pipe_segment", 4549, state, **what)
            args = Arguments()
            select = ["t.id", *features_items.key_columns(selection)]
            query = features_items.statement(selection, select, args, limit)
            found = await conn.fetch(f"EXPLAIN {query}", *args.values)
            return "\n".join(row[0] for row in found)

    def asked(twin: str = "one", limit: int = 1_000, **what: Any) -> str:
        if isinstance(what.get("filter"), str):
            what["filter"] = parse(what["filter"], QUERYABLES)
        return asyncio.run(explained(twin, limit, what))

    yield asked


GEOMETRY = "pipe_segment_geom_2d"


@pytest.mark.parametrize(
    ("what", "index"),
    [
        ({}, "pipe_segment_page"),
        ({"after": (500,)}, "pipe_segment_page"),
        ({"twin": "two"}, "pipe_segment_page"),
        ({"box": PLACE}, GEOMETRY),
        ({"box": PLACE, "limit": 10}, GEOMETRY),
        ({"box": PLACE, "after": (500,)}, GEOMETRY),
        ({"box": PLACE, "twin": "two"}, GEOMETRY),
        ({"box": PLACE, "heights": (0.0, 5.0)}, GEOMETRY),
        ({"box": PLACE, "order": (Order("width_mm", "double precision", True),)}, GEOMETRY),
        ({"box": PLACE, "filter": "class_code = 'YS' AND width_mm > 300"}, GEOMETRY),
        ({"filter": WITHIN, "spatial": True}, GEOMETRY),
        ({"filter": f"{WITHIN} AND width_mm IN (100, 200)", "spatial": True}, GEOMETRY),
        ({"ids": (uuid.UUID(int=5),)}, "pipe_segment_id_tx|pipe_segment_one_truth"),
        ({"filter": "id = '00000000-0000-0000-0000-000000000005'"},
         "pipe_segment_id_tx|pipe_segment_one_truth"),
    ],
)  # fmt: skip
def test_an_index_serves(plan: Plan, what: dict[str, Any], index: str) -> None:
    found = plan(**what)
    assert re.search(f"(using|Scan on) ({index})", found), found
    assert "Seq Scan on pipe_segment" not in found, found


def test_rows_of_another_twin_are_not_passed(plan: Plan) -> None:
    found = plan(twin="two")
    assert found.count("using pipe_segment_page") == 2  # one a dataset, merged in order
    assert "Sort" not in found.replace("Sort Key", "")


def test_earlier_records_go_by_the_same_index(plan: Plan) -> None:
    found = plan(box=PLACE, twin="one", as_of=True)
    assert "BitmapOr" in found
    assert f"Scan on {GEOMETRY}" in found
