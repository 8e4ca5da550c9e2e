"""Values that are there and that no client can use: numbers, enums, places of instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tiles.content import Content
from tiles.gltf import Profile, encode
from tiles.inspect import Glb
from tiles.testing import id_column, instanced

if TYPE_CHECKING:
    from tests.tiles.check.conftest import Planted

INSTANCING, METADATA = "EXT_mesh_gpu_instancing", "EXT_structural_metadata"


def test_values_that_the_class_does_not_allow(planted: Planted) -> None:
    """A required property without a column; heights read as numbers of an enum of one value."""

    schema = Glb((planted.folder / "0.glb").read_bytes()).json["extensions"][METADATA]["schema"]
    properties = schema["classes"]["building"]["properties"]

    def totals() -> dict[str, int]:
        planted.glb(lambda document: document["extensions"][METADATA].update(schema=schema))
        return planted.check().totals

    properties["name"] = {"type": "STRING", "required": True}
    assert totals() == {"TSC-46": 1}
    properties["name"]["required"] = False
    properties["height"] = {"type": "ENUM", "enumType": "kind"}
    for values, expected in (([0], {"TSC-46": 1}), ([0, 16420], {})):
        listed = [{"name": str(value), "value": value} for value in values]
        schema["enums"] = {"kind": {"valueType": "UINT16", "values": listed}}
        assert totals() == expected


def test_columns_whose_schema_is_elsewhere(planted: Planted) -> None:
    def move(document: Any) -> None:
        del document["extensions"][METADATA]["schema"]
        document["extensions"][METADATA]["schemaUri"] = "schema.json"

    planted.glb(move)
    assert "TSC-46" not in planted.check().totals


@pytest.mark.parametrize("name", ["TRANSLATION", "ROTATION", "SCALE"])
def test_an_instance_that_is_nowhere(planted: Planted, name: str) -> None:
    group = instanced(120)
    group.translations[:] = np.linspace([5.0, 5, 5], [85.0, 5, 5], 120)
    content = Content("building", [id_column(120)], (), [group])
    plain = Profile("plain", quantize=False, meshopt=False)
    (planted.folder / "0.glb").write_bytes(encode(content, plain))
    assert planted.check().totals == {}
    data = bytearray((planted.folder / "0.glb").read_bytes())
    glb = Glb(bytes(data)).json
    (at,) = (
        glb["accessors"][node["extensions"][INSTANCING]["attributes"][name]]
        for node in glb["nodes"]
        if INSTANCING in node.get("extensions", {})
    )
    view = glb["bufferViews"][at["bufferView"]]
    start = data.index(b"BIN\0") + 4 + view.get("byteOffset", 0) + at.get("byteOffset", 0)
    data[start : start + 4] = np.float32(np.nan).tobytes()
    (planted.folder / "0.glb").write_bytes(data)
    assert set(planted.check().totals) == {"TSC-08"}
