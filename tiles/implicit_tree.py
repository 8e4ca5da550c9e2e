"""An explicit tree of tiles laid into a quadtree: every tile gets a level and two coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import orjson

from tiles.content import F64

JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spot:
    """A tile of the quadtree with its own ``box`` (12,), as 3D Tiles writes it, and ``error``, m.

    ``uri`` is its content, None without any.
    """

    level: int
    x: int
    y: int
    box: F64 = field(default_factory=lambda: np.zeros(12))
    error: float = 0.0
    uri: str | None = None


@dataclass(slots=True)
class _Tile:
    box: F64
    error: float
    uri: str | None
    children: list[_Tile]


def laid_out(root: JsonObject, read: Callable[[str], bytes]) -> list[Spot]:
    """All tiles below ``root`` of a tileset.json, itself first; ``read`` gives external tilesets.

    Boxes must be upright in one frame, as :mod:`tiles.tileset` writes them. Where children are
    added to a content, that content becomes one more child, so that all refine by replacement.
    """
    out: list[Spot] = []
    stack = [(_tile(root, "ADD", read), 0, 0, 0)]
    while stack:
        tile, level, x, y = stack.pop()
        out.append(Spot(level, x, y, tile.box, tile.error, tile.uri))
        quadrants = _quadrants(tile)
        stack += [
            (child, level + 1, 2 * x + (at & 1), 2 * y + (at >> 1)) for at, child in quadrants
        ]
    return out


def _tile(tile: JsonObject, above: str, read: Callable[[str], bytes]) -> _Tile:
    refine = tile.get("refine", above)
    box = np.array(tile["boundingVolume"]["box"], np.float64)
    uri = tile.get("content", {}).get("uri")
    if uri is not None and uri.endswith(".json"):
        return _tile(orjson.loads(read(uri))["root"], refine, read)
    children = [_tile(child, refine, read) for child in tile.get("children", ())]
    if children and uri is not None and refine == "ADD":
        children.insert(0, _Tile(box, 0.0, uri, []))
        uri = None
    return _Tile(box, float(tile["geometricError"]), uri, children)


def _quadrants(tile: _Tile) -> list[tuple[int, _Tile]]:
    """The children of ``tile`` in quadrants 0..3, with steps in between if there are more."""
    children = tile.children
    if len(children) > 4:
        below = max(child.error for child in children)
        error = (tile.error + below) / 2
        where = [_quadrant(tile.box, child.box) for child in children]
        order = sorted(range(len(children)), key=lambda at: (where[at], at))
        each = -(-len(children) // 4)
        parts = [[children[at] for at in order[k : k + each]] for k in range(0, len(order), each)]
        children = [
            part[0] if len(part) == 1 else _Tile(union([c.box for c in part]), error, None, part)
            for part in parts
        ]
    free = [0, 1, 2, 3]
    out = []
    for child in children:
        own = _quadrant(tile.box, child.box)
        at = own if own in free else free[0]
        free.remove(at)
        out.append((at, child))
    return out


def _quadrant(box: F64, inner: F64) -> int:
    """In which quarter of ``box`` the middle of ``inner`` lies: 1 for east, 2 for north."""
    return int(inner[0] >= box[0]) + 2 * int(inner[1] >= box[1])


def union(boxes: list[F64]) -> F64:
    """The upright box (12,) around upright ``boxes``."""
    stack = np.array(boxes)
    reach = stack[:, [3, 7, 11]]
    low, high = (stack[:, :3] - reach).min(axis=0), (stack[:, :3] + reach).max(axis=0)
    return np.concatenate([(low + high) / 2, np.diag((high - low) / 2).ravel()])
