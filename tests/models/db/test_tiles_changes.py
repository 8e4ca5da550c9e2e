"""What changed since a moment, as layers that follow need it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from models.db import read, tiles_changes
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.db.testing import put
from models.db.tiles_changes import Watermark
from models.features import Theme, feature_id
from models.testing import buildings, delivery


def keys(conn: Connection, since: Watermark) -> set[str]:
    """Keys of the buildings that changed since then."""
    found = tiles_changes.changed(conn, "test", Theme.BUILDINGS, since)["building"]
    rows = conn.execute("SELECT key FROM building WHERE id = ANY(%s)", (found,)).fetchall()
    return {key for (key,) in rows}


def test_what_is_new_other_or_gone(conn: Connection) -> None:
    nothing = tiles_changes.watermark(conn, "test")
    assert nothing.revision == 0
    put(conn, {"a": 1.0, "b": 2.0, "c": 3.0})
    first = tiles_changes.watermark(conn, "test")
    assert keys(conn, nothing) == {"a", "b", "c"}
    assert keys(conn, first) == set()
    put(conn, {"a": 1.0, "b": 2.5, "d": 4.0})
    assert keys(conn, first) == {"b", "c", "d"}
    assert tiles_changes.changed(conn, "test", Theme.PIPES, first) == {
        "pipe_point": [],
        "pipe_segment": [],
    }


def test_a_publication_that_commits_late_is_not_lost(conn: Connection, database: str) -> None:
    """Its moment of record lies before the snapshot that does not see it yet."""
    put(conn, {"a": 1.0})
    with connect(database) as other, connect(database) as reader, other.transaction():
        put(other, {"a": 2.0})
        with read.snapshot(reader):
            mark = tiles_changes.watermark(reader, "test")
            assert keys(reader, mark) == set()
    assert keys(conn, mark) == {"a"}


def test_a_date_that_has_come_changes_what_is_true(conn: Connection) -> None:
    put(conn, {"a": 1.0, "b": 2.0}, date(2020, 1, 1))
    put(conn, {"a": 1.5, "b": 2.0}, date(2022, 1, 1))
    newest = tiles_changes.watermark(conn, "test").revision
    assert keys(conn, Watermark(newest, datetime(2021, 1, 1, tzinfo=UTC))) == {"a"}
    assert keys(conn, Watermark(newest, datetime(2023, 1, 1, tzinfo=UTC))) == set()


def test_versions_name_the_row_that_is_true_now(conn: Connection) -> None:
    put(conn, {"a": 1.0, "b": 2.0})
    put(conn, {"a": 1.5, "b": 2.0})
    ids = [feature_id("test", "made", "building", key) for key in "ab"]
    found = tiles_changes.versions(conn, "building", ids)
    assert sorted(map(str, found.ids[found.current])) == sorted(map(str, ids))
    assert len(found.rows) > 2
    assert tiles_changes.versions(conn, "building", []).rows.size == 0


def test_parts_come_with_their_buildings(conn: Connection) -> None:
    parts = buildings({"p": 3.0, "q": 4.0})
    parts["id"] = [feature_id("test", "made", "building_part", key) for key in "pq"]
    parts["building_key"] = ["a", "nowhere"]
    tables = {"building": buildings({"a": 1.0, "b": 2.0}), "building_part": parts}
    made = delivery(Theme.BUILDINGS, tables)
    publish(conn, twin="test", dataset="made", deliveries=[made])
    a, b = (feature_id("test", "made", "building", key) for key in "ab")
    p = parts["id"].iloc[0]
    assert tiles_changes.with_buildings(conn, "test", [b], []) == ([b], [])
    assert tiles_changes.with_buildings(conn, "test", [a], []) == ([a], [p])
    whole, some = tiles_changes.with_buildings(conn, "test", [], [p])
    assert (set(whole), set(some)) == ({a}, {p})
    row_of = dict(conn.execute("SELECT key, row_id FROM building_part").fetchall())
    owner = conn.execute("SELECT row_id FROM building WHERE key = 'a'").fetchone()
    rows = np.array([row_of["q"], row_of["p"]])
    assert owner is not None
    assert tiles_changes.owners(conn, "test", rows).tolist() == [0, owner[0]]
