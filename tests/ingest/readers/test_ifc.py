"""IFC models read whole: elements, tree, properties, shared bodies; and files that cannot be read.

Models are made here with IfcOpenShell's own API in all three schemas; the samples of
``../shared/samples`` are read where they are there.
"""

import zipfile
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.api.aggregate
import ifcopenshell.api.context
import ifcopenshell.api.feature
import ifcopenshell.api.geometry
import ifcopenshell.api.material
import ifcopenshell.api.owner
import ifcopenshell.api.project
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.style
import ifcopenshell.api.type
import ifcopenshell.api.unit
import ifcopenshell.geom
import ifcopenshell.util.geolocation
import numpy as np
import pandas as pd
import pytest
import shapely
import trimesh

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.ifc import IfcReader
from models.features import TABLES, Delivery, TriangleMesh
from models.findings import Severity

api = ifcopenshell.api
SAMPLES = Path(__file__).parents[4] / "shared/samples/ifc"
SCHEMAS = ["IFC2X3", "IFC4", "IFC4X3"]
ORIGIN = (617486.771, 3430515.006, 4.5)


def read(path: Path, **options: Any) -> Delivery:
    return IfcReader().read((path,), ReadOptions(**options))


def read_here(path: Path, **options: Any) -> Delivery:
    """Read a model whose coordinates are those of EPSG:4549 with 1985 heights."""
    return read(path, **{"horizontal": "EPSG:4549", "vertical": "1985", **options})


