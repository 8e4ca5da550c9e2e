"""Containers of 3D content, and questions about space over the samples."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
import rasterio
from scipy.interpolate import RegularGridInterpolator

from twin.client import Client
from twin.testing import Service

DEM = Path(__file__).parents[4] / "data-samples" / "qianwan" / "dem.tif"


def test_containers_lead_to_tilesets(service: Service) -> None:
    base = f"{service.url}/ogc/qianwan/collections3d"
    containers = httpx.get(base).json()["collections"]
    assert {"buildings", "pipes", "bim"} <= {one["id"] for one in containers}
    for one in containers:
        assert one["collectionType"] == "3d-container"
        (content,) = one["content"]
        assert content["type"] == "application/json+3dtiles"
        tileset = httpx.get(content["href"])
        assert tileset.json()["asset"]["version"] == "1.1"
        assert httpx.get(f"{base}/{one['id']}").json() == one
        west, south, low, east, north, high = one["contentExtent"]["bbox"]
        assert one["extent"]["spatial"]["bbox"] == [one["contentExtent"]["bbox"]]
        assert (west, south, low) < (east, north, high)
        assert -40 < low < high < 400
    missing = httpx.get(f"{base}/trees")
    assert missing.status_code == 404
    assert "buildings" in missing.json()["detail"]


def test_containers_are_chosen_by_a_box(service: Service) -> None:
    base = f"{service.url}/ogc/qianwan/collections3d"
    every = httpx.get(base).json()["collections"]

    def listed(*box: float) -> set[str]:
        answer = httpx.get(base, params={"bbox": ",".join(f"{v:.7f}" for v in box)})
        assert answer.status_code == 200, answer.text
        return {one["id"] for one in answer.json()["collections"]}

    boxes = {one["id"]: one["contentExtent"]["bbox"] for one in every}
    assert listed(-180, -90, 180, 90) == set(boxes)
    assert listed(0, 0, 1, 1) == set()
    east, top = (max(box[n] for box in boxes.values()) for n in (3, 5))
    high = {layer for layer, box in boxes.items() if box[5] >= top}
    assert listed(-180, -90, top - 1e-6, 180, 90, top + 9) == high < set(boxes)
    assert listed(east, -90, east + 1, 90) == {k for k, box in boxes.items() if box[3] >= east}
    for wrong in ("1,2,3", "a,b,c,d", "31.16,121.29,31.18,121.31"):
        answer = httpx.get(base, params={"bbox": wrong})
        assert answer.status_code == 400
        detail = answer.json()["detail"]
        assert detail.startswith("bbox:")
        assert "bbox-crs" not in detail, "which is no parameter here"


def test_an_extent_holds_what_the_layer_draws_and_little_else(service: Service) -> None:
    city = Client(service.url)
    for layer, collection in (("buildings", "buildings"), ("pipes", "pipe-segments")):
        found = httpx.get(f"{service.url}/ogc/qianwan/collections3d/{layer}").json()
        west, south, _, east, north, _ = found["contentExtent"]["bbox"]
        bounds = city.features("qianwan", collection, properties=["key"]).total_bounds
        slack = np.array([west, south, east, north]) - bounds
        assert (slack[:2] < 1e-7).all()
        assert (slack[2:] > -1e-7).all()
        assert np.abs(slack).max() < 0.002  # some 200 m


def test_heights_of_the_ground_are_those_of_the_delivered_raster(service: Service) -> None:
    with rasterio.open(DEM) as dem:
        cells, place = dem.read(1).astype(float), np.array(tuple(dem.transform)[:6])
    rows, columns = (np.arange(n) + 0.5 for n in cells.shape)
    pick = np.random.default_rng(3)
    row, column = (pick.uniform(2, n - 2, 40) for n in cells.shape)
    expected = RegularGridInterpolator((rows, columns), cells)(np.stack([row, column], axis=1))
    east, north = place.reshape(2, 3) @ np.stack([column, row, np.ones(40)])
    answer = Client(service.url).ask(
        "qianwan", "terrain-height", points=np.stack([east, north], axis=1).tolist()
    )
    points = answer["result"]["points"]
    assert [one["height"] for one in points] == pytest.approx(expected, abs=1e-3)
    assert {one["source"] for one in points} == {"terrain"}


def test_a_box_of_space_is_asked_over_http(service: Service) -> None:
    url = f"{service.url}/twins/qianwan/analyses"
    listed = {one["name"]: one for one in httpx.get(url).json()["analyses"]}
    answer = httpx.post(f"{url}/within", json=listed["within"]["example"], timeout=60)
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["result"]["count"] == len(told["result"]["features"]) > 0
    assert set(told) >= {"datum", "accuracy", "revisions", "notes"}
    for name in ("nearest", "line-of-sight", "column", "terrain-height", "volume-and-area",
                 "overlaps", "differences"):  # fmt: skip
        found = httpx.post(f"{url}/{name}", json=listed[name]["example"], timeout=60)
        assert found.status_code == 200, (name, found.text)
    assert httpx.post(f"{url}/within", json={"box": [1]}).status_code == 400


def test_names_of_the_samples_are_found(service: Service) -> None:
    found = httpx.get(f"{service.url}/twins/qianwan/places", params={"q": "路"}).json()["places"]
    assert found
    where = {"lon": found[0]["lon"], "lat": found[0]["lat"]}
    near = httpx.get(f"{service.url}/twins/qianwan/places/reverse", params=where).json()["places"]
    assert found[0]["name"] in {one["name"] for one in near}
