"""Addresses as the spine on which features meet, and names by how they begin to sound."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add them. Names of features are taken anew with the next `twin tile` or delivery; address
    tables must be read again to be joined."""
    op.add_column("place", sa.Column("spine", sa.Text))
    op.add_column("place", sa.Column("features", sa.Integer))
    op.drop_index("place_search")
    op.execute("CREATE INDEX place_sounding ON place (twin_id, pinyin text_pattern_ops)")
    op.execute("CREATE INDEX place_spine ON place (twin_id, spine text_pattern_ops)")
    op.execute("UPDATE place_source SET signature = '' WHERE dataset_id IS NOT NULL")


def downgrade() -> None:
    """Take them away."""
    op.drop_index("place_spine")
    op.drop_index("place_sounding")
    op.execute("CREATE INDEX place_search ON place USING gin (search gin_trgm_ops)")
    op.drop_column("place", "features")
    op.drop_column("place", "spine")
