"""Tileset files: shape, external tilesets, the reader of py3dtiles."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from py3dtiles.tileset import TileSet

from tiles.inspect_tileset import walk
from tiles.tileset import Tile, Tileset, externalise, parent, serialise


def _grid(depth: int, x: float = 0.0, y: float = 0.0, side: float = 1024.0) -> Tile:
    """A full quadtree; the leaf at (x, y) has the content ``x_y.glb``."""
    if depth == 0:
        return Tile(np.array([x, y, 0, x + side, y + side, 10.0]), 0.0, f"{x:g}_{y:g}.glb")
    half = side / 2
    quarters = [(x, y), (x + half, y), (x, y + half), (x + half, y + half)]
    return parent(tuple(_grid(depth - 1, *at, half) for at in quarters), 2.0**depth)


def _files(root: Tile, limit: int) -> dict[str, bytes]:
    files: dict[str, bytes] = {}

    def put(data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()[:8] + ".json"
        files[name] = data
        return name

    files["tileset.json"] = serialise(Tileset(externalise(root, put, limit), 64.0, np.eye(4)))
    return files


def _count(tile: dict[str, object]) -> int:
    children = tile.get("children", [])
    assert isinstance(children, list)
    return 1 + sum(_count(child) for child in children)


@pytest.mark.parametrize("limit", [1, 5, 30, 400, 2000])
def test_external_tilesets_are_small_and_lose_nothing(limit: int) -> None:
    files = _files(_grid(4), limit)
    entries = list(walk(files.__getitem__))
    contents = [entry.uri for entry in entries if entry.uri]
    assert len(contents) == len(set(contents)) == 256
    assert len(entries) == 341
    for data in files.values():
        assert _count(json.loads(data)["root"]) <= max(limit, 5)
    assert (len(files) == 1) == (limit >= 341)


def test_errors_fall_and_boxes_nest() -> None:
    for entry in walk(_files(_grid(3), 9).__getitem__):
        assert all(a >= b for a, b in zip(entry.errors[:-1], entry.errors[1:], strict=True))
        assert len(entry.box) == 12


def test_one_changed_leaf_rewrites_the_way_to_the_root_only() -> None:
    before = _files(_grid(4), 20)
    changed = _files(_grid(4), 20)
    assert changed == before
    root = _grid(4)
    first = root.children[0]
    leaf = Tile(np.array([0, 0, 0, 64, 64, 11.0]), 0.0, "new.glb")
    inner = first.children[0].children[0]
    inner = parent((leaf, *inner.children[1:]), inner.geometric_error)
    middle = parent((inner, *first.children[0].children[1:]), 4.0)
    first = parent((middle, *first.children[1:]), 8.0)
    after = _files(parent((first, *root.children[1:]), 16.0), 20)
    assert len([name for name in after if after[name] != before.get(name)]) <= 4


def test_file_has_what_the_standard_asks() -> None:
    schema = {"id": "s", "classes": {"building": {"properties": {}}}}
    root = _grid(1)
    document = json.loads(serialise(Tileset(root, 99.0, np.eye(4), schema, {"classes": {}})))
    assert document["asset"] == {"version": "1.1"}
    assert document["geometricError"] == 99.0
    assert document["schema"] == schema
    assert document["statistics"] == {"classes": {}}
    assert document["root"]["refine"] == "ADD"
    assert document["root"]["transform"] == np.eye(4).ravel().tolist()
    assert "content" not in document["root"]
    assert [child["content"]["uri"] for child in document["root"]["children"]] == [
        "0_0.glb",
        "512_0.glb",
        "0_512.glb",
        "512_512.glb",
    ]


def test_py3dtiles_reads_it() -> None:
    tileset = TileSet.from_dict(json.loads(serialise(Tileset(_grid(2), 64.0, np.eye(4)))))
    assert tileset.geometric_error == 64.0
    assert len(tileset.root_tile.get_all_children()) == 20
    box = tileset.root_tile.bounding_volume
    assert box is not None
    assert np.allclose(box.get_center(), [512, 512, 5], atol=0.01)
