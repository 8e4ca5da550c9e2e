"""A layer that is made anew takes the place of the old one, and only what nobody needs goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tiles.errors import StoreError
from tiles.inspect_tileset import walk
from tiles.store.base import ROOT, Sink, StoredFile
from tiles.store.directory import DirectoryStore
from tiles.store.switch import switch
from tiles.tileset import Tile, Tileset, externalise

BOX = np.array([0.0, 0.0, 0.0, 9.0, 9.0, 9.0])


class Away(DirectoryStore):
    """A store that nothing can be read from once its root was switched."""

    away = False

    def publish(self, root: bytes) -> str:
        published = super().publish(root)
        self.away = True
        return published

    def get(self, name: str) -> StoredFile:
        if self.away:
            raise StoreError("away", "离线")
        return super().get(name)


def put(store: DirectoryStore, word: str) -> set[str]:
    """Switch to a layer of six contents, most of them in external tilesets; their names."""
    leaves = [
        Tile(BOX, 0.0, store.put(f"{word}{number}".encode(), "glb"), replaced=True)
        for number in range(6)
    ]
    halves = [Tile(BOX, 4.0, None, tuple(leaves[at : at + 3])) for at in (0, 3)]
    whole = Tile(BOX, 8.0, None, tuple(halves))

    def tileset(sink: Sink) -> Tileset:
        root = externalise(whole, lambda data: sink.put(data, "json"), 5)
        return Tileset(root, 16.0)

    switch(store, whole, tileset)
    return {leaf.content_uri for leaf in leaves if leaf.content_uri}


def test_the_new_and_the_last_stay(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    first, second, third = (put(store, word) for word in "abc")
    assert not first & store.names()
    assert second | third <= store.names()
    assert len(store.names() - second - third) >= 2  # external tilesets of both


def test_a_store_that_goes_away_loses_nothing_of_what_was_just_published(tmp_path: Path) -> None:
    old = put(DirectoryStore(tmp_path), "a")
    new = put(Away(tmp_path), "b")
    store = DirectoryStore(tmp_path)
    assert old | new <= store.names()
    reached = {entry.uri for entry in walk(lambda name: store.get(name).decoded())}
    assert reached - {None} == new


@pytest.mark.parametrize("cut", ["root", "external"])
def test_nothing_goes_where_the_old_tileset_cannot_be_read_in_full(
    tmp_path: Path, cut: str
) -> None:
    store = DirectoryStore(tmp_path)
    old = put(store, "a")
    (external, *_) = [name for name in store.names() if name.endswith(".json")]
    damaged = tmp_path / f"{ROOT if cut == 'root' else external}.gz"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    new = put(store, "b")
    assert old | new <= store.names()
    assert put(store, "c") | new <= store.names()
    assert not old & store.names(), "they go when the tileset before can be read again"


def test_an_empty_layer_is_a_tileset(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    put(store, "a")
    switch(store, None, lambda sink: Tileset(Tile(np.zeros(6), 0.0), 1.0))
    assert [entry.uri for entry in walk(lambda name: store.get(name).decoded())] == [None]
