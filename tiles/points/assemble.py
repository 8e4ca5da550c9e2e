"""From the tiles of units and of the cells above them to the tileset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from tiles.content import F64
from tiles.points.morton import Cube
from tiles.points.plan import Top, Unit
from tiles.points.runs import Tally
from tiles.points.tree import Written
from tiles.scheme import MIN_ERROR
from tiles.store.base import Sink
from tiles.tileset import Tile, Tileset, externalise
from tiles.volumes import union

#: Share of its parent's geometric error that a tile may have: errors fall on every way down.
_FALL: Final = 0.99


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
    tile: Tile | None, frame: F64, schema: Mapping[str, Any], tally: Tally, sink: Sink
) -> Tileset:
    """The tileset around ``tile``, which is None where every point was refused; its external
    tilesets go to ``sink``."""
    if tile is None:  # a valid tileset, so that old contents disappear
        return Tileset(Tile(np.zeros(6), 0.0), MIN_ERROR, frame)
    whole = float(np.linalg.norm(tile.box[3:] - tile.box[:3]))
    error = max(whole, 2 * tile.geometric_error, MIN_ERROR)  # of drawing nothing at all
    root = externalise(_falling(tile, error), lambda data: sink.put(data, "json"))
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
