"""IFC files that cannot be read: each is refused alone, with what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.api.project
import ifcopenshell.api.root
import pytest

from ingest.readers.ifc_testing import House, read_here, refusal

api = ifcopenshell.api


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


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "is empty (0 bytes)"),
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
    assert (written or "schema ''") in error.en
    assert error.findings[0].found == (written or "no FILE_SCHEMA")
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
