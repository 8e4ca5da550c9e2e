"""Deliveries, the terms of datasets, and originals."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the tables; what is stored already counts as restricted and without a licence."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them; kept files stay in the home folder, but nobody knows their names any more."""
    for table in (
        "delivery_part_file", "delivery_part", "delivery_file", "delivery", "original",
        "catalogue_entry",
    ):  # fmt: skip
        op.drop_table(table)
