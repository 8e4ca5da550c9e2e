"""Roles, rights and schema, made by many processes at once."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest

from models.db import migrate, provision
from models.db.connection import connect
from models.db.embedded import DATABASE, EmbeddedPostgres
from models.db.testing import ask, do
from models.errors import DatabaseError

Maker = Callable[..., EmbeddedPostgres]

#: What every command does at its start, as soon as the starting line is written to it.
STARTER = """
import sys
from models.db import migrate, provision, twins
from models.db.connection import connect
from models.testing import Twin

admin, owner = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(4):
    provision.provision(admin, "twin", None)
    migrate.upgrade(owner)
    with connect(owner) as conn:
        twins.sync(conn, [Twin("a"), Twin("b")])
"""


@pytest.mark.long
@pytest.mark.parametrize("attempt", range(2))
def test_many_starts_at_once_on_a_fresh_cluster(make: Maker, attempt: int) -> None:
    cluster = make(f"parallel{attempt}")
    cluster.ensure()
    do(cluster.admin_url(), "DROP DATABASE twin")  # as the very first start finds it
    do(cluster.admin_url(), "DROP ROLE twin_read; DROP ROLE twin")
    command = [sys.executable, "-c", STARTER, cluster.admin_url(), cluster.url]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(6)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in running]
    assert ended == [("", 0)] * 6
    assert migrate.status(cluster.url).current
    assert ask(cluster.read_url, "SELECT count(*) FROM building") == 0
    assert ask(cluster.read_url, "SELECT count(*) FROM twin") == 2


def test_a_start_that_finds_all_in_place_writes_nothing(make: Maker) -> None:
    cluster = make("complete")
    migrate.upgrade(cluster.ensure())

    def catalogue() -> list[object]:
        admin = cluster.admin_url(DATABASE)
        return [
            ask(admin, f"SELECT array_agg((xmin, ctid)::text ORDER BY oid) FROM {table}")
            for table in ("pg_authid", "pg_class", "pg_default_acl", "pg_database", "pg_extension")
        ] + [ask(admin, "SELECT array_agg((xmin, ctid)::text) FROM pg_auth_members")]

    before = catalogue()
    cluster.ensure()
    migrate.upgrade(cluster.url)
    assert catalogue() == before


def test_rights_that_were_taken_away_come_back(make: Maker) -> None:
    cluster = make("rights")
    migrate.upgrade(cluster.ensure())
    admin = cluster.admin_url(DATABASE)
    do(admin, "REVOKE SELECT ON building FROM twin_read; REVOKE twin_read FROM twin")
    do(admin, "ALTER DEFAULT PRIVILEGES FOR ROLE twin REVOKE SELECT ON TABLES FROM twin_read")
    do(admin, "GRANT TEMPORARY ON DATABASE twin TO PUBLIC, twin_read")  # as older programs left it
    do(admin, "GRANT EXECUTE ON FUNCTION lo_create(oid) TO PUBLIC, twin_read")
    do(admin, "GRANT CONNECT ON DATABASE postgres, template1 TO PUBLIC, twin_read")
    with pytest.raises(DatabaseError, match="lacks a right"), connect(cluster.read_url) as conn:
        conn.execute("SELECT 1 FROM building")
    cluster.ensure()
    do(cluster.url, "CREATE TABLE later AS SELECT 1 AS a")
    assert ask(cluster.read_url, "SELECT count(*) FROM building") == 0
    assert ask(cluster.read_url, "SELECT a FROM later") == 1
    assert ask(cluster.url, f"SELECT pg_has_role('{provision.READ_ROLE}', 'MEMBER')")
    for role, may in (("twin", True), ("twin_read", False)):
        right = f"SELECT has_database_privilege('{role}', 'twin', 'TEMPORARY')"
        assert ask(admin, right) is may
    assert not ask(admin, "SELECT has_function_privilege('twin_read', 'lo_create(oid)', 'EXECUTE')")
    for role, own in itertools.product(("twin", "twin_read"), ("postgres", "template1")):
        url = cluster.admin_url(own).replace("//postgres@", f"//{role}@")
        with pytest.raises(psycopg.OperationalError, match="CONNECT"), psycopg.connect(url):
            pass
