"""Which segments end at a point: the tiles of a changed point or segment are found by it."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

JOINTS = (
    ("pipe_segment", "from_point_id"),
    ("pipe_segment", "to_point_id"),
    ("pipe_segment", "dataset_id", "from_point"),
    ("pipe_segment", "dataset_id", "to_point"),
    ("pipe_point", "dataset_id", "exp_no"),
)


def upgrade() -> None:
    """Make the indexes."""
    for table, *columns in JOINTS:
        op.execute(
            f"CREATE INDEX {table}_{columns[-1]} ON {table} ({', '.join(columns)}) "
            "WHERE tx_to = 'infinity'"
        )


def downgrade() -> None:
    """Drop the indexes; a change of pipes is then searched in whole tables."""
    for table, *columns in JOINTS:
        op.drop_index(f"{table}_{columns[-1]}")
