"""What a filter may hold: listed operators and properties, known types, within limits."""

from __future__ import annotations

import datetime as dt
import re
from functools import partial
from typing import Any

import orjson
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cql2 import Call, FilterError, Geometry, Kind, Literal, NotListedError, Property, parse
from models.cql2.geometry import box_parts

ENGLISH = re.compile("[a-z]{2,} [a-z]{2,}")
PROPERTIES = {
    "id": Kind.UUID,
    "name": Kind.TEXT,
    "height": Kind.NUMBER,
    "built": Kind.DATE,
    "since": Kind.TIMESTAMP,
    "open": Kind.BOOLEAN,
    "tags": Kind.TEXTS,
    "geometry": Kind.GEOMETRY,
}


def read(text: str) -> Any:
    return parse(text, PROPERTIES)


def read_json(node: Any) -> Any:
    return parse(orjson.dumps(node).decode(), PROPERTIES, language="cql2-json")


def test_the_tree_is_typed() -> None:
    assert read("height > 20") == Call(
        ">", (Property("height", Kind.NUMBER), Literal(20.0, Kind.NUMBER))
    )
    moment = read("since = TIMESTAMP('2020-01-01T00:00:00.25Z')").args[1]
    assert moment.value == dt.datetime(2020, 1, 1, microsecond=250_000, tzinfo=dt.UTC)
    assert read("open") == Property("open", Kind.BOOLEAN)
    assert read("true") == Literal(True, Kind.BOOLEAN)


def test_geometries_are_transformed_once() -> None:
    seen = []

    def moved(shape: Any) -> Any:
        seen.append(shape)
        return shapely.transform(shape, lambda c: c + 1)

    tree = parse("S_WITHIN(geometry, BBOX(1,2,3,4))", PROPERTIES, transform=moved)
    found = tree.args[1]
    assert isinstance(found, Geometry)
    assert found.shape.bounds == (2, 3, 4, 5)
    (box,) = seen
    assert box.equals(shapely.box(1, 2, 3, 4))


def test_a_box_is_made_by_who_knows_the_crs() -> None:
    seen = []

    def placed(corners: Any) -> Any:
        seen.append(corners)
        return shapely.Point(0, 0)

    text = "S_WITHIN(geometry, BBOX(13505000,3650000,0,13502000,3660000,9))"
    tree: Any = parse(text, PROPERTIES, place=placed)
    assert seen == [(13505000, 3650000, 13502000, 3660000)]
    assert tree.args[1].shape == shapely.Point(0, 0)


@pytest.mark.parametrize(
    ("corners", "kind", "expected"),
    [
        ((1, 4, 3, 2), {}, [shapely.box(1, 2, 3, 4)]),
        ((4, 3, 2, 1), {"flipped": True, "degrees": False}, [shapely.box(1, 2, 3, 4)]),
        ((31, 121, 32, -170), {"flipped": True},
         [shapely.box(121, 31, 180, 32), shapely.box(-180, 31, -170, 32)]),
        ((1, 2, 1, 2), {}, [shapely.Point(1, 2)]),
        ((1, 2, 1, 4), {}, [shapely.LineString([(1, 2), (1, 4)])]),
    ],
)  # fmt: skip
def test_corners_of_a_box(corners: Any, kind: Any, expected: list[Any]) -> None:
    found = box_parts(corners, **kind)
    assert len(found) == len(expected)
    assert all(a.equals(b) for a, b in zip(found, expected, strict=True))


def test_areas_of_a_collection_may_overlap() -> None:
    text = "GEOMETRYCOLLECTION(POLYGON((3 3,6 3,6 6,3 6,3 3)),POLYGON((3 3,4 3,4 6,3 6,3 3)))"
    shape = read(f"S_OVERLAPS(geometry, {text})").args[1].shape
    assert [part.equals(shapely.box(3, 3, 6, 6)) for part in shapely.get_parts(shape)] == [True]


