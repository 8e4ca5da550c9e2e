"""OGC API – Features Part 1: what the abstract tests of 17-069r4 annex A ask."""

from __future__ import annotations

import re
from typing import Any

import httpx
import numpy as np
import pytest

from tests.twin.ogc.city import OTHER, TWIN, City

COLLECTIONS = ("buildings", "building-parts", "bim-elements", "pipe-points", "pipe-segments")
TABLES = dict(
    zip(COLLECTIONS, ("building", "building_part", "bim_element", "pipe_point", "pipe_segment"),
        strict=True)
)  # fmt: skip
GEOJSON = "application/geo+json"


def links(document: dict[str, Any], rel: str, media: str | None = None) -> list[str]:
    return [
        one["href"] for one in document["links"]
        if one["rel"] == rel and media in (None, one["type"])
    ]  # fmt: skip


def get(client: httpx.Client, path: str, **parameters: Any) -> dict[str, Any]:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_landing_page_leads_to_everything(client: httpx.Client) -> None:
    page = get(client, "")
    for rel in ("self", "service-desc", "service-doc", "conformance", "data"):
        (href,) = links(page, rel)
        assert client.get(href).status_code == 200, href
    for link in page["links"]:
        assert {"href", "rel", "type", "title"} <= link.keys()
    assert client.get("/").json()["title"] == page["title"]


def test_conformance_names_what_is_held_to(client: httpx.Client) -> None:
    classes = get(client, "/conformance")["conformsTo"]
    for name in ("1/1.0/conf/core", "1/1.0/conf/geojson", "1/1.0/conf/html", "1/1.0/conf/oas30",
                 "2/1.0/conf/crs", "3/1.0/conf/filter"):  # fmt: skip
        assert f"http://www.opengis.net/spec/ogcapi-features-{name}" in classes
    assert len(classes) == len(set(classes))


def test_collections_and_each_alone_say_the_same(client: httpx.Client) -> None:
    found = get(client, "/collections")
    features = sorted(
        COLLECTIONS, key=lambda c: ["buildings", "building-parts", "bim-elements", "pipe-points",
                                    "pipe-segments"].index(c))  # fmt: skip
    assert [one["id"] for one in found["collections"]] == [*features, "datasets"]
    for one in found["collections"]:
        alone = get(client, f"/collections/{one['id']}")
        for member in ("id", "title", "description", "extent", "crs", "storageCrs", "itemType"):
            assert alone[member] == one[member]
        assert links(alone, "items", GEOJSON)
        west, south, east, north = alone["extent"]["spatial"]["bbox"][0]
        assert 121 < west < east < 122
        assert 30 < south < north < 32


def test_extents_in_time_are_those_of_the_features(client: httpx.Client, city: City) -> None:
    def interval(collection: str, base: str = "") -> list[str | None]:
        document = get(client, f"{base}/collections/{collection}")
        ((first, last),) = document["extent"]["temporal"]["interval"]
        return [first, last]

    assert interval("buildings") == interval("building-parts") == ["2019-12-31T16:00:00Z", None]
    assert interval("pipe-points") == interval("pipe-segments") == ["2020-12-31T16:00:00Z", None]
    published = interval("bim-elements")[0]  # it is so since it was published
    assert published is not None
    assert published > "2026"
    assert interval("datasets") == ["2019-12-31T16:00:00Z", None]
    other = f"{city.url}/ogc/{OTHER}"
    assert interval("pipe-points", other) == [None, None]  # there are none


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_features_of_every_collection(client: httpx.Client, city: City, collection: str) -> None:
    table = city.tables[TABLES[collection]]
    answer = client.get(f"/collections/{collection}/items", params={"limit": 100, "counts": "true"})
    assert answer.headers["content-type"] == GEOJSON
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    assert found["numberReturned"] == found["numberMatched"] == len(table)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["timeStamp"])
    assert {f["id"] for f in found["features"]} == {str(i) for i in table["id"]}
    for rel in ("self", "collection"):
        assert client.get(links(found, rel)[0]).status_code == 200
    assert set(links(found, "alternate", "text/html"))
    assert not links(found, "next")
    one = found["features"][0]
    alone = get(client, f"/collections/{collection}/items/{one['id']}")
    assert {k: alone[k] for k in one} == one
    assert links(alone, "collection")


def test_values_are_those_delivered(client: httpx.Client, city: City) -> None:
    row = city.tables["building"].iloc[8]
    found = get(client, f"/collections/buildings/items/{row['id']}")["properties"]
    assert (found["key"], found["name"], found["storeys"]) == (row["key"], row["name"], 2)
    assert (found["height"], found["dataset"], found["attrs"]) == (6, "blocks", {"k": row["key"]})
    assert found["valid_from"].startswith("2019-12-31T16:00:00")
    assert (found["valid_to"], found["address"]) == (None, None)
    assert not {"geom", "source_geom", "row_id", "content_sha"} & found.keys()


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (10, 10), (62, 62), (99_999_999, 63)])
def test_limit(client: httpx.Client, limit: int, count: int) -> None:
    found = get(client, "/collections/buildings/items", limit=limit)
    assert len(found["features"]) == found["numberReturned"] == count
    assert bool(links(found, "next")) == (count < 63)
    # nothing is counted unasked; a page that is all needs no counting
    assert found.get("numberMatched") == (63 if count == 63 else None)


