"""JSON-FG documents hold to the standard's abstract tests (OGC 21-045r1, annex A)."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest

from models.db import twins
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.provision import create_database
from models.db.publish import publish
from models.features import Theme
from models.testing import delivery
from models.twins import load_twins
from tests.twin.ogc import city
from tests.twin.ogc.city import TWIN
from twin.settings import Settings
from twin.testing import application

CLASSES = "http://www.opengis.net/spec/json-fg-1/1.0/conf/"
CRS = "http://www.opengis.net/def/crs/"
CRS84H = f"{CRS}OGC/0/CRS84h"
SYSTEMS = (None, f"{CRS}OGC/1.3/CRS84", f"{CRS}EPSG/0/4979", f"{CRS}EPSG/0/4549",
           f"{CRS}EPSG/0/3857")  # fmt: skip
COLLECTIONS = ("buildings", "building-parts", "bim-elements", "pipe-points", "pipe-segments")
EXTENSIONS = {
    "Polyhedron": "polyhedra", "MultiPolyhedron": "polyhedra", "Prism": "prisms",
    "MultiPrism": "prisms", "MultiSurface": "circular-arcs",
}  # fmt: skip
PLAIN = {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"}
DIMENSIONS = {"Point": 0, "LineString": 1, "Polygon": 2, "MultiPolygon": 2}
#: What a document says of all its features.
SAID = {"conformsTo", "featureType", "geometryDimension", "coordRefSys"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture(scope="module")
def client(cluster: EmbeddedPostgres, short_folder: Path) -> Iterator[httpx.Client]:
    """A city in which one building has no height and one no known base."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    blocks = city.buildings(TWIN, 3, 2)
    blocks.loc[0, "height"] = None
    blocks.loc[1, "base_height"] = None
    tables = (
        (Theme.BUILDINGS, {"building": blocks, "building_part": city.parts(TWIN, blocks)}),
        (Theme.PIPES, city.pipes(TWIN, 4)),
        (Theme.BIM, {"bim_element": city.elements(TWIN, 3)}),
    )
    with connect(url) as conn:
        twins.sync(conn, load_twins(None).values())
        for theme, made in tables:
            publish(conn, twin=TWIN, dataset=theme.value, deliveries=[delivery(theme, made)])
    with (
        application(Settings(home=short_folder / "jsonfg"), url) as address,
        httpx.Client(base_url=f"{address}/ogc/{TWIN}", timeout=60) as client,
    ):
        yield client


def positions(value: Any) -> list[list[float]]:
    """All positions of ``coordinates``, however deep."""
    if isinstance(value, list) and value and not isinstance(value[0], list):
        return [value]
    return [p for one in value for p in positions(one)]


def coordinates(geometry: dict[str, Any]) -> list[list[float]]:
    if "base" in geometry:
        return coordinates(geometry["base"])
    parts = geometry.get("geometries") or geometry.get("prisms")
    if parts:
        return [p for one in parts for p in coordinates(one)]
    return positions(geometry["coordinates"])


