"""What vector tiles draw for features belongs to a block, so that overviews follow a change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add it. Overviews that there are stay, and are made anew with the next change."""
    op.add_column("mvt_overview", sa.Column("cells", ARRAY(sa.SmallInteger)))
    op.add_column(
        "mvt_drawn", sa.Column("block", sa.BigInteger, nullable=False, server_default="0")
    )
    op.create_index("mvt_drawn_block", "mvt_drawn", ["block", "overview_id", "zoom"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index("mvt_drawn_block")
    op.drop_column("mvt_drawn", "block")
    op.drop_column("mvt_overview", "cells")
