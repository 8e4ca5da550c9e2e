"""Twins and single features over HTTP."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import httpx
import ifcopenshell
import ifcopenshell.util.element
import pytest

from models.features import feature_id
from twin.testing import Service

DATA = Path(__file__).resolve().parents[3] / "data-samples"


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url) as client:
        yield client


def feature(client: httpx.Client, twin: str, dataset: str, table: str, key: str) -> dict[str, Any]:
    identity = feature_id(twin, dataset, table, key)
    answer = client.get(f"/twins/{twin}/features/{identity}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert (found["id"], found["table"]) == (str(identity), table)
    assert found["dataset"] == {"name": dataset, "revision": 1}
    for name in found["attributes"]:
        if name in found["labels"]:
            assert found["labels"][name]["zh"]
            assert found["labels"][name]["en"]
    return found


def test_all_twins_with_both_names(client: httpx.Client) -> None:
    twins = {twin["id"]: twin for twin in client.get("/twins").json()["twins"]}
    assert {i: t["name"]["zh"] for i, t in twins.items()} == {
        "songjiang-hub": "松江枢纽",
        "qianwan": "前湾",
    }
    for twin in twins.values():
        west, south, east, north = twin["extent"]
        assert west < twin["center"]["lon"] < east
        assert south < twin["center"]["lat"] < north
        for link in twin["links"]:
            assert client.get(link["href"]).status_code == 200


@pytest.mark.parametrize("twin", ["songjiang-hub", "qianwan"])
def test_layers_have_counts_and_a_tileset_that_answers(client: httpx.Client, twin: str) -> None:
    layers = client.get(f"/twins/{twin}").json()["layers"]
    assert [layer["id"] for layer in layers] == ["buildings", "bim", "pipes"]
    for layer in layers:
        assert layer["features"] == sum(layer["tables"].values()) > 0
        assert client.get(layer["tileset"]).headers["etag"].startswith(f'"{layer["version"]}')
    assert layers[0]["tables"]["building"] >= 3000


def test_a_building_has_what_its_file_says(client: httpx.Client) -> None:
    source = geopandas.read_file(DATA / "songjiang-hub/buildings.gpkg").iloc[0]
    found = feature(client, "songjiang-hub", "buildings", "building", source["建筑编号"])
    attributes = found["attributes"]
    assert attributes["name"] == source["建筑名称"]
    assert attributes["height"] == source["建筑高度"]
    assert attributes["base_height"] == source["地面高程"]
    assert attributes["storeys"] == source["建筑层数"]
    assert found["source"]["file"] == "buildings.gpkg"
    assert found["labels"]["height"]["zh"]


def test_a_bim_element_has_its_storey_and_property_sets(client: httpx.Client) -> None:
    model = ifcopenshell.open(DATA / "qianwan/office_tower.ifc")
    walls = (w for w in model.by_type("IfcWall") if ifcopenshell.util.element.get_psets(w))
    wall = next(walls)
    found = feature(client, "qianwan", "office-tower", "bim_element", wall.GlobalId)
    attributes = found["attributes"]
    storey = ifcopenshell.util.element.get_container(wall)
    assert attributes["storey_name"] == storey.Name
    assert attributes["storey_key"] == storey.GlobalId
    assert attributes["ifc_class"] == wall.is_a()
    assert found["source"]["row"] == wall.id()
    for name, values in ifcopenshell.util.element.get_psets(wall, psets_only=True).items():
        for key in values.keys() - {"id"}:
            assert key in attributes["psets"][name]


def test_a_pipe_names_its_file_and_row(client: httpx.Client) -> None:
    text = (DATA / "qianwan/pipes/JS_线表.csv").read_bytes().decode("gb18030")
    rows = list(csv.reader(text.splitlines()))
    top = next(i for i, row in enumerate(rows) if "起点点号" in row)
    start, end = rows[top].index("起点点号"), rows[top].index("连接点号")
    number = next(i for i in range(top + 5, len(rows)) if rows[i][start])
    line = rows[number]
    key = f"{line[start]}-{line[end]}/JS"
    found = feature(client, "qianwan", "pipes", "pipe_segment", key)
    assert found["source"]["row"] == number + 1  # as a spreadsheet shows it
    assert found["source"]["sheet"] in (None, "JS_线表.csv", "JS_线表")
    assert "JS_" in found["source"]["file"]
    assert found["attributes"]["class_code"] == "JS"
    assert found["attributes"]["from_point"] == line[start]
    assert found["attributes"]["to_point"] == line[end]
