"""Reading features, meshes and the catalogue in bulk, at any moment of both times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from psycopg import sql

from models.db.connection import Connection
from models.db.errors import translated
from models.db.meshes import read_meshes
from models.db.statements import statement
from models.db.system import SYSTEM
from models.errors import DatabaseError
from models.features import TABLES, DatumPassport, SourceFile

__all__ = [
    "Dataset",
    "Extent",
    "Revision",
    "datasets",
    "extents",
    "read_meshes",
    "read_table",
    "revisions",
    "snapshot",
    "storage_srid",
]

#: Columns beside the canonical ones that can be asked for.
EXTRA: Final = (*SYSTEM, "dataset")
OPEN_ENDED: Final = ("valid_from", "valid_to", "tx_from", "tx_to")


@dataclass(frozen=True, slots=True)
class Extent:
    """``count`` features and their box in the storage CRS:
    (east, north, height) least, then greatest, metres and 1985 heights; None where there is none.
    """

    count: int
    box: tuple[float, float, float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of a twin; ``revision_*`` describe its newest revision."""

    id: int
    name: str
    theme: str
    organisation: str | None
    passport: DatumPassport
    created: dt.datetime
    revision_id: int | None
    revision_number: int | None
    revision_recorded: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One publication; ``counts`` as in :class:`models.db.publish.PublishResult`, by table."""

    id: int
    dataset: str
    number: int
    valid_from: dt.datetime
    recorded: dt.datetime
    complete: bool
    counts: dict[str, dict[str, int]]
    files: tuple[SourceFile, ...]


@translated
def read_table(
    conn: Connection,
    table: str,
    twin: str,
    *,
    columns: Sequence[str] | None = None,
    datetime: dt.datetime | None = None,
    as_of: dt.datetime | None = None,
) -> pd.DataFrame:
    """Features of ``table`` in order of id, one row each; ``id`` is a string and always there.

    ``columns`` are canonical ones, :data:`models.db.tables.SYSTEM` or ``dataset`` (the name);
    default are all canonical columns but ``source_geom``. ``datetime`` is a moment in the city,
    ``as_of`` one of record time; None is now. Geometries are shapely objects in the storage CRS
    (boxes of BIM elements as MultiPolygon Z). Missing text is None, missing float NaN; integers are
    ``Int64``; an open end of a time is None. Raises :class:`DatabaseError`.
    """
    names, expressions = selected(table, columns)
    query = statement(
        "read_table",
        columns=expressions,
        table=sql.Identifier(table),
        **times(datetime, as_of),
    )
    values = {"twin": twin, "datetime": datetime, "as_of": as_of}
    with conn.cursor(binary=True) as cursor:
        return framed(table, names, cursor.execute(query, values).fetchall())


def selected(table: str, columns: Sequence[str] | None) -> tuple[list[str], sql.Composable]:
    """The names of ``columns`` of ``table``, ``id`` first, and how they are selected from ``t``.

    Raises :class:`DatabaseError` for a column that the table does not have.
    """
    declared = TABLES[table]
    names = [c for c in declared if c != "source_geom"] if columns is None else list(columns)
    names = ["id", *(n for n in dict.fromkeys(names) if n != "id")]
    unknown = [n for n in names if n not in declared and n not in EXTRA]
    if unknown:
        raise DatabaseError(
            f"Table {table} has no columns {unknown}. Ask for columns of models.features.TABLES.",
            f"表 {table} 没有列 {unknown}。请使用 models.features.TABLES 中的列。",
        )
    return names, sql.SQL(", ").join(_expression(n, declared.get(n, "")) for n in names)


def framed(table: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """``rows`` of ``table`` with the columns ``names``, in the types they are declared with."""
    declared = TABLES[table]
    data = zip(*rows, strict=True) if rows else iter([()] * len(names))
    return pd.DataFrame(
        {
            name: _series(list(values), declared.get(name, ""))
            for name, values in zip(names, data, strict=True)
        }
    )


@contextmanager
def snapshot(conn: Connection) -> Iterator[None]:
    """All reads of the block see the database as it was at the first of them."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


@translated
def extents(
    conn: Connection,
    twin: str,
    *,
    datetime: dt.datetime | None = None,
    as_of: dt.datetime | None = None,
) -> dict[str, Extent]:
    """Count and box of every feature table."""
    found = {}
    for table in TABLES:
        query = statement("read_extent", table=sql.Identifier(table), **times(datetime, as_of))
        row = conn.execute(query, {"twin": twin, "datetime": datetime, "as_of": as_of}).fetchone()
        assert row is not None
        found[table] = Extent(row[0], None if row[1] is None else row[1:7])
    return found


@translated
def datasets(conn: Connection, twin: str) -> list[Dataset]:
    """Datasets of a twin by name."""
    rows = conn.execute(statement("read_datasets"), {"twin": twin}).fetchall()
    return [
        Dataset(
            i, name, theme, owner, DatumPassport(*passport), created, r_id, r_number, r_recorded
        )
        for i, name, theme, owner, *passport, created, r_id, r_number, r_recorded in rows
    ]


@translated
def revisions(conn: Connection, twin: str, dataset: str | None = None) -> list[Revision]:
    """Revisions of a twin, or of one of its datasets, oldest first."""
    values = {"twin": twin, "dataset": dataset}
    rows = conn.execute(statement("read_revisions"), values).fetchall()
    return [
        Revision(i, name, number, start, recorded, complete, counts, _files(files))
        for i, name, number, start, recorded, complete, counts, files in rows
    ]


@translated
def storage_srid(conn: Connection) -> int:
    """EPSG code of the storage CRS."""
    row = conn.execute("SELECT value FROM storage WHERE name = 'srid'").fetchone()
    assert row is not None
    return int(row[0])


def _files(found: list[dict[str, Any]]) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(f["name"], f["sha256"], f["size"]) for f in found)


def times(datetime: dt.datetime | None, as_of: dt.datetime | None) -> dict[str, sql.Composable]:
    """The conditions of both times; what is held now has a partial index of its own."""
    held = "t.tx_to = 'infinity'"
    if as_of is not None:
        held = "t.tx_from <= %(as_of)s AND t.tx_to > %(as_of)s"
    moment = "now()" if datetime is None else "%(datetime)s"
    return {"held": sql.SQL(held), "moment": sql.SQL(moment)}


def _expression(name: str, declared: str) -> sql.Composable:
    column = sql.Identifier("t", name)
    if name == "dataset":
        return sql.SQL("d.name")
    if declared == "uuid":
        return sql.SQL("{}::text").format(column)
    if name in OPEN_ENDED:
        return sql.SQL("nullif(nullif({0}, 'infinity'), '-infinity')").format(column)
    if declared == "geometry(PolyhedralSurfaceZ)":
        # GEOS knows no polyhedral surface; a multipolygon has the same layout, type number 6
        return sql.SQL("overlay(ST_AsEWKB({}, 'NDR') placing '\\x06'::bytea from 2 for 1)").format(
            column
        )
    if declared.startswith("geometry"):
        return sql.SQL("ST_AsEWKB({}, 'NDR')").format(column)
    return column


def _series(values: list[Any], declared: str) -> Any:
    if declared.startswith("geometry"):
        plain = np.empty(len(values), dtype=object)
        plain[:] = values
        return pd.Series(shapely.from_wkb(plain), dtype=object)
    if declared in ("integer", "smallint"):
        return pd.array(values, dtype="Int64")
    if declared == "double precision":
        return np.array(values, dtype=np.float64)
    plain = np.empty(len(values), dtype=object)
    plain[:] = values
    return pd.Series(plain, dtype=object)
