"""A tileset over some features whose contents are made when they are asked for.

The same work is done by the same code as for a published layer, so equal features with equal
content give equal bytes. Until then nobody knows the real vertices: boxes come from the index, with
a margin, and nothing stands for features from afar.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np

from tiles.content import F64
from tiles.contents import Context, LeafTask, work
from tiles.errors import TileNotFoundError
from tiles.gltf import Profile
from tiles.mesh.ragged import I64
from tiles.scheme import MIN_ERROR, Limits, Node, build
from tiles.store.base import StoredFile
from tiles.store.directory import digest, pack
from tiles.tilers.base import KeyIndex, Loader, Source
from tiles.tileset import Tile, Tileset, parent, serialise
from tiles.volumes import union

#: A box of the index is grown by so much of its greatest side, and by so many metres: a footprint
#: turns by up to 2° from the storage CRS to ENU, and leans 20 km from the frame's origin.
_MARGIN: Final = (0.03, 0.1)


@dataclass(frozen=True, slots=True)
class OnDemand:
    """The ``tileset`` (JSON), and the keys of each of its contents by name, without suffix."""

    tileset: bytes
    leaves: dict[str, I64]
    features: int
    loader: Loader
    profile: Profile
    _lock: Lock = field(default_factory=Lock)

    def content(self, name: str) -> bytes | None:
        """The GLB ``name``; None where every feature of it was refused.

        Raises :class:`tiles.errors.TileNotFoundError`, :class:`tiles.errors.ContentError`.
        """
        keys = self.leaves.get(name)
        if keys is None:
            raise TileNotFoundError(
                f"The tileset has no content {name!r}; load tileset.json again.",
                f"瓦片集中没有内容 {name!r}；请重新加载 tileset.json。",
            )
        kept = _Kept()
        with self._lock:  # a loader has one connection
            try:
                work(Context(self.loader, kept, self.profile), LeafTask([0], [keys]))
            finally:
                close = getattr(self.loader, "close", None)
                if close is not None:
                    close()
        return kept.data


def on_demand(
    source: Source, profile: Profile, signature: bytes, uri: Callable[[str], str]
) -> OnDemand:
    """The tileset of ``source``; ``uri`` gives the address of a content by its name.

    A name stands for the features, what they say and the ``signature`` of the encoder.
    """
    index = source.index()
    boxes = _grown(index)
    tree = build(boxes, index.bytes, index.triangles, Limits())
    leaves: dict[str, I64] = {}
    frame = source.frame

    def tile(node: Node) -> Tile:
        if node.children:
            return parent(tuple(map(tile, node.children)), node.error)
        keys = index.keys[node.rows]
        name = hashlib.blake2b(signature + keys.tobytes(), digest_size=16).hexdigest()
        leaves[name] = keys
        return Tile(union(boxes[node.rows]), 0.0, uri(name))

    if tree.root is None:
        document = Tileset(Tile(np.zeros(6), 0.0), MIN_ERROR, frame)
    else:
        document = Tileset(tile(tree.root), tree.error, frame)
    features = len(index.keys) + len(source.refused)
    return OnDemand(serialise(document), leaves, features, source.loader(), profile)


def file_of(name: str, data: bytes, media: str, *, immutable: bool) -> StoredFile:
    """``data`` as a store would hand it out."""
    return StoredFile(name, pack(data), "gzip", media, digest(data), immutable)


class _Kept:
    """A :class:`tiles.store.base.TileStore` that keeps the one content put into it."""

    data: bytes | None = None

    def put(self, data: bytes, suffix: str) -> str:
        self.data = data
        return f"{digest(data)}.{suffix}"

    def publish(self, root: bytes) -> str:
        raise NotImplementedError

    def get(self, name: str) -> StoredFile:
        raise NotImplementedError

    def names(self, older: float = 0.0) -> set[str]:
        raise NotImplementedError

    def remove(self, names: Iterable[str]) -> None:
        raise NotImplementedError


def _grown(index: KeyIndex) -> F64:
    boxes = np.asarray(index.boxes, dtype=np.float64)
    if not len(boxes):
        return boxes
    margin = _MARGIN[0] * (boxes[:, 3:] - boxes[:, :3]).max(axis=1, keepdims=True) + _MARGIN[1]
    return np.hstack([boxes[:, :3] - margin, boxes[:, 3:] + margin])
