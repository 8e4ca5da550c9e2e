"""Short ways to ask a database and to publish small data; only tests import this."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg

from models.db.connection import Connection
from models.db.embedded import EmbeddedPostgres
from models.db.publish import PublishResult, publish
from models.db.read import read_table
from models.features import Theme
from models.testing import buildings, delivery


def ask(url: str, query: str) -> Any:
    """First column of the first row, or None."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(query.encode()).fetchone()
    return row and row[0]


def do(url: str, command: str) -> None:
    """Run statements that return nothing; driver errors are raised as they are."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(command.encode())


def put(
    conn: Connection, heights: dict[str, float], valid_from: date | None = None, **more: Any
) -> PublishResult:
    """Publish buildings {key: height in metres} as dataset ``made`` of twin ``test``."""
    made = delivery(Theme.BUILDINGS, {"building": buildings(heights)}, valid_from=valid_from)
    return publish(conn, twin="test", dataset="made", deliveries=[made], **more)


def heights(conn: Connection, **when: datetime | None) -> dict[str, float]:
    """What :func:`put` stored, at the moments of :func:`models.db.read.read_table`."""
    found = read_table(conn, "building", "test", columns=["key", "height"], **when)
    return dict(zip(found["key"], found["height"], strict=True))


def until(happened: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what another thread or process is about to do. Raises :class:`TimeoutError`."""
    last = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > last:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.02)


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    """Whoever reads ``table`` waits within the block."""
    with psycopg.connect(url) as conn:
        conn.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield
        conn.rollback()


def waiting(url: str) -> int:
    """How many questions to the database of ``url`` wait for a lock."""
    found: int = ask(
        url,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND backend_type = 'client backend'",
    )
    return found


def copy_home(home: Path, to: Path) -> Path:
    """Copy a home whose cluster is stopped, which takes a twentieth of the time to make one.

    Nothing is copied where the server's account could not enter ``home`` and its data lie elsewhere
    (:func:`models.db.location.data_base`); what uses ``to`` makes a cluster then.
    """
    if (home / "pg").exists():
        subprocess.run(["cp", "-a", home, to], check=True)
    return to


def kill_postmaster(cluster: EmbeddedPostgres) -> int:
    """End the server's main process as ``kill -9`` does; its pid."""
    pid = cluster.status().pid
    if pid is None:
        raise ProcessLookupError(f"no server runs in {cluster.data}")
    os.kill(pid, signal.SIGKILL)
    until(lambda: not cluster.status().running)
    return pid
