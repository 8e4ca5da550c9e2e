"""Walks a published tileset as a client does: every tile with its box, transform and content."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import orjson

from tiles.content import F64

JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TileEntry:
    """A tile met on a walk. ``box`` (12,) as in the tileset; ``to_ecef`` (4, 4) tile → ECEF;
    ``errors`` geometric errors from the tileset down to this tile."""

    uri: str | None
    box: F64
    to_ecef: F64
    errors: tuple[float, ...]
    leaf: bool


def walk(read: Callable[[str], bytes], uri: str = "tileset.json") -> Iterator[TileEntry]:
    """Every tile of a tileset, external ones followed; ``read`` gives the decoded file of a URI.

    A tile that points to an external tileset is replaced by that tileset's tiles.
    """
    tileset = orjson.loads(read(uri))
    yield from _walk_tile(tileset["root"], uri, np.eye(4), (tileset["geometricError"],), read)


def _walk_tile(
    tile: JsonObject,
    base: str,
    above: F64,
    errors: tuple[float, ...],
    read: Callable[[str], bytes],
) -> Iterator[TileEntry]:
    matrix = above
    if "transform" in tile:
        matrix = above @ np.array(tile["transform"], dtype=np.float64).reshape(4, 4).T
    uri = tile.get("content", {}).get("uri")
    if uri is not None:
        uri = posixpath.normpath(posixpath.join(posixpath.dirname(base), uri))
    if uri is not None and uri.endswith(".json"):
        inner = orjson.loads(read(uri))
        yield from _walk_tile(inner["root"], uri, matrix, errors, read)
        return
    own = (*errors, tile["geometricError"])
    box = np.array(tile["boundingVolume"]["box"], dtype=np.float64)
    children = tile.get("children", ())
    yield TileEntry(uri, box, matrix, own, leaf=not children)
    for child in children:
        yield from _walk_tile(child, base, matrix, own, read)
