"""Lines of low levels: a network on a grid, which stays connected (:mod:`models.mvt.overview`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

from models.mvt.grid import TileMatrixSet
from models.mvt.shapes import (
    Array,
    Drawn,
    Ints,
    Shapes,
    cell_of,
    counts,
    greatest,
    groups,
    sums,
)

#: Cells a side of a tile.
CELLS: Final = 128
#: A crowded tile has a coarser grid, down to this, until it holds so few edges (200 kB).
_LEAST_CELLS: Final = 16
_MOST_EDGES: Final = 22_000


#: Blocks a side of a tile: the lines of a class in one block are one row.
_BLOCKS: Final = 8


@dataclass(slots=True)
class _Net:
    """Nodes (a class's vertices in one cell) and the edges between them, an edge within a node
    included: it counts, though it cannot be seen."""

    kind: Ints
    cell: Ints  # (nodes, 2)
    total: Array  # (nodes, 2) sum of the places of the vertices
    vertices: Ints
    ends: Ints  # (edges, 2), the lesser first
    count: Ints
    length: Array
    size: Array

    def joined(self, cell: Ints) -> _Net:
        """The net with nodes put together that share a class and a ``cell`` (nodes, 2)."""
        node, first = groups(self.kind, cell[:, 0], cell[:, 1])
        ends = np.sort(node[self.ends], axis=1)
        edge, opener = groups(ends[:, 0], ends[:, 1])
        many = len(opener)
        return _Net(
            self.kind[first],
            cell[first],
            np.column_stack([np.bincount(node, weights=v) for v in self.total.T]),
            counts(node, self.vertices, len(first)),
            ends[opener],
            counts(edge, self.count, many),
            sums(edge, self.length, many),
            greatest(edge, self.size, many),
        )


def lines(
    shapes: Shapes, tms: TileMatrixSet, zooms: range, cells: Mapping[int, int]
) -> Iterator[Drawn]:
    """What is drawn of lines at the levels ``zooms``, finest first, each twice as coarse.

    The lines of a class in one block are drawn as one. ``cells`` gives the cells a side of a tile
    at levels where they are known.
    """
    if not zooms or not len(shapes):
        return
    net = _net(shapes)
    cell = cell_of(net.total, tms, tms.side(zooms[0]) / CELLS)
    for zoom in zooms:
        net = net.joined(cell)
        shown, wanted, made = net, cells.get(zoom), CELLS
        while made > (wanted or _LEAST_CELLS) and (wanted or _crowd(shown, made) > _MOST_EDGES):
            shown, made = shown.joined(shown.cell >> 1), made // 2
        blocks = blocks_of(zoom, zooms[-1], made)
        yield _drawn_net(shown, zoom, tms.side(zoom) / made, made, blocks)
        cell = net.cell >> 1


def blocks_of(zoom: int, first: int, cells: int) -> int:
    """Blocks a side of a tile: few to save bytes, more at the levels about ``first``, where a tile
    is larger than all there is, so that a block is never much of it."""
    return min(max(_BLOCKS, _BLOCKS << 3 >> (zoom - first)), cells)


def _crowd(net: _Net, cells: int) -> int:
    """The most edges of a net that a tile of ``cells`` by ``cells`` holds."""
    seen = net.cell[net.ends[net.ends[:, 0] != net.ends[:, 1], 0]] // cells
    tile, _ = groups(seen[:, 0], seen[:, 1])
    return int(np.bincount(tile).max(initial=0))


def _net(shapes: Shapes) -> _Net:
    """Every vertex as a node of its own, every step between two as an edge."""
    xy, owner = shapely.get_coordinates(shapes.geometry, return_index=True)
    start = np.flatnonzero(owner[1:] == owner[:-1])
    of = owner[start]
    opens = np.r_[True, of[1:] != of[:-1]] if len(of) else np.empty(0, bool)
    step = np.hypot(*(xy[start + 1] - xy[start]).T)
    total = np.bincount(of, weights=step, minlength=len(shapes))
    share = np.divide(step, total[of], out=np.zeros_like(step), where=total[of] > 0)
    return _Net(
        shapes.kind[owner],
        np.zeros((len(xy), 2), np.int64),
        xy,
        np.ones(len(xy), np.int64),
        np.column_stack([start, start + 1]),
        opens.astype(np.int64),
        share * shapes.measure[of],
        shapes.size[of],
    )


def _drawn_net(net: _Net, zoom: int, side: float, cells: int, blocks: int) -> Drawn:
    """Edges by class and block as one multi-line each; a node that no edge leaves is a dash."""
    place = net.total / net.vertices[:, None]
    head, tail = net.ends.T
    within = head == tail
    lonely = within.copy()
    lonely[within] = ~np.isin(head[within], net.ends[~within])
    start, end = place[head], place[tail].copy()
    end[lonely, 0] += side / 2
    block = net.cell[head] // (cells // blocks)
    group, first = groups(net.kind[head], *block.T)
    number = len(first)
    # what cannot be seen counts with an edge at its node that can
    beside = np.empty(len(net.kind), np.int64)
    for end_ in (head, tail):
        beside[end_[~within]] = group[~within]
    hidden = within & ~lonely
    group[hidden] = beside[head[hidden]]
    shown = np.flatnonzero(~within | lonely)
    shown = shown[np.argsort(group[shown], kind="stable")]
    edges = np.asarray(shapely.linestrings(np.stack([start[shown], end[shown]], axis=1)), object)
    whole = np.full(number, None, dtype=object)
    shapely.multilinestrings(edges, indices=group[shown], out=whole)
    seen = ~shapely.is_missing(whole)
    return Drawn(
        zoom,
        cells,
        blocks,
        np.asarray(shapely.line_merge(whole[seen]), object),
        net.kind[head][first][seen],
        counts(group, net.count, number)[seen],
        sums(group, net.length, number)[seen],
        greatest(group, net.size, number)[seen],
        block[first][seen],
    )
