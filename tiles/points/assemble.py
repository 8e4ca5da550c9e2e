"""From the tiles of units and of the cells above them to the tileset, and what it replaces."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import orjson

from tiles.content import F64
from tiles.errors import StoreError
from tiles.points.morton import Cube
from tiles.points.plan import Top, Unit
from tiles.points.runs import Tally
from tiles.points.tree import Written
from tiles.scheme import MIN_ERROR
from tiles.store.base import ROOT, TileStore
from tiles.tileset import Tile, Tileset, externalise
from tiles.volumes import union

#: Share of its parent's geometric error that a tile may have: errors fall on every way down.
_FALL: Final = 0.99


def reachable(store: TileStore) -> set[str]:
    """Names of all files that the published tileset needs, but the root; none where there is no
    whole one."""
    found: set[str] = set()
    try:
        waiting = [orjson.loads(store.get(ROOT).decoded())["root"]]
        while waiting:
            tile = waiting.pop()
            waiting += tile.get("children", ())
            name = tile.get("content", {}).get("uri")
            if name is None or name in found:
                continue
            found.add(posixpath.normpath(name))
            if name.endswith(".json"):
                waiting.append(orjson.loads(store.get(name).decoded())["root"])
    except (StoreError, ValueError, KeyError, OSError):
        return found
    return found


def assembled(
    cell: Top | Unit, written: dict[int, Written], tops: dict[int, Written], cube: Cube
) -> Tile | None:
    """The tile of a cell with all below it; None where every point of it is drawn above."""
    if isinstance(cell, Unit):
        return written[cell.number].tile
    own = tops[cell.number].tile
    below = [assembled(child, written, tops, cube) for child in cell.below]
    children = tuple(tile for tile in below if tile is not None)
    if own is None and len(children) < 2:
        return children[0] if children else None
    boxes = [tile.box for tile in children] + ([own.box] if own is not None else [])
    error = cube.diagonal(cell.depth) if children else 0.0
    return Tile(union(boxes), error, own.content_uri if own is not None else None, children)


def tileset_of(
    tile: Tile | None, frame: F64, schema: Mapping[str, Any], tally: Tally, store: TileStore
) -> Tileset:
    """The tileset around ``tile``, which is None where every point was refused."""
    if tile is None:  # a valid tileset, so that old contents disappear
        return Tileset(Tile(np.zeros(6), 0.0), MIN_ERROR, frame)
    whole = float(np.linalg.norm(tile.box[3:] - tile.box[:3]))
    error = max(whole, 2 * tile.geometric_error, MIN_ERROR)  # of drawing nothing at all
    root = externalise(_falling(tile, error), lambda data: store.put(data, "json"))
    return Tileset(root, error, frame, dict(schema), tally.statistics())


def _falling(tile: Tile, above: float) -> Tile:
    """``tile`` with errors that fall on every way down, where a tile without points of its own
    would have its parent's."""
    error = min(tile.geometric_error, _FALL * above)
    return replace(
        tile,
        geometric_error=error,
        children=tuple(_falling(child, error) for child in tile.children),
    )
