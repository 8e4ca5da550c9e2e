"""Column types and columns that many tables share."""

from __future__ import annotations

import re
from typing import Any, Final

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Double,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID
from sqlalchemy.types import TypeEngine

TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "uuid": UUID(),
    "text": Text(),
    "integer": Integer(),
    "smallint": SmallInteger(),
    "bytea": LargeBinary(),
    "jsonb": JSONB(),
    "double precision": Double(),
    "double precision[]": ARRAY(Double()),
    "date": Date(),
}
MOMENT: Final = TIMESTAMP(timezone=True)
FOREVER: Final = text("'infinity'::timestamptz")
NOW: Final = text("now()")


def column_type(declared: str, srid: int) -> TypeEngine[Any]:
    """The SQLAlchemy type of a declared type of :mod:`models.features`; KeyError if unknown."""
    match = re.fullmatch(r"geometry\((\w+)\)", declared)
    if match:
        geometry: TypeEngine[Any] = Geometry(
            match[1].upper(), srid=srid, dimension=3, spatial_index=False
        )
        return geometry
    return TYPES[declared]


def identity() -> Column[int]:
    """A generated primary key ``id``."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def reference(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    """A foreign key to ``target`` (``table.column``)."""
    kind = Text() if target in ("twin.id", "bim_mesh.key") else BigInteger()
    return Column(name, kind, ForeignKey(target), nullable=nullable)
