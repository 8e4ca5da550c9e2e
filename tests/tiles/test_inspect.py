"""The reader says what is wrong with a file instead of failing somewhere inside."""

from __future__ import annotations

import pytest

from tiles.errors import TilesetError
from tiles.gltf import encode
from tiles.inspect import Glb
from tiles.testing import box_content, identifiers, random_boxes


def test_reads_a_tile() -> None:
    glb = Glb(encode(box_content(random_boxes(5))))
    assert glb.table()["id"] == identifiers(5)
    assert [len(part.indices) for part in glb.parts()] == [60]
    assert glb.parts()[0].material == "wall"


@pytest.mark.parametrize("cut", [0, 3, 19, 400, -1])
def test_a_truncated_file_is_named(cut: int) -> None:
    data = encode(box_content(random_boxes(5)))
    with pytest.raises(TilesetError, match="read back") as told:
        Glb(data[:cut])
    assert "瓦片" in told.value.zh


def test_a_view_beyond_the_file_is_named() -> None:
    glb = Glb(encode(box_content(random_boxes(5))))
    glb.json["bufferViews"][-1]["byteLength"] += 10_000
    with pytest.raises(TilesetError, match="beyond the file"):
        glb.table()


def test_two_property_tables_are_named() -> None:
    glb = Glb(encode(box_content(random_boxes(5))))
    tables = glb.json["extensions"]["EXT_structural_metadata"]["propertyTables"]
    tables.append(tables[0])
    with pytest.raises(TilesetError, match="2 property tables"):
        glb.table()
