"""Runs: maximal chains of pipes between junctions, ends and changes of class.

A run is what gravity is judged on: one pipe's fall is mostly smaller than the error of its survey,
a run's is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.network.columns import Floats, Mask, Rows
from models.network.graph import Network


@dataclass(frozen=True, slots=True)
class Runs:
    """r runs; run i is the entries ``first[i]`` to ``first[i + 1]`` of the others, in order.

    ``edge`` (k,), ``forward`` (k,) true where the run goes from the edge's tail to its head,
    ``chainage`` (k,) metres from the run's start to the edge's, ``length`` (r,) metres, ``start``
    and ``end`` (r,) nodes; ``of_edge`` (m,) is the run of every edge, -1 for those in none.
    """

    first: Rows
    edge: Rows
    forward: Mask
    chainage: Floats
    length: Floats
    start: Rows
    end: Rows
    of_edge: Rows

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.first) - 1

    @property
    def entry_run(self) -> Rows:
        """The run of every entry (k,)."""
        return np.repeat(np.arange(self.count), np.diff(self.first))


def runs(network: Network, *, within: Mask | None = None, breaks: Mask | None = None) -> Runs:
    """The runs of the edges ``within`` (default: in use).

    Links inside chambers (井内连线) are in no run: the points that they join count as one. A run
    ends where other than two edges meet, where the class changes, at nodes of ``breaks`` (n,), and
    nowhere in a ring, which begins at its first edge.
    """
    part = network.in_use if within is None else within
    edge = np.flatnonzero(part & ~network.in_chamber)
    k = len(edge)
    place = _places(network, part & network.in_chamber)
    # End x of an edge j is j (its tail) or j + k (its head); the same numbers name darts: j goes
    # from tail to head, j + k back, so that dart x leaves its edge's end x.
    at = place[np.concatenate([network.tail[edge], network.head[edge]])]
    code = network.edge_class.index[np.concatenate([edge, edge])]
    through = _through(at, code, network.nodes, None if breaks is None else place[breaks])
    previous = np.full(2 * k, -1, np.intp)
    one, other = through
    previous[one], previous[other] = (other + k) % max(2 * k, 1), (one + k) % max(2 * k, 1)
    label = _labels(k, one, other)
    _open_rings(previous, label, k)
    long = np.concatenate([network.length[edge]] * 2)
    start, hops, chainage = _ranked(previous, long)
    # Every run was found twice, once from either end: keep the way that starts at the lower dart.
    origin = np.full(label.max(initial=-1) + 1, 2 * k, np.intp)
    np.minimum.at(origin, np.concatenate([label, label]), start)
    kept = np.flatnonzero(start == origin[np.concatenate([label, label])])
    kept = kept[np.lexsort((hops[kept], label[kept % max(k, 1)]))]
    own = label[kept % max(k, 1)]
    first = np.flatnonzero(np.diff(own, prepend=-1, append=-2))
    last = kept[first[1:] - 1]
    of_edge = np.full(network.edges, -1, np.intp)
    of_edge[edge[kept % max(k, 1)]] = np.repeat(np.arange(len(first) - 1), np.diff(first))
    ends = np.concatenate([network.tail[edge], network.head[edge]])
    return Runs(
        first=first,
        edge=edge[kept % max(k, 1)],
        forward=kept < k,
        chainage=chainage[kept],
        length=chainage[last] + long[last],
        start=ends[kept[first[:-1]]],
        end=ends[(last + k) % max(2 * k, 1)],
        of_edge=of_edge,
    )


def _places(network: Network, joining: Mask) -> Rows:
    """A number for every node, the same for those that ``joining`` edges connect."""
    if not joining.any():
        return np.arange(network.nodes)
    ends = network.tail[joining], network.head[joining]
    ones = np.ones(len(ends[0]), np.int8)
    joined = coo_array((ones, ends), shape=(network.nodes, network.nodes))
    return np.asarray(connected_components(joined.tocsr(), directed=False)[1], np.intp)


def _through(at: Rows, code: Rows, nodes: int, breaks: Rows | None) -> tuple[Rows, Rows]:
    """The pairs of ends that continue each other: two at one place, of one class."""
    count = np.bincount(at, minlength=nodes)
    two = count[at] == 2
    if breaks is not None:
        two &= ~np.isin(at, breaks)
    ends = np.flatnonzero(two)
    ends = ends[np.argsort(at[ends], kind="stable")].reshape(-1, 2)
    same = code[ends[:, 0]] == code[ends[:, 1]]
    return ends[same, 0], ends[same, 1]


def _labels(k: int, one: Rows, other: Rows) -> Rows:
    """A number for every edge (k,), the same for those of one run, in order of their first."""
    joined = coo_array((np.ones(len(one), np.int8), (one % max(k, 1), other % max(k, 1))), (k, k))
    return np.asarray(connected_components(joined.tocsr(), directed=False)[1], np.intp)


def _open_rings(previous: Rows, label: Rows, k: int) -> None:
    """Cut every ring at its first edge, for the way that goes along that edge. In place."""
    both = np.concatenate([label, label])
    has_end = np.zeros(label.max(initial=-1) + 1, bool)
    has_end[both[previous < 0]] = True
    lowest = np.full(len(has_end), k, np.intp)
    np.minimum.at(lowest, label, np.arange(k))
    rings = lowest[~has_end]
    previous[rings] = -1
    # the way round the other side is cut as well, or it would never end; it ranks behind
    back = rings + k
    previous[back] = -1


def _ranked(previous: Rows, long: Floats) -> tuple[Rows, Rows, Floats]:
    """For every dart the first dart of its way, how many and how long those before it are.

    By pointer doubling: as many rounds as the longest way has binary digits.
    """
    begins = previous < 0
    pointer = np.where(begins, np.arange(len(previous)), previous)
    hops = (~begins).astype(np.intp)
    chainage = np.where(begins, 0.0, long[pointer])
    while True:
        further = pointer[pointer]
        if np.array_equal(further, pointer):
            return pointer, hops, chainage
        hops = hops + hops[pointer]
        chainage = chainage + chainage[pointer]
        pointer = further
