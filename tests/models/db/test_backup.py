from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from models.db.backup import backup, restore
from models.db.connection import Connection, connect
from models.db.embedded import EmbeddedPostgres
from models.db.publish import publish
from models.db.read import read_table
from models.db.testing import heights, put
from models.errors import DatabaseError
from models.features import Theme
from models.testing import buildings, delivery


def test_a_backup_brings_everything_back(
    cluster: EmbeddedPostgres, database: str, conn: Connection, tmp_path: Path
) -> None:
    first = delivery(Theme.BUILDINGS, {"building": buildings({"a": 1.0})})
    second = delivery(Theme.BUILDINGS, {"building": buildings({"b": 1.0})})
    publish(conn, twin="test", dataset="made", deliveries=[first])
    assert backup(database, tmp_path / "twin.dump") > 1000
    publish(conn, twin="test", dataset="made", deliveries=[second])
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    restore(cluster.admin_url(str(name)), tmp_path / "twin.dump")
    with connect(database) as again:
        assert list(read_table(again, "building", "test")["key"]) == ["a"]
        # identity columns go on counting after a restore
        assert publish(again, twin="test", dataset="made", deliveries=[second]).number == 2


def test_a_backup_that_fails_leaves_no_file(database: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be written"):
        backup(database, tmp_path / "nowhere" / "twin.dump")
    with pytest.raises(DatabaseError, match="pg_dump"):
        backup(database + "0", tmp_path / "twin.dump")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DatabaseError, match="no backup file"):
        restore(database, tmp_path / "twin.dump")


Spoil = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("spoil", "found", "zh"),
    [
        (lambda _: b"nothing at all", "a file that begins as 'nothing at all'", "开头为"),
        (lambda _: b"", "an empty file", "空文件"),
        (gzip.compress, "a file that begins as gzip", "gzip"),
        (lambda dump: dump[:40], "a damaged or half-copied backup", "损坏或不完整"),
        (lambda dump: dump[: len(dump) // 2], "a damaged or half-copied backup", "损坏或不完整"),
        (lambda dump: dump[:-300], "a damaged or half-copied backup", "损坏或不完整"),
    ],
)
def test_what_is_no_backup_is_named_and_changes_nothing(
    cluster: EmbeddedPostgres,
    database: str,
    conn: Connection,
    tmp_path: Path,
    spoil: Spoil,
    found: str,
    zh: str,
) -> None:
    backup(database, tmp_path / "good.dump")
    put(conn, {"a": 1.0})
    bad = tmp_path / "bad.dump"
    bad.write_bytes(spoil((tmp_path / "good.dump").read_bytes()))
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with pytest.raises(DatabaseError, match="cannot be restored") as caught:
        restore(cluster.admin_url(str(name)), bad)
    assert f"{bad} cannot be restored: found {found}, expected a whole file" in caught.value.en
    assert str(bad) in caught.value.zh
    assert zh in caught.value.zh
    assert heights(conn) == {"a": 1.0}
