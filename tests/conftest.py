"""Fixtures for every test: databases, programs and services.

What is dear to make is made once a run, by whichever of pytest's worker processes wants it first:
a home with a database of the newest schema, of which others are copies, and the loaded samples.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from models.db import migrate
from models.db.embedded import EmbeddedPostgres
from models.db.lock import ProcessLock
from models.db.testing import copy_home
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
RUN = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of this run, which all its worker processes use.

    Its path is short and the server's account may enter it; pytest's own folders are closed to
    others and too long for a socket.
    """
    handed = getattr(config, "workerinput", {}).get("run")
    folder = Path(handed or tempfile.mkdtemp(prefix="twin-"))
    folder.chmod(0o755)
    config.stash[RUN] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker process the folder of this run."""
    node.workerinput["run"] = str(node.config.stash[RUN])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the whole run used, after the last worker has ended, and remove its folder."""
    if RUN in config.stash and not hasattr(config, "workerinput"):
        _stop(config.stash[RUN] / "samples")
        shutil.rmtree(config.stash[RUN], ignore_errors=True)


@pytest.fixture(scope="session")
def run_folder(request: pytest.FixtureRequest) -> Path:
    """The folder of this run; what lies in it is shared by all worker processes."""
    return request.config.stash[RUN]


@pytest.fixture(scope="session")
def short_folder(run_folder: Path) -> Iterator[Path]:
    """A folder of this worker process with a short path that the server's account may enter."""
    folder = run_folder / uuid.uuid4().hex[:4]
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated(run_folder: Path) -> Path:
    """A home with a stopped cluster whose database ``twin`` has the newest schema and no rows."""
    home = run_folder / "migrated"
    with _once(home) as needed:
        if needed:
            cluster = EmbeddedPostgres(home, extra=FAST)
            migrate.upgrade(cluster.ensure())
            cluster.stop()
    return home


@pytest.fixture(scope="session")
def cluster(migrated: Path, short_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A running cluster whose database ``twin`` has the newest schema and serves as template."""
    cluster = EmbeddedPostgres(copy_home(migrated, short_folder / "home"), extra=FAST)
    migrate.upgrade(cluster.ensure())
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
def samples(run_folder: Path, migrated: Path) -> Program:
    """The program with a home where ``twin samples`` ran: both twins stored and tiled.

    Its database runs until the end. All tests share it: none may change what it holds.
    """
    program = Program(run_folder / "samples")
    with _once(program.home) as needed:
        if needed:
            copy_home(migrated, program.home)
            for words in (["db", "up"], ["samples"]):
                ended = program.run(*words)
                assert ended.returncode == 0, ended.stdout + ended.stderr
    return program


@pytest.fixture(scope="session")
def service(samples: Program) -> Iterator[Service]:
    """``twin serve`` over the samples."""
    with samples.serving("serve", free_port()) as service:
        yield service


@pytest.fixture
def new_home(short_folder: Path) -> Iterator[Callable[[], Path]]:
    """Names homes that are not there yet; stops the databases that are left running in them."""
    homes: list[Path] = []

    def new() -> Path:
        homes.append(short_folder / f"h{uuid.uuid4().hex[:8]}")
        return homes[-1]

    yield new
    for home in homes:
        _stop(home)


@pytest.fixture
def new_program(new_home: Callable[[], Path]) -> Callable[..., Program]:
    """Makes programs with an empty home of their own."""
    return lambda **more: Program(new_home(), more)


@pytest.fixture
def migrated_program(new_home: Callable[[], Path], migrated: Path) -> Callable[..., Program]:
    """Makes programs with a home of their own in which there is an empty, stopped database."""
    return lambda **more: Program(copy_home(migrated, new_home()), more)


@contextmanager
def _once(folder: Path) -> Iterator[bool]:
    """Whether ``folder`` is to be made within the block; other processes wait until it is."""
    made = folder.with_suffix(".made")
    with ProcessLock(folder.with_suffix(".lock"), wait=250):
        yield not made.exists()
        made.touch()


def _stop(home: Path) -> None:
    cluster = EmbeddedPostgres(home)
    if home.exists() and cluster.status().running:
        cluster.stop()


def _admin(cluster: EmbeddedPostgres, command: sql.SQL, name: str) -> None:
    with psycopg.connect(cluster.admin_url(), autocommit=True) as conn:
        conn.execute(command.format(sql.Identifier(name)))
