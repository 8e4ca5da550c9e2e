"""Which triangle goes into which tile: a tree of halves, each cut across its longer side.

A mesh is split by whole triangles, by their centres, until each leaf is within the limits; two cuts
make the up to four children of a tile. Meshes are put together in the same way above. The order of
the leaves is that of the tree, so what a tile has are neighbours in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tiles.content import F64

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

#: A leaf holds at most so many triangles and texels of its images, about 400 kB.
TRIANGLES: Final = 15_000
TEXELS: Final = 1_500_000
#: A worker makes all tiles over so many triangles or texels in one go.
UNIT_TRIANGLES: Final = 250_000
UNIT_TEXELS: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """When a leaf is split, and how much a worker takes at once."""

    triangles: int = TRIANGLES
    texels: int = TEXELS
    unit_triangles: int = UNIT_TRIANGLES
    unit_texels: int = UNIT_TEXELS


@dataclass(slots=True)
class Node:
    """A tile: triangles ``first`` to ``last`` of its mesh's order, or ``children``.

    ``leaves`` are the numbers of its first and last leaf; ``unit`` says that a worker makes it with
    all below it; ``mesh`` is None above meshes.
    """

    number: int
    mesh: int | None
    first: int
    last: int
    children: tuple[Node, ...] = ()
    leaves: tuple[int, int] = (0, 0)
    unit: bool = False

    def walk(self) -> Iterator[Node]:
        """This and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


class Splitter:
    """Numbers nodes and leaves over several meshes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._nodes = self._leaves = 0

    def mesh(self, at: int, centres: F64, texels: F64) -> tuple[Node, I64]:
        """The tree over the triangles with ``centres`` (m, 3) that show ``texels`` (m,), of mesh
        ``at``, and their order (m,)."""
        order = np.arange(len(centres), dtype=np.int64)
        return self._node(at, centres, texels, order, 0, len(order), unit=False), order

    def over(self, roots: Sequence[Node], centres: F64) -> Node:
        """The tree over meshes with these ``roots`` and ``centres`` (k, 3)."""
        if len(roots) == 1:
            return roots[0]
        order = np.arange(len(roots), dtype=np.int64)
        parts = self._parts(centres, order, 0, len(roots), lambda first, last: last - first <= 1)
        children = tuple(
            self.over([roots[at] for at in order[first:last]], centres[order[first:last]])
            for first, last in parts
        )
        ends = [end for child in children for end in child.leaves]
        return Node(self._number(), None, 0, 0, children, (min(ends), max(ends)))

    def _node(
        self, at: int, centres: F64, texels: F64, order: I64, first: int, last: int, *, unit: bool
    ) -> Node:
        limits = self._limits

        def fits(low: int, high: int) -> bool:
            shown = float(texels[order[low:high]].sum())
            return high - low <= 1 or (high - low <= limits.triangles and shown <= limits.texels)

        whole = float(texels[order[first:last]].sum())
        mine = last - first <= limits.unit_triangles and whole <= limits.unit_texels
        starts = not unit and (mine or fits(first, last))
        if fits(first, last):
            self._leaves += 1
            leaf = self._leaves - 1
            return Node(self._number(), at, first, last, (), (leaf, leaf), starts)
        parts = self._parts(centres, order, first, last, fits)
        children = tuple(
            self._node(at, centres, texels, order, low, high, unit=unit or starts)
            for low, high in parts
        )
        ends = (children[0].leaves[0], children[-1].leaves[1])
        return Node(self._number(), at, first, last, children, ends, starts)

    def _parts(
        self, centres: F64, order: I64, first: int, last: int, fits: object
    ) -> list[tuple[int, int]]:
        """Two halves of ``order[first:last]``, or four where the halves do not fit."""
        assert callable(fits)
        middle = _halve(centres, order, first, last)
        out: list[tuple[int, int]] = []
        for low, high in ((first, middle), (middle, last)):
            if fits(low, high):
                out.append((low, high))
            else:
                cut = _halve(centres, order, low, high)
                out += [(low, cut), (cut, high)]
        return out

    def _number(self) -> int:
        self._nodes += 1
        return self._nodes - 1


def _halve(centres: F64, order: I64, first: int, last: int) -> int:
    """Sort a part of ``order`` along the longest side of its centres; where its middle is."""
    part = order[first:last]
    points = centres[part]
    axis = int(np.argmax(points.max(axis=0) - points.min(axis=0)))
    order[first:last] = part[np.argsort(points[:, axis], kind="stable")]
    return (first + last) // 2


def leaf_spans(node: Node, order: I64, faces: npt.NDArray[np.integer], count: int) -> I32:
    """First and last leaf (count, 2) with a triangle at each of ``count`` places; ``faces`` (m, 3)
    name places, ``order`` (m,) is that of the tree ``node``."""
    leaf = np.empty(len(order), np.int32)
    for one in node.walk():
        if not one.children:
            leaf[order[one.first : one.last]] = one.leaves[0]
    out = np.empty((count, 2), np.int32)
    out[:, 0], out[:, 1] = np.iinfo(np.int32).max, -1
    for corner in range(3):
        np.minimum.at(out[:, 0], faces[:, corner], leaf)
        np.maximum.at(out[:, 1], faces[:, corner], leaf)
    return out
