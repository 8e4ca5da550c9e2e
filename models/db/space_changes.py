"""What differs between two states of a table, of the city's time or of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import shapely
from psycopg import sql

from models.db import read
from models.db.connection import Connection
from models.db.errors import translated
from models.db.space import Moment
from models.db.statements import statement
from models.features import TABLES

#: Differences that are told.
MOST: Final = 20_000
_SAME: Final = ("id", "source_geom", "source_row", "source_sheet")


@dataclass(frozen=True, slots=True)
class Changes:
    """Features by id: ``added`` and ``removed``, and rows ``before`` and ``after`` of those that
    changed, in the same order; tables as :func:`models.db.read.read_table` gives them."""

    added: pd.DataFrame
    removed: pd.DataFrame
    before: pd.DataFrame
    after: pd.DataFrame


@translated
def changes(
    conn: Connection,
    table: str,
    first: Moment,
    second: Moment,
    area: shapely.Polygon | None = None,
) -> Changes | None:
    """What differs in ``table`` from the ``first`` state to the ``second``, of the datasets of the
    second, within ``area`` (storage CRS) where one is given; None where it is more than
    :data:`MOST` features. Raises :class:`models.errors.DatabaseError`.
    """
    meets = "true"
    if area is not None:
        meets = "t.geom && ST_GeomFromWKB(%(area)s, {srid}) AND ST_Intersects({plan}, "
        meets += "ST_GeomFromWKB(%(area)s, {srid}))"
        plan = "t.geom" if table != "bim_element" else "ST_ConvexHull(ST_Points(t.geom))"
        meets = meets.format(srid=read.storage_srid(conn), plan=plan)
    query = statement(
        "space_changed",
        table=sql.Identifier(table),
        held_a=_held("as_of_a", first.as_of),
        held_b=_held("as_of_b", second.as_of),
        meets=sql.SQL(meets),
    )
    values = {
        "datetime_a": first.datetime,
        "datetime_b": second.datetime,
        "as_of_a": first.as_of,
        "as_of_b": second.as_of,
        "datasets": list(second.datasets),
        "area": None if area is None else shapely.to_wkb(area),
        "most": MOST + 1,
    }
    rows = conn.execute(query, values).fetchall()
    if len(rows) > MOST:
        return None
    both = [(a, b) for _, a, b in rows if a is not None and b is not None]
    return Changes(
        _rows(conn, table, [b for _, a, b in rows if a is None]),
        _rows(conn, table, [a for _, a, b in rows if b is None]),
        _rows(conn, table, [a for a, _ in both]),
        _rows(conn, table, [b for _, b in both]),
    )


@translated
def revision(
    conn: Connection, twin: str, dataset: str, number: int
) -> tuple[dt.datetime, dt.datetime] | None:
    """When a revision of a dataset was recorded and from when it counts; None where there is no
    such revision."""
    row = conn.execute(
        "SELECT r.recorded, r.valid_from FROM revision AS r JOIN dataset AS d"
        " ON d.id = r.dataset_id WHERE d.twin_id = %s AND d.name = %s AND r.number = %s",
        (twin, dataset, number),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def columns(table: str) -> list[str]:
    """Columns that say what a feature is."""
    return [name for name in TABLES[table] if name not in _SAME]


def _held(name: str, as_of: dt.datetime | None) -> sql.Composable:
    if as_of is None:
        return sql.SQL("t.tx_to = 'infinity'")
    place = sql.Placeholder(name)
    return sql.SQL("t.tx_from <= {0} AND t.tx_to > {0}").format(place)


def _rows(conn: Connection, table: str, ids: Sequence[int]) -> pd.DataFrame:
    """Rows of the table by their row_id, in that order."""
    names, expressions = read.selected(table, [*columns(table), "row_id"])
    query = sql.SQL(
        "SELECT {} FROM unnest(%s::bigint[]) WITH ORDINALITY AS w (row_id, place)"
        " JOIN {} AS t ON t.row_id = w.row_id ORDER BY w.place"
    ).format(expressions, sql.Identifier(table))
    with conn.cursor(binary=True) as cursor:
        return read.framed(table, names, cursor.execute(query, (list(ids),)).fetchall())
