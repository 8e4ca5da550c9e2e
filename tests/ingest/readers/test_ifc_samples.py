"""The shared IFC samples, made by others with many programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.geom
import ifcopenshell.util.geolocation
import numpy as np
import pytest

from ingest.errors import RefusedError
from ingest.readers.ifc_testing import read, refusal
from models.features import TriangleMesh

SAMPLES = Path(__file__).parents[4] / "shared/samples/ifc"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the shared samples are not beside the project"
)


def check(mesh: TriangleMesh) -> None:
    assert np.isfinite(mesh.positions).all()
    assert mesh.indices.max() < len(mesh.positions)
    assert len(mesh.materials) == len(mesh.indices)
    assert mesh.materials.max() < len(mesh.palette) == len(mesh.material_names)


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
