"""Table definitions: SQLAlchemy and GeoAlchemy2, one set for each storage SRID.

Feature tables take their columns from :data:`models.features.TABLES`, so that readers, database and
tilers cannot drift apart. They are bitemporal: a row says that a feature had this content in
``[valid_from, valid_to)`` of the city's time, and that we held this for true in
``[tx_from, tx_to)`` of record time; ``infinity`` is an open end. An exclusion constraint makes two
contents of one feature at one point of both times impossible.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    TextClause,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from models.attributes import JSON_COLUMNS
from models.db.attributes_tables import attributes
from models.db.catalogue import catalogue, records
from models.db.columns import FOREVER, MOMENT, column_type, reference
from models.db.deliveries_tables import deliveries
from models.db.features_query import sort_key
from models.db.mvt_tables import vector_tiles
from models.db.places_tables import places
from models.db.system import SYSTEM
from models.db.tiles_tables import tile_tables
from models.features import SORTED, TABLES

#: Where a row came from; not what it says, so not part of ``content_sha``.
PROVENANCE: Final = ("id", "source_row", "source_sheet", "source_geom")

#: Tables of parts, which are looked up by their building.
PARTS: Final = ("building_part",)

#: Columns by which pipe segments and their points find each other.
JOINTS: Final = (
    ("pipe_segment", "from_point_id"),
    ("pipe_segment", "to_point_id"),
    ("pipe_segment", "dataset_id", "from_point"),
    ("pipe_segment", "dataset_id", "to_point"),
    ("pipe_point", "dataset_id", "exp_no"),
)

__all__ = ["CURRENT", "PROVENANCE", "SYSTEM", "metadata"]

CURRENT: Final = text("tx_to = 'infinity'::timestamp with time zone")


def _sorted(column: str, declared: str) -> str | TextClause:
    """What the index of a sortable column holds of it."""
    return text(sort_key(column, declared)) if declared == "text" else column


def _feature_table(name: str, columns: dict[str, str], srid: int, meta: MetaData) -> None:
    Table(
        name,
        meta,
        Column("row_id", BigInteger, Identity(always=True), primary_key=True),
        *(
            Column(
                column,
                column_type(declared, srid),
                *([ForeignKey("bim_mesh.key")] if column == "mesh" else []),
                nullable=column not in ("id", "key"),
            )
            for column, declared in columns.items()
        ),
        reference("dataset_id", "dataset.id"),
        reference("revision_id", "revision.id"),
        reference("file_id", "source_file.id"),
        Column("content_sha", LargeBinary, nullable=False),
        Column("valid_from", MOMENT, nullable=False),
        Column("valid_to", MOMENT, nullable=False, server_default=FOREVER),
        Column("tx_from", MOMENT, nullable=False),
        Column("tx_to", MOMENT, nullable=False, server_default=FOREVER),
        CheckConstraint("valid_from < valid_to", name=f"{name}_valid_order"),
        CheckConstraint("tx_from < tx_to", name=f"{name}_tx_order"),
        ExcludeConstraint(
            ("id", "="),
            (text("tstzrange(valid_from, valid_to)"), "&&"),
            (text("tstzrange(tx_from, tx_to)"), "&&"),
            name=f"{name}_one_truth",
            using="gist",
        ),
        Index(f"{name}_id_tx", "id", "tx_from"),
        Index(f"{name}_dataset", "dataset_id", "tx_to"),
        Index(f"{name}_revision", "revision_id"),
        Index(f"{name}_page", "dataset_id", "row_id", postgresql_where=CURRENT),
        *(
            Index(
                f"{name}_by_{column}",
                "dataset_id",
                _sorted(column, columns[column]),
                "row_id",
                postgresql_where=CURRENT,
            )
            for column in SORTED[name]
        ),
        *([Index(f"{name}_owner", "dataset_id", "building_key")] if name in PARTS else []),
        Index(
            f"{name}_geom_3d",
            "geom",
            postgresql_using="gist",
            postgresql_ops={"geom": "gist_geometry_ops_nd"},
            postgresql_where=CURRENT,
        ),
        Index(f"{name}_geom_2d", "geom", postgresql_using="gist", postgresql_where=CURRENT),
        *(
            Index(f"{name}_{joint[-1]}", *joint, postgresql_where=CURRENT)
            for table, *joint in JOINTS
            if table == name
        ),
        *(
            Index(
                f"{name}_{column}",
                column,
                postgresql_using="gin",
                postgresql_ops={column: "jsonb_path_ops"},
                postgresql_where=text(f"{CURRENT.text} AND {column} IS NOT NULL"),
            )
            for column in JSON_COLUMNS
            if column in columns
        ),
    )


@cache
def metadata(srid: int) -> MetaData:
    """All tables of a database whose storage CRS is ``EPSG:srid``."""
    meta = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_name)s_key",
        }
    )
    catalogue(meta)
    for name, columns in TABLES.items():
        _feature_table(name, columns, srid, meta)
    records(meta, srid)
    vector_tiles(meta)
    places(meta, srid)
    attributes(meta)
    tile_tables(meta)
    deliveries(meta)
    return meta
