"""Connections for everything that writes, and for bulk reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
from psycopg.types.json import set_json_dumps, set_json_loads

from models.db.errors import translating
from models.db.stop import stoppable

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def connect(url: str, *, read_only: bool = False) -> Iterator[Connection]:
    """A connection to ``url`` in autocommit; closed at the end of the block.

    Whoever needs several statements as one uses ``with conn.transaction():``. Driver errors raised
    in the block become :class:`models.errors.DatabaseError`. ``read_only`` refuses writes.
    """
    with (
        translating(url),
        psycopg.connect(url, autocommit=True, connect_timeout=10, client_encoding="UTF8") as conn,
    ):
        if read_only:
            conn.execute("SET default_transaction_read_only = on")
        set_json_loads(orjson.loads, conn)
        set_json_dumps(orjson.dumps, conn)
        with stoppable(conn):
            yield conn
