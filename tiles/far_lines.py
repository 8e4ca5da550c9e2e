"""Lines that stand for pipes from afar: drawn a pixel wide at any distance, a network stays seen.

A line has no width, so it may stand for a pipe as long as that would be a few pixels wide: its
error is the pipe's thickness times :data:`WIDTH`, which is more than any of its points is away from
the line. Where a tile has too many lines,
vertices are snapped to the thickest pipe's vertex in each cube of a grid, class by class; lines
that become equal are one, and those within a cube that others reach are left out. How far vertices
moved is measured and added to the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import pandas as pd

from tiles.content import F32, U32, Content, Primitive
from tiles.massing import Legend, united
from tiles.mesh.ragged import I64

#: A tile shows at most this many lines.
MAX_LINES: Final = 25_000
#: Clients refine where an error is above 16 pixels: lines give way to solids when the thickest is 4
#: pixels wide. Thin ones are narrower than a pixel then, and as solids would break into dashes.
WIDTH: Final = 4.0
_SMALLEST_CELL: Final = 0.5  # m
_STEP: Final = 2**0.5  # from one size of cells to the next


@dataclass(frozen=True, slots=True)
class Lines:
    """n straight lines in the layer's ENU frame; a :class:`tiles.massing.Massing`.

    ``a``, ``b`` (n, 3) ends, metres; ``thick`` (n,) of the pipe, m; ``look`` (n,) number of a look
    of ``legend``; ``moved`` is how far (m) a point of theirs may be from its pipe's centre line.
    """

    a: F32
    b: F32
    thick: F32
    look: U32
    legend: Legend
    moved: float = 0.0

    @property
    def error(self) -> F32:
        """See :class:`tiles.massing.Massing`."""
        return np.array([WIDTH * float(self.thick.max()) + self.moved], np.float32)

    def joined(self, others: Sequence[Self]) -> Lines:
        """See :meth:`tiles.massing.Massing.joined`."""
        parts = [self, *others]
        legend, numbers = united([part.legend for part in parts])
        look = [number[part.look] for number, part in zip(numbers, parts, strict=True)]
        return Lines(
            np.concatenate([part.a for part in parts]),
            np.concatenate([part.b for part in parts]),
            np.concatenate([part.thick for part in parts]),
            np.concatenate(look).astype(np.uint32),
            legend,
            max(part.moved for part in parts),
        )

    def generalised(self) -> Lines:
        """See :meth:`tiles.massing.Massing.generalised`."""
        few, cell = self, _SMALLEST_CELL
        while len(few.a) > MAX_LINES:
            few, cell = self._snapped(cell), cell * _STEP
        return few.pruned()

    def pruned(self) -> Lines:
        """The same without looks that no line has."""
        legend, look = self.legend.used(self.look)
        return replace(self, legend=legend, look=look)

    def content(self) -> Content:
        """The lines in one primitive; its features are the looks."""
        used, row = np.unique(self.look, return_inverse=True)
        ends = np.concatenate([self.a, self.b])
        # In the order of first use, so that neighbours in the file are neighbours in the city.
        number = _first_use(ends, np.tile(row, 2))
        at = np.empty(int(number.max()) + 1, np.int64)
        at[number[::-1]] = np.arange(len(number))[::-1]
        rows = np.tile(row, 2)[at]
        lines = np.column_stack([number[: len(self.a)], number[len(self.a) :]])
        table = self.legend.content(used.astype(np.int64))
        shapes = []
        materials, of = self.legend.materials()
        kind = of[used][row]
        for material in np.unique(kind).tolist():
            own = lines[kind == material]
            kept, indices = np.unique(own, return_inverse=True)
            shapes.append(
                Primitive(
                    materials[material],
                    ends[at[kept]].astype(np.float64),
                    None,
                    indices.reshape(-1, 2).astype(np.uint32),
                    rows[kept].astype(np.uint32),
                )
            )
        return Content(table.class_name, table.columns, shapes, generalised=True)

    def _snapped(self, side: float) -> Lines:
        """The same on a grid of ``side`` metres."""
        count = len(self.a)
        ends = np.concatenate([self.a, self.b]).astype(np.float64)
        thick = np.tile(self.thick, 2)
        cell = (np.floor(ends / side) - np.floor(ends.min(axis=0) / side)).astype(np.int64)
        key = np.ravel_multi_index(tuple(cell.T), tuple(cell.max(axis=0) + 1))
        key = key * len(self.legend.looks) + np.tile(self.look.astype(np.int64), 2)
        vertex, _ = pd.factorize(key)
        order = np.lexsort((-thick, vertex))
        leader = order[np.flatnonzero(np.diff(vertex[order], prepend=-1))]
        moved = np.linalg.norm(ends[leader[vertex]] - ends, axis=1)
        first, second = np.split(vertex, 2)
        crossing = np.flatnonzero(first != second)
        reached = np.zeros(len(leader), bool)
        reached[first[crossing]] = reached[second[crossing]] = True
        alone = np.flatnonzero((first == second) & ~reached[first])
        pair = np.minimum(first, second) * len(leader) + np.maximum(first, second)
        kept = np.sort(_thickest(self.thick, pair, crossing))
        stays = np.sort(_thickest(self.thick, pair, alone))
        # What is left out in a cube lies as near to its leader as its own ends do, and so does what
        # stays there.
        far = float(moved.max(initial=0)) * (2 if len(stays) < len(alone) else 1)
        a = np.concatenate([ends[leader[first[kept]]], ends[:count][stays]])
        b = np.concatenate([ends[leader[second[kept]]], ends[count:][stays]])
        rows = np.concatenate([kept, stays])
        left_out = float(self.thick.max() - self.thick[rows].max())  # thicker than what stays says
        return Lines(
            a.astype(np.float32),
            b.astype(np.float32),
            self.thick[rows],
            self.look[rows],
            self.legend,
            self.moved + far + WIDTH * left_out,
        )


def _first_use(places: F32, row: I64) -> I64:
    """A number (n,) for each place (n, 3) and ``row`` (n,), the same for the same, in the order in
    which they first come."""
    bits = np.ascontiguousarray(places + np.float32(0)).view(np.uint32).astype(np.uint64)  # no -0.0
    plan, _ = pd.factorize(bits[:, 0] << np.uint64(32) | bits[:, 1])
    rest, kinds = pd.factorize(bits[:, 2] << np.uint64(32) | row.astype(np.uint64))
    out: I64 = pd.factorize(plan * len(kinds) + rest)[0].astype(np.int64)
    return out


def _thickest(thick: F32, pair: I64, rows: I64) -> I64:
    """Of the lines ``rows``, which ascend, the thickest of each ``pair`` (n,) of vertices."""
    order = rows[np.lexsort((-thick[rows], pair[rows]))]
    out: I64 = order[np.diff(pair[order], prepend=-1) != 0]
    return out