def refusal(path: Path, **options: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read_here(path, **options)
    for text in (caught.value.en, caught.value.zh):
        assert path.name in text
    return caught.value


def elements(delivery: Delivery) -> pd.DataFrame:
    return delivery.tables["bim_element"].set_index("name", drop=False)


def at(x: float, y: float, z: float) -> Any:
    matrix = np.eye(4)
    matrix[:3, 3] = np.add(ORIGIN, (x, y, z))
    return matrix


class House:
    """Site, building, two storeys; a wall with a window hole, two chairs of one type, a space."""

    def __init__(self, schema: Any, unit: str = "MILLIMETERS") -> None:
        self.model: Any = api.project.create_file(version=schema)
        if schema == "IFC2X3":  # in which every object has an owner
            person = api.owner.add_person(self.model)
            firm = api.owner.add_organisation(self.model)
            api.owner.add_person_and_organisation(self.model, person=person, organisation=firm)
            api.owner.add_application(self.model)
        self.project = self.entity("IfcProject", "项目")
        api.unit.assign_unit(self.model, length={"is_metric": True, "raw": unit})
        root = api.context.add_context(self.model, context_type="Model")
        self.body = api.context.add_context(
            self.model,
            context_type="Model",
            context_identifier="Body",
            target_view="MODEL_VIEW",
            parent=root,
        )
        self.scale = ifcopenshell.util.unit.calculate_unit_scale(self.model)
        self.site, self.building = (
            self.entity("IfcSite", "场地"),
            self.entity("IfcBuilding", "1号楼"),
        )
        self.storeys = [self.entity("IfcBuildingStorey", name) for name in ("1F", "2F")]
        for below, above in (
            ([self.site], self.project),
            ([self.building], self.site),
            (self.storeys, self.building),
        ):
            api.aggregate.assign_object(self.model, products=below, relating_object=above)
        for height, storey in zip((0.0, 3.6), self.storeys, strict=True):
            storey.Elevation = height / self.scale
            self.place(storey, 0, 0, height)
        self.place(self.building, 0, 0, 0)
        self.wall = self._wall()
        self.chairs = self._chairs()
        self.space = self._space()

    def entity(self, kind: str, name: str) -> Any:
        return api.root.create_entity(self.model, ifc_class=kind, name=name)

    def place(self, item: Any, x: float, y: float, z: float) -> None:
        api.geometry.edit_object_placement(self.model, product=item, matrix=at(x, y, z))

    def contain(self, item: Any, storey: int) -> None:
        api.spatial.assign_container(
            self.model, products=[item], relating_structure=self.storeys[storey]
        )

    def box(self, item: Any, length: float, height: float, thickness: float) -> Any:
        shape = api.geometry.add_wall_representation(
            self.model, context=self.body, length=length, height=height, thickness=thickness
        )
        api.geometry.assign_representation(self.model, product=item, representation=shape)
        return shape

    def pset(self, item: Any, name: str, values: dict[str, Any]) -> None:
        pset = api.pset.add_pset(self.model, product=item, name=name)
        api.pset.edit_pset(self.model, pset=pset, properties=values)

    def _wall(self) -> Any:
        wall, kind = self.entity("IfcWall", "外墙"), self.entity("IfcWallType", "WT-200")
        self.place(wall, 0, 0, 3.6)
        self.box(wall, 5, 3, 0.2)
        self.contain(wall, 1)
        api.type.assign_type(self.model, related_objects=[wall], relating_type=kind)
        self.pset(kind, "Pset_WallCommon", {"IsExternal": True, "FireRating": "1h"})
        self.pset(wall, "Pset_WallCommon", {"FireRating": "2h"})
        length = self.model.create_entity("IfcLengthMeasure", 5 / self.scale)
        self.pset(wall, "Own", {"Run": length, "Note": "承重"})
        quantities = api.pset.add_qto(self.model, product=wall, name="Qto_WallBaseQuantities")
        api.pset.edit_qto(self.model, qto=quantities, properties={"Length": 5 / self.scale})
        concrete = api.material.add_material(self.model, name="混凝土")
        api.material.assign_material(self.model, products=[wall], material=concrete)
        opening, window = self.entity("IfcOpeningElement", "洞口"), self.entity("IfcWindow", "窗")
        self.place(opening, 1, -0.1, 4.6)
        self.box(opening, 1.5, 1, 0.5)
        api.feature.add_feature(self.model, feature=opening, element=wall)
        api.feature.add_filling(self.model, opening=opening, element=window)
        return wall

    def _chairs(self) -> list[Any]:
        kind = self.entity("IfcFurnitureType", "椅")
        shape = self.box(kind, 0.5, 0.9, 0.5)
        style = api.style.add_style(self.model, name="红漆")
        api.style.add_surface_style(
            self.model,
            style=style,
            ifc_class="IfcSurfaceStyleShading",
            attributes={
                "SurfaceColour": {"Name": None, "Red": 0.8, "Green": 0.1, "Blue": 0.2},
                **({} if self.model.schema == "IFC2X3" else {"Transparency": 0.25}),
            },
        )
        api.style.assign_representation_styles(
            self.model, shape_representation=shape, styles=[style]
        )
        chairs = []
        ifc_class = "IfcFurnishingElement" if self.model.schema == "IFC2X3" else "IfcFurniture"
        for at_x in (1.0, 2.0):
            chair = self.entity(ifc_class, f"椅{at_x:g}")
            api.type.assign_type(self.model, related_objects=[chair], relating_type=kind)
            self.place(chair, at_x, 1, 0)
            self.contain(chair, 0)
            chairs.append(chair)
        return chairs

    def _space(self) -> Any:
        space = self.entity("IfcSpace", "101")
        space.LongName = "办公室"
        api.aggregate.assign_object(self.model, products=[space], relating_object=self.storeys[0])
        self.place(space, 0, 0, 0)
        self.box(space, 4, 3, 4)
        return space

    def write(self, path: Path) -> Path:
        self.model.write(str(path))
        return path


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


def test_the_second_element_of_a_global_id_is_left_out(tmp_path: Path) -> None:
    house = House("IFC4")
    house.chairs[1].GlobalId = house.chairs[0].GlobalId
    delivery = read_here(house.write(tmp_path / "double.ifc"))
    assert delivery.features_in == 11
    assert len(delivery.tables["bim_element"]) == 10
    (finding,) = [f for f in delivery.findings if f.severity is Severity.ERROR]
    assert (finding.code, finding.place.element) == ("IFC-06", house.chairs[0].GlobalId)
    assert finding.place.row == house.chairs[1].id()


def test_a_tree_that_is_a_circle_is_refused(tmp_path: Path) -> None:
    house = House("IFC4")
    house.site.Decomposes[0].RelatingObject = house.storeys[0]
    error = refusal(house.write(tmp_path / "circle.ifc"))
    assert error.findings[0].code == "IFC-02"
    assert "contains itself" in error.en


@pytest.mark.parametrize(
    ("written", "schema"),
    [("IFC2X3_TC1", "IFC2X3"), ("IFC4_ADD2", "IFC4"), ("IFC4X3", "IFC4X3")],
)
def test_other_names_of_a_schema_are_read_as_it(tmp_path: Path, written: str, schema: str) -> None:
    path = House(schema).write(tmp_path / "named.ifc")
    known = {"IFC4X3": "IFC4X3_ADD2"}.get(schema, schema)
    path.write_text(path.read_text().replace(f"('{known}')", f"('{written}')", 1))
    delivery = read_here(path)
    assert ("IFC-03", written) in {(f.code, f.found) for f in delivery.findings}
    assert path.read_text().count(written) == 1, "the delivered file is left as it is"


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
    assert refusal(packed).code == "STR-00"
    packed.write_bytes(b"PK\x03\x04 and nothing else")
    assert refusal(packed).findings[0].code == "IFC-01"


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


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"PK\x03\x04\x14", "archive"),
        (b"<?xml version='1.0'?><ifcXML/>", "XML"),
        (bytes(range(128, 255)), "other data"),
    ],
)
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "model.ifc"
    path.write_bytes(content)
    error = refusal(path)
    assert error.findings[0].code == "IFC-01"
    assert found in error.en


