"""Bodies of IFC elements: meshes, openings, colours, boxes, and those that cannot be built."""

from __future__ import annotations

from pathlib import Path

import ifcopenshell
import ifcopenshell.api.geometry
import numpy as np
import pandas as pd
import pytest
import shapely
import trimesh

from ingest.readers.ifc_testing import ORIGIN, House, elements, read_here
from models.features import Delivery
from models.findings import Severity

api = ifcopenshell.api
SCHEMAS = ["IFC2X3", "IFC4", "IFC4X3"]


@pytest.fixture(scope="module", params=SCHEMAS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    path = House(request.param).write(tmp_path_factory.mktemp("house") / "house.ifc")
    return read_here(path)


def test_equal_bodies_are_one_mesh_with_a_placement_each(house: Delivery) -> None:
    rows = elements(house)
    one, two = rows.loc["椅1"], rows.loc["椅2"]
    assert one.mesh == two.mesh
    apart = np.subtract(two.placement, one.placement).reshape(4, 4)
    assert apart[:3, 3] == pytest.approx((1, 0, 0), abs=1e-9)
    mesh = house.meshes[str(one.mesh)]
    assert np.ptp(mesh.positions, axis=0) == pytest.approx((0.5, 0.5, 0.9), abs=1e-9)
    assert mesh.digest() == one.mesh
    assert set(house.meshes) == set(rows.mesh.dropna())


def test_colour_and_opacity_of_surface_styles(house: Delivery) -> None:
    mesh = house.meshes[str(elements(house).mesh["椅1"])]
    assert mesh.material_names[mesh.materials[0]] == "红漆"
    colour = mesh.palette[mesh.materials[0]]
    assert colour[:3] == pytest.approx((0.8, 0.1, 0.2), abs=1e-6)
    assert colour[3] in (1.0, 0.75)


def test_openings_are_cut_and_not_drawn(house: Delivery) -> None:
    rows = elements(house)
    mesh = house.meshes[str(rows.mesh["外墙"])]
    solid = trimesh.Trimesh(mesh.positions, mesh.indices, process=False)
    assert solid.is_watertight
    assert solid.volume == pytest.approx(0.2 * (5 * 3 - 1.5 * 1), rel=1e-6), "and faces outwards"
    assert pd.isna(rows.mesh["洞口"])
    assert rows.geom["洞口"] is None
    assert rows.placement["洞口"] is None


def test_the_box_of_a_body_in_the_source_crs(house: Delivery) -> None:
    box = elements(house).geom["外墙"]
    assert isinstance(box, shapely.MultiPolygon)
    assert box.has_z
    corners = shapely.get_coordinates(box, include_z=True).reshape(6, 5, 3)
    assert corners.min(axis=(0, 1)) == pytest.approx(np.add(ORIGIN, (0, 0, 3.6)), abs=1e-6)
    assert corners.max(axis=(0, 1)) == pytest.approx(np.add(ORIGIN, (5, 0.2, 6.6)), abs=1e-6)
    middle = corners.mean(axis=(0, 1))
    for ring in corners:
        normal = np.cross(ring[1] - ring[0], ring[2] - ring[1])
        assert normal @ (ring[:4].mean(axis=0) - middle) > 0, "each face looks outwards"


def test_a_mirrored_body_still_faces_outwards(tmp_path: Path) -> None:
    house = House("IFC4")
    mapped = house.model.by_type("IfcMappedItem")[0]
    target = mapped.MappingTarget
    target.Axis1 = house.model.createIfcDirection((-1.0, 0.0, 0.0))
    target.Axis2 = house.model.createIfcDirection((0.0, 1.0, 0.0))
    target.Axis3 = house.model.createIfcDirection((0.0, 0.0, 1.0))
    delivery = read_here(house.write(tmp_path / "mirrored.ifc"))
    for name in ("椅1", "椅2"):
        row = elements(delivery).loc[name]
        mesh, placement = delivery.meshes[str(row.mesh)], np.reshape(row.placement, (4, 4))
        assert np.linalg.det(placement[:3, :3]) > 0
        assert trimesh.Trimesh(mesh.positions, mesh.indices, process=False).volume > 0
    boxes = elements(delivery).geom
    assert boxes["椅1"].bounds[0] == pytest.approx(ORIGIN[0] + 1 - 0.5, abs=1e-6)
    assert boxes["椅2"].bounds[0] == pytest.approx(ORIGIN[0] + 2, abs=1e-6)


def test_a_body_modelled_far_from_its_placement_gets_short_numbers(tmp_path: Path) -> None:
    house = House("IFC4", "METERS")
    api.geometry.edit_object_placement(house.model, product=house.wall, matrix=np.eye(4))
    x, y, z = ORIGIN
    shape = api.geometry.add_mesh_representation(
        house.model,
        context=house.body,
        vertices=[[(x, y, z), (x + 1, y, z), (x, y + 1, z), (x, y, z + 1)]],
        faces=[[[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]],
    )
    house.wall.Representation = None
    api.geometry.assign_representation(house.model, product=house.wall, representation=shape)
    delivery = read_here(house.write(tmp_path / "far.ifc"))
    row = elements(delivery).loc["外墙"]
    assert np.abs(delivery.meshes[str(row.mesh)].positions).max() < 2
    assert row.geom.bounds == pytest.approx((x, y, x + 1, y + 1), abs=1e-6)


def test_an_element_whose_body_cannot_be_built_is_kept_and_reported(tmp_path: Path) -> None:
    house = House("IFC4")
    solid = house.wall.Representation.Representations[0].Items[0]
    while not solid.is_a("IfcExtrudedAreaSolid"):
        solid = solid.FirstOperand
    solid.Depth = 1e-12
    delivery = read_here(house.write(tmp_path / "flat.ifc"))
    assert delivery.features_in == len(delivery.tables["bim_element"]) == 11
    assert pd.isna(elements(delivery).mesh["外墙"])
    (finding,) = [f for f in delivery.findings if f.code == "IFC-07"]
    assert finding.severity is Severity.WARNING
    assert finding.place.element == house.wall.GlobalId
    assert "外墙" in finding.zh
    assert "IfcWall" in finding.en


def test_bodies_that_fail_alike_are_one_finding(tmp_path: Path) -> None:
    house = House("IFC4")
    flat = []
    for number in range(8):
        slab = house.entity("IfcSlab", f"板{number}")
        house.place(slab, number, 0, 0)
        house.box(slab, 1, 1, 1)
        house.contain(slab, 0)
        solid = slab.Representation.Representations[0].Items[0]
        while not solid.is_a("IfcExtrudedAreaSolid"):
            solid = solid.FirstOperand
        solid.Depth = 1e-12
        flat.append(slab.GlobalId)
    delivery = read_here(house.write(tmp_path / "flat.ifc"))
    (finding,) = [f for f in delivery.findings if f.code == "IFC-07"]
    assert finding.extra == {"count": 8, "elements": flat[:5]}
    assert finding.place.element == flat[0]
    assert "8 个构件" in finding.zh
    assert "bodies of 8 elements" in finding.en
    assert finding.en.index("authoring tool") < finding.en.index("IfcOpenShell"), "quoted last"


def test_bodies_at_impossible_heights_are_left_out_and_reported(tmp_path: Path) -> None:
    house = House("IFC4")
    for chair, height in zip(house.chairs, (20_000, -2_000), strict=True):
        house.place(chair, 1, 1, height)
    delivery = read_here(house.write(tmp_path / "high.ifc"))
    rows = elements(delivery)
    assert delivery.features_in == len(rows) == 11
    for name in ("椅1", "椅2"):
        assert pd.isna(rows.mesh[name])
        assert rows.geom[name] is None
        assert rows.placement[name] is None
    assert not pd.isna(rows.mesh["外墙"])
    assert set(delivery.meshes) == set(rows.mesh.dropna())
    (finding,) = [f for f in delivery.findings if f.code == "IFC-14"]
    assert finding.severity is Severity.WARNING
    assert finding.extra["elements"] == [chair.GlobalId for chair in house.chairs]
    assert finding.found == "-1995.5 … 20005.4 m"
    assert "2 个构件的高程" in finding.zh
    assert "2 elements lie at heights of" in finding.en
