"""The table of names and addresses (地名地址)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from models.db.columns import column_type, identity, reference


def places(meta: MetaData, srid: int) -> None:
    """Add places and where they come from to ``meta``.

    A source is a dataset of the twin, as of a revision, or an address table by its file's hash. A
    place may stand for a feature (``layer`` and ``feature_id``), or a road for so many ``features``
    of a layer; ``search``, ``pinyin``, ``grams``, ``spine``, ``address_pinyin`` and
    ``address_initials`` are those of :func:`models.places.index`. ``geom`` is a point of the
    storage CRS and ``outline`` what a parcel covers; both are plan, their heights nought.
    ``height`` (1985, metres) is where a sensor is, null where that is unknown.
    """
    Table(
        "place_source",
        meta,
        identity(),
        reference("twin_id", "twin.id"),
        Column("name", Text, nullable=False),
        reference("dataset_id", "dataset.id", nullable=True),
        Column("signature", Text, nullable=False),
        UniqueConstraint("twin_id", "name", name="place_source_one"),
    )
    Table(
        "place",
        meta,
        identity(),
        Column(
            "source_id", BigInteger, ForeignKey("place_source.id", ondelete="CASCADE"),
            nullable=False,
        ),
        reference("twin_id", "twin.id"),
        Column("kind", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("address", Text),
        Column("layer", Text),
        Column("feature_id", UUID),
        Column("search", Text, nullable=False),
        Column("pinyin", Text, nullable=False),
        Column("grams", ARRAY(Text()), nullable=False),
        Column("geom", column_type("geometry(PointZ)", srid), nullable=False),
        Column("spine", Text),
        Column("features", Integer),
        Column("height", Double),
        Column("outline", column_type("geometry(MultiPolygonZ)", srid)),
        Column("address_pinyin", Text),
        Column("address_initials", Text),
        Index("place_source_id", "source_id"),
        Index("place_grams", "grams", postgresql_using="gin"),
        Index(
            "place_pinyin", "pinyin", postgresql_using="gin",
            postgresql_ops={"pinyin": "gin_trgm_ops"},
        ),
        Index(
            "place_beginning", "twin_id", "search",
            postgresql_ops={"search": "text_pattern_ops"},
        ),
        Index(
            "place_sounding", "twin_id", "pinyin",
            postgresql_ops={"pinyin": "text_pattern_ops"},
        ),
        Index(
            "place_spine", "twin_id", "spine",
            postgresql_ops={"spine": "text_pattern_ops"},
        ),
        Index(
            "place_address_pinyin", "address_pinyin", postgresql_using="gin",
            postgresql_ops={"address_pinyin": "gin_trgm_ops"},
            postgresql_where=text("address_pinyin IS NOT NULL"),
        ),
        Index(
            "place_address_sounding", "twin_id", "address_pinyin",
            postgresql_ops={"address_pinyin": "text_pattern_ops"},
            postgresql_where=text("address_pinyin IS NOT NULL"),
        ),
        Index(
            "place_address_initials", "twin_id", "address_initials",
            postgresql_ops={"address_initials": "text_pattern_ops"},
            postgresql_where=text("address_initials IS NOT NULL"),
        ),
        Index("place_geom", "geom", postgresql_using="gist"),
        Index("place_outline", "outline", postgresql_using="gist"),
    )  # fmt: skip
