"""Overviews for vector tiles."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the tables; overviews of what is stored come with the next `twin tile`."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop the overviews, which can be made again at any time."""
    op.drop_table("mvt_drawn")
    op.drop_table("mvt_overview")
