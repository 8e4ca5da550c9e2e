"""The table of source attributes and BIM properties that filters may name."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

#: What is counted of an attribute's values (:class:`models.attributes.Attribute`).
COUNTS: Final = ("numbers", "decimals", "texts", "booleans", "others")


def attributes(meta: MetaData) -> None:
    """Add what members the JSON columns of a dataset's features have: ``path`` is the column and
    one or two names."""
    Table(
        "source_attribute",
        meta,
        Column("dataset_id", BigInteger, ForeignKey("dataset.id"), nullable=False),
        Column("feature_table", Text, nullable=False),
        Column("path", ARRAY(Text()), nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in COUNTS),
        PrimaryKeyConstraint("dataset_id", "feature_table", "path"),
    )
