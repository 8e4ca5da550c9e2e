"""Tables of the catalogue: what was delivered, what became of it, and its terms."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from models.db.columns import MOMENT, NOW, identity, reference


def deliveries(meta: MetaData) -> None:
    """Add catalogue entries, deliveries with their files and parts, and originals to ``meta``.

    An entry stands for a dataset, or for a layer of files (terrain, point clouds), which has no
    row in ``dataset``. ``box`` is west, south, lowest, east, north, highest in degrees (CGCS2000)
    and metres (1985), as of ``revision_id``. A part is what became of one group of files.
    """
    Table(
        "catalogue_entry",
        meta,
        identity(),
        reference("twin_id", "twin.id"),
        Column("name", Text, nullable=False),
        Column("theme", Text, nullable=False),
        reference("dataset_id", "dataset.id", nullable=True),
        reference("organisation_id", "organisation.id", nullable=True),
        Column("horizontal", Text),
        Column("vertical", Text),
        Column("licence", Text),
        Column("accuracy_note", Text),
        Column("visibility", Text, nullable=False, server_default=text("'restricted'::text")),
        Column("created", MOMENT, nullable=False, server_default=NOW),
        Column("changed", MOMENT, nullable=False, server_default=NOW),
        reference("revision_id", "revision.id", nullable=True),
        Column("features", BigInteger),
        Column("tables", JSONB),
        Column("box", ARRAY(Double())),
        Column("sigma", JSONB),
        UniqueConstraint("twin_id", "name", "theme", name="catalogue_entry_one"),
        CheckConstraint("visibility IN ('open', 'restricted')", name="catalogue_entry_visibility"),
        CheckConstraint("cardinality(box) = 6", name="catalogue_entry_box"),
        Index("catalogue_entry_dataset", "dataset_id", unique=True),
    )
    Table(
        "original",
        meta,
        Column("sha256", Text, primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("kept", MOMENT, nullable=False, server_default=NOW),
        Column("removed", MOMENT),
    )
    Table(
        "delivery",
        meta,
        identity(),
        reference("twin_id", "twin.id"),
        Column("received", MOMENT, nullable=False, server_default=NOW),
        reference("organisation_id", "organisation.id", nullable=True),
        Column("licence", Text),
        Column("tool", Text, nullable=False),
        Column("rules", JSONB, nullable=False),
        Column("declared", JSONB, nullable=False),
        Index("delivery_twin", "twin_id", "received"),
    )
    Table(
        "delivery_file",
        meta,
        Column("id", UUID, primary_key=True, server_default=text("gen_random_uuid()")),
        reference("delivery_id", "delivery.id"),
        Column("name", Text, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Index("delivery_file_delivery", "delivery_id"),
        Index("delivery_file_sha256", "sha256"),
    )
    Table(
        "delivery_part",
        meta,
        identity(),
        reference("delivery_id", "delivery.id"),
        Column("dataset", Text, nullable=False),
        Column("theme", Text),
        reference("revision_id", "revision.id", nullable=True),
        Column("state", Text, nullable=False),
        Column("features_in", BigInteger, nullable=False),
        Column("accepted", BigInteger, nullable=False),
        Column("findings", JSONB, nullable=False),
        Column("steps", JSONB, nullable=False),
        CheckConstraint(
            "state IN ('published', 'unchanged', 'refused')", name="delivery_part_state"
        ),
        Index("delivery_part_delivery", "delivery_id"),
        Index("delivery_part_dataset", "dataset", "theme"),
    )
    Table(
        "delivery_part_file",
        meta,
        Column("part_id", BigInteger, ForeignKey("delivery_part.id"), primary_key=True),
        Column("file_id", UUID, ForeignKey("delivery_file.id"), primary_key=True),
        Index("delivery_part_file_file", "file_id"),
    )
