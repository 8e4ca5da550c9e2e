"""Roles, databases and rights inside a cluster of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from models.db.errors import translated
from models.db.statements import text

OWNER_ROLE: Final = "twin"
READ_ROLE: Final = "twin_read"
EXTENSIONS: Final = ("postgis", "btree_gist", "pg_trgm")
#: Databases that every cluster has: nothing of ours is there, and only the superuser needs them.
_MAINTENANCE: Final = ("postgres", "template1")
#: Advisory lock of one database under which its roles, rights and schema change ("cimt").
LOCK: Final = 0x63696D74

Driver = psycopg.Connection[tuple[Any, ...]]


@translated
def provision(admin_url: str, database: str, password: str | None) -> None:
    """Roles, database and extensions, each made only where it is missing.

    ``twin`` owns the database; ``twin_read`` can select from everything ``twin`` makes there and
    change nothing. Neither may connect to the databases that every cluster has. ``password`` is set
    for both where the cluster listens on loopback. Any number of processes may do this at once.
    """
    with psycopg.connect(admin_url, autocommit=True) as conn:
        make_missing(conn, _roles_complete, _make_roles)
        if password is not None:
            with alone(conn):
                for role in (OWNER_ROLE, READ_ROLE):
                    conn.execute(
                        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                            sql.Identifier(role), sql.Literal(password)
                        )
                    )
        make_missing(conn, _kept_out, _keep_out)
        create_database(conn, database)
    prepare_database(admin_url, database)


@contextmanager
def alone(conn: Driver) -> Iterator[None]:
    """No other connection to this database changes roles, rights or schema within the block.

    The server refuses a second writer of one catalogue row (``tuple concurrently updated``) where
    it would let one of a table wait.
    """
    conn.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def make_missing(
    conn: Driver, complete: Callable[[Driver], bool], make: Callable[[Driver], None]
) -> None:
    """``make`` under the lock unless all is ``complete``: asked before, and again inside."""
    if not complete(conn):
        with alone(conn):
            if not complete(conn):
                make(conn)


def create_database(conn: Driver, database: str, template: str = "template0") -> None:
    """Make ``database``, owned by ``twin``, where it is missing. ``conn`` is in autocommit."""

    def there(conn: Driver) -> bool:
        return _found(conn, "SELECT 1 FROM pg_database WHERE datname = %s", database)

    def make(conn: Driver) -> None:
        conn.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(database), sql.Identifier(OWNER_ROLE), sql.Identifier(template)
            )
        )

    make_missing(conn, there, make)


def prepare_database(admin_url: str, database: str) -> None:
    """Extensions (postgis needs the superuser) and rights of the read role in ``database``.

    Temporary tables there are left to its owner, and new large objects to the superuser.
    """
    with psycopg.connect(admin_url, dbname=database, autocommit=True) as conn:
        for name in EXTENSIONS:
            create_extension(conn, name)
        make_missing(conn, _rights_complete, _grant_rights)
        make_missing(conn, _reads_only, _take_back)


def create_extension(conn: Driver, name: str) -> None:
    """Make the extension ``name`` where it is missing."""

    def there(conn: Driver) -> bool:
        return _found(conn, "SELECT 1 FROM pg_extension WHERE extname = %s", name)

    def make(conn: Driver) -> None:
        conn.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(name)))

    make_missing(conn, there, make)


def readable(conn: Driver) -> bool:
    """Whether the read role, where the server has it, may select from every table."""
    return not _found(conn, text("provision_unreadable"), READ_ROLE)


def grant_read(conn: Driver) -> None:
    """Let the read role select from every table there is."""
    conn.execute(
        sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(
            sql.Identifier(READ_ROLE)
        )
    )


def _roles_complete(conn: Driver) -> bool:
    return _found(conn, text("provision_roles"), OWNER_ROLE, READ_ROLE)


def _make_roles(conn: Driver) -> None:
    owner, reader = sql.Identifier(OWNER_ROLE), sql.Identifier(READ_ROLE)
    for role, name in ((OWNER_ROLE, owner), (READ_ROLE, reader)):
        if not _found(conn, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    conn.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(reader))
    # so that a program with the owner's URL can step down for reading
    conn.execute(sql.SQL("GRANT {} TO {}").format(reader, owner))


def _kept_out(conn: Driver) -> bool:
    query = (
        "SELECT 1 FROM pg_database, pg_roles WHERE datname = ANY (%s) AND rolname = ANY (%s)"
        " AND has_database_privilege(pg_roles.oid, pg_database.oid, 'CONNECT')"
    )
    return not _found(conn, query, list(_MAINTENANCE), [OWNER_ROLE, READ_ROLE])


def _keep_out(conn: Driver) -> None:
    """Everybody's right to connect where the rights of :func:`_take_back` are not taken back."""
    conn.execute(
        sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC, {}, {}").format(
            sql.SQL(", ").join(map(sql.Identifier, _MAINTENANCE)),
            sql.Identifier(OWNER_ROLE),
            sql.Identifier(READ_ROLE),
        )
    )


def _rights_complete(conn: Driver) -> bool:
    return readable(conn) and _found(conn, text("provision_default_rights"), OWNER_ROLE, READ_ROLE)


def _grant_rights(conn: Driver) -> None:
    conn.execute(
        sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT ON TABLES TO {}").format(
            sql.Identifier(OWNER_ROLE), sql.Identifier(READ_ROLE)
        )
    )
    grant_read(conn)


def _reads_only(conn: Driver) -> bool:
    return not _found(conn, text("provision_writable"), READ_ROLE)


def _take_back(conn: Driver) -> None:
    """Everybody's right to write in this database what is no table of ours: its owner keeps that to
    temporary tables, nobody but the superuser that to new large objects."""
    reader, database = sql.Identifier(READ_ROLE), sql.Identifier(conn.info.dbname)
    conn.execute(
        sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, {}").format(database, reader)
    )
    conn.execute(
        sql.SQL(
            "REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), "
            "pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC, {}"
        ).format(reader)
    )


def _found(conn: Driver, query: str, *values: object) -> bool:
    return conn.execute(query.encode(), values).fetchone() is not None
