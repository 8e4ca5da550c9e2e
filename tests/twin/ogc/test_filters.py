"""Part 3 and its neighbours over HTTP: filter, sortby, properties, datetime."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pandas as pd
import pytest

from models.crs import storage_to_geodetic
from tests.twin.ogc.city import City

ITEMS = "/collections/buildings/items"


def keys(client: httpx.Client, path: str = ITEMS, **parameters: str) -> list[str]:
    given = {k.replace("_", "-"): v for k, v in parameters.items()}
    given.setdefault("sortby", "source_row")
    answer = client.get(path, params={"limit": "100", **given})
    assert answer.status_code == 200, answer.text
    return [f["properties"]["key"] for f in answer.json()["features"]]


def test_text_and_json_say_the_same(client: httpx.Client, city: City) -> None:
    table = city.tables["building"]
    expected = table[(table["height"] > 10) & table["name"].notna()]["key"].tolist()
    text = "height > 10 AND name IS NOT NULL"
    node = {
        "op": "and",
        "args": [
            {"op": ">", "args": [{"property": "height"}, 10]},
            {"op": "not", "args": [{"op": "isNull", "args": [{"property": "name"}]}]},
        ],
    }
    assert keys(client, filter=text) == expected
    json = orjson.dumps(node).decode()
    assert keys(client, filter=json, filter_lang="cql2-json") == expected


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("casei(function) = casei('CAFÉ')", lambda r: r.function == "Café"),
        ("accenti(function) = accenti('Cafe')", lambda r: r.function == "Café"),
        ("function LIKE '住%'", lambda r: r.function == "住宅"),
        ("storeys IN (1, 3)", lambda r: r.storeys in (1, 3)),
        ("height / 3 = storeys", lambda r: r.storeys == r.height / 3),
        ("height NOT BETWEEN 4 AND 20", lambda r: not 4 <= r.height <= 20),
        ("dataset = 'blocks' AND source_row % 10 = 1", lambda r: r.source_row % 10 == 1),
        ("T_AFTER(valid_from, DATE('2020-01-01'))", lambda r: False),
        ("T_DURING(INTERVAL(valid_from, valid_from), INTERVAL('2019-01-01','..'))",
         lambda r: True),
        ("T_INTERSECTS(INTERVAL(valid_from,valid_to),INTERVAL('2026-11-01','2027-01-01'))",
         lambda r: True),
        ("T_BEFORE(INTERVAL(valid_from,valid_to),DATE('2090-01-01'))", lambda r: False),
        ("valid_to IS NULL AND NOT valid_to IS NOT NULL", lambda r: True),
        ("valid_to > DATE('2020-01-01')", lambda r: False),
        ("(height > 10 OR height < 20) = FALSE", lambda r: False),
        ("(height IN (base_height, 20)) = FALSE", lambda r: r.height not in (r.base_height, 20)),
        ("(height > 10) = (storeys > 3)", lambda r: (r.height > 10) == (r.storeys > 3)
         and r.storeys == r.storeys),
        ("(height > 10) IN (TRUE, FALSE)", lambda r: True),
        ("(name IS NULL) <> (height > 10)", lambda r: pd.isna(r.name) != (r.height > 10)),
    ],
)  # fmt: skip
def test_conditions(client: httpx.Client, city: City, text: str, test: Any) -> None:
    expected = [r.key for r in city.tables["building"].itertuples() if test(r)]
    assert keys(client, filter=text) == expected


def test_numbers_that_do_not_exist_are_null(client: httpx.Client, city: City) -> None:
    """However many rows have them, and however deep they are."""
    with_height = city.tables["building"].query("height > 0")["key"].tolist()
    for text in ("height / 0", "(0 - height) ^ 0.5", "(height - height) ^ (0 - 1)"):
        assert keys(client, filter=f"{text} > 0 OR {text} <= 0") == []
        assert keys(client, filter=f"({text}) IS NULL AND height > 0") == with_height
    nested = "height"
    for _ in range(28):
        nested = f"({nested} ^ 1)"
    assert keys(client, filter=f"{nested} > 0") == with_height


def test_place_and_other_conditions_together(client: httpx.Client, city: City) -> None:
    every = "POLYGON((121 30, 122 30, 122 32, 121 32, 121 30))"
    found = keys(client, filter=f"S_INTERSECTS(geometry,{every}) AND height > 20")
    assert found == city.tables["building"].query("height > 20")["key"].tolist()
    assert keys(client, filter=f"S_DISJOINT(geometry,{every})") == []
    boxes = keys(client, "/collections/bim-elements/items", filter=f"S_WITHIN(geometry,{every})")
    assert len(boxes) == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S_INTERSECTS(geometry,POINT(0 0))", "none"),
        ("S_DISJOINT(geometry,POINT(0 0))", "all"),
        ("S_DISJOINT(geometry,GEOMETRYCOLLECTION(POINT(0 0),LINESTRING(0 0,1 1)))", "all"),
        ("S_CROSSES(geometry,LINESTRING(0 0,1 1))", "none"),
        ("S_CROSSES(geometry,LINESTRING(0 0,{at}))", "one"),
        ("S_WITHIN(geometry,MULTIPOLYGON(((122 31,123 31,123 32,122 31)),((0 0,1 0,1 1,0 0))))",
         "none"),
        ("S_WITHIN(geometry,MULTIPOLYGON(((121 30,122 30,122 32,121 32,121 30)),"
         "((0 0,1 0,1 1,0 0))))", "all"),
        ("S_CONTAINS(geometry,MULTIPOINT(({at})))", "one"),
        ("S_CONTAINS(geometry,MULTIPOINT(({at}),(0 0)))", "none"),
        ("S_INTERSECTS(geometry,MULTIPOINT(({at}),(0 0)))", "one"),
    ],
)  # fmt: skip
def test_a_geometry_may_lie_where_nothing_is_stored(
    client: httpx.Client, city: City, text: str, expected: str
) -> None:
    """Outside the area of use of the storage CRS, in whole or in part."""
    first = city.tables["building"]["geom"].iloc[0].centroid
    lon, lat, _ = storage_to_geodetic([first.x], [first.y], [0.0])
    every = city.tables["building"]["key"].tolist()
    wanted = {"none": [], "one": every[:1], "all": every}[expected]
    assert keys(client, filter=text.format(at=f"{lon[0]:.9f} {lat[0]:.9f}")) == wanted


def test_an_id_in_a_filter(client: httpx.Client, city: City) -> None:
    row = city.tables["building"].iloc[4]
    assert keys(client, filter=f"id = '{row['id']}'") == [row["key"]]
    assert keys(client, filter=f"id IN ('x', '{row['id']}')") == [row["key"]]


def test_sorting(client: httpx.Client, city: City) -> None:
    table = city.tables["building"]
    by = table.sort_values(["storeys", "key"], ascending=[False, True], na_position="last")
    assert keys(client, sortby="-storeys,key") == by["key"].tolist()
    assert keys(client, sortby="+key") == sorted(table["key"])


def test_some_properties_only(client: httpx.Client) -> None:
    answer = client.get(ITEMS, params={"properties": "height,key", "limit": "1"}).json()
    assert answer["features"][0]["properties"].keys() == {"height", "key"}
    none = client.get(ITEMS, params={"properties": "", "limit": "1"}).json()
    assert none["features"][0]["properties"] == {}


@pytest.mark.parametrize(
    ("when", "count"),
    [
        ("2019-12-31", 0), ("2020-01-01", 63), ("2019-12-31T15:59:59Z", 0),
        ("2019-12-31T16:00:00Z", 63), ("2020-01-01T00:00:00+08:00", 63), ("../2019-06-01", 0),
        ("2019-06-01/2020-06-01", 63), ("2024-01-01/..", 63), ("/2019-06-01", 0),
    ],
)  # fmt: skip
def test_what_was_there_at_a_time(client: httpx.Client, when: str, count: int) -> None:
    assert len(keys(client, datetime=when)) == count


def test_what_we_knew(client: httpx.Client) -> None:
    assert keys(client, as_of="2001-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "0"}, {"limit": "-1"}, {"limit": "ten"}, {"limit": "1.5"}, {"limit": ""},
        {"bbox": "1,2,3"}, {"bbox": "1,2,3,4,5"}, {"bbox": "a,b,c,d"}, {"bbox": "1,2,3,nan"},
        {"bbox": ""}, {"bbox": "1e999,2,3,4"},
        {"datetime": "yesterday"}, {"datetime": "2020-13-01"}, {"datetime": "../.."},
        {"datetime": "2020-01-01T00:00:00"}, {"datetime": "0000-01-01"},
        {"as-of": "../2020-01-01"}, {"as-of": "x"},
        {"sortby": "nothing"}, {"sortby": "geometry"}, {"sortby": ""}, {"sortby": "attrs"},
        {"properties": "geom"}, {"properties": "key;x"}, {"f": "xml"},
        {"counts": "yes"}, {"filter-lang": "ecql", "filter": "height>1"}, {"next": "x"},
        {"filter": "height >"}, {"filter": ""},
        {"filter": "S_WITHIN(geometry,POLYGON((121 31,122 31,122 32)))"},
        {"filter": "height ^ 999 > 1"}, {"Limit": "1"},
        {"unknown": "1"},
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(client: httpx.Client, parameters: dict[str, str]) -> None:
    answer = client.get(ITEMS, params=parameters)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    name = next(iter(parameters)).replace("filter-lang", "filter")
    assert name in problem["detail"]
    assert problem["detail_zh"] != problem["detail"]
    assert "SQL" not in answer.text
    assert "postgres" not in answer.text.lower()


@pytest.mark.parametrize(
    ("either", "other"),
    [
        ({"bbox": "121.2,31,121.3,30.9"}, {"bbox": "121.2,30.9,121.3,31"}),
        ({"bbox": "121.2,30.9,99,121.3,31,-9"}, {"bbox": "121.2,30.9,-9,121.3,31,99"}),
        ({"datetime": "2021-01-01/2019-01-01"}, {"datetime": "2019-01-01/2021-01-01"}),
        ({"sortby": "key,-key"}, {"sortby": "key"}),
    ],
)
def test_what_can_be_meant_in_one_way_only_is_read(
    client: httpx.Client, either: dict[str, str], other: dict[str, str]
) -> None:
    """Corners and ends in either order, and a key that is named again."""
    found = keys(client, limit="7", **either)
    assert len(found) == 7
    assert found == keys(client, limit="7", **other)


def test_a_token_that_is_not_ours(client: httpx.Client) -> None:
    answer = client.get(ITEMS, params={"next": "AAAAAAAAAAAA" * 9})
    assert answer.status_code == 404, answer.text
    assert "next" in answer.json()["detail"]


def test_a_parameter_given_twice_is_refused(client: httpx.Client) -> None:
    assert client.get(f"{ITEMS}?limit=1&limit=2").status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/collections/nothing", "/collections/nothing/items", "/collections/building/items",
     f"{ITEMS}/x", f"{ITEMS}/00000000-0000-4000-8000-000000000000",
     "/collections/dataset/items", "/collections/pg_authid/items"],
)  # fmt: skip
def test_what_is_not_there(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
