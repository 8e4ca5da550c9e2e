"""Tables beside the features: twins, datasets, revisions, meshes, findings, jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from models.db.columns import MOMENT, NOW, column_type, identity, reference


def _passport() -> list[Column[Any]]:
    return [
        Column("horizontal", Text, nullable=False),
        Column("vertical", Text, nullable=False),
        Column("epoch", Text),
        Column("method", Text),
        Column("accuracy", Double),
    ]


def catalogue(meta: MetaData) -> None:
    """Add twins, organisations, datasets, revisions, source files and meshes to ``meta``."""
    Table(
        "twin",
        meta,
        Column("id", Text, primary_key=True),
        Column("name_zh", Text, nullable=False),
        Column("name_en", Text, nullable=False),
        Column("lon", Double, nullable=False),
        Column("lat", Double, nullable=False),
        Column("extent", ARRAY(Double()), nullable=False),
        Column("ground_height", Double, nullable=False),
        CheckConstraint("cardinality(extent) = 4", name="twin_extent_four"),
    )
    Table(
        "organisation",
        meta,
        identity(),
        Column("name", Text, nullable=False, unique=True),
        Column("role", Text),
    )
    Table(
        "dataset",
        meta,
        identity(),
        reference("twin_id", "twin.id"),
        Column("name", Text, nullable=False),
        Column("theme", Text, nullable=False),
        reference("organisation_id", "organisation.id", nullable=True),
        *_passport(),
        Column("created", MOMENT, nullable=False, server_default=NOW),
        UniqueConstraint("twin_id", "name", name="dataset_twin_name"),
    )
    Table(
        "revision",
        meta,
        identity(),
        reference("dataset_id", "dataset.id"),
        Column("number", Integer, nullable=False),
        Column("valid_from", MOMENT, nullable=False),
        Column("recorded", MOMENT, nullable=False),
        Column("complete", Boolean, nullable=False),
        Column("counts", JSONB, nullable=False),
        UniqueConstraint("dataset_id", "number", name="revision_dataset_number"),
    )
    Table(
        "source_file",
        meta,
        identity(),
        reference("revision_id", "revision.id"),
        Column("name", Text, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("features_in", Integer, nullable=False),
        *_passport(),
        Index("source_file_revision", "revision_id"),
        Index("source_file_sha256", "sha256"),
    )
    Table(
        "bim_mesh",
        meta,
        Column("key", Text, primary_key=True),
        Column("positions", LargeBinary, nullable=False),
        Column("indices", LargeBinary, nullable=False),
        Column("materials", LargeBinary, nullable=False),
        Column("palette", LargeBinary, nullable=False),
        Column("material_names", ARRAY(Text()), nullable=False),
    )


def records(meta: MetaData, srid: int) -> None:
    """Add findings, jobs and what the database remembers of itself to ``meta``."""
    Table(
        "finding",
        meta,
        identity(),
        reference("twin_id", "twin.id"),
        Column("dataset", Text, nullable=False),
        reference("revision_id", "revision.id", nullable=True),
        Column("batch", UUID, nullable=False),
        Column("recorded", MOMENT, nullable=False, server_default=NOW),
        Column("code", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("file", Text, nullable=False),
        Column("sheet", Text),
        Column("row", Integer),
        Column("source_column", Text),
        Column("element", Text),
        Column("zh", Text, nullable=False),
        Column("en", Text, nullable=False),
        Column("found", Text),
        Column("expected", Text),
        Column("rule", Text),
        Column("clause", Text),
        Column("verified", Boolean),
        Column("position", column_type("geometry(PointZ)", srid)),
        Column("extra", JSONB, nullable=False),
        CheckConstraint("severity IN ('error', 'warning', 'info')", name="finding_severity"),
        Index("finding_dataset", "twin_id", "dataset", "recorded"),
        Index("finding_batch", "batch"),
    )
    Table(
        "job",
        meta,
        identity(),
        Column("kind", Text, nullable=False),
        reference("twin_id", "twin.id", nullable=True),
        Column("state", Text, nullable=False, server_default=text("'running'::text")),
        Column("fraction", Double, nullable=False, server_default=text("0")),
        Column("message", Text),
        Column("detail", JSONB, nullable=False),
        Column("result", JSONB),
        Column("error_zh", Text),
        Column("error_en", Text),
        Column("cancel", Boolean, nullable=False, server_default=text("false")),
        Column("started", MOMENT, nullable=False, server_default=NOW),
        Column("heartbeat", MOMENT, nullable=False, server_default=NOW),
        Column("finished", MOMENT),
        CheckConstraint(
            "state IN ('running', 'finished', 'failed', 'cancelled', 'abandoned')",
            name="job_state",
        ),
        Index("job_state_heartbeat", "state", "heartbeat"),
    )
    Table(
        "storage",
        meta,
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
