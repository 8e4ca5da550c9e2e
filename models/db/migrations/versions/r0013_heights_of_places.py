"""Heights of places, and what parcels cover."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add them. Address tables that have any must be read again."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    row = connection.execute("SELECT value FROM storage WHERE name = 'srid'").fetchone()
    assert row is not None
    op.add_column("place", sa.Column("height", sa.Double))
    op.execute(f"ALTER TABLE place ADD COLUMN outline geometry(MULTIPOLYGONZ,{int(row[0])})")
    op.execute("CREATE INDEX place_outline ON place USING gist (outline)")


def downgrade() -> None:
    """Take them away."""
    op.drop_index("place_outline")
    op.drop_column("place", "outline")
    op.drop_column("place", "height")
