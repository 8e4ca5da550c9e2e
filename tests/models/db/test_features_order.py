"""Plans of pages: what is current comes by an index also for who reads an earlier record, and no
dataset is read that the filter does not name."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from models.cql2 import Kind, parse
from models.db import pool
from models.db.features_cql import Arguments
from models.db.features_items import count, fetch
from models.db.features_order import key_columns, statement
from models.db.features_query import Order, Selection
from models.db.features_state import read_state
from models.features import Theme
from tests.models.db.conftest import ROWS

QUERYABLES = {"dataset": Kind.TEXT, "key": Kind.TEXT, "width_mm": Kind.NUMBER}
EACH, PAGE = ROWS // 3, 1_000


def selection_of(what: dict[str, Any], state: Any) -> Selection:
    if "filter" in what:
        what = {**what, "filter": parse(what["filter"], QUERYABLES)}
    return Selection("pipe_segment", 4549, state, **what)


def plan(url: str, twin: str, *, current: bool = True, **what: Any) -> str:
    """The plan of a page of a twin's segments."""

    async def explained() -> str:
        async with pool.open_pool(url) as opened, opened.acquire() as conn:
            state = await read_state(conn, twin, Theme.PIPES)
            selection, args = selection_of(what, replace(state, current=current)), Arguments()
            query = statement(selection, ["t.id", *key_columns(selection)], args, PAGE)
            found = await conn.fetch(f"EXPLAIN {query}", *args.values)
            return "\n".join(row[0] for row in found)

    return asyncio.run(explained())


@pytest.mark.parametrize("twin", ["one", "two"])
@pytest.mark.parametrize(
    ("what", "index"),
    [
        ({}, "pipe_segment_page"),
        ({"after": (500,)}, "pipe_segment_page"),
        ({"order": (Order("width_mm", "double precision", True),)}, "pipe_segment_by_width_mm"),
        ({"order": (Order("key", "text"),), "after": ("L1-5", 500)}, "pipe_segment_by_key"),
    ],
)
def test_an_earlier_record_is_in_order_by_index(
    segments: str, twin: str, what: dict[str, Any], index: str
) -> None:
    found = plan(segments, twin, current=False, **what)
    assert f"using {index}" in found, found
    assert "Seq Scan on pipe_segment" not in found, found
    sorted_ = re.findall(r"Sort  \(cost=\S+ rows=(\d+)", found)
    # pages at most; what was closed since, which no index has in order, is nothing here
    assert all(int(rows) <= len(sorted_) * PAGE for rows in sorted_), found


MANY: list[dict[str, Any]] = [
    {},
    {"after": (500,)},
    {"order": (Order("width_mm", "double precision", True),)},
    {"order": (Order("width_mm", "double precision"),), "after": (300.0, 700)},
    {"order": (Order("key", "text"),), "after": ("L2-5", 500)},
]


@pytest.mark.parametrize("what", MANY)
def test_of_many_datasets_a_page_is_taken_from_each(segments: str, what: dict[str, Any]) -> None:
    """A page is the same whether its datasets are few or many, and no more of them is sorted."""

    async def asked() -> tuple[list[Any], list[Any], str]:
        async with pool.open_pool(segments) as opened, opened.acquire() as conn:
            state = await read_state(conn, "two", Theme.PIPES)
            empty = tuple(range(10_001, 10_021))
            names = (*state.names, *map(str, empty))
            more = replace(state, datasets=(*state.datasets, *empty), names=names)
            few = await fetch(conn, selection_of(what, state), ["t.id"], PAGE)
            many = await fetch(conn, selection_of(what, more), ["t.id"], PAGE)
            args = Arguments()
            query = statement(selection_of(what, more), ["t.id"], args, PAGE)
            found = await conn.fetch(f"EXPLAIN {query}", *args.values)
            return few, many, "\n".join(row[0] for row in found)

    few, many, found = asyncio.run(asked())
    assert len(few) == PAGE
    assert few == many
    assert "Seq Scan on pipe_segment" not in found, found
    arms = re.findall(
        r"Limit  .*\n\s+->  Index (?:Only )?Scan (?:Backward )?using pipe_segment_", found
    )
    assert arms, found


@pytest.mark.parametrize(
    ("filter_", "datasets"),
    [
        ("dataset = 'c'", 1),
        ("'c' = dataset AND width_mm > 100", 1),
        ("dataset IN ('b', 'c') AND key <> 'x'", 2),
        ("width_mm > 100 AND (dataset IN ('c', 'elsewhere') AND key <> 'x')", 1),
    ],
)
def test_only_the_datasets_that_are_named_are_read(
    segments: str, filter_: str, datasets: int
) -> None:
    found = plan(segments, "two", filter=filter_)
    assert found.count("using pipe_segment_page") == datasets, found
    assert "dataset d" not in found, found


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("dataset = 'b'", EACH), ("dataset IN ('b', 'c')", 2 * EACH),
        ("dataset = 'a'", 0), ("dataset = 'b' AND dataset = 'c'", 0),
        ("NOT dataset = 'b'", EACH), ("dataset = 'b' OR dataset = 'c'", 2 * EACH),
        ("dataset IN ('b', key)", EACH), ("dataset <> 'b'", EACH),
        ("dataset = 'c' AND key IN ('L2-1', 'L3-1')", 1),
    ],
)  # fmt: skip
def test_a_named_dataset_is_what_it_was(segments: str, filter_: str, expected: int) -> None:
    async def counted() -> int:
        async with pool.open_pool(segments) as opened, opened.acquire() as conn:
            state = await read_state(conn, "two", Theme.PIPES)
            return await count(conn, selection_of({"filter": filter_}, state))

    assert asyncio.run(counted()) == expected
