"""Reading a large table in pieces, from several processes that see the same state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from psycopg import sql

from models.db.connection import Connection, connect
from models.db.errors import translated
from models.db.read import framed, selected
from models.db.statements import octets, statement

I64 = npt.NDArray[np.int64]

#: What :func:`scan_footprints` gives of each row: metres in the storage CRS, 1985 heights.
FOOTPRINT: Final = np.dtype(
    [
        ("row", "<i8"),
        *((name, "<f8") for name in ("west", "south", "east", "north", "base", "height")),
        ("points", "<i4"),
        ("octets", "<i4"),
    ]
)

_NOW: Final = "t.tx_to = 'infinity' AND t.valid_from <= now() AND t.valid_to > now()"


@translated
def export_snapshot(conn: Connection) -> str:
    """A name by which other connections see what the open transaction of ``conn`` sees.

    It holds until that transaction ends (PostgreSQL, pg_export_snapshot).
    """
    row = conn.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])


@contextmanager
def at_snapshot(url: str, name: str) -> Iterator[Connection]:
    """A read-only connection for the block that sees the state exported as ``name``."""
    with connect(url, read_only=True) as conn, conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        conn.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name)))
        yield conn


@translated
def scan_footprints(
    conn: Connection, table: str, twin: str, texts: tuple[str, ...], rows: I64 | None = None
) -> npt.NDArray[np.void]:
    """(n,) :data:`FOOTPRINT` of ``building`` or ``building_part`` now, or of ``rows`` by number, in
    order of id.

    ``base`` is the lowest z where the row has no base height, ``octets`` are the bytes of the
    columns ``texts``. Takes 64 bytes a row. ``conn`` is in a transaction.
    """
    chosen = sql.SQL(_NOW if rows is None else "t.row_id = ANY(%(rows)s)")
    query = statement(
        "scan_footprints", table=sql.Identifier(table), chosen=chosen, octets=octets(texts, "t")
    )
    big_endian = FOOTPRINT.newbyteorder(">")
    with conn.cursor("footprints", binary=True) as cursor:  # of the server, which keeps the rest
        cursor.execute(query, {"twin": twin, "rows": None if rows is None else rows.tolist()})
        out = np.empty(0, FOOTPRINT)
        for (piece,) in cursor:  # the array grows in place: to join pieces would take twice as much
            found = np.frombuffer(piece, big_endian)
            out.resize(len(out) + len(found), refcheck=False)
            out[len(out) - len(found) :] = found
    return out


@translated
def read_rows(conn: Connection, table: str, rows: I64, columns: Sequence[str]) -> pd.DataFrame:
    """The rows numbered ``rows`` (k,) of ``table`` in that order, as
    :func:`models.db.read.read_table` gives them; all of them must exist."""
    names, expressions = selected(table, [*columns, "row_id"])
    query = statement("read_rows", columns=expressions, table=sql.Identifier(table))
    # as text, which is ten times as fast to make as a list of numbers to bind
    values: dict[str, Any] = {"rows": f"{{{','.join(map(str, rows.tolist()))}}}"}
    with conn.cursor(binary=True) as cursor:
        found = framed(table, names, cursor.execute(query, values).fetchall())
    numbers = found.pop("row_id").to_numpy(np.int64)
    order = np.argsort(numbers, kind="stable")[np.argsort(np.argsort(rows, kind="stable"))]
    return found.take(order).reset_index(drop=True)
