"""Large face sets are read to the same bodies as the geometry kernel makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.api.geometry
import numpy as np
import pytest
import trimesh

from ingest.readers import ifc_facesets
from ingest.readers.ifc_testing import House, elements, read_here
from models.features import Delivery


def face_set(house: House, mesh: trimesh.Trimesh, **more: Any) -> Any:
    points = house.model.create_entity(
        "IfcCartesianPointList3D", CoordList=(mesh.vertices / house.scale).tolist()
    )
    faces = (mesh.faces + 1).tolist()
    return house.model.create_entity(
        "IfcTriangulatedFaceSet", Coordinates=points, CoordIndex=faces, **more
    )


def ball(radius: float, east: float = 0.0) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(subdivisions=1, radius=radius)
    mesh.apply_translation([east, 0, 0])
    return mesh


def build(folder: Path) -> Path:
    """Chairs that share a mapped red ball and a smaller plain one, moved; a slab whose indices go
    by another list; a wall whose window is cut out of a ball."""
    house = House("IFC4")
    several = house.model.by_type("IfcMappedItem")
    shared = several[0].MappingSource.MappedRepresentation
    style = house.model.by_type("IfcStyledItem")[0]
    shared.RepresentationType = "Tessellation"
    red = face_set(house, ball(0.5, 30.0), Closed=True)
    shared.Items = [red, face_set(house, ball(0.2))]
    style.Item = red
    for mapped in several:
        mapped.MappingTarget.LocalOrigin = house.model.createIfcCartesianPoint((0.0, 2000.0, 500.0))
    slab = house.entity("IfcSlab", "板")
    house.place(slab, 9, 9, 0)
    house.contain(slab, 0)
    mesh = ball(1.0)
    count = len(mesh.vertices)
    named = face_set(house, mesh, PnIndex=list(range(count, 0, -1)))
    named.CoordIndex = (count - mesh.faces).tolist()
    bodies = [(slab, named), (house.wall, face_set(house, ball(2.0)))]
    for element, item in bodies:
        shape = house.model.create_entity(
            "IfcShapeRepresentation", house.body, "Body", "Tessellation", [item]
        )
        if element.Representation is not None:
            element.Representation = None
        api = ifcopenshell.api.geometry
        api.assign_representation(house.model, product=element, representation=shape)
    return house.write(folder / "balls.ifc")


def triangles(delivery: Delivery, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Corners of each triangle in the storage CRS, in an order of their own, and its colour."""
    row = elements(delivery).loc[name]
    mesh, placement = delivery.meshes[str(row.mesh)], np.reshape(row.placement, (4, 4))
    points = mesh.positions @ placement[:3, :3].T + placement[:3, 3]
    corners = points[mesh.indices] - placement[:3, 3]
    order = np.lexsort(corners.mean(axis=1).round(5).T)
    return corners.mean(axis=1)[order], mesh.palette[mesh.materials][order]


def test_bodies_are_those_of_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build(tmp_path)
    kernel = read_here(path)
    monkeypatch.setattr(ifc_facesets, "LARGE", 50)
    ours = read_here(path)
    assert ours.features_in == kernel.features_in
    assert [f.code for f in ours.findings] == [f.code for f in kernel.findings]
    for name in ("椅1", "椅2", "板", "外墙"):
        (found, colours), (wanted, shown) = triangles(ours, name), triangles(kernel, name)
        assert len(found) == len(wanted) > 60
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        np.testing.assert_array_equal(colours, shown)
        box, other = (elements(one).geom[name].bounds for one in (ours, kernel))
        assert box == pytest.approx(other, abs=1e-5)
    assert len(np.unique(triangles(ours, "椅1")[1], axis=0)) == 2  # red and plain
    rows = elements(ours)
    assert rows.mesh["椅1"] == rows.mesh["椅2"]


def test_many_triangles_in_little_time(tmp_path: Path) -> None:
    """The kernel would take many seconds and half a gigabyte."""
    house = House("IFC4")
    mesh = trimesh.creation.icosphere(subdivisions=5, radius=5.0)
    item = face_set(house, mesh)
    house.wall.HasOpenings[0].RelatedOpeningElement.Representation = None
    for relation in list(house.wall.HasOpenings):
        house.model.remove(relation)
    shape = house.wall.Representation.Representations[0]
    shape.RepresentationType, shape.Items = "Tessellation", [item]
    delivery = read_here(house.write(tmp_path / "many.ifc"))
    row = elements(delivery).loc["外墙"]
    found = delivery.meshes[str(row.mesh)]
    solid = trimesh.Trimesh(found.positions, found.indices, process=False)
    assert len(solid.faces) == len(mesh.faces) > 20_000
    assert solid.is_watertight
    assert solid.volume == pytest.approx(mesh.volume, rel=1e-6)


@pytest.mark.parametrize("wrong", ["a triangle without its point", "no area"])
def test_a_wrong_set_gives_no_body_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    house = House("IFC4")
    slab = house.entity("IfcSlab", "板")
    house.contain(slab, 0)
    mesh = ball(1.0)
    item = face_set(house, mesh)
    if wrong == "no area":
        item.CoordIndex = [[1, 1, 2]] * 80
    else:
        item.CoordIndex = [*item.CoordIndex[:-1], [1, 2, 99_999]]
    shape = house.model.create_entity(
        "IfcShapeRepresentation", house.body, "Body", "Tessellation", [item]
    )
    ifcopenshell.api.geometry.assign_representation(house.model, product=slab, representation=shape)
    monkeypatch.setattr(ifc_facesets, "LARGE", 50)
    delivery = read_here(house.write(tmp_path / "wrong.ifc"))
    told = [f for f in delivery.findings if f.code == "IFC-07"]
    drawn = isinstance(elements(delivery).mesh["板"], str)
    assert drawn is not any("板" in finding.zh for finding in told)
    assert delivery.features_in == len(delivery.tables["bim_element"])
