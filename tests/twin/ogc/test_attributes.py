"""Source attributes and BIM properties over HTTP: described, filtered and sorted by, in tiles."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
import structlog.testing

from tests.twin.ogc.city import TWIN, City

BUILDINGS, ELEMENTS = "/collections/buildings", "/collections/bim-elements"
EXTERNAL = "Pset_WallCommon.IsExternal"


def keys(client: httpx.Client, collection: str, **given: str) -> list[str]:
    given = {"limit": "100", "sortby": "source_row,key", **given}
    answer = client.get(f"{collection}/items", params=given)
    assert answer.status_code == 200, answer.text
    return [f["properties"]["key"] for f in answer.json()["features"]]


def test_they_are_described(client: httpx.Client) -> None:
    own = client.get(f"{BUILDINGS}/queryables").json()["properties"]
    assert own["attrs.k"] == {"type": "string", "title": "attrs.k"}
    theirs = client.get(f"{ELEMENTS}/queryables").json()["properties"]
    assert theirs[EXTERNAL]["type"] == "boolean"
    schema = client.get(f"{ELEMENTS}/schema").json()["properties"]
    external = schema["psets"]["properties"]["Pset_WallCommon"]["properties"]["IsExternal"]
    assert external == {"type": "boolean"}
    assert "properties" in client.get(f"{BUILDINGS}/schema").json()["properties"]["attrs"]
    assert EXTERNAL in client.get(f"{ELEMENTS}/queryables", params={"f": "html"}).text


@pytest.mark.parametrize("text", [EXTERNAL, f'"{EXTERNAL}"', f'"{EXTERNAL}" = true'])
def test_bim_properties_filter_elements(client: httpx.Client, text: str) -> None:
    assert keys(client, ELEMENTS, filter=text) == ["E1", "E3", "E5"]
    assert keys(client, ELEMENTS, filter=f"NOT ({text})") == ["E0", "E2", "E4"]
    assert keys(client, ELEMENTS, filter=f"{text} AND key <> 'E3'") == ["E1", "E5"]


def test_source_attributes_filter_in_both_languages(client: httpx.Client) -> None:
    assert keys(client, BUILDINGS, filter="attrs.k IN ('B3','B5') AND height > 0") == ["B3", "B5"]
    node = {"op": "like", "args": [{"property": "attrs.k"}, "B1_"]}
    given = {"filter": orjson.dumps(node).decode(), "filter-lang": "cql2-json"}
    assert keys(client, BUILDINGS, **given) == [f"B{i}" for i in range(10, 20)]


def test_they_sort_pages(client: httpx.Client, city: City) -> None:
    expected = sorted(city.tables["building"]["key"], reverse=True)
    found: list[str] = []
    where: Any = f"{BUILDINGS}/items?sortby=-attrs.k&limit=25"
    while where:
        page = client.get(where).json()
        found += [f["properties"]["key"] for f in page["features"]]
        where = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
    assert found == expected


@pytest.mark.parametrize(
    "given",
    [
        {"filter": "attrs.none = 'x'"},
        {"filter": "attrs.k.pg_sleep = 1"},
        {"filter": "\"attrs.k'); SELECT 1; --\" = 'x'"},
        {"filter": f"{EXTERNAL} = true"},  # of another collection
        {"sortby": "attrs.none"},
    ],
)
def test_what_is_not_in_the_data_is_refused_and_logged(
    client: httpx.Client, given: dict[str, str]
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = client.get(f"{BUILDINGS}/items", params=given)
    assert answer.status_code == 400
    assert "attrs.k" in answer.json()["detail"]  # what there is
    assert [entry["kind"] for entry in logs if entry["event"] == "refused"] == ["property"]


def test_types_are_compared_as_they_are(client: httpx.Client) -> None:
    for text in ("attrs.k > 1", f"{EXTERNAL} = 'true'"):
        collection = BUILDINGS if "attrs" in text else ELEMENTS
        answer = client.get(f"{collection}/items", params={"filter": text})
        assert answer.status_code == 400
        assert "operands of one kind" in answer.json()["detail"]


def test_tilesets_on_demand_take_them(city: City) -> None:
    address = f"{city.url}/tiles/{TWIN}/buildings/tileset.json"
    boxes = []
    for text in ("attrs.k = 'B3'", "key = 'B3'", "key = 'B4'"):
        answer = httpx.get(address, params={"filter": text}, timeout=60)
        assert answer.status_code == 200, answer.text
        boxes.append(answer.json()["root"]["boundingVolume"])
    assert boxes[0] == boxes[1] != boxes[2]
    with structlog.testing.capture_logs() as logs:
        answer = httpx.get(address, params={"filter": "attrs.none = 'x'"}, timeout=60)
    assert answer.status_code == 400
    assert [entry["name"] for entry in logs if entry["event"] == "refused"] == ["attrs.none"]
