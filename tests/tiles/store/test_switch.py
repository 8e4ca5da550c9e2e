"""A layer that is made anew takes the place of the old one, whose readers lose nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tiles.inspect_tileset import walk
from tiles.store.base import ROOT, Sink
from tiles.store.directory import DirectoryStore
from tiles.store.switch import Published, published, switch
from tiles.tileset import Tile, Tileset, externalise

BOX = np.array([0.0, 0.0, 0.0, 9.0, 9.0, 9.0])


def put(store: DirectoryStore, word: str) -> Published:
    """Switch to a layer of six contents, most of them in external tilesets."""
    leaves = [
        Tile(BOX, 0.0, store.put(f"{word}{number}".encode(), "glb"), replaced=True)
        for number in range(6)
    ]
    halves = [Tile(BOX, 4.0, None, tuple(leaves[at : at + 3])) for at in (0, 3)]
    whole = Tile(BOX, 8.0, None, tuple(halves))

    def tileset(sink: Sink) -> Tileset:
        root = externalise(whole, lambda data: sink.put(data, "json"), 5)
        return Tileset(root, 16.0)

    return switch(store, whole, tileset)


def test_what_is_published_is_known_with_all_its_files(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    assert published(store) is None
    one, two = put(store, "a"), put(store, "b")
    assert published(store) == two
    assert not one.files & two.files
    assert store.names() == one.files | two.files, "readers of the first still get it"
    contents = {entry.uri for entry in walk(lambda name: store.get(name).decoded())}
    assert contents - {None} == {name for name in two.files if name.endswith(".glb")}
    assert len(two.files) > 6  # external tilesets are among them


@pytest.mark.parametrize("cut", ["root", "external"])
def test_a_damaged_tileset_is_not_taken_for_a_whole_one(tmp_path: Path, cut: str) -> None:
    store = DirectoryStore(tmp_path)
    put(store, "a")
    (external, *_) = [name for name in store.names() if name.endswith(".json")]
    damaged = tmp_path / f"{ROOT if cut == 'root' else external}.gz"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    assert published(store) is None


def test_an_empty_layer_is_a_tileset(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    put(store, "a")
    switch(store, None, lambda sink: Tileset(Tile(np.zeros(6), 0.0), 1.0))
    assert [entry.uri for entry in walk(lambda name: store.get(name).decoded())] == [None]
