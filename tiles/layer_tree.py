"""The tree of a layer on its way to tiles: its branches, what became of the work on each, and where
that is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from tiles.contents import Stored
from tiles.massing import Massing
from tiles.mesh.ragged import I64
from tiles.metadata import JsonObject
from tiles.scheme import MIN_ERROR, Node
from tiles.tilers.base import RefusedFeature
from tiles.tileset import Tile, parent
from tiles.volumes import union

#: How much greater a tile's geometric error is than its children's, at least: errors must fall, but
#: one that is made up would have a client fetch what it does not need.
_LADDER: Final = 1.05


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of a layer's tree: an inner node has ``children``, a leaf the ``keys`` (k,) of its
    features or the ``digest`` of the work that made its content before.

    ``error`` and ``reach`` are those of :class:`tiles.scheme.Node`.
    """

    error: float = 0.0
    reach: float = 0.0
    children: tuple[Branch, ...] = ()
    keys: I64 | None = None
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What a piece of work came to, named by its ``digest``.

    ``keys`` (k,) are those of a leaf, None for massing; ``stored`` is None for a leaf of which
    every feature was refused. ``far`` is the largest error (m) of its massing, None without any;
    the massing itself may be left out of ``stored`` and be asked for later. ``schema`` is that of a
    leaf's property table.
    """

    digest: bytes
    keys: I64 | None
    stored: Stored | None
    refused: Sequence[RefusedFeature] = ()
    far: float | None = None
    schema: JsonObject | None = None


class Memory(Protocol):
    """Remembers what work came to; ``signature`` names all that contents depend on but features."""

    signature: bytes

    def find(self, digests: Sequence[bytes]) -> Mapping[bytes, Made]:
        """What is known of ``digests`` and still in the store; without massing."""
        ...

    def massing(self, digests: Sequence[bytes]) -> Mapping[bytes, Massing]:
        """The massing of ``digests``, where there is one."""
        ...

    def keep(self, made: Sequence[Made]) -> None:
        """Remember ``made``, whose contents are in the store."""
        ...


@dataclass(slots=True)
class Knot:
    """A node of the tree on its way to a tile.

    ``waiting`` children have no tile yet; ``made`` is its own content, a leaf's or massing.
    """

    above: int | None
    branch: Branch
    children: list[int] = field(default_factory=list)
    waiting: int = 0
    digest: bytes | None = None
    made: Made | None = None
    massing: Massing | None = None
    tile: Tile | None = None


def branches(node: Node, keys: I64) -> Branch:
    """The tree below ``node`` over features with ``keys`` (n,), those of the index."""
    if not node.children:
        return Branch(reach=node.reach, keys=keys[node.rows])
    return Branch(node.error, children=tuple(branches(child, keys) for child in node.children))


def tile_of(knot: Knot, children: tuple[Tile, ...]) -> Tile | None:
    """The tile of ``knot`` above the tiles ``children``; None where nothing is drawn."""
    stored = knot.made.stored if knot.made is not None else None
    if not knot.children:
        return None if stored is None else Tile(stored.box, 0.0, stored.uri)
    if not children or stored is None or knot.made is None or knot.made.far is None:
        return parent(children, knot.branch.error) if children else None
    error = max(MIN_ERROR, knot.made.far, *(_LADDER * child.geometric_error for child in children))
    box = union([stored.box, *(child.box for child in children)])
    rounded = float(np.ceil(error * 100) / 100)
    return Tile(box, rounded, stored.uri, children, replaced=True)
