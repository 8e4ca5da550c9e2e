"""The map of a layer's tiles, features and hashes, kept in the database.

A piece of work is named by a digest of what goes into it: the signature of the encoder and, for a
leaf, what its features say; for massing, the digests below it. What the work came to is found again
by that name, after a change as well as after a build that was killed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import orjson

from models.db import tiles as db
from models.db.connection import Connection
from models.db.tiles import LayerKey, TiledContent, TiledLayer
from tiles.code import code_digest
from tiles.contents import Stored
from tiles.errors import StoreError, TileNotFoundError
from tiles.gltf import Profile
from tiles.layer_tree import Made
from tiles.massing import Massing
from tiles.massing_bytes import packed, unpacked
from tiles.scheme import Limits
from tiles.statistics import Statistics
from tiles.store.base import ROOT, TileStore
from tiles.tilers.base import RefusedFeature


class TileMap:
    """:class:`tiles.layer_tree.Memory` of the layer ``key``, whose files are in ``store``.

    ``conn`` is in autocommit, so that what is kept stays when the process is killed. ``options``
    are remembered with what is published. Without ``trusted`` nothing made before is taken over.
    """

    def __init__(
        self,
        conn: Connection,
        key: LayerKey,
        signature: bytes,
        store: TileStore,
        options: dict[str, str] | None = None,
        *,
        trusted: bool = True,
    ) -> None:
        self.signature = signature
        self.options = options or {}
        self.trusted = trusted
        self._conn, self._key, self._store = conn, key, store
        self._names: set[str] | None = None
        self._found: dict[bytes, Made] = {}

    def state(self) -> TiledLayer | None:
        """What is published, or None."""
        return db.published(self._conn, self._key)

    def switch(self, state: TiledLayer) -> None:
        """Remember what is published now."""
        db.switch(self._conn, self._key, state)

    def stored(self) -> set[str]:
        """Names that were in the store when this was first asked."""
        if self._names is None:
            self._names = self._store.names()
        return self._names

    def find(self, digests: Sequence[bytes]) -> Mapping[bytes, Made]:
        """See :meth:`tiles.layer_tree.Memory.find`."""
        if not self.trusted:
            return {}
        missing = [digest for digest in digests if digest not in self._found]
        for row in db.contents(self._conn, self._key, missing) if missing else ():
            if row.uri is None or row.uri in self.stored():
                self._found[row.digest] = _made(row)
        return {digest: self._found[digest] for digest in digests if digest in self._found}

    def keys(self, digests: Sequence[bytes]) -> dict[bytes, Any]:
        """The keys (k,) of leaves."""
        return db.keys_of(self._conn, self._key, digests)

    def holding(self, digests: Sequence[bytes], keys: Any) -> dict[bytes, Any]:
        """The leaves among ``digests`` that hold one of ``keys``, with all their keys."""
        return db.holding(self._conn, self._key, digests, keys)

    def massing(self, digests: Sequence[bytes]) -> Mapping[bytes, Massing]:
        """See :meth:`tiles.layer_tree.Memory.massing`."""
        found = db.massing(self._conn, self._key, digests)
        return {digest: unpacked(data) for digest, data in found.items()}

    def keep(self, made: Sequence[Made]) -> None:
        """See :meth:`tiles.layer_tree.Memory.keep`."""
        db.keep(self._conn, self._key, [_row(one) for one in made])

    def collect(self, age: timedelta, *, strays: bool = False) -> int:
        """Delete files that no published root has reached for ``age``; how many they were.

        With ``strays``, also files that no root ever reached (left by a build that was killed) and
        that are older. Nobody may tile the layer meanwhile. Raises
        :class:`tiles.errors.StoreError`, and deletes nothing, where another root is published than
        the one remembered: what that reaches is not known.
        """
        state = self.state()
        if state is None:
            return 0
        try:
            root = self._store.get(ROOT).digest
        except TileNotFoundError:
            return 0
        if root != state.root:
            raise _another(self._key)
        gone = set(db.retired(self._conn, self._key, age))
        if strays:
            waiting = set(db.retired(self._conn, self._key, timedelta(0)))
            old = self._store.names(older=age.total_seconds())
            gone |= old - waiting - set(state.files)
        self._store.remove(gone)
        db.forget(self._conn, self._key, sorted(gone), list(digests(state.tree)), age)
        return len(gone)


def digests(tree: Any) -> list[bytes]:
    """The digests in the tree of a :class:`models.db.tiles.TiledLayer`."""
    return [bytes.fromhex(node[3]) for node in tree if node[3]]


def signature(profile: Profile, limits: Limits | None, *place: object) -> bytes:
    """A name for all that contents depend on but features: this program's code and data, its
    libraries, ``profile``, ``limits``, and where the layer is placed (arrays and plain values)."""
    out = hashlib.blake2b(digest_size=16)
    out.update(code_digest())
    for part in (profile, limits or Limits(), *place):
        said = part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode()
        out.update(len(said).to_bytes(8, "little") + said)
    return out.digest()


def _another(key: LayerKey) -> StoreError:
    where = f"{key.twin}/{key.layer} ({key.store})"
    return StoreError(
        f"Another tileset is published in {where} than the one that the database remembers, as "
        "after a run that was killed or a database that was restored; no file was deleted. "
        f"Run `twin tile --twin {key.twin} --layer {key.layer}` first.",
        f"{where} 中已发布的瓦片集与数据库记录的不一致（例如运行被中断或数据库曾被恢复），"
        f"未删除任何文件。请先运行 `twin tile --twin {key.twin} --layer {key.layer}`。",
    )


def _made(row: TiledContent) -> Made:
    stored = None
    if row.uri is not None and row.box is not None:
        counted = Statistics.from_plain(row.statistics)
        stored = Stored(row.uri, np.array(row.box), row.size, None, counted)
    refused = tuple(RefusedFeature(*one) for one in row.refused)
    schema = None if row.schema is None else orjson.loads(row.schema)
    return Made(row.digest, None, stored, refused, row.far, schema)


def _row(made: Made) -> TiledContent:
    stored = made.stored
    return TiledContent(
        made.digest,
        None if stored is None else stored.uri,
        None if stored is None else stored.box.tolist(),
        0 if stored is None else stored.size,
        made.far,
        None if stored is None else stored.statistics.to_plain(),
        None if made.schema is None else orjson.dumps(made.schema).decode(),
        [(one.id, one.code, one.zh, one.en) for one in made.refused],
        made.keys,
        packed(stored.massing) if stored is not None and stored.massing is not None else None,
    )
