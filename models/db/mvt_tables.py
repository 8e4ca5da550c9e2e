"""Tables of what stands for features in vector tiles of low levels (:mod:`models.mvt.overview`)."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY

from models.db.columns import MOMENT, NOW, identity, reference


def vector_tiles(meta: MetaData) -> None:
    """Add the overviews of datasets and what is drawn in them to ``meta``.

    An overview holds for one table of a dataset in one tile matrix set, as of one revision.
    ``first_zoom`` is its least level, ``raw_zoom`` the level from which features are drawn
    themselves, ``extent`` holds all features: west, south, east, north in the CRS of the set (null
    without features); ``cells`` are those a side of a tile, from the least level on. Geometries of
    ``mvt_drawn`` are in units of their tile, y downwards, as they are sent; ``block`` numbers the
    part of a tile that they belong to (:func:`models.db.mvt_rows.numbered`).
    """
    Table(
        "mvt_overview",
        meta,
        identity(),
        reference("dataset_id", "dataset.id"),
        reference("revision_id", "revision.id"),
        Column("layer", Text, nullable=False),
        Column("tms", Text, nullable=False),
        Column("built", MOMENT, nullable=False, server_default=NOW),
        Column("features", Integer, nullable=False),
        Column("first_zoom", SmallInteger, nullable=False),
        Column("raw_zoom", SmallInteger, nullable=False),
        Column("extent", ARRAY(Double())),
        Column("cells", ARRAY(SmallInteger)),
        UniqueConstraint("dataset_id", "layer", "tms", name="mvt_overview_one"),
    )
    Table(
        "mvt_drawn",
        meta,
        Column(
            "overview_id",
            BigInteger,
            ForeignKey("mvt_overview.id", ondelete="CASCADE"),
            nullable=False,
        ),
        Column("zoom", SmallInteger, nullable=False),
        Column("tile_row", Integer, nullable=False),
        Column("tile_col", Integer, nullable=False),
        Column("kind", Text),
        Column("count", Integer, nullable=False),
        Column("measure", Double),
        Column("size", Double),
        Column("geom", Geometry("GEOMETRY", srid=-1, spatial_index=False), nullable=False),
        Column("block", BigInteger, nullable=False, server_default="0"),
        Index("mvt_drawn_tile", "overview_id", "zoom", "tile_row", "tile_col"),
        # the block first: a tile is not to be looked for in this one
        Index("mvt_drawn_block", "block", "overview_id", "zoom"),
    )
