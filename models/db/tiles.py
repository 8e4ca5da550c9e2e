"""What is remembered of tiled layers; see :mod:`models.db.tiles_tables`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.types.json import Jsonb

from models.db.connection import Connection
from models.db.errors import translated
from models.db.statements import statement

I64 = npt.NDArray[np.int64]

#: An element of a bigint[] as PostgreSQL sends it, after a header of so many bytes.
_ELEMENT: Final = np.dtype([("length", ">i4"), ("value", ">i8")])
_HEADER: Final = 20
_OURS: Final = sql.SQL("twin_id = %(twin)s AND layer = %(layer)s AND store = %(store)s")


@dataclass(frozen=True, slots=True)
class LayerKey:
    """A ``layer`` of a ``twin`` in a ``store`` (``tiles``, or an address given to ``--out``)."""

    twin: str
    layer: str
    store: str

    def values(self, **more: object) -> dict[str, object]:
        """The key as bound values, with ``more``."""
        return {"twin": self.twin, "layer": self.layer, "store": self.store, **more}


@dataclass(frozen=True, slots=True)
class TiledLayer:
    """The published state of a layer, tiled with ``options`` (such as ``profile``).

    It holds what the database said at ``seen``, when ``revision`` was the twin's newest (0: none).
    ``signature`` names all that contents depend on but features; ``root`` is the digest of the root
    tileset and ``files`` all names that it reaches; ``tree`` and ``refused`` are JSON; ``edits``
    counts features changed since the tree was made.
    """

    options: dict[str, str]
    signature: bytes
    revision: int
    seen: datetime
    root: str
    features_in: int
    edits: int
    tree: Any
    schema: str | None
    refused: Any
    files: Sequence[str]


@dataclass(frozen=True, slots=True)
class TiledContent:
    """What a piece of work came to; ``box`` (6,) ENU metres, ``far`` m, ``keys`` (k,) of a leaf."""

    digest: bytes
    uri: str | None
    box: Sequence[float] | None
    size: int
    far: float | None
    statistics: Any
    schema: str | None
    refused: Any
    keys: I64 | None = None
    massing: bytes | None = field(default=None, repr=False)


@translated
def published(conn: Connection, key: LayerKey) -> TiledLayer | None:
    """The state of a layer, or None before it was tiled."""
    row = conn.execute(
        sql.SQL(
            "SELECT options, signature, revision_id, seen, root, features_in, edits, tree, schema,"
            " refused, files FROM tile_layer WHERE {}"
        ).format(_OURS),
        key.values(),
    ).fetchone()
    return None if row is None else TiledLayer(*row)


@translated
def layers(conn: Connection, twin: str | None = None) -> list[LayerKey]:
    """Every layer that was tiled, of one twin or of all."""
    rows = conn.execute(
        "SELECT twin_id, layer, store FROM tile_layer"
        " WHERE %(twin)s::text IS NULL OR twin_id = %(twin)s ORDER BY 1, 2, 3",
        {"twin": twin},
    ).fetchall()
    return [LayerKey(*row) for row in rows]


@translated
def count(conn: Connection, twin: str, tables: Iterable[str], most: int) -> int:
    """How many features the ``tables`` of a twin hold now, counted no further than ``most``."""
    total = 0
    for table in tables:
        row = conn.execute(
            sql.SQL(
                "SELECT count(*) FROM (SELECT FROM {} AS t JOIN dataset AS d ON d.id = t.dataset_id"
                " WHERE d.twin_id = %s AND t.tx_to = 'infinity' AND t.valid_from <= now()"
                " AND t.valid_to > now() LIMIT %s) AS found"
            ).format(sql.Identifier(table)),
            (twin, most),
        ).fetchone()
        assert row is not None
        total += row[0]
    return min(total, most)


@translated
def contents(conn: Connection, key: LayerKey, digests: Sequence[bytes]) -> list[TiledContent]:
    """What is known of ``digests``, without keys and massing."""
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(
            sql.SQL(
                "SELECT digest, uri, box, size, far, statistics, schema, refused FROM tile_content"
                " WHERE {} AND digest = ANY(%(digests)s)"
            ).format(_OURS),
            key.values(digests=list(digests)),
        ).fetchall()
    return [TiledContent(*row) for row in rows]


@translated
def keys_of(conn: Connection, key: LayerKey, digests: Sequence[bytes]) -> dict[bytes, I64]:
    """The keys of leaves."""
    return _keys(conn, key, digests, sql.SQL("true"), {})


@translated
def holding(
    conn: Connection, key: LayerKey, digests: Sequence[bytes], keys: I64
) -> dict[bytes, I64]:
    """Those of the leaves ``digests`` that hold one of ``keys`` (n,), with all keys they hold."""
    near = sql.SQL(
        "EXISTS (SELECT FROM unnest(%(sought)s::bigint[]) AS k WHERE k BETWEEN low AND high)"
    )
    found = _keys(conn, key, digests, near, {"sought": keys.tolist()})
    return {digest: held for digest, held in found.items() if np.isin(held, keys).any()}


@translated
def massing(conn: Connection, key: LayerKey, digests: Sequence[bytes]) -> dict[bytes, bytes]:
    """What stands for contents from afar, where something does."""
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(
            sql.SQL(
                "SELECT digest, massing FROM tile_content WHERE {}"
                " AND digest = ANY(%(digests)s) AND massing IS NOT NULL"
            ).format(_OURS),
            key.values(digests=list(digests)),
        ).fetchall()
    return dict(rows)


@translated
def keep(conn: Connection, key: LayerKey, made: Iterable[TiledContent]) -> None:
    """Remember ``made``, at once."""
    with conn.transaction(), conn.cursor() as cursor:
        rows = [key.values(**_row(one)) for one in made]
        cursor.executemany(statement("tiles_keep"), rows)


@translated
def switch(conn: Connection, key: LayerKey, state: TiledLayer) -> None:
    """The layer is now as ``state`` says; files of before that it does not reach are retired."""
    values = key.values(
        options=Jsonb(state.options),
        signature=state.signature,
        revision=state.revision,
        seen=state.seen,
        root=state.root,
        features=state.features_in,
        edits=state.edits,
        tree=Jsonb(state.tree),
        schema=state.schema,
        refused=Jsonb(state.refused),
        files=list(state.files),
    )
    with conn.transaction():
        conn.execute(statement("tiles_retire"), values)
        conn.execute(
            sql.SQL("DELETE FROM tile_retired WHERE {} AND name = ANY(%(files)s)").format(_OURS),
            values,
        )
        conn.execute(statement("tiles_switch"), values)


@translated
def retired(conn: Connection, key: LayerKey, age: timedelta) -> list[str]:
    """Names that no published root has reached for ``age``."""
    rows = conn.execute(
        sql.SQL("SELECT name FROM tile_retired WHERE {} AND since <= now() - %(age)s").format(
            _OURS
        ),
        key.values(age=age),
    ).fetchall()
    return [name for (name,) in rows]


@translated
def forget(
    conn: Connection, key: LayerKey, names: Sequence[str], tree: Sequence[bytes], age: timedelta
) -> None:
    """The files ``names`` are gone; so is what is remembered of older work that ``tree`` (the
    digests of the published tree) has not."""
    with conn.transaction():
        conn.execute(
            sql.SQL("DELETE FROM tile_retired WHERE {} AND name = ANY(%(names)s)").format(_OURS),
            key.values(names=list(names)),
        )
        conn.execute(
            sql.SQL(
                "DELETE FROM tile_content WHERE {} AND digest <> ALL(%(tree)s)"
                " AND (made <= now() - %(age)s OR uri = ANY(%(names)s))"
            ).format(_OURS),
            key.values(names=list(names), tree=list(tree), age=age),
        )


def _keys(
    conn: Connection,
    key: LayerKey,
    digests: Sequence[bytes],
    more: sql.SQL,
    values: dict[str, object],
) -> dict[bytes, I64]:
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(
            sql.SQL(
                "SELECT digest, array_send(keys) FROM tile_content"
                " WHERE {} AND digest = ANY(%(digests)s) AND keys IS NOT NULL AND {}"
            ).format(_OURS, more),
            key.values(digests=list(digests), **values),
        ).fetchall()
    return {digest: _unpacked(packed) for digest, packed in rows}


def _unpacked(packed: bytes) -> I64:
    return np.frombuffer(packed, _ELEMENT, offset=_HEADER)["value"].astype(np.int64)


def _row(one: TiledContent) -> dict[str, object]:
    keys = one.keys
    return {
        "digest": one.digest,
        "uri": one.uri,
        "box": None if one.box is None else list(one.box),
        "size": one.size,
        "far": one.far,
        # as text, which is ten times as fast to make as a list of numbers to bind
        "keys": None if keys is None else f"{{{','.join(map(str, keys.tolist()))}}}",
        "low": None if keys is None else int(keys.min()),
        "high": None if keys is None else int(keys.max()),
        "massing": one.massing,
        "statistics": Jsonb(one.statistics),
        "schema": one.schema,
        "refused": Jsonb(one.refused),
    }
