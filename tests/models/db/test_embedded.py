from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from models.db import server
from models.db.embedded import EmbeddedPostgres
from models.db.postmaster import server_processes
from models.db.testing import ask, do
from models.testing import free_port

ROOT = os.geteuid() == 0
Maker = Callable[..., EmbeddedPostgres]


def test_it_is_made_started_used_and_stopped(make: Maker) -> None:
    cluster = make("fresh")
    assert cluster.status().data is None
    url = cluster.ensure()
    assert cluster.started
    assert cluster.status().running
    assert str(ask(url, "SELECT postgis_lib_version()")) >= "3.3"
    again = EmbeddedPostgres(cluster.home)
    assert again.ensure() == url
    assert not again.started
    cluster.stop()
    assert not cluster.status().running
    assert server_processes(cluster.data) == set()


def test_it_listens_on_no_port_and_its_socket_is_closed_to_others(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    assert ask(url, "SHOW listen_addresses") == ""
    assert cluster.socket.stat().st_mode & 0o777 == 0o700
    assert cluster.data.parent.stat().st_mode & 0o077 == 0
    assert ask(cluster.admin_url(), "SHOW data_directory") == str(cluster.data)


def test_the_server_never_runs_as_root(make: Maker) -> None:
    cluster = make()
    cluster.ensure()
    pid = cluster.status().pid
    owner = Path(f"/proc/{pid}").stat().st_uid
    assert owner == (server.Account.ours().uid if ROOT else os.geteuid())
    assert owner != 0


def test_the_read_role_can_only_select(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    do(url, "DROP TABLE IF EXISTS made; CREATE TABLE made AS SELECT 1 AS a")
    assert ask(cluster.read_url, "SELECT a FROM made") == 1
    for forbidden in (
        "INSERT INTO made VALUES (2)",
        "DELETE FROM made",
        "CREATE TABLE other (a int)",
        "CREATE TEMP TABLE other (a int)",
    ):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            do(cluster.read_url, forbidden)
    with psycopg.connect(cluster.read_url, autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        for forbidden in ("INSERT INTO made VALUES (2)", "CREATE TABLE other (a int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(forbidden.encode())


def test_a_half_made_cluster_is_made_again(make: Maker) -> None:
    cluster = make("half")
    (cluster.data.with_name("data.new") / "base").mkdir(parents=True)
    assert ask(cluster.ensure(), "SELECT 1") == 1


def test_many_processes_may_start_it_at_once(make: Maker) -> None:
    cluster = make()
    program = (
        "import sys; from pathlib import Path; from models.db.embedded import EmbeddedPostgres;"
        "sys.exit(0 if EmbeddedPostgres(Path(sys.argv[1])).ensure() else 1)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(cluster.home)]) for _ in range(3)
    ]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    assert cluster.status().running


def test_a_port_needs_the_password(make: Maker) -> None:
    port = free_port()
    cluster = make(port=port)
    url = cluster.ensure()
    assert f"@127.0.0.1:{port}/" in url
    assert ask(url, "SELECT inet_server_port()") == port
    with pytest.raises(psycopg.OperationalError):
        ask(f"postgresql://twin:wrong@127.0.0.1:{port}/twin", "SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        ask(f"postgresql://postgres@127.0.0.1:{port}/postgres", "SELECT 1")


def test_data_open_to_others_are_closed_again(make: Maker) -> None:
    cluster = make()
    cluster.ensure()
    cluster.stop()
    cluster.data.chmod(0o755)
    assert ask(cluster.ensure(), "SELECT 1") == 1
    assert cluster.data.stat().st_mode & 0o777 == 0o700
