"""Which feature goes into which tile: a loose quadtree over feature boxes.

The tree lies in the ENU frame on a grid that does not depend on the data: cells are squares with a
power of two as side, and the root cell is the smallest that is centred on the frame's origin and
holds every feature's centre. A changed feature therefore changes its own leaf and the way to the
root, not the cut of the others.

A feature belongs to the cell that its centre is in and goes down as long as its plan extent is no
larger than the cell (a cell twice as wide holds it whole, hence *loose*); it is never cut. What is
too large for the children of a cell becomes a leaf beside them, so large features appear from far
away. Contents hang on leaves only, and each feature is in exactly one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.content import F64

I64 = npt.NDArray[np.int64]
Boxes = npt.NDArray[np.floating[Any]]

MIN_ERROR = 0.1  # m; keeps errors falling where all features are points
MAX_TRIANGLES = 50_000  # of a tile, if it is not of a single feature
MAX_DEPTH = 24  # cells of 1 m under a root of 16,000 km: only coincident centres get there


@dataclass(frozen=True, slots=True)
class Limits:
    """When a leaf is split, and below which size small neighbours are put together.

    ``max_features`` bounds the property table: clients make one object a row for picking.
    """

    min_bytes: int = 100_000
    max_bytes: int = 400_000
    max_triangles: int = MAX_TRIANGLES
    max_features: int = 5_000


@dataclass(frozen=True, slots=True)
class Node:
    """An inner node has ``children``, a leaf ``rows`` (ascending feature rows), never both.

    ``error`` is the geometric error in metres: what is missing on screen while the node is not
    refined. A leaf has 0; an inner node the largest diagonal of the features below it, and at
    least twice its children's, so errors fall strictly on every way down. ``reach`` is the largest
    diagonal of a leaf's features, m.
    """

    rows: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    children: tuple[Node, ...] = ()
    error: float = 0.0
    reach: float = 0.0


@dataclass(frozen=True, slots=True)
class Tree:
    """``root`` is None without features; ``error`` is that of drawing nothing at all: the diagonal
    of all features together, so that a small tileset shows from as far as it is seen."""

    root: Node | None
    error: float


def build(
    boxes: Boxes, sizes: npt.ArrayLike, triangles: npt.ArrayLike, limits: Limits | None = None
) -> Tree:
    """The tree over n features with ``boxes`` (n, 6) in ENU metres.

    ``sizes`` (n,) in bytes and ``triangles`` (n,) are estimates. The result depends on these
    arrays only. Memory and time grow with n times the depth of the tree.
    """
    if not len(boxes):
        return Tree(None, 0.0)
    maker = _Maker(boxes, np.asarray(sizes), np.asarray(triangles), limits or Limits())
    rows = np.arange(len(boxes), dtype=np.int64)
    reach = float(np.abs(maker.centres).max())
    half = 2.0 ** np.ceil(np.log2(max(reach, 1.0)))
    root = maker.node(rows, np.zeros(2), half, 0)
    whole = float(np.linalg.norm(boxes[:, 3:].max(axis=0) - boxes[:, :3].min(axis=0)))
    return Tree(root, float(np.ceil(max(whole, MIN_ERROR, 2 * root.error) * 100) / 100))


def error_above(children: Iterable[tuple[float, float]]) -> float:
    """The error of an inner node whose children have these (error, reach)."""
    seen = [max(reach, 2 * error) for error, reach in children]
    return float(np.ceil(max(MIN_ERROR, *seen) * 100) / 100)


def leaves(node: Node) -> Iterator[Node]:
    """The leaves below ``node``, in the tree's order."""
    if not node.children:
        yield node
    for child in node.children:
        yield from leaves(child)


class _Maker:
    def __init__(self, boxes: Boxes, sizes: I64, triangles: I64, limits: Limits) -> None:
        spans = boxes[:, 3:] - boxes[:, :3]
        self.centres = (boxes[:, :2] + boxes[:, 3:5]) / 2
        self.heights = (boxes[:, 2] + boxes[:, 5]) / 2
        self.extent = spans[:, :2].max(axis=1)
        self.diagonal = np.sqrt((spans**2).sum(axis=1))
        self.sizes = sizes
        self.triangles = triangles
        self.limits = limits

    def node(self, rows: I64, centre: F64, half: float, depth: int) -> Node:
        """The subtree of ``rows``, whose centres lie within ``half`` of ``centre``."""
        if self._fits(rows):
            return self._leaf(rows)
        if depth == MAX_DEPTH:
            return self._inner(self._chunks(rows))
        small = self.extent[rows] <= half
        own = rows[~small]
        rest = rows[small]
        if len(own) == len(rows):
            return self._inner(self._chunks(rows))
        quadrant = (self.centres[rest] >= centre) @ np.array([1, 2])
        children = []
        for number in range(4):
            part = rest[quadrant == number]
            if len(part):
                shift = np.array([number & 1, number >> 1]) * half - half / 2
                children.append(self.node(part, centre + shift, half / 2, depth + 1))
        if len(own):
            children = [*self._chunks(own), *children]
        children = self._join_small(children)
        return children[0] if len(children) == 1 else self._inner(children)

    def _fits(self, rows: I64) -> bool:
        limits = self.limits
        return len(rows) == 1 or (
            len(rows) <= limits.max_features
            and self._bytes(rows) <= limits.max_bytes
            and int(self.triangles[rows].sum(dtype=np.int64)) <= limits.max_triangles
        )

    def _bytes(self, rows: I64) -> int:
        return int(self.sizes[rows].sum(dtype=np.int64))

    def _chunks(self, rows: I64) -> list[Node]:
        """Leaves for features that no cell separates: cut in order of height, then of row."""
        ordered = rows[np.lexsort((rows, self.heights[rows]))]
        limits = self.limits
        totals = (
            (np.cumsum(self.sizes[ordered], dtype=np.int64), limits.max_bytes),
            (np.cumsum(self.triangles[ordered], dtype=np.int64), limits.max_triangles),
            (np.arange(1, len(ordered) + 1), limits.max_features),
        )
        out, start = [], 0
        while start < len(ordered):
            used = [int(total[start - 1]) if start else 0 for total, _ in totals]
            ends = [
                int(np.searchsorted(total, before + limit, side="right"))
                for (total, limit), before in zip(totals, used, strict=True)
            ]
            end = max(min(ends), start + 1)
            out.append(self._leaf(ordered[start:end]))
            start = end
        return out

    def _join_small(self, children: Sequence[Node]) -> list[Node]:
        """Put leaves under the minimum together, and the last of them with a larger one."""
        big, joined = [], []
        pending = np.empty(0, dtype=np.int64)
        for child in children:
            if child.children or self._bytes(child.rows) >= self.limits.min_bytes:
                big.append(child)
                continue
            both = np.concatenate([pending, child.rows])
            if not self._fits(both):
                joined.append(self._leaf(pending))
                both = child.rows
            pending = both
        if not len(pending):
            return big
        if self._bytes(pending) < self.limits.min_bytes:
            for at, other in enumerate(big):
                both = np.concatenate([pending, other.rows])
                if not other.children and self._fits(both):
                    big[at] = self._leaf(both)
                    return [*joined, *big]
        return [*joined, self._leaf(pending), *big]

    def _leaf(self, rows: I64) -> Node:
        return Node(rows=np.sort(rows), reach=float(self.diagonal[rows].max()))

    def _inner(self, children: Sequence[Node]) -> Node:
        error = error_above((child.error, child.reach) for child in children)
        return Node(children=tuple(children), error=error)
