from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from geoalchemy2 import alembic_helpers

from models.db import migrate, revision
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.server import choose
from models.db.tables import metadata
from models.errors import DatabaseError, StorageCrsError


@contextmanager
def sqlalchemy_connection(url: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url),
        poolclass=sqlalchemy.pool.NullPool,
    )
    with engine.begin() as conn:
        yield conn


def schema(url: str) -> str:
    """The schema as the server's own program writes it."""
    done = subprocess.run(
        [choose().program("pg_dump"), "--schema-only", "--exclude-table=alembic_version", url],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"\\(un)?restrict .*", "", done.stdout)


def test_a_new_database_is_at_the_head(database: str) -> None:
    status = migrate.status(database)
    assert status.current
    assert status.revision == migrate.head()
    assert status.storage_srid == 4549


def test_what_is_current_is_told_without_alembic(database: str) -> None:
    assert revision.newest() == migrate.head()
    assert revision.current(database, 4549)
    assert not revision.current(database, 4528)
    migrate.downgrade(database, "base")
    assert not revision.current(database, 4549)


def test_migrations_and_definitions_agree(database: str) -> None:
    with sqlalchemy_connection(database) as conn:
        context = MigrationContext.configure(
            conn,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_object": alembic_helpers.include_object,
            },
        )
        assert compare_metadata(context, metadata(4549)) == []


def test_definitions_alone_make_the_same_schema(database: str) -> None:
    migrated = schema(database)
    migrate.downgrade(database, "base")
    with sqlalchemy_connection(database) as conn:
        metadata(4549).create_all(conn)
    assert sorted(schema(database).splitlines()) == sorted(migrated.splitlines())


def test_down_and_up_return_to_the_same_schema(database: str) -> None:
    before = schema(database)
    assert migrate.downgrade(database, "base").revision is None
    assert "building" not in schema(database)
    assert migrate.upgrade(database).current
    assert schema(database) == before


def test_upgrading_twice_changes_nothing(database: str) -> None:
    before = schema(database)
    migrate.upgrade(database)
    assert schema(database) == before


def test_another_storage_srid_is_refused(database: str) -> None:
    with pytest.raises(DatabaseError, match=r"EPSG:4549, not in EPSG:4528") as caught:
        migrate.upgrade(database, storage_srid=4528)
    assert "EPSG:4528" in caught.value.zh


def test_the_first_upgrade_chooses_the_srid(database: str) -> None:
    migrate.downgrade(database, "base")
    assert migrate.upgrade(database, storage_srid=4528).storage_srid == 4528
    with connect(database) as conn:
        found = conn.execute("SELECT Find_SRID('public', 'building', 'geom')").fetchone()
    assert found == (4528,)


def test_an_unknown_srid_is_refused_before_anything_is_made(database: str) -> None:
    migrate.downgrade(database, "base")
    with pytest.raises(StorageCrsError, match="TWIN_STORAGE_SRID is 999998"):
        migrate.upgrade(database, storage_srid=999998)
    assert "building" not in schema(database)


def test_a_newer_database_is_refused(database: str) -> None:
    with connect(database) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="newer"):
        migrate.upgrade(database)


def test_the_server_is_checked(cluster: EmbeddedPostgres, database: str) -> None:
    with connect(database) as conn:
        assert migrate.check_server(conn) >= (3, 3)
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(cluster.admin_url(str(name)), autocommit=True) as admin:
        admin.execute("DROP EXTENSION postgis CASCADE")
    with connect(database) as conn, pytest.raises(DatabaseError, match="CREATE EXTENSION postgis"):
        migrate.check_server(conn)


def test_addresses_that_there_are_get_their_sound(database: str) -> None:
    migrate.downgrade(database, "0013")
    with connect(database) as conn:
        conn.execute(
            "INSERT INTO twin VALUES ('one', '一', 'One', 121, 31, '{120,30,122,32}', 4);"
            "INSERT INTO place_source (twin_id, name, signature) VALUES ('one', 'x', 'x');"
            "INSERT INTO place"
            " (source_id, twin_id, kind, name, address, search, pinyin, grams, geom) SELECT"
            " 1, 'one', 'place', '店' || i, '松江区荣乐东路' || nullif(i, 7) || '号',"
            " 'x', 'x', '{}', ST_SetSRID(ST_MakePoint(0, 0, 0), 4549)"
            " FROM generate_series(1, 10500) AS i"  # more than are held at once
        )
    migrate.upgrade(database)
    with connect(database) as conn:
        rows = conn.execute(
            "SELECT address_pinyin, address_initials FROM place ORDER BY id"
        ).fetchall()
    assert [row[1] for row in rows] == [None if i == 7 else f"rldl{i}h" for i in range(1, 10501)]
    assert rows[10_000][0].startswith("rongledonglu10001hao ")
    assert rows[6] == (None, None)
