"""CQL2 text beside an independent parser (the ``cql2`` package), and where the two must differ."""

from __future__ import annotations

import time
from typing import Any

import cql2
import pytest

from models.cql2 import FilterError
from models.cql2.text import MOST_DEPTH, to_json

#: One or more for each rule of the grammar; kinds of the standard's own examples, words of ours.
TEXTS = [
    "class_code='YS'",
    "depth - 1.5 > 0",
    "built >= DATE('1970-01-01')",
    "geometry IS NOT NULL",
    "owner LIKE '示例%'",
    "owner NOT LIKE '%单位'",
    "depth BETWEEN 1.0 and 1.5",
    "depth NOT BETWEEN 10 AND 20",
    "code IN ('YS','WS')",
    "code NOT IN (1,2,3)",
    "CASEI(name) IN (CASEI('Οδος'),CASEI('Straße'))",
    "ACCENTI(name) = ACCENTI('débárquér')",
    "name LIKE CASEI('FOO%')",
    "S_INTERSECTS(geometry,POINT(121.3 31.0))",
    "S_CROSSES(LINESTRING(43.7 -79.2, 43.8 -79.3), geometry)",
    "S_WITHIN(geometry,BBOX(-118,33.8,-117.9,34))",
    "S_INTERSECTS(geometry, BBOX(-128.0, -1.1, -9.0, 180.0, 90.0, 10.0))",
    "S_EQUALS(POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1)), geometry)",
    "S_DISJOINT(geometry, MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0))))",
    "S_TOUCHES(geometry, MULTILINESTRING ((-1.9 -0.9, 75.2 1.5),(-1.9 -1.1, 1.5 8.5)))",
    "S_WITHIN(POLYGON Z ((0 0 1, 4 0 1, 4 4 2, 0 0 1)), geometry)",
    "S_EQUALS(MULTIPOINT ((180.0 -0.5), (179.0 -47.1)), geometry)",
    "S_EQUALS(GEOMETRYCOLLECTION (POINT (1.9 2.0), LINESTRING (17 1.1, -14 -6)), geometry)",
    "T_INTERSECTS(since, INTERVAL('1969-07-16T05:32:00Z', '1969-07-24T16:50:35Z'))",
    "T_DURING(INTERVAL(since, until), INTERVAL('2005-01-10', '2010-02-10'))",
    "T_DISJOINT(INTERVAL('..', '2005-01-10T01:01:01.393216Z'), INTERVAL(since, until))",
    "T_STARTS(INTERVAL(since, until), INTERVAL('1991-10-07T08:21:06.5Z', '..'))",
    "T_BEFORE(updated, TIMESTAMP('2012-08-10T05:30:00Z'))",
    "A_CONTAINS(layer:ids, ('layers-ca','layers-us'))",
    "A_EQUALS(('a', 1.0, 8), tags)",
    "A_OVERLAPS(tags, ('a'))",
    'a_containedby("values", (1, 2))',
    'vehicle_height > ("bridge clearance"-1)',
    "a = 1 AND b = 2 OR NOT c = 3",
    "a=1 AND (b>5 OR c LIKE 'brick%' OR d LIKE '%brick')",
    "NOT (floors<5) OR pool=true",
    "pool = TRUE AND FALSE <> open",
    "name = 'it''s'",
    'value = - foo * 2.0 + "bar" / 6.1234 - "x" ^ 2.0',
    '0 = ("foo" % 2) AND 1 = (foo div 2)',
    "eo:cloud_cover=0.1 OR landsat:wrs_row=28",
    "((((a=1))))",
    "a = -5 AND b = 1e3",
    "Foo(geometry, 100, 'a', FALSE) = TRUE",
]


@pytest.mark.parametrize("text", TEXTS)
def test_two_parsers_read_the_same(text: str) -> None:
    assert to_json(text) == cql2.parse_text(text).to_json()


@pytest.mark.parametrize("text", TEXTS)
def test_case_of_keywords_and_space_mean_nothing(text: str) -> None:
    spaced = text.replace(" AND ", "\n and\t ").replace(" OR ", " oR ").replace(" IN ", " in ")
    assert to_json(f"  {spaced}\n") == to_json(text)


def test_what_only_the_grammar_of_the_standard_allows() -> None:
    assert to_json(r"name = 'it\'s'") == to_json("name = 'it''s'")
    assert to_json("A_EQUALS(tags, ())") == {"op": "a_equals", "args": [{"property": "tags"}, []]}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", 1), ("a", None), ("a =", 4), ("a = 1 b", 7), ("a = 'x", 5), ("(a = 1", 7),
        ("a IN ()", 7), ("a NOT = 1", 7), ("a BETWEEN 1", 12), ("POINT(1)", 8), ("a = #", 5),
        ("a = 1 AND", 10), ("DATE(built) = 1", 6), ("f(a,) = 1", 5), ("BBOX(1,x)", 8),
        ("a Z = 1", 3), ("1 2", 3), ("GEOMETRYCOLLECTION(x)", 20), ("a = 1;DROP TABLE x", 6),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(text: str, place: int | None) -> None:
    if place is None:
        assert to_json(text) == {"property": "a"}
        return
    with pytest.raises(FilterError, match=f"character {place}[ ,]") as caught:
        to_json(text)
    assert f"第 {place} 个" in caught.value.zh


@pytest.mark.parametrize("open_", ["(", "NOT ", "f(", "-", "a=(", "a in (", "not ("])
def test_deep_nesting_is_refused_at_once(open_: str) -> None:
    started = time.process_time()
    with pytest.raises(FilterError, match=r"deeper|expected"):
        to_json(open_ * 5_000)
    assert time.process_time() - started < 2  # alternatives would take the age of the universe
    assert to_json("(" * MOST_DEPTH + "a=1" + ")" * MOST_DEPTH)


def nested(depth: int) -> Any:
    return {"op": "not", "args": [nested(depth - 1)]} if depth else {"property": "a"}


def test_negations_nest_as_written() -> None:
    assert to_json("NOT " * 5 + "a") == nested(5)
