"""Switching a store to a tileset that was made anew, and what a published one needs.

For layers that are made whole each time; nothing is deleted here, since readers of older tilesets
are still there: :mod:`tiles.incremental_map` does so by age.
"""

from __future__ import annotations

import posixpath
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from tiles.errors import StoreError
from tiles.store.base import ROOT, Sink, TileStore
from tiles.tileset import Tile, Tileset, serialise

_UNREADABLE: Final = (StoreError, OSError, EOFError, zlib.error, ValueError, KeyError)


@dataclass(frozen=True, slots=True)
class Published:
    """The digest of a root tileset, and the names of all ``files`` that it reaches."""

    root: str
    files: frozenset[str]


def switch(store: TileStore, tile: Tile | None, tileset: Callable[[Sink], Tileset]) -> Published:
    """Publish the ``tileset`` of ``tile`` (None: an empty one).

    ``tileset`` puts external tilesets into the sink that it is called with. Files of the tileset
    that was published before stay. Raises :class:`tiles.errors.StoreError`.
    """
    sink = _Counted(store, set() if tile is None else contents(tile))
    root = store.publish(serialise(tileset(sink)))
    return Published(root, frozenset(sink.names))


def contents(tile: Tile) -> set[str]:
    """Names of the contents of ``tile`` and all below it, none of which is external."""
    found: set[str] = set()
    waiting = [tile]
    while waiting:
        one = waiting.pop()
        waiting += one.children
        if one.content_uri is not None:
            found.add(one.content_uri)
    return found


def published(store: TileStore) -> Published | None:
    """What is published in ``store``; None where nothing is or it cannot be read in full."""
    try:
        root = store.get(ROOT)
        found: set[str] = set()
        waiting = [orjson.loads(root.decoded())["root"]]
        while waiting:
            tile = waiting.pop()
            waiting += tile.get("children", ())
            uri = tile.get("content", {}).get("uri")
            if uri is None or (name := posixpath.normpath(uri)) in found:
                continue
            found.add(name)
            if name.endswith(".json"):
                waiting.append(orjson.loads(store.get(name).decoded())["root"])
    except _UNREADABLE:
        return None
    return Published(root.digest, frozenset(found))


@dataclass(frozen=True, slots=True)
class _Counted:
    """Puts into ``store`` and notes the names of what was put."""

    store: TileStore
    names: set[str]

    def put(self, data: bytes, suffix: str) -> str:
        name = self.store.put(data, suffix)
        self.names.add(name)
        return name
