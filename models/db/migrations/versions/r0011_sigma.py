"""Mean errors of a dataset's survey points in the catalogue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add them. Numbers of datasets are taken anew with the next `twin tile` or delivery."""
    op.add_column("catalogue_entry", sa.Column("sigma", JSONB))
    op.execute("UPDATE catalogue_entry SET revision_id = NULL WHERE dataset_id IS NOT NULL")


def downgrade() -> None:
    """Take them away."""
    op.drop_column("catalogue_entry", "sigma")
