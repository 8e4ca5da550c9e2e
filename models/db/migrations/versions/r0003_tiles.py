"""What tiles were made of, so that a change rewrites only the contents that hold it."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

FEATURES = ("building", "building_part", "pipe_point", "pipe_segment", "bim_element")


def upgrade() -> None:
    """Make the tables, and find rows by revision; layers are remembered from the next tiling on."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Forget it; the next tiling makes all contents again."""
    for table in ("tile_retired", "tile_content", "tile_layer"):
        op.drop_table(table)
    op.drop_index("building_part_owner")
    for table in FEATURES:
        op.drop_index(f"{table}_revision")
