"""GDAL and OWSLib read every collection as they would any other OGC API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pyogrio
import pytest
import shapely
from owslib.ogcapi.features import Features

from models.testing import free_port
from tests.twin.ogc.city import OTHER, TWIN, City
from twin.testing import Program

COLLECTIONS = {
    "buildings": "building", "building-parts": "building_part", "bim-elements": "bim_element",
    "pipe-points": "pipe_point", "pipe-segments": "pipe_segment",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(city: City) -> Iterator[str]:
    """The landing page from a process of its own: GDAL holds Python's lock while it reads."""
    program = Program(city.home / "served", {"TWIN_DATABASE_URL": city.database})
    with program.serving("serve", free_port()) as service:
        yield f"{service.url}/ogc/{TWIN}"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_gdal_reads_all_features_page_by_page(city: City, root: str, collection: str) -> None:
    table = city.tables[COLLECTIONS[collection]]
    source = f"OAPIF:{root}/collections/{collection}"
    found = pyogrio.read_dataframe(source, PAGE_SIZE="5")
    assert sorted(found["key"]) == sorted(table["key"])
    # it asks for the storage CRS by itself, and puts its axes east first
    assert found.crs.to_epsg() == 4549
    plans = shapely.force_2d(table["geom"].to_numpy())
    places = dict(zip(table["key"], shapely.bounds(plans).tolist(), strict=True))
    for key, shape in zip(found["key"], found.geometry, strict=True):
        np.testing.assert_allclose(shape.bounds, places[key], atol=1e-3)


def test_gdal_lists_the_collections_with_their_types(root: str) -> None:
    layers = {str(name) for name, _ in pyogrio.list_layers(f"OAPIF:{root}")}
    assert layers == {*COLLECTIONS, "datasets"}


@pytest.mark.parametrize("collection", [*COLLECTIONS, "datasets"])
def test_gdal_and_owslib_read_a_twin_of_which_little_is_known(root: str, collection: str) -> None:
    other = root.replace(TWIN, OTHER)
    found = pyogrio.read_dataframe(f"OAPIF:{other}/collections/{collection}", PAGE_SIZE="1")
    assert len(found) == {"buildings": 2, "datasets": 1}.get(collection, 0)
    items = Features(other).collection_items(collection, limit=10)
    assert items["numberReturned"] == len(found)


def test_gdal_reads_the_catalogue_as_features(city: City, root: str) -> None:
    found = pyogrio.read_dataframe(f"OAPIF:{root}/collections/datasets", PAGE_SIZE="1")
    held: set[str] = set()
    for collection in ("buildings", "pipe-points", "bim-elements"):
        held |= set(pyogrio.read_dataframe(f"OAPIF:{root}/collections/{collection}")["dataset"])
    assert set(found["name"]) == held
    assert set(found["theme"]) == {"buildings", "pipes", "bim"}


def test_gdal_filters_by_place_and_attribute(city: City, root: str) -> None:
    source = f"OAPIF:{root}/collections/buildings"
    table = city.tables["building"]
    tall = pyogrio.read_dataframe(source, where="height > 12 AND storeys <= 6")
    expected = table.query("height > 12 and storeys <= 6")
    assert sorted(tall["key"]) == sorted(expected["key"])
    near = pyogrio.read_dataframe(source, bbox=table["geom"].iloc[20].bounds)
    assert near["key"].tolist() == [table["key"].iloc[20]]


def test_owslib_reads_every_collection(city: City, root: str) -> None:
    service = Features(root)
    assert (
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
        in (service.conformance()["conformsTo"])
    )
    assert set(service.feature_collections()) == set(COLLECTIONS)
    for collection, name in COLLECTIONS.items():
        found: dict[str, Any] = service.collection_items(collection, limit=100)
        assert found["numberReturned"] == len(city.tables[name])
        one = service.collection_item(collection, found["features"][0]["id"])
        assert one["properties"] == found["features"][0]["properties"]
        assert service.collection_queryables(collection)["properties"]
    high = service.collection_items("buildings", filter="height > 20", limit=100)
    assert {f["properties"]["height"] for f in high["features"]} == {21}


def test_the_description_is_openapi_that_its_links_keep_to(root: str) -> None:
    found = httpx.get(f"{root}/api").json()
    assert found["openapi"] == "3.0.3"
    assert found["servers"] == [{"url": root}]
    parameters = found["components"]["parameters"]
    for operation in (o["get"] for o in found["paths"].values() if "get" in o):
        for one in operation["parameters"]:
            if "$ref" in one:
                assert one["$ref"].rsplit("/", 1)[-1] in parameters
    for collection in COLLECTIONS:
        assert found["paths"][f"/collections/{collection}/items"]["get"]["responses"]["400"]
    limit, box = parameters["limit"], parameters["bbox"]
    assert (limit["style"], limit["explode"], limit["schema"]["minimum"]) == ("form", False, 1)
    assert (box["schema"]["minItems"], box["schema"]["maxItems"]) == (4, 6)
    identifiers = [o["get"]["operationId"] for o in found["paths"].values()]
    assert len(identifiers) == len(set(identifiers))
