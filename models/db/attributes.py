"""Which source attributes and BIM properties there are: told at every publication, read by twin."""

from __future__ import annotations

from typing import Any, Final

from psycopg import sql

from models.attributes import DECIMAL, JSON_COLUMNS, Attribute
from models.db.connection import Connection
from models.db.errors import translate
from models.db.pool import DRIVER_ERRORS
from models.db.statements import statement, text
from models.features import TABLES

#: Attributes of one publication and table that are remembered, and that a collection offers.
MOST: Final = 2_000
#: Letters of a path, as PostgreSQL writes the array.
_LONGEST: Final = 300


def record(conn: Connection, dataset: int, revision: int, table: str) -> None:
    """Remember the attributes of the rows that ``revision`` brought. Counts only grow: what
    an earlier state had can still be asked for, as of then."""
    for column in JSON_COLUMNS.keys() & TABLES[table].keys():
        conn.execute(
            statement(
                "attributes_record", table=sql.Identifier(table), column=sql.Identifier(column)
            ),
            {
                "dataset": dataset, "revision": revision, "table": table, "column": column,
                "decimal": DECIMAL, "longest": _LONGEST, "most": MOST,
            },
        )  # fmt: skip


async def read(conn: Any, twin: str, table: str) -> list[Attribute]:
    """The attributes of a twin's features in ``table``, those that most of them have first; over an
    asyncpg connection or pool. Raises :class:`models.errors.DatabaseError`."""
    try:
        rows = await conn.fetch(text("attributes_read"), twin, table, MOST)
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    return [Attribute(tuple(row[0]), *(row[i] for i in range(1, 6))) for row in rows]
