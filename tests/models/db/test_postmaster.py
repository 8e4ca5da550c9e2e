from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

import psycopg
import pytest

from models.db import pool
from models.db.embedded import EmbeddedPostgres
from models.db.postmaster import server_processes
from models.db.testing import ask, do, kill_postmaster, until

Maker = Callable[..., EmbeddedPostgres]


def test_it_survives_a_killed_postmaster(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    do(url, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS a")
    old = kill_postmaster(cluster)
    assert cluster.ensure() == url
    assert cluster.status().pid != old
    assert ask(url, "SELECT a FROM kept") == 42


def test_it_ends_children_that_outlive_a_killed_postmaster(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()

    def busy() -> None:
        # a loop in the server that never looks whether its postmaster lives
        with pytest.raises(psycopg.Error):
            do(url, "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$")

    thread = threading.Thread(target=busy)
    thread.start()
    admin = cluster.admin_url()
    working = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'"
    until(lambda: ask(admin, working) == 1)
    kill_postmaster(cluster)
    assert server_processes(cluster.data), "a child should have survived"
    cluster.ensure()
    thread.join(10)
    assert ask(url, "SELECT 1") == 1


def test_a_pid_file_with_a_foreign_pid_does_not_stop_it(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    kill_postmaster(cluster)
    file = cluster.data / "postmaster.pid"
    if file.exists():
        lines = file.read_text().split("\n")
        file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert not cluster.status().running
    assert cluster.ensure() == url
    assert ask(url, "SELECT 1") == 1


def test_a_pool_outlives_a_restart(make: Maker) -> None:
    cluster = make()
    cluster.ensure()

    async def run() -> list[bool]:
        async with pool.open_pool(cluster.read_url) as opened:
            seen = [await pool.ping(opened)]
            kill_postmaster(cluster)
            until(lambda: not server_processes(cluster.data))  # a child may answer once more
            seen.append(await pool.ping(opened))
            cluster.ensure()
            return [*seen, await pool.ping(opened)]

    assert asyncio.run(run()) == [True, False, True]
