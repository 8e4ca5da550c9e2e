"""Source attributes and BIM properties that filters may name, and indexes on their values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

COLUMNS = (
    ("building", "attrs"), ("building_part", "attrs"), ("pipe_point", "attrs"),
    ("pipe_segment", "attrs"), ("bim_element", "attrs"), ("bim_element", "psets"),
)  # fmt: skip
COUNTS = ("numbers", "decimals", "texts", "booleans", "others")
#: What publishing records, for what is stored already. Frozen.
RECORD = """
INSERT INTO source_attribute
  (dataset_id, feature_table, path, numbers, decimals, texts, booleans, others)
SELECT
  m.dataset_id, '{table}', m.path,
  count(*) FILTER (WHERE m.kind = 'number'),
  count(*) FILTER (WHERE m.kind = 'string' AND m.value #>> '{{}}' ~ '{decimal}'),
  count(*) FILTER (WHERE m.kind = 'string' AND m.value #>> '{{}}' !~ '{decimal}'),
  count(*) FILTER (WHERE m.kind = 'boolean'),
  count(*) FILTER (WHERE m.kind IN ('array', 'object'))
FROM (
  SELECT
    t.dataset_id,
    array_remove(ARRAY['{column}', o.key, i.key], NULL) AS path,
    coalesce(i.value, o.value) AS value,
    jsonb_typeof(coalesce(i.value, o.value)) AS kind
  FROM {table} AS t
  CROSS JOIN LATERAL
    jsonb_each(CASE WHEN jsonb_typeof(t.{column}) = 'object' THEN t.{column} END) AS o
  LEFT JOIN LATERAL
    jsonb_each(CASE WHEN jsonb_typeof(o.value) = 'object' THEN o.value END) AS i ON true
) AS m
WHERE m.kind <> 'null' AND length(m.path::text) <= 300
GROUP BY m.dataset_id, m.path
"""
DECIMAL = r"^-?(0|[1-9][0-9]{{0,14}})(\.[0-9]{{1,9}})?$"


def upgrade() -> None:
    """Make the table, fill it from what is stored, and make the indexes."""
    op.create_table(
        "source_attribute",
        sa.Column("dataset_id", sa.BigInteger, sa.ForeignKey("dataset.id"), nullable=False),
        sa.Column("feature_table", sa.Text, nullable=False),
        sa.Column("path", ARRAY(sa.Text), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTS),
        sa.PrimaryKeyConstraint("dataset_id", "feature_table", "path"),
    )
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for table, column in COLUMNS:
        decimal = DECIMAL.format()
        driver.execute(RECORD.format(table=table, column=column, decimal=decimal))
        op.execute(
            f"CREATE INDEX {table}_{column} ON {table} USING gin ({column} jsonb_path_ops) "
            f"WHERE tx_to = 'infinity' AND {column} IS NOT NULL"
        )


def downgrade() -> None:
    """Drop both; filters can then name no source attribute."""
    for table, column in COLUMNS:
        op.drop_index(f"{table}_{column}")
    op.drop_table("source_attribute")
