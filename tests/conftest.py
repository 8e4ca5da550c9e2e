"""Fixtures for every test: a database cluster of our own, and a fresh database of it."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from models.db import migrate
from models.db.embedded import EmbeddedPostgres
from models.testing import free_port
from twin.testing import Program, Service

#: A test loses nothing that matters when the machine loses power.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A temporary folder with a short path that the server's account may enter.

    pytest's own folders are closed to others and too long for a socket.
    """
    folder = Path(tempfile.mkdtemp(prefix="twin-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(short_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A running cluster whose database ``twin`` has the newest schema and serves as template."""
    cluster = EmbeddedPostgres(short_folder / "home", extra=FAST)
    url = cluster.ensure()
    migrate.upgrade(url)
    yield cluster
    cluster.stop()


@pytest.fixture
def database(cluster: EmbeddedPostgres) -> Iterator[str]:
    """The owner's URL of a fresh database with the newest schema and no rows."""
    name = f"t{uuid.uuid4().hex[:12]}"
    _admin(cluster, sql.SQL("CREATE DATABASE {} OWNER twin TEMPLATE twin"), name)
    yield cluster.database_url(name)
    _admin(cluster, sql.SQL("DROP DATABASE {} WITH (FORCE)"), name)


@pytest.fixture(scope="session")
def samples(short_folder: Path) -> Iterator[Program]:
    """The program with a home where ``twin samples`` ran: both twins stored and tiled."""
    program = Program(short_folder / "samples")
    loaded = program.run("samples")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    yield program
    program.run("db", "down")


@pytest.fixture(scope="session")
def service(samples: Program) -> Iterator[Service]:
    """``twin serve`` over the samples."""
    with samples.serving("serve", free_port()) as service:
        yield service


@pytest.fixture
def new_program(short_folder: Path) -> Iterator[Callable[..., Program]]:
    """Makes programs with an empty home of their own; stops what they leave running."""
    made: list[Program] = []

    def new(**more: str) -> Program:
        made.append(Program(short_folder / f"h{uuid.uuid4().hex[:8]}", more))
        return made[-1]

    yield new
    for program in made:
        cluster = EmbeddedPostgres(program.home)
        if cluster.status().running:
            cluster.stop()


def _admin(cluster: EmbeddedPostgres, command: sql.SQL, name: str) -> None:
    with psycopg.connect(cluster.admin_url(), autocommit=True) as conn:
        conn.execute(command.format(sql.Identifier(name)))
