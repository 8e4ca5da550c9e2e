"""Names and addresses."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the tables; names of what is stored come with the next `twin tile` or delivery."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    row = connection.execute("SELECT value FROM storage WHERE name = 'srid'").fetchone()
    assert row is not None
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection.execute(statements.replace(":srid", row[0]))


def downgrade() -> None:
    """Drop names and addresses; address tables must be read again."""
    op.drop_table("place")
    op.drop_table("place_source")
