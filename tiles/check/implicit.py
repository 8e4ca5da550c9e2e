"""Implicit tiling: tiles that a subtree's bits say are there (3D Tiles 1.1 section 7).

Bits are in Morton order level by level, least significant bit first; a subtree's property table
may give tiles volumes and errors of their own (semantics TILE_BOUNDING_BOX and the like,
3D Metadata Semantic Reference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, TypeAlias

import numpy as np

from tiles.check.subtree import VOLUMES, Subtree

JsonObject: TypeAlias = dict[str, Any]

EXTENSION: Final = "3DTILES_implicit_tiling"
_MAX_BITS: Final = 1 << 26


@dataclass(frozen=True, slots=True)
class Tree:
    """What the tile with ``implicitTiling`` says. ``load`` reads a subtree by its URI."""

    dimensions: int
    subtree_levels: int
    levels: int
    subtree_uri: str
    content_uris: tuple[str, ...]
    volume: JsonObject
    error: float
    load: Callable[[str], Subtree]

    def root(self) -> Node | None:
        """The tile at level 0, if it is there."""
        origin = (0,) * self.dimensions
        subtree = self.load(fill(self.subtree_uri, 0, origin))
        return Node(self, subtree, 0, origin, 0, origin) if subtree.tiles[0] else None


@dataclass(frozen=True, slots=True)
class Node:
    """A tile by its coordinates; ``level0`` and ``origin`` are those of its subtree's root."""

    tree: Tree
    subtree: Subtree
    level: int
    at: tuple[int, ...]
    level0: int
    origin: tuple[int, ...]

    def children(self) -> Iterator[Node]:
        """The available tiles one level below."""
        tree, level = self.tree, self.level + 1
        if level >= tree.levels:
            return
        for shift in product((0, 1), repeat=tree.dimensions):
            at = tuple(2 * a + b for a, b in zip(self.at, reversed(shift), strict=True))
            if level - self.level0 < tree.subtree_levels:
                node = Node(tree, self.subtree, level, at, self.level0, self.origin)
                if self.subtree.tiles[node.index()]:
                    yield node
            else:
                local = tuple(
                    a - (o << tree.subtree_levels) for a, o in zip(at, self.origin, strict=True)
                )
                if self.subtree.children[morton(local)]:
                    subtree = tree.load(fill(tree.subtree_uri, level, at))
                    if subtree.tiles[0]:
                        yield Node(tree, subtree, level, at, level, at)

    def index(self) -> int:
        """The place of this tile's bit within its subtree."""
        depth, base = self.level - self.level0, 1 << self.tree.dimensions
        local = tuple(a - (o << depth) for a, o in zip(self.at, self.origin, strict=True))
        return int((base**depth - 1) // (base - 1)) + morton(local)

    def as_tile(self) -> JsonObject:
        """This tile as an explicit one would be written, without children."""
        index = self.index()
        tile: JsonObject = {
            "boundingVolume": subdivided(self.tree.volume, self.level, self.at),
            "geometricError": self.tree.error / 2**self.level,
        }
        if self.subtree.columns:
            self._override(tile, self.subtree.row(index))
        uris = [
            fill(uri, self.level, self.at)
            for uri, bits in zip(self.tree.content_uris, self.subtree.contents, strict=False)
            if bits[index]
        ]
        if uris:
            tile["contents"] = [{"uri": uri} for uri in uris]
        return tile

    def _override(self, tile: JsonObject, row: int) -> None:
        for semantic, (name, _) in VOLUMES.items():
            if semantic in self.subtree.columns:
                tile["boundingVolume"] = {name: self.subtree.columns[semantic][row].tolist()}
        if "TILE_GEOMETRIC_ERROR" in self.subtree.columns:
            tile["geometricError"] = float(self.subtree.columns["TILE_GEOMETRIC_ERROR"][row, 0])


def tree_of(tile: JsonObject, load: Callable[[str, int, int, int], Subtree]) -> Tree:
    """The tree of a tile with ``implicitTiling``.

    ``load`` takes a URI, dimensions, levels of a subtree and contents of a tile. Raises ValueError
    and KeyError.
    """
    spec = tile.get("implicitTiling") or tile["extensions"][EXTENSION]
    dimensions = {"QUADTREE": 2, "OCTREE": 3}[spec["subdivisionScheme"]]
    height = int(spec["subtreeLevels"])
    levels = int(spec.get("availableLevels", spec.get("maximumLevel", -1) + 1))
    if not 0 < height <= 30 or not 0 < levels <= 64 or (1 << dimensions * height) > _MAX_BITS:
        raise ValueError(f"{height} levels a subtree and {levels} in all")
    contents = tile.get("contents") or ([tile["content"]] if "content" in tile else [])
    uris = tuple(content["uri"] for content in contents)
    return Tree(
        dimensions,
        height,
        levels,
        spec["subtrees"]["uri"],
        uris,
        tile["boundingVolume"],
        float(tile["geometricError"]),
        lambda uri: load(uri, dimensions, height, len(uris)),
    )


def subdivided(volume: JsonObject, level: int, at: tuple[int, ...]) -> JsonObject:
    """The part of a box or region that belongs to a tile (3D Tiles 1.1 section 7.3)."""
    count, place = 2.0**level, np.array(at, dtype=np.float64)
    if "box" in volume:
        values = np.array(volume["box"], dtype=np.float64)
        axes = values[3:].reshape(3, 3)
        shift = np.zeros(3)
        shift[: len(at)] = (2 * place + 1) / count - 1
        axes[: len(at)] = axes[: len(at)] / count
        centre = values[:3] + shift @ np.array(volume["box"][3:], np.float64).reshape(3, 3)
        return {"box": [*centre.tolist(), *axes.ravel().tolist()]}
    if "region" in volume:
        low = np.array([volume["region"][i] for i in (0, 1, 4)], np.float64)
        high = np.array([volume["region"][i] for i in (2, 3, 5)], np.float64)
        step = (high - low)[: len(at)] / count
        first, last = low.copy(), high.copy()
        first[: len(at)] = low[: len(at)] + step * place
        last[: len(at)] = low[: len(at)] + step * (place + 1)
        return {
            "region": [*first[:2].tolist(), *last[:2].tolist(), float(first[2]), float(last[2])]
        }
    raise ValueError(f"implicit tiling of {sorted(volume)}; expected box or region")


def fill(template: str, level: int, at: tuple[int, ...]) -> str:
    """A template URI with its level and coordinates."""
    out = template.replace("{level}", str(level))
    for name, value in zip("xyz", at, strict=False):
        out = out.replace(f"{{{name}}}", str(value))
    return out


def morton(at: tuple[int, ...]) -> int:
    """The Morton index of coordinates, x in the lowest bits."""
    out = 0
    for axis, value in enumerate(at):
        for bit in range(value.bit_length()):
            out |= (value >> bit & 1) << (bit * len(at) + axis)
    return out
