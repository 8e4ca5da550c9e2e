"""The role that answers clients can read, and nothing else, whatever it is made to run."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import (
    Error,
    InsufficientPrivilege,
    ReadOnlySqlTransaction,
    UndefinedTable,
)

from models.db.connection import Connection
from models.db.embedded import EmbeddedPostgres
from models.db.provision import READ_ROLE, prepare_database
from models.db.testing import put

#: Refused whatever the session sets: rights, not only read-only transactions.
FORBIDDEN = (
    "INSERT INTO twin SELECT * FROM twin",
    "UPDATE building SET height = 0",
    "DELETE FROM building",
    "TRUNCATE building",
    "DROP TABLE building",
    "ALTER TABLE building ADD COLUMN x int",
    "CREATE TABLE mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION dblink",
    "CREATE ROLE other",
    "CREATE DATABASE other",
    "ALTER ROLE twin_read SUPERUSER",
    "SET ROLE twin",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "DO $$ BEGIN LOCK TABLE building IN ACCESS EXCLUSIVE MODE; END $$",
    "SELECT nextval(c.oid) FROM pg_class c WHERE relkind = 'S'",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "COPY building TO '/tmp/x'",
    "COPY building TO PROGRAM 'cat'",
    "COPY building FROM PROGRAM 'true'",
    "SELECT pg_reload_conf()",
    "SELECT pg_switch_wal()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
    "ALTER SYSTEM SET log_statement = 'all'",
    "DO LANGUAGE plpython3u $$ $$",
    "LOAD 'dblink'",
    "CREATE TEMP TABLE mine (x int)",
    "CREATE TEMP VIEW mine AS SELECT 1",
    "CREATE TEMP SEQUENCE mine",
    "SELECT 1 INTO TEMP mine",
    "SELECT lo_creat(-1)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT lo_open(1, 131072)",
    "SELECT lo_truncate(0, 0)",
    "SELECT lo_unlink(1)",
)


@pytest.fixture
def reader(
    conn: Connection, database: str, cluster: EmbeddedPostgres
) -> Iterator[psycopg.Connection]:
    """The role of the pool with all that it could set by itself set."""
    prepare_database(cluster.admin_url(), conn.info.dbname)  # as every start does
    put(conn, {"a": 10.0})
    with psycopg.connect(database.replace("twin@", f"{READ_ROLE}@"), autocommit=True) as own:
        own.execute("SET default_transaction_read_only = off")
        yield own


def test_it_reads_what_is_published(reader: psycopg.Connection) -> None:
    assert reader.execute("SELECT current_user").fetchone() == (READ_ROLE,)
    assert reader.execute("SELECT height FROM building").fetchall() == [(10.0,)]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_it_can_do_nothing_else(reader: psycopg.Connection, statement: str) -> None:
    with pytest.raises(Error) as raised:
        reader.execute(statement.encode())
    # 42501: no right; others: what is needed for it is not there
    assert raised.value.sqlstate in ("42501", "0LP01", "42704", "58P01", "25006"), raised.value
    assert reader.execute("SELECT height FROM building").fetchall() == [(10.0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMP TABLE building (x int)",
        "SELECT setval('revision_id_seq', 1)",
        "DELETE FROM building",
        "COPY building FROM STDIN",
    ],
)
def test_its_sessions_begin_read_only(database: str, statement: str) -> None:
    with psycopg.connect(database.replace("twin@", f"{READ_ROLE}@"), autocommit=True) as own:
        assert own.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        with pytest.raises((ReadOnlySqlTransaction, InsufficientPrivilege, UndefinedTable)):
            own.execute(statement.encode())


def test_it_owns_nothing_and_is_in_no_other_role(reader: psycopg.Connection) -> None:
    (mine,) = reader.execute("SELECT oid FROM pg_roles WHERE rolname = current_user").fetchone()
    for query in (
        "SELECT relname FROM pg_class WHERE relowner = %s",
        "SELECT roleid FROM pg_auth_members WHERE member = %s",
        "SELECT rolname FROM pg_roles WHERE oid = %s AND (rolsuper OR rolcreaterole OR rolcreatedb "
        "OR rolreplication OR rolbypassrls)",
    ):
        assert reader.execute(query, [mine]).fetchall() == []
    writable = """
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND (
          CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, UPDATE')
          ELSE has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
          END) AND n.nspname !~ '^pg_'"""
    assert reader.execute(writable).fetchall() == []
    schemas = """
        SELECT nspname FROM pg_namespace
        WHERE has_schema_privilege(nspname, 'CREATE') AND nspname !~ '^pg_'"""
    assert reader.execute(schemas).fetchall() == []
    above = """
        SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.prosecdef AND has_function_privilege(p.oid, 'EXECUTE') AND n.nspname !~ '^pg_'"""
    # with its owner's rights runs nothing but PostGIS's own estimate
    assert set(reader.execute(above).fetchall()) == {("st_estimatedextent",)}