def test_a_truncated_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = House("IFC4").write(tmp_path / "house.ifc").read_bytes()
    cut = tmp_path / "cut.ifc"
    for share in (0.1, 0.5, 0.99):
        cut.write_bytes(whole[: int(len(whole) * share)])
        assert refusal(cut).findings[0].code == "IFC-02"
    cut.write_bytes(whole[: len(whole) // 2] + b"\nENDSEC;\nEND-ISO-10303-21;\n")
    error = refusal(cut)
    assert error.findings[0].code == "IFC-02"
    assert "damaged" in error.en


@pytest.mark.parametrize("written", ["IFC4X3_RC3", "IFC4X3_RC4", "IFC5_DEV", "IFC2X2_FINAL", ""])
def test_schemas_that_cannot_be_read_are_named(tmp_path: Path, written: str) -> None:
    path = House("IFC4X3").write(tmp_path / "draft.ifc")
    path.write_text(path.read_text().replace("IFC4X3_ADD2", written, 1))
    error = refusal(path)
    assert error.findings[0].code == "IFC-03"
    assert written in error.en
    assert "IFC4X3_ADD2" in error.zh


def test_a_file_that_never_finishes_is_stopped(tmp_path: Path) -> None:
    """A conversion-based unit that is defined by itself is converted for ever."""
    path = House("IFC4").write(tmp_path / "endless.ifc")
    text = path.read_text().replace(
        "ENDSEC;\nEND-ISO",
        "#99990=IFCDIMENSIONALEXPONENTS(1,0,0,0,0,0,0);\n"
        "#99991=IFCCONVERSIONBASEDUNIT(#99990,.LENGTHUNIT.,'SPAN',#99992);\n"
        "#99992=IFCMEASUREWITHUNIT(IFCLENGTHMEASURE(1.),#99991);\n"
        "#99993=IFCUNITASSIGNMENT((#99991));\nENDSEC;\nEND-ISO",
    )
    project = next(line for line in text.splitlines() if "=IFCPROJECT(" in line)
    path.write_text(text.replace(project, project[: project.rindex(",#")] + ",#99993);"))
    error = refusal(path, time_limit=4.0)
    assert error.findings[0].code == "IFC-10"
    assert "4 s" in error.en
    assert "4 秒" in error.zh


def test_a_file_that_needs_too_much_memory_is_stopped(tmp_path: Path) -> None:
    path = House("IFC4").write(tmp_path / "house.ifc")
    error = refusal(path, memory_limit=40 << 20)
    assert error.findings[0].code == "IFC-11"
    assert "40 MiB" in error.en


def test_a_file_that_crashes_the_library_is_refused_alone(tmp_path: Path) -> None:
    """A placement relative to itself overflows the kernel's stack."""
    house = House("IFC4")
    house.wall.ObjectPlacement.PlacementRelTo = house.wall.ObjectPlacement
    error = refusal(house.write(tmp_path / "loop.ifc"))
    assert error.findings[0].code == "IFC-12"
    assert "SIGSEGV" in error.en


def test_a_model_without_elements_is_refused(tmp_path: Path) -> None:
    model: Any = api.project.create_file(version="IFC4")
    api.root.create_entity(model, ifc_class="IfcProject", name="空")
    path = tmp_path / "empty.ifc"
    model.write(str(path))
    assert refusal(path).findings[0].code == "IFC-09"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.ifc").findings[0].code == "IFC-01"


needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the shared samples are not beside the project"
)


@needs_samples
@pytest.mark.parametrize(
    "name", ["AC20-FZK-Haus.ifc", "building-architecture.ifc", "infra-bridge.ifc"]
)
def test_samples_keep_every_product_and_every_body(name: str) -> None:
    model: Any = ifcopenshell.open(str(SAMPLES / name))
    delivery = read(SAMPLES / name, vertical="1985")
    rows = delivery.tables["bim_element"]
    assert len(rows) == delivery.features_in == len(model.by_type("IfcProduct")) + 1
    assert delivery.errors == 0
    assert not [f for f in delivery.findings if f.code == "IFC-07"]
    drawn = {"IfcAnnotation", "IfcOpeningElement", "IfcVirtualElement"}
    bodies = {
        product.GlobalId
        for product in model.by_type("IfcProduct")
        if product.Representation and product.is_a() not in drawn
    }
    assert set(rows.key[rows.mesh.notna()]) == bodies
    for mesh in delivery.meshes.values():
        check(mesh)


def check(mesh: TriangleMesh) -> None:
    assert np.isfinite(mesh.positions).all()
    assert mesh.indices.max() < len(mesh.positions)
    assert len(mesh.materials) == len(mesh.indices)
    assert mesh.materials.max() < len(mesh.palette) == len(mesh.material_names)


@needs_samples
def test_a_samples_vertices_are_where_an_independent_conversion_puts_them() -> None:
    """World coordinates of the kernel, converted by the library's own geolocation functions."""
    path = SAMPLES / "building-architecture.ifc"
    model: Any = ifcopenshell.open(str(path))
    delivery = read(path, vertical="egm96")
    settings: Any = ifcopenshell.geom.settings()  # type: ignore[no-untyped-call]
    settings.set("use-world-coords", True)
    rows = delivery.tables["bim_element"].set_index("key")
    for product in (*model.by_type("IfcWall"), *model.by_type("IfcSlab")):
        shape: Any = ifcopenshell.geom.create_shape(settings, product)
        world = np.reshape(shape.geometry.verts, (-1, 3)) * 1000  # project units: millimetres
        expected = [
            np.divide(ifcopenshell.util.geolocation.auto_xyz2enh(model, *xyz), 1000)
            for xyz in world
        ]
        row = rows.loc[product.GlobalId]
        positions = delivery.meshes[str(row.mesh)].positions
        placement = np.reshape(row.placement, (4, 4))
        found = positions @ placement[:3, :3].T + placement[:3, 3]
        distance = np.linalg.norm(found[:, None] - np.array(expected)[None], axis=2)
        assert distance.min(axis=1).max() < 1e-5
        assert distance.min(axis=0).max() < 1e-5


@needs_samples
@pytest.mark.parametrize("name", ["DrainageSystem-1-2", "MCON-2", "Georeferencing-Tin-12d-2"])
def test_samples_of_a_draft_schema_are_refused_and_open_under_the_published_name(
    tmp_path: Path, name: str
) -> None:
    path = SAMPLES / f"{name}.ifc"
    with pytest.raises(RefusedError, match="IFC4X3_RC3"):
        read(path)
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace("IFC4X3_RC3", "IFC4X3_ADD2", 1))
    if name.startswith("Georeferencing"):  # it holds an entity that the published schema dropped
        assert "IFCSOLIDSTRATUM" in refusal(copy, horizontal=None).en
        return
    declared = "EPSG:3878" if name.startswith("Drainage") else None
    delivery = read(copy, horizontal=declared, vertical="egm96")
    assert delivery.passport.horizontal == "EPSG:3878"
    assert len(delivery.tables["bim_element"]) == delivery.features_in
    if name.startswith("Drainage"):
        rows = delivery.tables["bim_element"]
        assert rows.mesh[rows.ifc_class == "IfcPipeSegment"].notna().all()
        assert rows.parent_key[rows.ifc_class == "IfcDistributionPort"].notna().all()


@needs_samples
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("gherkin/*-grf00*.ifc")), ids=lambda p: p.stem)
def test_buildingsmarts_georeference_cases(path: Path) -> None:
    """Contexts that are placed differently are refused for it; the other files hold no element,
    or lack a vertical datum, and get as far as that."""
    with pytest.raises(RefusedError) as caught:
        read(path, vertical=None if "grf000-correct" in path.name else "1985")
    code = caught.value.findings[0].code
    if path.stem.endswith("non_identical"):
        assert code == "IFC-04"
    else:
        assert code in {"IFC-09", "MET-01"}
