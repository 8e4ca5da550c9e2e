"""Addresses by how they sound, as names are."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from models.places import fold, index_address

revision = "0014"
down_revision: str | None = "0013"
branch_labels: str | None = None
depends_on: str | None = None

#: Rows that are held at once.
BATCH: Final = 10_000
#: Indexes that each changed row would be entered in anew, which takes longer than making them.
DROPPED: Final = {
    "place_grams": "USING gin (grams)",
    "place_pinyin": "USING gin (pinyin gin_trgm_ops)",
}
MADE: Final = {
    "place_address_pinyin": "USING gin (address_pinyin gin_trgm_ops)",
    "place_address_sounding": "(twin_id, address_pinyin text_pattern_ops)",
    "place_address_initials": "(twin_id, address_initials text_pattern_ops)",
}


def upgrade() -> None:
    """Add it, for the addresses that there are too."""
    op.add_column("place", sa.Column("address_pinyin", sa.Text))
    op.add_column("place", sa.Column("address_initials", sa.Text))
    for name in DROPPED:
        op.drop_index(name)
    _fill()
    for name, how in DROPPED.items():
        op.execute(f"CREATE INDEX {name} ON place {how}")
    for name, how in MADE.items():
        column = "address_initials" if name == "place_address_initials" else "address_pinyin"
        op.execute(f"CREATE INDEX {name} ON place {how} WHERE {column} IS NOT NULL")


def downgrade() -> None:
    """Take it away."""
    op.drop_column("place", "address_initials")
    op.drop_column("place", "address_pinyin")


def _fill() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    last = 0
    while rows := connection.execute(
        "SELECT id, name, address FROM place WHERE id > %s AND address IS NOT NULL"
        " ORDER BY id LIMIT %s",
        (last, BATCH),
    ).fetchall():
        said = [index_address(fold(name), fold(address)) for _, name, address in rows]
        connection.execute(
            "UPDATE place AS p SET address_pinyin = f.pinyin, address_initials = f.initials"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS f (id, pinyin, initials)"
            " WHERE p.id = f.id AND f.pinyin IS NOT NULL",
            ([row[0] for row in rows], [one for one, _ in said], [one for _, one in said]),
        )
        last = rows[-1][0]
