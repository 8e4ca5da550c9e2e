from __future__ import annotations

from dataclasses import replace

from models.db import twins
from models.db.connection import Connection
from models.testing import Twin


def test_definitions_are_added_updated_and_kept(conn: Connection) -> None:
    other = Twin("other", "他", "Other")
    assert twins.sync(conn, [Twin(), other]) == ["other"]
    assert twins.sync(conn, [Twin(), other]) == []
    assert twins.sync(conn, [replace(other, ground_height=5.5)]) == ["other"]
    assert twins.known(conn) == ["other", "test"]
    found = conn.execute("SELECT ground_height, extent FROM twin WHERE id = 'other'").fetchone()
    assert found == (5.5, list(other.extent))
