"""Tables that remember how layers were tiled: which content holds which feature with what content.

A *store* is where the files are: ``tiles`` for the home folder's own, else the address that
``twin tile --out`` was given. Keys of contents are row numbers of feature tables (negative for the
second table of a layer). A row is never changed but for the end of its record time, so a key stands
for a feature with its content, and takes eight bytes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from models.db.columns import MOMENT, NOW, reference


def tile_tables(meta: MetaData) -> None:
    """Add the published state of layers, their contents, and what may be deleted to ``meta``."""
    Table(
        "tile_layer",
        meta,
        *_layer(),
        Column("options", JSONB, nullable=False),
        Column("signature", LargeBinary, nullable=False),
        Column("revision_id", BigInteger, nullable=False),
        Column("seen", MOMENT, nullable=False),
        Column("root", Text, nullable=False),
        Column("features_in", Integer, nullable=False),
        Column("edits", Integer, nullable=False),
        Column("tree", JSONB, nullable=False),
        Column("schema", Text),
        Column("refused", JSONB, nullable=False),
        Column("files", ARRAY(Text()), nullable=False),
        Column("published", MOMENT, nullable=False, server_default=NOW),
        PrimaryKeyConstraint("twin_id", "layer", "store", name="tile_layer_pkey"),
    )
    Table(
        "tile_content",
        meta,
        *_layer(),
        Column("digest", LargeBinary, nullable=False),
        Column("uri", Text),
        Column("box", ARRAY(Double())),
        Column("size", BigInteger, nullable=False),
        Column("far", Double),
        Column("keys", ARRAY(BigInteger())),
        Column("low", BigInteger),
        Column("high", BigInteger),
        Column("massing", LargeBinary),
        Column("statistics", JSONB, nullable=False),
        Column("schema", Text),
        Column("refused", JSONB, nullable=False),
        Column("made", MOMENT, nullable=False, server_default=NOW),
        PrimaryKeyConstraint("twin_id", "layer", "store", "digest", name="tile_content_pkey"),
    )
    Table(
        "tile_retired",
        meta,
        *_layer(),
        Column("name", Text, nullable=False),
        Column("since", MOMENT, nullable=False, server_default=NOW),
        PrimaryKeyConstraint("twin_id", "layer", "store", "name", name="tile_retired_pkey"),
    )


def _layer() -> list[Column[Any]]:
    return [
        reference("twin_id", "twin.id"),
        Column("layer", Text, nullable=False),
        Column("store", Text, nullable=False),
    ]
