"""IFC models read whole: elements, tree, properties, materials."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest.readers.ifc import IfcReader
from ingest.readers.ifc_testing import ORIGIN, House, elements, read_here, refusal
from models.features import TABLES, Delivery
from models.findings import Severity

SCHEMAS = ["IFC2X3", "IFC4", "IFC4X3"]


@pytest.fixture(scope="module", params=SCHEMAS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    path = House(request.param).write(tmp_path_factory.mktemp("house") / "house.ifc")
    return read_here(path)


def test_every_product_and_the_project_are_rows_of_the_canonical_table(house: Delivery) -> None:
    table = house.tables["bim_element"]
    assert set(table.columns) <= set(TABLES["bim_element"])
    assert len(table) == house.features_in == 11
    assert table.key.is_unique
    assert {"IfcProject", "IfcSite", "IfcBuilding", "IfcBuildingStorey"} <= set(table.ifc_class)
    assert house.errors == 0
    assert {f.code for f in house.findings} == {"IFC-05", "IFC-08"}


def test_the_tree_and_the_storeys(house: Delivery) -> None:
    rows = elements(house)
    names = rows.set_index("key").name
    parents = rows.parent_key.map(names)
    expected = {"场地": "项目", "1号楼": "场地", "2F": "1号楼", "外墙": "2F", "101": "1F"}
    assert {name: parents[name] for name in expected} == expected
    storeys = {"外墙": "2F", "洞口": "2F", "窗": "2F", "椅1": "1F", "101": "1F", "2F": "2F"}
    assert {name: rows.storey_name[name] for name in storeys} == storeys
    assert rows.building_name["窗"] == "1号楼"
    assert rows.storey_elevation["外墙"] == pytest.approx(ORIGIN[2] + 3.6)
    assert pd.isna(rows.storey_key["场地"])
    assert rows.long_name["101"] == "办公室"


def test_properties_of_occurrence_type_and_quantities_in_metres(house: Delivery) -> None:
    wall = elements(house).loc["外墙"]
    assert wall.type_name == "WT-200"
    assert wall.psets["Pset_WallCommon"] == {"IsExternal": True, "FireRating": "2h"}
    assert wall.psets["Own"] == {"Run": pytest.approx(5), "Note": "承重"}
    assert wall.psets["Qto_WallBaseQuantities"]["Length"] == pytest.approx(5)
    assert wall["attrs"]["materials"] == ["混凝土"]


def test_equal_input_gives_an_equal_delivery(tmp_path: Path) -> None:
    path = House("IFC4").write(tmp_path / "house.ifc")
    one, two = read_here(path), read_here(path)
    assert list(one.meshes) == list(two.meshes)
    for key in one.meshes:
        assert one.meshes[key].digest() == two.meshes[key].digest() == key
    columns = [c for c in one.tables["bim_element"] if c not in {"placement", "geom"}]
    pd.testing.assert_frame_equal(
        one.tables["bim_element"][columns], two.tables["bim_element"][columns]
    )
    for a, b in zip(elements(one).placement, elements(two).placement, strict=True):
        assert (a is None and b is None) or np.array_equal(a, b)


def test_the_second_element_of_a_global_id_is_left_out(tmp_path: Path) -> None:
    house = House("IFC4")
    house.chairs[1].GlobalId = house.chairs[0].GlobalId
    delivery = read_here(house.write(tmp_path / "double.ifc"))
    assert delivery.features_in == 11
    assert len(delivery.tables["bim_element"]) == 10
    (finding,) = [f for f in delivery.findings if f.severity is Severity.ERROR]
    assert (finding.code, finding.place.element) == ("IFC-06", house.chairs[0].GlobalId)
    assert finding.place.row == house.chairs[1].id()


def test_a_zipped_model(tmp_path: Path) -> None:
    path = House("IFC4").write(tmp_path / "house.ifc")
    packed = tmp_path / "house.ifczip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "models/house.ifc")
    delivery, direct = read_here(packed), read_here(path)
    assert list(delivery.meshes) == list(direct.meshes)
    assert delivery.source.name == "house.ifczip"
    with zipfile.ZipFile(packed, "a") as archive:
        archive.write(path, "other.ifc")
    assert "2 .ifc files" in refusal(packed).en
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.ifc", b"\0" * (64 << 20))
    bomb = refusal(packed).findings[0]
    assert bomb.code == "IFC-01"
    assert str(64 << 20) in bomb.en
    packed.write_bytes(b"PK\x03\x04 and nothing else")
    damaged = refusal(packed).findings[0]
    assert damaged.code == "IFC-01"
    assert "a damaged archive" in damaged.en
    assert "损坏的压缩包" in damaged.zh


def test_group_goes_by_content_and_by_name(tmp_path: Path) -> None:
    model = tmp_path / "model.ifc"
    model.write_text("not really")
    renamed = House("IFC4").write(tmp_path / "export.txt")
    part = tmp_path / "part.stp"
    part.write_text("ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\n")
    other = tmp_path / "points.csv"
    other.write_text("a,b\n")
    paths = [other, model, part, renamed, tmp_path / "missing.ifc", tmp_path]
    assert IfcReader().group(paths) == [(model,), (renamed,)]