def test_ten_features_unless_asked(client: httpx.Client) -> None:
    assert get(client, "/collections/buildings/items")["numberReturned"] == 10


WORLD = ["-180,-90,180,90", "120,30,122,32", "121.22,30.98,121.24,31"]


@pytest.mark.parametrize("box", WORLD)
def test_bbox_around_everything(client: httpx.Client, box: str) -> None:
    found = get(client, "/collections/pipe-points/items", bbox=box, limit=50)
    assert found["numberReturned"] == 13


@pytest.mark.parametrize(
    "box",
    [
        "-1.5,50,1.5,53", "-80,-5,-70,5", "177,65,-177,70", "-180,85,180,90", "-180,-90,180,-85",
        "122,31,121,32", "121.0,30.0,121.1,30.1",
    ],
)  # fmt: skip
def test_bbox_elsewhere(client: httpx.Client, box: str) -> None:
    assert get(client, "/collections/buildings/items", bbox=box)["numberReturned"] == 0


def test_bbox_takes_what_it_meets(client: httpx.Client) -> None:
    (one,) = get(client, "/collections/buildings/items", filter="key='B10'")["features"]
    ring = one["geometry"]["coordinates"][0][0]
    west, south = min(p[0] for p in ring), min(p[1] for p in ring)
    tiny = f"{west + 1e-5},{south + 1e-5},{west + 2e-5},{south + 2e-5}"
    found = get(client, "/collections/buildings/items", bbox=tiny)["features"]
    assert [f["properties"]["key"] for f in found] == ["B10"]


def levels(feature: dict[str, Any]) -> tuple[float, float]:
    """Foot and top of a JSON-FG feature's place, or of its geometry where that has heights."""
    shape = feature["place"] or feature["geometry"]
    if shape["type"] == "MultiPrism":
        (shape,) = shape["prisms"]
    if shape["type"] == "Prism":
        return shape["lower"], shape["upper"]
    z = re.findall(
        r"\[[-\d.]+,\s*[-\d.]+,\s*([-\d.]+)\]", str(shape["coordinates"]).replace("'", "")
    )
    return min(map(float, z)), max(map(float, z))


@pytest.mark.parametrize("collection", ["buildings", "building-parts", "pipe-segments"])
@pytest.mark.parametrize("place", ["-180,-90,{},180,90,{}", "121,30.5,{},122,31.5,{}"])
def test_a_box_with_heights_finds_bodies(client: httpx.Client, collection: str, place: str) -> None:
    items = f"/collections/{collection}/items"
    found = get(client, items, f="jsonfg", limit=100)["features"]
    bodies = {one["id"]: levels(one) for one in found}
    assert len({top for _, top in bodies.values()}) > 1 or collection == "building-parts"
    feet, tops = zip(*bodies.values(), strict=True)
    for low in (min(feet) - 2, min(feet) + 0.1, *np.linspace(min(feet), max(tops) + 1, 7)):
        high = low + 0.1
        answer = get(client, items, bbox=place.format(low, high), limit=100)
        told = {one["id"] for one in answer["features"]}
        # the geoid is known to the centimetre here
        least = {i for i, (foot, top) in bodies.items() if foot < high - 0.02 and top > low + 0.02}
        most = {i for i, (foot, top) in bodies.items() if foot < high + 0.02 and top > low - 0.02}
        assert least <= told <= most


def test_schema_and_queryables(client: httpx.Client) -> None:
    for collection in COLLECTIONS:
        one = get(client, f"/collections/{collection}")
        for rel in ("schema", "queryables"):
            (href,) = links(one, f"http://www.opengis.net/def/rel/ogc/1.0/{rel}")
            answer = client.get(href)
            assert answer.headers["content-type"] == "application/schema+json"
            schema = answer.json()
            assert schema["$id"] == href
            assert schema["type"] == "object"
            assert schema["properties"]["geometry"]["x-ogc-role"] == "primary-geometry"
        feature = get(client, f"/collections/{collection}/items", limit=1)["features"][0]
        schema = get(client, f"/collections/{collection}/schema")
        assert set(schema["properties"]) == {"id", "geometry", *feature["properties"]}
        listed = get(client, f"/collections/{collection}/queryables")["properties"]
        assert "attrs" not in listed
        assert {"key", "dataset", "valid_from"} <= listed.keys()


@pytest.mark.parametrize(
    "path",
    ["", "/conformance", "/collections", "/collections/buildings", "/collections/buildings/items",
     "/collections/bim-elements/schema", "/collections/pipe-points/queryables", "/api"],
)  # fmt: skip
def test_pages_for_people(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    hosts = set(re.findall(r"(?:src|href)=\"https?://([^/\"]+)", answer.text))
    assert hosts <= {str(client.base_url.netloc.decode())}
    assert "<h1>" in answer.text
    assert re.search("[\u4e00-\u9fff]", answer.text)


def test_other_twins_are_apart(city: City) -> None:
    other = f"{city.url}/ogc/qianwan/collections/buildings/items"
    found = httpx.get(other).json()
    assert found["numberReturned"] == 2
    identity = found["features"][0]["id"]
    assert httpx.get(f"{other}/{identity}").status_code == 200
    assert httpx.get(f"{other.replace('qianwan', TWIN)}/{identity}").status_code == 404
    near = httpx.get(other, params={"bbox": "121.2,30.9,121.25,31.1"}).json()
    assert near["numberReturned"] == 0
