"""Plans of the most used queries over enough rows: indexes serve, above all that on place."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from psycopg import sql

from models.cql2 import Kind, parse
from models.db import mvt, pool, space
from models.db.connection import connect
from models.db.features_cql import Arguments
from models.db.features_order import key_columns, statement
from models.db.features_query import Heights, Order, Selection
from models.db.features_state import read_state
from models.db.statements import text
from models.features import Theme
from tests.models.db.conftest import EAST, NORTH

PLACE = shapely.box(EAST + 3000, NORTH + 3000, EAST + 3300, NORTH + 3300)
QUERYABLES = {"key": Kind.TEXT, "class_code": Kind.TEXT, "width_mm": Kind.NUMBER, "id": Kind.UUID,
              "geometry": Kind.GEOMETRY}  # fmt: skip
WITHIN = "S_INTERSECTS(geometry, BBOX(603000,3433000,603300,3433300))"
Plan = Callable[..., str]


@pytest.fixture(scope="module")
def plan(segments: str) -> Iterator[Plan]:
    """The plan of a page of a twin's segments."""

    async def explained(twin: str, limit: int, what: dict[str, Any]) -> str:
        async with pool.open_pool(segments) as opened, opened.acquire() as conn:
            state = await read_state(conn, twin, Theme.PIPES)
            if what.pop("as_of", False):
                state = replace(state, current=False)
            selection = Selection("pipe_segment", 4549, state, **what)
            args = Arguments()
            select = ["t.id", *key_columns(selection)]
            query = statement(selection, select, args, limit)
            found = await conn.fetch(f"EXPLAIN {query}", *args.values)
            return "\n".join(row[0] for row in found)

    def asked(twin: str = "one", limit: int = 1_000, **what: Any) -> str:
        if isinstance(what.get("filter"), str):
            what["filter"] = parse(what["filter"], QUERYABLES)
        return asyncio.run(explained(twin, limit, what))

    yield asked


GEOMETRY = "pipe_segment_geom_2d"
WIDTH = Order("width_mm", "double precision", descending=True)
CLASS = Order("class_code", "text")


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
        ({"box": PLACE, "heights": Heights(0.0, 5.0)}, GEOMETRY),
        ({"box": PLACE, "order": (Order("width_mm", "double precision", True),)}, GEOMETRY),
        ({"box": PLACE, "filter": "class_code = 'YS' AND width_mm > 300"}, GEOMETRY),
        ({"filter": WITHIN, "spatial": True}, GEOMETRY),
        ({"filter": f"{WITHIN} AND width_mm IN (100, 200)", "spatial": True}, GEOMETRY),
        ({"order": (WIDTH,)}, "pipe_segment_by_width_mm"),
        ({"order": (WIDTH,), "after": (300.0, 500)}, "pipe_segment_by_width_mm"),
        ({"order": (WIDTH,), "after": (None, 500)}, "pipe_segment_by_width_mm"),
        ({"order": (WIDTH,), "twin": "two"}, "pipe_segment_by_width_mm"),
        ({"order": (CLASS,), "after": ("WS", 500)}, "pipe_segment_by_class_code"),
        ({"order": (WIDTH,), "box": PLACE, "wide": True}, "pipe_segment_by_width_mm"),
        ({"order": (Order("id", "uuid", True),)}, "pipe_segment_id_tx"),
        ({"filter": "key = 'L1-500'"}, "pipe_segment_by_key"),
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


def test_a_vector_tile_takes_what_lies_in_it(segments: str) -> None:
    query = mvt.tile_query("pipe_segment", raw=True, largest=False)
    values = ["pipes", [1], 16, 1, 1, [1], 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    found = explained(segments, query, *values, *PLACE.bounds, 4549)
    assert re.search(f"Scan (using|on) {GEOMETRY}", found), found
    assert "mvt_drawn_tile" in found


def test_a_box_of_space_takes_what_lies_in_it(segments: str) -> None:
    with connect(segments) as conn:
        west, south, east, north = PLACE.bounds
        box = np.array([[west, south, 0.0, east, north, 3.0]])
        held = space.Moment(datasets=[1])
        query, values = space.near_query(conn, "pipe_segment", box, ["key"], held)
        rows = conn.execute(sql.SQL("EXPLAIN ") + query, values).fetchall()
    assert "pipe_segment_geom_3d" in str(rows)
    assert "Seq Scan on pipe_segment" not in str(rows)


def test_a_feature_is_found_by_its_id(segments: str) -> None:
    query = text("pool_feature").replace("{table}", "pipe_segment")
    found = explained(segments, query, "one", uuid.UUID(int=5))
    assert re.search("pipe_segment_(id_tx|one_truth)", found), found


def explained(url: str, query: str, *values: Any) -> str:
    """The plan of a statement of the API's connections."""

    async def ask() -> str:
        async with pool.open_pool(url) as opened:
            rows = await opened.fetch(f"EXPLAIN {query}", *values)
        return "\n".join(row[0] for row in rows)

    return asyncio.run(ask())
