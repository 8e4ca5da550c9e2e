"""A connection to a fresh database that knows one twin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.db import twins
from models.db.connection import Connection, connect
from models.testing import Twin


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        yield conn
