"""The network itself: ends, lengths, flow and words as arrays, with adjacency sorted once.

No graph object of any library is kept: scipy's sparse routines take the arrays as they are, which
is what makes a query over a million segments a matter of milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from models import pipes
from models.network.columns import (
    Floats,
    Labels,
    Mask,
    Rows,
    ends,
    lengths,
    numbers,
    positions,
)
from models.network.roles import ANY, Role, Words, words_of

Signs = npt.NDArray[np.int8]
Direction = Literal["upstream", "downstream"]
T = TypeVar("T")

_ABANDONED: Final = "废弃"
_CHAMBER_LINK: Final = "井内连线"


@dataclass(frozen=True, slots=True)
class Adjacency:
    """Both arcs of every edge, sorted by the node they leave, neighbours near each other.

    Nodes are ranked by reverse Cuthill-McKee, for tables come in any order and searches in memory
    that is not local take several times as long. ``rank`` (n,) is a node's, ``order`` (n,) the
    node of a rank; ``first`` (n + 1,) is where the arcs of a rank begin. ``start``, ``node``,
    ``edge`` and ``along`` (2m,) are the node an arc leaves and the one it comes to, its edge, and
    +1 where it goes from the edge's tail to its head, else -1; ``node_rank`` (2m,) is that of
    ``node``.
    """

    rank: npt.NDArray[np.int32]
    order: npt.NDArray[np.int32]
    first: Rows
    start: npt.NDArray[np.int32]
    node: npt.NDArray[np.int32]
    node_rank: npt.NDArray[np.int32]
    edge: npt.NDArray[np.int32]
    along: Signs

    def at(self, node: int) -> slice:
        """The arcs that leave ``node``."""
        rank = self.rank[node]
        return slice(int(self.first[rank]), int(self.first[rank + 1]))


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """m edges between n nodes; the first ``points`` nodes are the rows of the point table.

    ``tail`` and ``head`` (m,) are nodes; ``length`` (m,) metres; ``flow`` (m,) is +1 from tail to
    head, -1 back, 0 unknown; ``edge_class`` and ``node_class`` codes of CJJ 61-2017; ``feature``
    and ``appurtenance`` (n,) canonical point words; ``abandoned`` and ``in_chamber`` (m,) mark
    status 废弃 (in the ground, but nothing flows) and 井内连线 (joins pipes inside a chamber);
    ``invert`` (m, 2) heights at tail and head, ``sigma_z`` (n,) metres (1 sigma), NaN if unknown;
    ``position`` (n, 3) storage CRS and 1985 height.
    """

    nodes: int
    points: int
    tail: Rows
    head: Rows
    length: Floats
    flow: Signs
    edge_class: Labels
    node_class: Labels
    feature: Labels
    appurtenance: Labels
    abandoned: Mask
    in_chamber: Mask
    invert: Floats
    sigma_z: Floats
    position: Floats
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, segments: pd.DataFrame, points: pd.DataFrame) -> Network:
        """The network of canonical tables (:data:`models.features.PIPE_SEGMENT`, ``PIPE_POINT``);
        columns that are absent count as unknown. Ends: see :func:`models.network.columns.ends`."""
        tail, head, nodes = ends(segments, points)
        xyz = positions(segments, points, tail, head, nodes)
        sigma = np.full(nodes, np.nan)
        sigma[: len(points)] = numbers(points, "sigma_z")
        flow = np.sign(np.nan_to_num(numbers(segments, "flow"))).astype(np.int8)
        return cls.build(
            tail,
            head,
            nodes,
            points=len(points),
            length=lengths(segments, tail, head, xyz),
            flow=flow,
            edge_class=Labels.of(segments, "class_code"),
            node_class=Labels.of(points, "class_code").padded(nodes),
            feature=_canonical(Labels.of(points, "feature")).padded(nodes),
            appurtenance=_canonical(Labels.of(points, "appurtenance")).padded(nodes),
            abandoned=Labels.of(segments, "status").where(_ABANDONED.__eq__),
            in_chamber=Labels.of(segments, "embed").where(_CHAMBER_LINK.__eq__),
            invert=np.column_stack([numbers(segments, f"{e}_invert_h") for e in ("from", "to")]),
            sigma_z=sigma,
            position=xyz,
        )

    @classmethod
    def build(cls, tail: Rows, head: Rows, nodes: int, **known: Any) -> Network:
        """A network from its ends (m,) and whatever else is ``known`` of the class's fields; the
        rest is unknown, lengths 1 m."""
        m = len(tail)
        unknown: dict[str, Any] = {
            "points": nodes,
            "length": np.ones(m),
            "flow": np.zeros(m, np.int8),
            "edge_class": Labels.none(m),
            "node_class": Labels.none(nodes),
            "feature": Labels.none(nodes),
            "appurtenance": Labels.none(nodes),
            "abandoned": np.zeros(m, bool),
            "in_chamber": np.zeros(m, bool),
            "invert": np.full((m, 2), np.nan),
            "sigma_z": np.full(nodes, np.nan),
            "position": np.full((nodes, 3), np.nan),
        }
        start, end = np.asarray(tail, np.intp), np.asarray(head, np.intp)
        return cls(nodes, tail=start, head=end, **{**unknown, **known})

    @property
    def edges(self) -> int:
        """How many edges there are."""
        return len(self.tail)

    @property
    def in_use(self) -> Mask:
        """Edges that carry something: all but abandoned ones."""
        return ~self.abandoned

    @property
    def adjacency(self) -> Adjacency:
        """Made when first asked for, then kept."""
        return self.kept("adjacency", _adjacency)

    def kept(self, name: str, make: Callable[[Network], T]) -> T:
        """What ``make`` derives from the network, made once for every ``name``."""
        if name not in self._kept:
            self._kept[name] = make(self)
        kept: T = self._kept[name]
        return kept

    def with_flow(self, flow: Signs) -> Network:
        """The same network with other flow signs (m,); what is kept does not depend on them."""
        return replace(self, flow=np.asarray(flow, np.int8))

    def edges_of(self, *classes: str) -> Mask:
        """Edges (m,) of any of ``classes``, minors or majors (``PS`` takes YS, WS and HS too)."""
        return self.edge_class.where(lambda code: code in classes or major(code) in classes)

    def nodes_of(self, role: Role, words: Words | None = None) -> Mask:
        """Nodes (n,) of a role by their words; ``words`` replaces the default ones.

        Words that are tied to a class hold for points of that class and of none.
        """
        chosen: Mapping[str, frozenset[str]] = words_of(role) if words is None else words
        mask = np.zeros(self.nodes, bool)
        for code, named in chosen.items():
            has = self.feature.where(named.__contains__)
            has |= self.appurtenance.where(named.__contains__)
            if code != ANY:
                of_class = self.node_class.where(lambda c, code=code: major(c) == code)  # type: ignore[misc]
                has &= of_class | (self.node_class.index < 0)
            mask |= has
        return mask

    def degree(self, edges: Mask | None = None) -> Rows:
        """How many ends of ``edges`` (default: in use, without 井内连线) meet at every node."""
        chosen = self.in_use & ~self.in_chamber if edges is None else edges
        both = np.concatenate([self.tail[chosen], self.head[chosen]])
        return np.bincount(both, minlength=self.nodes)


def major(code: str) -> str:
    """The major class of a class code; an unknown code is its own."""
    known = pipes.classes().get(code)
    return code if known is None else known.major


def arcs(
    network: Network,
    edges: Mask,
    *,
    direction: Direction | None = None,
    known_only: bool = False,
    stops: Mask | None = None,
) -> tuple[npt.NDArray[np.int32], Mask]:
    """Which arcs of :attr:`Network.adjacency` may be gone along: where those of every rank begin
    among them (n + 1,), and the mask (2m,) over all.

    ``direction`` follows or opposes the flow; edges without known flow go both ways, or not at all
    if ``known_only``. No arc leaves a node of ``stops`` (n,).
    """
    sorted_ = network.adjacency
    allowed = np.asarray(edges, bool)[sorted_.edge]
    if direction is not None:
        flow = network.flow[sorted_.edge]
        wanted = sorted_.along if direction == "downstream" else -sorted_.along
        allowed &= flow == wanted if known_only else flow != -wanted
    if stops is not None and stops.any():
        allowed &= ~stops[sorted_.start]
    passed = np.zeros(len(allowed) + 1, np.int32)
    np.cumsum(allowed, out=passed[1:])
    return passed[sorted_.first], allowed


def matrix(
    network: Network, first: npt.NDArray[np.int32], allowed: Mask, weight: Floats
) -> csr_array:
    """The arcs of :func:`arcs` as a sparse matrix, rows and columns by rank; parallel edges stay
    apart, as scipy's searches allow. ``weight`` (m,) is an edge's cost."""
    sorted_ = network.adjacency
    costs = weight[sorted_.edge[allowed]]
    shape = (network.nodes, network.nodes)
    return csr_array((costs, sorted_.node_rank[allowed], first), shape=shape)


def _adjacency(network: Network) -> Adjacency:
    m, n = network.edges, network.nodes
    leaves = np.concatenate([network.tail, network.head]).astype(np.int32)
    comes = np.concatenate([network.head, network.tail]).astype(np.int32)
    ones = np.ones(2 * m, np.int8)
    joined = coo_array((ones, (leaves, comes)), shape=(n, n)).tocsr()
    order = reverse_cuthill_mckee(joined, symmetric_mode=True) if n else leaves[:0]
    rank = np.empty(n, np.int32)
    rank[order] = np.arange(n, dtype=np.int32)
    arc = np.argsort(rank[leaves], kind="stable")
    first = np.zeros(n + 1, np.intp)
    np.cumsum(np.bincount(rank[leaves], minlength=n), out=first[1:])
    return Adjacency(
        rank,
        order,
        first,
        leaves[arc],
        comes[arc],
        rank[comes[arc]],
        (arc % max(m, 1)).astype(np.int32),
        np.where(arc < m, 1, -1).astype(np.int8),
    )


def _canonical(labels: Labels) -> Labels:
    """Words folded to their canonical form; unknown words stay as they are."""
    known = pipes.point_words()
    folded = [known[w].canonical if w in known else w for w in labels.names]
    names = list(dict.fromkeys(folded))
    table = np.array([*map(names.index, folded), -1], dtype=np.intp)
    return Labels(table[labels.index], tuple(names))
