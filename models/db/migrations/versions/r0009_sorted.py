"""Order by the properties that whole tables are most often sorted by."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

#: By their first characters: an index takes no long text.
TEXTS: Final = ("key", "class_code", "road", "ifc_class")
SORTED: Final = {
    "building": ("key", "height", "storeys", "built"),
    "building_part": ("key", "height"),
    "pipe_point": ("key", "class_code", "ground_h", "well_depth"),
    "pipe_segment": ("key", "class_code", "width_mm", "built", "road"),
    "bim_element": ("key", "ifc_class"),
}


def upgrade() -> None:
    """Make the indexes."""
    for table, columns in SORTED.items():
        for column in columns:
            key = f'"left"({column} COLLATE "C", 200)' if column in TEXTS else column
            op.execute(
                f"CREATE INDEX {table}_by_{column} ON {table} (dataset_id, ({key}), row_id) "
                "WHERE tx_to = 'infinity'"
            )


def downgrade() -> None:
    """Drop the indexes; whole tables are then sorted row by row."""
    for table, columns in SORTED.items():
        for column in columns:
            op.drop_index(f"{table}_by_{column}")
