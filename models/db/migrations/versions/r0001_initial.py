"""Initial schema: twins, organisations, datasets, revisions, features, findings and jobs."""

from __future__ import annotations

from pathlib import Path

from alembic import context, op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

TABLES = (
    *("job", "finding", "storage"),
    *("bim_element", "pipe_segment", "pipe_point", "building_part", "building"),
    *("source_file", "revision", "dataset", "organisation", "twin", "bim_mesh"),
)


def upgrade() -> None:
    """Make all tables with the storage SRID that the upgrade was given."""
    srid = int(context.config.attributes["storage_srid"])
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    # the driver's own connection: one round trip for the whole script, no bound parameters
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(statements.replace(":srid", str(srid)))
    connection.execute("INSERT INTO storage VALUES ('srid', %s)", (str(srid),))


def downgrade() -> None:
    """Drop everything, data too."""
    for table in TABLES:
        op.drop_table(table)
