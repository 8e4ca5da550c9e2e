"""The catalogue holds to OGC API - Records Part 1, and other people's clients read it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest
import rasterio
from owslib.ogcapi.records import Records

from tests.twin.api.conftest import Catalogue

CONF = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"


def rels(document: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    return [link for link in document["links"] if link["rel"] == rel]


def test_every_dataset_that_was_accepted_is_listed_once(catalogue: Catalogue) -> None:
    found = catalogue.records()
    assert set(found) == {"建筑 A", "管线", "south", "terrain"}
    assert len({one["id"] for one in found.values()}) == 4


def test_mandatory_members_of_a_record(catalogue: Catalogue) -> None:
    for one in catalogue.records().values():
        assert one["type"] == "Feature"
        assert one["conformsTo"] == [f"{CONF}/record-core"]
        assert one["properties"]["type"] == "dataset"
        assert {"title", "description", "created", "updated", "keywords", "language"} <= set(
            one["properties"]
        )
        start, end = one["time"]["interval"]
        assert start.endswith("Z")
        assert end == ".."
        (collection,) = rels(one, "collection")
        assert collection["href"] == f"{catalogue.root}/collections/datasets"
        (own,) = rels(one, "self")
        alone = httpx.get(own["href"])
        assert alone.headers["content-type"] == "application/geo+json"
        assert alone.json() == one


def test_the_catalogue_describes_itself(catalogue: Catalogue) -> None:
    landing = httpx.get(catalogue.root).json()
    (link,) = rels(landing, "http://www.opengis.net/def/rel/ogc/1.0/ogc-catalog")
    assert link["href"] == catalogue.items
    declared = httpx.get(f"{catalogue.root}/conformance").json()["conformsTo"]
    assert {f"{CONF}/searchable-catalog", f"{CONF}/json", f"{CONF}/html"} <= set(declared)
    here = f"{catalogue.root}/collections/datasets"
    plain = httpx.get(here)
    assert plain.headers["content-type"] == "application/ogc-catalog+json"
    assert plain.json()["itemType"] == "record"
    assert plain.json()["type"] == "Collection"
    asked = httpx.get(here, headers={"Accept": "application/json"})
    assert asked.headers["content-type"] == "application/json"
    listed = httpx.get(f"{catalogue.root}/collections").json()["collections"]
    (mine,) = [one for one in listed if one["id"] == "datasets"]
    assert mine["title"] == plain.json()["title"]
    for which in ("queryables", "sortables"):
        answer = httpx.get(f"{here}/{which}")
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["$id"] == f"{here}/{which}"


def test_what_a_record_says_of_its_data(catalogue: Catalogue) -> None:
    one = catalogue.records()["建筑 A"]
    about = one["properties"]
    kept = httpx.get(f"{catalogue.root}/collections/buildings/items",
                     params={"filter": "dataset = '建筑 A'", "counts": "true",
                             "limit": "10000"}).json()  # fmt: skip
    assert about["tables"]["building"] == kept["numberMatched"] > 0
    assert about["features"] == sum(about["tables"].values())
    west, south, east, north = one["bbox"]
    for feature in kept["features"]:
        lon, lat = feature["geometry"]["coordinates"][0][0][0][:2]
        assert west <= lon <= east
        assert south <= lat <= north
    rows = [f["properties"] for f in kept["features"]]
    tops = [r["base_height"] + r["height"] for r in rows if r["base_height"] and r["height"]]
    assert about["height"]["lowest"] <= about["height"]["highest"] - 3
    assert about["height"]["highest"] == pytest.approx(max(tops), abs=0.006)
    assert about["height"]["datum"] == "1985"
    assert about["license"] == "CC-BY-4.0"
    assert about["contacts"] == [{"organization": "测绘院", "roles": ["resourceProvider"]}]
    assert about["crs"]["vertical"] == "1985"
    assert one["time"]["interval"] == ["2020-04-30T16:00:00Z", ".."]


def test_lineage_tells_deliveries_revisions_and_transformations(catalogue: Catalogue) -> None:
    lineage = catalogue.records()["建筑 A"]["properties"]["lineage"]
    assert [one["number"] for one in lineage["revisions"]] == [2, 1]
    assert [one["state"] for one in lineage["deliveries"]] == [
        "published",
        "unchanged",
        "published",
    ]
    newest, again, first = lineage["deliveries"]
    assert [one["revision"] for one in (newest, again, first)] == [2, 1, 1]
    data = catalogue.files["first"].read_bytes()
    (file,) = first["files"]
    assert file["name"] == "浦东 建筑.geojson"
    assert file["sha256"] == hashlib.sha256(data).hexdigest()
    assert file["size"] == len(data)
    assert first["organisation"] == "测绘院"
    assert first["tool"].startswith("cim-twin ")
    assert first["features_in"] - first["accepted"] == first["refused"]
    assert [step["kind"] for step in first["steps"]] == ["horizontal", "vertical"]
    assert first["steps"][1] | {"accuracy": 0.0} == first["steps"][1]
    assert lineage["revisions"][0]["counts"]["building"]["closed"] == 1


def test_an_archive_and_a_folder_are_named_as_they_were_handed_over(catalogue: Catalogue) -> None:
    found = catalogue.records()
    (pipes,) = found["管线"]["properties"]["lineage"]["deliveries"]
    assert [file["name"] for file in pipes["files"]] == ["竣工管线.zip"]
    assert {rule["id"] for rule in pipes["rules"]} >= {"pipe-survey", "pipe-topology"}
    assert all(len(rule["sha256"]) == 64 for rule in pipes["rules"])
    (south,) = found["south"]["properties"]["lineage"]["deliveries"]
    names = {file["name"] for file in south["files"]}
    assert {"south/buildings_south.shp", "south/buildings_south.dbf"} <= names
    assert {file["original"] for file in south["files"]} == {"not kept"}


def test_terrain_has_an_extent_but_no_features(catalogue: Catalogue) -> None:
    one = catalogue.records()["terrain"]
    west, south, east, north = one["bbox"]
    assert 121 < west < east < 122
    assert 30 < south < north < 32
    with rasterio.open(Path(__file__).parents[4] / "data-samples" / "qianwan" / "dem.tif") as dem:
        cells = dem.read(1, masked=True)
    lowest, highest = (one["properties"]["height"][end] for end in ("lowest", "highest"))
    assert (lowest, highest) == pytest.approx((cells.min(), cells.max()), abs=0.006)
    assert one["properties"]["features"] is None
    assert one["properties"]["crs"]["horizontal"]


def test_accuracy_is_told_as_it_was_declared_and_as_it_was_worked_out(
    catalogue: Catalogue,
) -> None:
    found = catalogue.records()
    told = found["管线"]["properties"]["accuracy"]["computed"]
    items = f"{catalogue.root}/collections/pipe-points/items?limit=10000"
    rows = [f["properties"] for f in httpx.get(items).json()["features"]]
    assert told["features"] == len(rows) > 0
    for which, name in (("plan", "sigma_xy"), ("height", "sigma_z")):
        known = [row[name] for row in rows if row[name] is not None]
        assert told[which]["known"] == len(known) > 0
        assert told[which]["greatest"] == pytest.approx(max(known), abs=1e-3)
        assert told[which]["median"] == pytest.approx(median(known), abs=1e-3)
    assert found["建筑 A"]["properties"]["accuracy"]["computed"] is None


def test_a_licence_is_never_invented(catalogue: Catalogue) -> None:
    found = catalogue.records()
    assert "license" not in found["south"]["properties"]
    assert not rels(found["south"], "license")
    assert "not declared" in found["south"]["properties"]["rights"]
    pipes = found["管线"]
    assert pipes["properties"]["license"] == "other"
    (link,) = rels(pipes, "license")
    text = httpx.get(link["href"])
    assert text.text == "仅供规划部门内部使用"
    assert text.headers["content-type"].startswith("text/plain")


def test_links_lead_to_the_data(catalogue: Catalogue) -> None:
    one = catalogue.records()["建筑 A"]
    items = rels(one, "items")
    assert items
    counts = [len(httpx.get(link["href"]).json()["features"]) for link in items]
    assert counts[0] > 0
    for rel in ("http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector", "related"):
        for link in rels(one, rel):
            assert httpx.get(link["href"]).status_code == 200


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ({"q": "terrain"}, {"terrain"}),
        ({"q": "TERRAIN,地下管线"}, {"terrain", "管线"}),
        ({"q": "city   twin"}, {"建筑 A", "管线", "south", "terrain"}),
        ({"q": "twin city"}, set()),
        ({"q": "测绘院"}, {"建筑 A"}),
        ({"type": "dataset"}, {"建筑 A", "管线", "south", "terrain"}),
        ({"type": "service,map"}, set()),
        ({"externalIds": "管线"}, {"管线"}),
        ({"externalIds": "cim-twin/qianwan:south,管线"}, {"south", "管线"}),
        ({"bbox": "0,0,1,1"}, set()),
        ({"bbox": "121,30,122,32"}, {"建筑 A", "管线", "south", "terrain"}),
        ({"bbox": "121,32,-170,30"}, {"建筑 A", "管线", "south", "terrain"}),
        ({"bbox": "121,30,-100,122,32,100"}, {"建筑 A", "管线", "south", "terrain"}),
        ({"bbox": "170,-10,-170,10"}, set()),
        ({"datetime": "2019-01-01/2020-12-31"}, {"建筑 A"}),
        ({"datetime": "2015-01-01"}, set()),
        ({"datetime": "2020-05-01/.."}, {"建筑 A", "管线", "south", "terrain"}),
        ({"filter": "theme = 'pipes'"}, {"管线"}),
        ({"filter": "a_contains(keywords, ('terrain'))"}, {"terrain"}),
        ({"filter": "features > 0 AND visibility = 'open'"}, {"建筑 A"}),
        ({"filter": "license IS NULL"}, {"south", "terrain"}),
        ({"filter": "casei(title) LIKE casei('%PIPES%')"}, {"管线"}),
        ({"filter": "s_intersects(geometry, BBOX(0,0,1,1))"}, set()),
        ({"filter": "s_disjoint(geometry, POINT(0 0))"}, {"建筑 A", "管线", "south", "terrain"}),
        ({"filter": "s_intersects(geometry, BBOX(32,121,30,-170))", "filter-crs": f"{EPSG}/4326"},
         {"建筑 A", "管线", "south", "terrain"}),
        ({"filter": "s_intersects(geometry, BBOX(13600000,3700000,13400000,3500000))",
          "filter-crs": f"{EPSG}/3857"}, {"建筑 A", "管线", "south", "terrain"}),
        ({"filter": "t_after(created, TIMESTAMP('2000-01-01T00:00:00Z'))"},
         {"建筑 A", "管线", "south", "terrain"}),
        ({"filter": '{"op":"=","args":[{"property":"name"},"south"]}',
          "filter-lang": "cql2-json"}, {"south"}),
        ({"q": "terrain", "filter": "theme = 'pipes'"}, set()),
    ],
)  # fmt: skip
def test_search(catalogue: Catalogue, search: dict[str, str], names: set[str]) -> None:
    assert set(catalogue.records(**search)) == names


def test_search_by_id(catalogue: Catalogue) -> None:
    found = catalogue.records()
    ids = ",".join([found["south"]["id"], found["管线"]["id"], "x"])
    assert set(catalogue.records(ids=ids)) == {"south", "管线"}


@pytest.mark.parametrize("order", ["name", "-name", "-features", "accuracy,-name", "-updated"])
def test_pages_in_order_give_every_record_once(catalogue: Catalogue, order: str) -> None:
    whole = list(catalogue.records(sortby=order))
    address: str | None = f"{catalogue.items}?limit=1&sortby={order}"
    paged = []
    while address is not None:
        page = httpx.get(address).json()
        assert page["numberReturned"] == 1
        assert page["numberMatched"] == 4
        paged.append(page["features"][0]["properties"]["name"])
        address = next((link["href"] for link in rels(page, "next")), None)
    assert paged == whole
    if order == "-name":
        assert whole == sorted(whole, reverse=True)
    if order == "-features":
        assert whole[-1] == "terrain"  # it has none to count


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"sortby": "geometry"}, "sortby"),
        ({"limit": "0"}, "limit"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "a,b,c,d"}, "bbox"),
        ({"q": " , "}, "q"),
        ({"next": "bm9uZW5vbmVub25lbm9uZQ"}, "next"),
        ({"crs": "http://www.opengis.net/def/crs/EPSG/0/4549"}, "crs"),
        ({"filter": "licence = 'x'"}, "licence"),
        ({"filter": "pg_sleep(9) = 1"}, "pg_sleep"),
        ({"nothing": "1"}, "nothing"),
    ],
)
def test_what_is_wrong_is_told(catalogue: Catalogue, search: dict[str, str], said: str) -> None:
    answer = httpx.get(catalogue.items, params=search)
    assert answer.status_code == (404 if "next" in search else 400)
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    assert answer.json()["detail_zh"]


def test_pages_for_people_name_every_dataset_and_hold_every_link(catalogue: Catalogue) -> None:
    page = httpx.get(catalogue.items, headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    for name in catalogue.records():
        assert name in page.text
    one = catalogue.records()["建筑 A"]
    alone = httpx.get(f"{catalogue.items}/{one['id']}?f=html").text
    assert all(link["href"].split("?")[0] in alone for link in one["links"])


def test_validators(catalogue: Catalogue) -> None:
    first = httpx.get(catalogue.items)
    again = httpx.get(catalogue.items, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert httpx.head(catalogue.items).headers["etag"] == first.headers["etag"]


def test_no_such_record(catalogue: Catalogue) -> None:
    answer = httpx.get(f"{catalogue.items}/nothing")
    assert answer.status_code == 404
    assert "nothing" in answer.json()["detail"]


def test_owslib_reads_the_catalogue(catalogue: Catalogue) -> None:
    service = Records(catalogue.root)
    assert service.records() == ["datasets"]
    assert service.collection("datasets")["itemType"] == "record"
    found = service.collection_items("datasets", q="地下管线")
    (one,) = found["features"]
    assert service.collection_item("datasets", one["id"])["properties"] == one["properties"]
