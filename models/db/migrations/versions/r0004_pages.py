"""Rows of one dataset in the order of pages, past those of other twins."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

FEATURES = ("building", "building_part", "pipe_point", "pipe_segment", "bim_element")


def upgrade() -> None:
    """Make the indexes."""
    for table in FEATURES:
        op.execute(
            f"CREATE INDEX {table}_page ON {table} (dataset_id, row_id) WHERE tx_to = 'infinity'"
        )


def downgrade() -> None:
    """Drop the indexes; pages are slower then."""
    for table in FEATURES:
        op.drop_index(f"{table}_page")
