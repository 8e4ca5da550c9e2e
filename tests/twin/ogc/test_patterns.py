"""What the API definition says that a filter, an order or a moment is written like is what is
taken: README's examples, and whatever a generator draws from it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.cql2 import parse
from models.cql2.tree import Kind
from twin.api.ogc.collections import COLLECTIONS
from twin.api.ogc.patterns import PERIOD, filter_pattern
from twin.api.ogc.times import read_period
from twin.api.records.search import QUERYABLES


@pytest.fixture(scope="module")
def schemas(client: httpx.Client) -> dict[str, Any]:
    found = client.get("/api").json()["components"]["parameters"]
    return {name: one["schema"] for name, one in found.items()}


@pytest.mark.parametrize(
    "text",
    [
        "height>20", "height >= 60", "height > 20 and name='楼 B1'", "name LIKE '%楼%' OR true",
        "s_intersects(geometry,BBOX(121.3,31.16,121.31,31.17))", "name = 'it''s'",
        "S_WITHIN(geometry, POINT(121.3 31.1))", "casei(name) = casei('x')", "storeys is not null",
        "NOT \"attrs.k\" = 'B1'", "attrs.k in ('B1', 'B2')", "height between 3 and 9",
        '{"op":">","args":[{"property":"height"},20]}',
        '{"op": "=", "args": [{"property": "name"}, "楼"]}',
    ],
)  # fmt: skip
def test_filters_that_are_written_often_are_named(
    client: httpx.Client, schemas: dict[str, Any], text: str
) -> None:
    assert re.search(schemas["filter.buildings"]["pattern"], text)
    answer = client.get("/collections/buildings/items", params={"filter": text})
    assert answer.status_code == 200, answer.text


def test_names_of_any_letters_leave_the_pattern_one_of_ecmascript() -> None:
    name = "attrs.a-b c#d~e&f/g'h(i)[j]{k}|l^m$n*o+p?q,r:s%t@u 楼"
    pattern = filter_pattern({name: Kind.NUMBER, "attrs.x-y": Kind.TEXT})
    escapes = re.findall(r"\\(u[0-9a-f]{4}|.)", pattern)
    assert {one for one in escapes if len(one) == 1} <= set(r"\^$.*+?()[]{}|/")
    assert re.search(pattern, f'"{name}" > 5 AND "attrs.x-y" = \'楼\'')
    assert not re.search(pattern, f'"{name.replace(".", "x")}" > 5')


@pytest.mark.parametrize("key", ["attrs.k", "-attrs.k", "+attrs.k", "-height", "+height", "id"])
def test_attributes_are_among_what_sorts(
    client: httpx.Client, schemas: dict[str, Any], key: str
) -> None:
    assert key in schemas["sortby.buildings"]["items"]["enum"]
    answer = client.get("/collections/buildings/items", params={"sortby": key})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("1850-01-01", True), ("2100-02-28T00:00:00Z", True), ("/2026-11-21", True),
        ("9999-12-31", True), ("2000-02-29/", True), ("2024-02-29T10:00:00.123456789+08:00", True),
        ("1900-02-29", False), ("2023-04-31", False), ("../..", False), ("/", False), ("", False),
    ],
)  # fmt: skip
def test_moments_are_those_of_the_calendar(
    client: httpx.Client, schemas: dict[str, Any], text: str, taken: bool
) -> None:
    assert bool(re.search(schemas["datetime"]["pattern"], text)) == taken
    answer = client.get("/collections/buildings/items", params={"datetime": text})
    assert answer.status_code == (200 if taken else 400), answer.text


@settings(max_examples=200, deadline=None)
@given(text=st.from_regex(PERIOD, fullmatch=True))
def test_every_period_of_the_pattern_is_read(text: str) -> None:
    found = read_period("datetime", text)
    assert found.start or found.end


QUERIED = {name: one.queryables for name, one in COLLECTIONS.items()} | {"datasets": QUERYABLES}


@pytest.mark.parametrize("name", QUERIED)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_filter_of_the_pattern_is_read(name: str, data: st.DataObject) -> None:
    pattern = filter_pattern(QUERIED[name])
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    parse(text, QUERIED[name], language="cql2-json" if text.startswith("{") else "cql2-text")
