"""Switching a store to a tileset that was made anew, and deleting what only older ones needed.

For layers that are made whole each time; :mod:`tiles.incremental_map` does it for the others.
"""

from __future__ import annotations

import posixpath
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from tiles.errors import StoreError, TileNotFoundError
from tiles.store.base import ROOT, Sink, TileStore
from tiles.tileset import Tile, Tileset, serialise

_UNREADABLE: Final = (StoreError, OSError, EOFError, zlib.error, ValueError, KeyError)


def switch(store: TileStore, tile: Tile | None, tileset: Callable[[Sink], Tileset]) -> str:
    """Publish the ``tileset`` of ``tile`` (None: an empty one); the digest of its root.

    ``tileset`` puts external tilesets into the sink that it is called with. Who reads the tileset
    that was just replaced still gets all of it, and files of older ones are deleted; where it
    cannot be read in full, nothing is. Raises :class:`tiles.errors.StoreError`.
    """
    before = _reached(store)
    sink = _Counted(store, set() if tile is None else _contents(tile))
    root = store.publish(serialise(tileset(sink)))
    if before is not None:
        store.remove(store.names() - sink.names - before)
    return root


@dataclass(frozen=True, slots=True)
class _Counted:
    """Puts into ``store`` and notes the names of what was put."""

    store: TileStore
    names: set[str]

    def put(self, data: bytes, suffix: str) -> str:
        name = self.store.put(data, suffix)
        self.names.add(name)
        return name


def _contents(tile: Tile) -> set[str]:
    """Names of the contents of ``tile`` and all below it, none of which is external."""
    found: set[str] = set()
    waiting = [tile]
    while waiting:
        one = waiting.pop()
        waiting += one.children
        if one.content_uri is not None:
            found.add(one.content_uri)
    return found


def _reached(store: TileStore) -> set[str] | None:
    """Names of all files that the published tileset needs, but the root; none where there is no
    tileset, None where it cannot be read in full."""
    try:
        root = store.get(ROOT)
    except TileNotFoundError:
        return set()
    except StoreError:
        return None
    found: set[str] = set()
    try:
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
    return found