def judge(document: dict[str, Any], features: list[dict[str, Any]], crs: str | None) -> None:
    """The tests of annex A that hold for any document; ``crs`` is the one asked for."""
    declared = {one.removeprefix(CLASSES) for one in document["conformsTo"]}
    assert {"core", "types-schemas"} <= declared
    reference = document["coordRefSys"]
    spatial = {f"{CRS}EPSG/0/4549": [crs, f"{CRS}EPSG/0/5737"], None: CRS84H}
    assert reference == spatial.get(crs, crs)
    three = reference == CRS84H or isinstance(reference, list) or reference.endswith("4979")
    for feature in features:
        assert "featureType" in feature or "featureType" in document
        assert feature is document or not {"coordRefSys", "conformsTo"} & feature.keys()
        for end in feature["time"]["interval"]:
            assert end == ".." or MOMENT.fullmatch(end)
        plan, place = feature["geometry"], feature["place"]
        assert plan["type"] in PLAIN
        xyz = coordinates(plan)
        assert len({len(p) for p in xyz}) == 1
        assert all(121 < p[0] < 122 and 30 < p[1] < 32 for p in xyz)
        primary = plan if place is None else place
        if "geometryDimension" in document:
            assert DIMENSIONS[primary["type"]] == document["geometryDimension"]
        if place is None:
            continue
        assert place != plan
        assert place["type"] in PLAIN | EXTENSIONS.keys()
        assert place["type"] in PLAIN or EXTENSIONS[place["type"]] in declared
        assert place["type"] not in PLAIN or reference not in (SYSTEMS[1], CRS84H)
        xyz = coordinates(place)
        assert len({len(p) for p in xyz}) == 1
        assert three or len(xyz[0]) == 2
        first, second = np.array(xyz)[:, :2].mean(axis=0)
        wanted = {f"{CRS}EPSG/0/4549": first > second > 1e5, f"{CRS}EPSG/0/3857": first > 1e7,
                  f"{CRS}EPSG/0/4979": first < second}  # fmt: skip
        assert wanted.get(crs or "", True)
        if place["type"] == "Prism":
            assert three
            assert len(xyz[0]) == 2
            assert place["lower"] <= place["upper"]
        if "hedron" in place["type"]:
            assert three
            assert len(xyz[0]) == 3


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("crs", SYSTEMS)
def test_documents_pass_the_abstract_tests(
    client: httpx.Client, collection: str, crs: str | None
) -> None:
    given = {"f": "jsonfg"} | ({} if crs is None else {"crs": crs})
    answer = client.get(f"/collections/{collection}/items", params=given)
    assert answer.headers["content-type"] == "application/vnd.ogc.fg+json"
    found = answer.json()
    assert found["features"]
    judge(found, found["features"], crs)
    one = found["features"][0]["id"]
    alone = client.get(f"/collections/{collection}/items/{one}", params=given).json()
    judge(alone, [alone], crs)
    assert alone["place"] == found["features"][0]["place"]


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("crs", SYSTEMS)
def test_each_text_of_a_sequence_is_a_document(
    client: httpx.Client, collection: str, crs: str | None
) -> None:
    given = {} if crs is None else {"crs": crs}
    path = f"/collections/{collection}/items"
    answer = client.get(path, params={"f": "jsonfgseq", **given})
    assert answer.headers["content-type"] == "application/vnd.ogc.fg+json-seq"
    first, *records = answer.content.split(b"\x1e")
    assert first == b""
    assert all(record.endswith(b"\n") for record in records)
    page = client.get(path, params={"f": "jsonfg", "limit": 100, **given}).json()
    rest = {name: page[name] for name in page if name in SAID}
    told = [json.loads(record) for record in records]
    assert told == [{**feature, **rest} for feature in page["features"]]
    for one in told:
        judge(one, [one], crs)
    (one,) = client.get(path, params={"f": "jsonfgseq", "limit": 1}).content.split(b"\x1e")[1:]
    assert json.loads(one)["id"] == told[0]["id"]


def test_no_object_has_a_member_twice(client: httpx.Client) -> None:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names))
        return dict(pairs)

    path = "/collections/buildings/items"
    page = json.loads(client.get(f"{path}?f=jsonfg").content, object_pairs_hook=members)
    one = client.get(f"{path}/{page['features'][0]['id']}?f=jsonfg").content
    _, *sequence = client.get(f"{path}?f=jsonfgseq").content.split(b"\x1e")
    assert sequence
    for text in (one, *sequence):
        assert json.loads(text, object_pairs_hook=members)["featureType"] == "building"


def test_a_footprint_without_height_is_no_prism(client: httpx.Client) -> None:
    given = {"f": "jsonfg", "crs": f"{CRS}EPSG/0/4549"}
    items = client.get("/collections/buildings/items", params=given).json()["features"]
    kinds = {f["properties"]["key"]: f["place"]["type"] for f in items}
    assert {kinds.pop("B0"), kinds.pop("B1")} == {"MultiPolygon"}
    assert set(kinds.values()) == {"Prism"}
