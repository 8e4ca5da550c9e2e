"""Roles and databases inside a cluster of our own."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

from models.db.errors import translated

OWNER_ROLE: Final = "twin"
READ_ROLE: Final = "twin_read"
EXTENSIONS: Final = ("postgis", "btree_gist")


@translated()
def provision(admin_url: str, database: str, password: str | None) -> None:
    """Roles, database and extensions, each made only where it is missing.

    ``twin`` owns the database; ``twin_read`` can select from everything ``twin`` makes and change
    nothing. ``password`` is set for both where the cluster listens on loopback.
    """
    with psycopg.connect(admin_url, autocommit=True) as conn:
        for role in (OWNER_ROLE, READ_ROLE):
            known = conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            name = sql.Identifier(role)
            if known is None:
                conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
                if role == READ_ROLE:
                    conn.execute(
                        sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(name)
                    )
            if password is not None:
                conn.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password))
                )
        # so that a program with the owner's URL can step down for reading
        conn.execute(
            sql.SQL("GRANT {} TO {}").format(sql.Identifier(READ_ROLE), sql.Identifier(OWNER_ROLE))
        )
        create_database(conn, database)
    prepare_database(admin_url, database)


def create_database(conn: psycopg.Connection, database: str, template: str = "template0") -> None:
    """Make ``database``, owned by ``twin``, where it is missing. ``conn`` is in autocommit."""
    known = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
    if known is None:
        conn.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(database), sql.Identifier(OWNER_ROLE), sql.Identifier(template)
            )
        )


def prepare_database(admin_url: str, database: str) -> None:
    """Extensions (postgis needs the superuser) and rights of the read role in ``database``."""
    with psycopg.connect(admin_url, dbname=database, autocommit=True) as conn:
        for name in EXTENSIONS:
            have = conn.execute("SELECT 1 FROM pg_extension WHERE extname = %s", (name,)).fetchone()
            if have is None:
                conn.execute(
                    sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name))
                )
        conn.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT ON TABLES TO {}").format(
                sql.Identifier(OWNER_ROLE), sql.Identifier(READ_ROLE)
            )
        )
        conn.execute(
            sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(
                sql.Identifier(READ_ROLE)
            )
        )
