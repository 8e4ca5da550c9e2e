"""tileset.json of 3D Tiles 1.1, typed; the specification's names appear in serialisers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import orjson

from tiles.content import F64
from tiles.volumes import column_major, grown, oriented, union

JsonObject: TypeAlias = dict[str, Any]

#: A file with more tiles than this takes a client noticeable time to parse.
MAX_TILES: Final = 2000


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile. ``box`` (6,) in ENU metres encloses all vertices of it and its descendants.

    ``replaced`` says that the children take the place of its content, which stands for them from
    afar; otherwise they are added to it.
    """

    box: F64
    geometric_error: float
    content_uri: str | None = None
    children: tuple[Tile, ...] = ()
    replaced: bool = False

    def count(self) -> int:
        """Tiles of this file from here down."""
        return 1 + sum(child.count() for child in self.children)


@dataclass(frozen=True, slots=True)
class Tileset:
    """A tileset. ``frame`` (4, 4) ENU → ECEF is the root tile's transform.

    ``schema`` is the metadata schema shared by all contents, ``statistics`` what
    :class:`tiles.statistics.Statistics` counted over them, ``groups`` what is said of several
    contents together.
    """

    root: Tile
    geometric_error: float
    frame: F64 | None = None
    schema: JsonObject | None = None
    statistics: JsonObject | None = None
    groups: tuple[JsonObject, ...] = ()


def parent(children: tuple[Tile, ...], geometric_error: float) -> Tile:
    """A tile without content around ``children``."""
    return Tile(union(child.box for child in children), geometric_error, None, children)


def serialise(tileset: Tileset) -> bytes:
    """The JSON of a tileset, the same bytes for the same input."""
    out: JsonObject = {"asset": {"version": "1.1"}}
    if tileset.schema is not None:
        out["schema"] = tileset.schema
        if tileset.statistics is not None:
            out["statistics"] = tileset.statistics
        if tileset.groups:
            out["groups"] = list(tileset.groups)
    root = _tile_json(tileset.root, above=None)
    if tileset.frame is not None:
        root["transform"] = column_major(tileset.frame)
    out |= {"geometricError": tileset.geometric_error, "root": root}
    return orjson.dumps(out)


def externalise(root: Tile, put: Callable[[bytes], str], limit: int = MAX_TILES) -> Tile:
    """``root`` with at most about ``limit`` tiles; the rest moves into external tilesets.

    ``put`` stores a JSON file and returns its URI. Subtrees are moved out bottom-up, the largest
    first, and each file again has at most ``limit`` tiles. Names hold digests of what is below
    them, so a change rewrites the files between it and the root and no others.
    """
    children = [externalise(child, put, limit) for child in root.children]
    total = 1 + sum(child.count() for child in children)
    for at in sorted(range(len(children)), key=lambda i: -children[i].count()):
        if total <= limit:
            break
        size = children[at].count()
        if size > 1:
            child = children[at]
            uri = put(serialise(Tileset(child, child.geometric_error)))
            children[at] = replace(child, content_uri=uri, children=())
            total -= size - 1
    return replace(root, children=tuple(children))


def _tile_json(tile: Tile, above: bool | None) -> JsonObject:
    """The tile; ``above`` says whether its parent is replaced, None at the root of a file."""
    out: JsonObject = {
        "boundingVolume": {"box": oriented(grown(tile.box))},
        "geometricError": tile.geometric_error,
    }
    if above is not tile.replaced and (tile.children or above is None):
        out["refine"] = "REPLACE" if tile.replaced else "ADD"
    if tile.content_uri is not None:
        out["content"] = {"uri": tile.content_uri}
    if tile.children:
        out["children"] = [_tile_json(child, tile.replaced) for child in tile.children]
    return out
