"""The client over the samples: tables, names, counts, and what it says where nothing can be had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from models.crs import geoid_height
from models.testing import free_port
from twin.client import Client, ClientError
from twin.client.connection import Connection
from twin.testing import Service

HUB, OTHER = "songjiang-hub", "qianwan"


@pytest.fixture
def city(service: Service) -> Client:
    return Client(service.url)


def test_all_pages_are_read(city: Client) -> None:
    everything = city.features(HUB, "buildings", properties=["key"])
    assert len(everything) == city.count(HUB, "buildings") > 1000  # more than one page
    assert everything.index.is_unique
    few = city.features(HUB, "buildings", properties=["key"], limit=1001)
    assert few.index.tolist() == everything.index.tolist()[:1001]
    none = city.features(HUB, "buildings", filter="height > 5000")
    assert len(none) == 0
    assert none.crs.to_epsg() == 4490


def test_features_are_counted(city: Client) -> None:
    tall = "height >= 60"
    assert city.count(HUB, "buildings", filter=tall) == len(
        city.features(HUB, "buildings", filter=tall)
    )
    assert city.count(HUB, "buildings", as_of="2001-01-01T00:00:00Z") == 0


def test_boxes_have_the_heights_of_their_crs(city: Client) -> None:
    """East first in any CRS; ellipsoidal heights, or 1985 heights with the storage CRS."""
    table = city.features(OTHER, "pipe-points", epsg=4979)
    lon, lat, up = shapely.get_coordinates(table.geometry, include_z=True).T
    heights = up - geoid_height(lon, lat)  # of 1985
    low, high = np.quantile(heights, [0.2, 0.6])
    sure = (heights > low + 0.01) & (heights < high - 0.01)
    maybe = (heights > low - 0.01) & (heights < high + 0.01)
    assert 0 < sure.sum() <= maybe.sum() < len(table)

    def found(*box: float, epsg: int) -> set[str]:
        return set(city.features(OTHER, "pipe-points", bbox=box, bbox_epsg=epsg).index)

    west, south, east, north = city.features(OTHER, "pipe-points", epsg=4549).total_bounds
    metres = found(west - 1, south - 1, low, east + 1, north + 1, high, epsg=4549)
    assert set(table.index[sure]) <= metres <= set(table.index[maybe])
    west, south, east, north = table.total_bounds + np.array([-1e-6, -1e-6, 1e-6, 1e-6])
    middle = float(np.median(up))
    degrees = found(west, south, middle - 99, east, north, middle, epsg=4979)
    assert set(table.index[up < middle - 0.01]) <= degrees <= set(table.index[up < middle + 0.01])
    assert city.count(OTHER, "pipe-points", bbox=(west, south, low, east, north, high)) == 0


def test_heights_stay_in_a_crs_that_has_them(city: Client) -> None:
    plain = city.features(OTHER, "pipe-points", limit=5)
    solid = city.features(OTHER, "pipe-points", epsg=4979, limit=5)
    assert solid.crs.to_epsg() == 4979
    assert solid.geometry.has_z.all()
    np.testing.assert_allclose(solid.geometry.x, plain.geometry.x, rtol=0, atol=1e-8)
    geoid = solid.geometry.z.to_numpy() - solid["ground_h"].to_numpy(float)
    assert ((geoid > 5) & (geoid < 16)).all()


def test_the_table_of_an_answer_is_in_its_order(city: Client) -> None:
    every = city.features(OTHER, "pipe-points", limit=350)
    ids = every.index.tolist()[::-3]  # more than go into one question
    found = city.features(OTHER, "pipe-points", ids=ids, epsg=4549)
    assert found.index.tolist() == ids
    code = found["class_code"].mode()[0]
    some = city.features(OTHER, "pipe-points", ids=ids, filter=f"class_code = '{code}'")
    assert some.index.tolist() == found.index[found["class_code"] == code].tolist()
    assert len(city.features(OTHER, "pipe-points", ids=[])) == 0


def test_what_lies_in_a_volume_is_what_the_table_holds(city: Client) -> None:
    example = next(a for a in city.analyses(OTHER) if a["name"] == "within")["example"]
    listed = city.ask(OTHER, "within", **example)["result"]["features"]
    ids = [one["id"] for one in listed if one["layer"] == "buildings"]
    west, south, _, east, north, _ = example["box"]
    table = city.features(OTHER, "buildings", ids=ids, epsg=4549)
    around = city.features(OTHER, "buildings", epsg=4549)
    assert set(table.index) <= set(around.cx[west:east, south:north].index)
    assert table.index.tolist() == ids


def test_names_are_found_in_space(city: Client) -> None:
    found = city.places(OTHER, "路")
    assert found.crs.to_epsg() == 4490
    assert found["score"].is_monotonic_decreasing
    first = found.iloc[0]
    near = city.places_at(OTHER, first.geometry.x, first.geometry.y)
    assert first["name"] in set(near["name"])
    assert near["distance"].is_monotonic_increasing
    address = found["address"].dropna().iloc[0]
    joined = city.joined(OTHER, address)
    assert set(joined["relation"]) <= {"same", "above", "below"}
    assert address in set(joined["address"])
    assert len(city.places(OTHER, "zzzzqqq")) == 0


def test_what_a_filter_may_name(city: Client) -> None:
    known = city.queryables(HUB, "bim-elements")
    assert known["ifc_class"]["type"] == "string"
    assert known["Pset_WallCommon.IsExternal"]["type"] == "boolean"
    outer = city.features(HUB, "bim-elements", filter="Pset_WallCommon.IsExternal = true")
    assert len(outer) == city.count(HUB, "bim-elements", filter="Pset_WallCommon.IsExternal") > 0
    assert all(one["Pset_WallCommon"]["IsExternal"] for one in outer["psets"])


def test_what_the_service_says_is_told(city: Client) -> None:
    with pytest.raises(ClientError, match="nope") as caught:
        city.features(HUB, "buildings", filter="nope = 1")
    assert caught.value.status == 400
    assert "属性" in caught.value.zh
    with pytest.raises(ClientError, match="atlantis"):
        city.twin("atlantis")
    with pytest.raises(ClientError, match="http"):
        Client("ftp://127.0.0.1")
    with pytest.raises(ClientError, match="twin up"):
        Client(f"http://127.0.0.1:{free_port()}").twins()


@pytest.mark.parametrize("scheme", ["file", "FILE", "ftp", "data"])
def test_a_link_leads_nowhere_but_to_services(tmp_path: Path, scheme: str) -> None:
    kept = tmp_path / "kept"
    kept.write_text("{}")
    service = Connection("http://127.0.0.1:9", 1)
    address = f"{scheme}://{kept}"
    for ask in (service.data, service.json, lambda a: service.save(a, tmp_path / "copy", "")):
        with pytest.raises(ClientError, match="expected http") as caught:
            ask(address)
        assert "地址" in caught.value.zh
    assert not (tmp_path / "copy").exists()