def test_a_box_may_cross_the_180th_meridian() -> None:
    shape = read("S_WITHIN(geometry, BBOX(177,-20,-178,-10))").args[1].shape
    assert shapely.contains_xy(shape, 179, -15)
    assert shapely.contains_xy(shape, -179, -15)
    assert not shapely.contains_xy(shape, 0, -15)


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("pg_sleep(10) = 1", "function", "pg_sleep"),
        ("current_setting('x') = 'y'", "function", "current_setting"),
        ("lo_import('/etc/passwd') = 1", "function", "lo_import"),
        ('"height; DROP TABLE building" = 1', "property", "height; DROP TABLE building"),
        ("source_geom IS NULL", "property", "source_geom"),
        ("pg_catalog.pg_authid = 1", "property", "pg_catalog.pg_authid"),
        ("dataset.name = 'x'", "property", "dataset.name"),
        ("Buffer(geometry,10,'m') IS NULL", "function", "Buffer"),
    ],
)
def test_what_is_not_listed_is_refused_by_name(text: str, kind: str, name: str) -> None:
    with pytest.raises(NotListedError) as caught:
        read(text)
    assert (caught.value.kind, caught.value.name) == (kind, name)
    assert "height" in caught.value.en or "s_within" in caught.value.en


@pytest.mark.parametrize(
    "text",
    [
        "height", "'x'", "1", "geometry", "tags", "height = 'x'", "name > 1", "open > true",
        "height LIKE 'x'", "name LIKE name", "name LIKE 'x\\'", "name BETWEEN 1 AND 2",
        "height IN ('a')", "name + 1 = 2", "casei(height) = 'x'", "NOT height", "name AND open",
        "S_WITHIN(name, POINT(1 2))", "S_WITHIN(geometry, 'x')", "T_BEFORE(name, built)",
        "T_DURING(built, since)", "A_EQUALS(tags, (1,2))", "A_EQUALS(name, ('a'))",
        "A_EQUALS(tags, ('a', 1))", "built = '2020-01-01'", "built = DATE('2020-13-01')",
        "built = DATE('20-1-1')", "since = TIMESTAMP('2020-01-01')",
        "since = TIMESTAMP('2020-01-01T25:00:00Z')", "since = TIMESTAMP('2020-01-01T00:00:00')",
        "geometry IS NULL AND tags", "height = 1e999", "name = 'a\x00b'", "geometry = geometry",
        "S_WITHIN(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))",

        "S_WITHIN(geometry, BBOX(1,2,3))", "S_WITHIN(geometry, BBOX(1,2,3,4,5))",
        "S_WITHIN(geometry)", "casei(name, name) = 'x'", "INTERVAL(built, name) = built",
        "INTERVAL('2020-01-01', '..') IS NULL",
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        read(text)
    assert caught.value.en
    # nothing but single words of the standard is in another language
    assert isinstance(caught.value, NotListedError) or not ENGLISH.search(caught.value.zh)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("height =", "已结束"), ("name = 5", "文本与数字"), ("name LIKE name", "收到 表达式"),
        ("height", "收到 数字"), ("name + 1 > 2", "收到 文本，应为数字"),
        ("S_WITHIN(geometry, LINESTRING(0 0))", "几何"),
        ("S_WITHIN(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))", "环线自相交，位置"),
        ("S_WITHIN(geometry, BBOX(1,2,3))", "3 个数"), ("tags = tags", "文本数组"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_chinese(text: str, told: str) -> None:
    with pytest.raises(FilterError) as caught:
        read(text)
    assert told in caught.value.zh


@pytest.mark.parametrize("rings", ["((0 0,1 0,1 1))", "((0 0,9 0,9 9,0 0),(5 1,6 1,6 2,5 2))"])
def test_a_ring_ends_where_it_begins(rings: str) -> None:
    coordinates = [[[0, 0], [1, 0], [1, 1], [0, 1]]]
    shapes = [{"type": "Polygon", "coordinates": coordinates},
              {"type": "MultiPolygon", "coordinates": [coordinates]}]  # fmt: skip
    reads = [
        partial(read, f"S_WITHIN(geometry, POLYGON{rings})"),
        partial(read, f"S_WITHIN(geometry, MULTIPOLYGON({rings}))"),
    ]
    for shape in shapes:
        node = {"op": "s_within", "args": [{"property": "geometry"}, shape]}
        reads.append(partial(read_json, node))
    for refused in reads:
        with pytest.raises(FilterError, match="must end where it begins") as caught:
            refused()
        assert "首尾相同" in caught.value.zh


def test_an_empty_collection_is_called_so() -> None:
    empty = {"type": "GeometryCollection", "geometries": []}
    with pytest.raises(FilterError, match="an empty GeometryCollection"):
        read_json({"op": "s_within", "args": [{"property": "geometry"}, empty]})


@pytest.mark.parametrize(
    "node",
    [
        None, {}, [], 1, {"op": "="}, {"op": "=", "args": 1}, {"op": 1, "args": []},
        {"op": "and", "args": [True]}, {"op": "=", "args": [1]}, {"property": 1},
        {"op": "=", "args": [{"property": "height", "x": 1}, 1]},
        {"op": "in", "args": [{"property": "height"}, 1]},
        {"op": "in", "args": [{"property": "height"}, []]},
        {"op": "s_within", "args": [{"property": "geometry"}, {"type": "Nonsense"}]},
        {"op": "s_within", "args": [{"property": "geometry"}, {"type": "Point"}]},
        {"op": "s_within", "args": [{"property": "geometry"},
                                    {"type": "Point", "coordinates": [1, "x"]}]},
        {"op": "s_within", "args": [{"property": "geometry"},
                                    {"type": "Point", "coordinates": [[1, 2]]}]},
        {"op": "s_within", "args": [{"property": "geometry"}, {"type": "Point",
                                    "coordinates": [1, 2], "crs": "file:///x"}]},
        {"op": "=", "args": [{"op": "->", "args": [{"property": "name"}, "x"]}, 1]},
    ],
)  # fmt: skip
def test_wrong_json_is_refused(node: Any) -> None:
    with pytest.raises(FilterError):
        read_json(node)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("height > 1 AND name > 3", 16),
        ("height > 1 AND (name + 1) > 3", 17),
        ("open OR nothing = 1", 9),
        ("open AND NOT\n height LIKE 'x'", 15),
        ("open AND S_WITHIN(geometry, POLYGON((0 0,1 1,0 1,1 0,0 0)))", 29),
        ("T_DURING(INTERVAL(built, name), INTERVAL('..', '..'))", 10),
        ("open AND (height IN (1, 2, 'x'))", 11),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(text: str, place: int) -> None:
    with pytest.raises(FilterError, match=f"at character {place}[.]") as caught:
        read(text)
    assert f"第 {place} 个字符" in caught.value.zh
    assert str(caught.value) == caught.value.en


def test_places_in_json_are_pointers() -> None:
    node = {"op": "and", "args": [True, {"op": "not", "args": [{"property": "none"}]}]}
    with pytest.raises(NotListedError, match="at '/args/1/args/0' of the JSON"):
        read_json(node)
    with pytest.raises(FilterError, match="at '/' of the JSON"):
        read_json({"op": "=", "args": [1]})


@pytest.mark.parametrize("depth", [70, 1_000, 20_000])
def test_deep_json_is_refused_at_once(depth: int) -> None:
    text = '{"op":"not","args":[' * depth + '{"property":"open"}' + "]}" * depth
    with pytest.raises(FilterError):
        parse(text, PROPERTIES, language="cql2-json")


def test_a_refusal_lists_no_more_than_can_be_read() -> None:
    many = {f"attrs.{i}": Kind.TEXT for i in range(2_000)}
    with pytest.raises(NotListedError, match="1940 more, which /queryables lists") as caught:
        parse("none = 1", many)
    assert len(caught.value.en) < 2_000


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\\")))
def test_any_unicode_is_a_value(text: str) -> None:
    quoted = text.replace("'", "''")
    assert read(f"name = '{quoted}'").args[1].value == text
    assert read_json({"op": "=", "args": [{"property": "name"}, text]}).args[1].value == text


def test_limits() -> None:
    many = ",".join(["1"] * 1_001)
    ring = ", ".join(f"{i} {i % 7}" for i in range(10_001))
    deep: Any = {"property": "open"}
    for _ in range(100):
        deep = {"op": "not", "args": [deep]}
    for text in (
        f"height IN ({many})",
        f"S_CROSSES(geometry, LINESTRING({ring}))",
        " OR ".join(["height = 1"] * 400),
        "name = '" + "x" * 70_000 + "'",
    ):
        with pytest.raises(FilterError):
            read(text)
    with pytest.raises(FilterError):
        read_json(deep)
    assert read(f"height IN ({many[:-2]})")


json_nodes = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.text(),
        st.sampled_from(["and", "=", "in", "s_within", "t_during", "a_equals", "name", "Point"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["op", "args", "property", "type", "coordinates", "interval", "bbox",
                             "date", "timestamp"]), inner, max_size=3
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(node=json_nodes)
def test_any_json_is_read_or_refused(node: Any) -> None:
    try:
        found = read_json(node)
    except FilterError:
        return
    assert found.kind == Kind.BOOLEAN


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.sampled_from("aheight =<>()'\"01.,-*/%^ANDORNOTINISNULLPOINT\\n")))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert read(text).kind == Kind.BOOLEAN
    except FilterError as error:
        assert error.zh
