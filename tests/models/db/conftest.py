"""A connection to a fresh database that knows one twin, and clusters to be mishandled."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.db import twins
from models.db.connection import Connection, connect
from models.db.embedded import EmbeddedPostgres
from models.testing import Twin


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        yield conn


FAST = {"fsync": "off", "shared_buffers": "32MB"}
Maker = Callable[..., EmbeddedPostgres]


@pytest.fixture(scope="session")
def home(short_folder: Path) -> Iterator[Path]:
    """A home with a complete, stopped cluster, which all tests may use that leave it so."""
    cluster = EmbeddedPostgres(short_folder / "one", extra=FAST)
    cluster.ensure()
    cluster.stop()
    yield cluster.home
    cluster.stop()


@pytest.fixture
def make(home: Path, short_folder: Path) -> Iterator[Maker]:
    """The cluster of ``home``, or one of a home of its own; all are stopped after the test."""
    clusters = []

    def maker(own: Path | str | None = None, port: int | None = None) -> EmbeddedPostgres:
        place = home if own is None else short_folder / own
        elsewhere = short_folder / "elsewhere"
        clusters.append(EmbeddedPostgres(place, port, extra=FAST, elsewhere=elsewhere))
        return clusters[-1]

    yield maker
    for cluster in clusters:
        if cluster.status().data is not None:
            cluster.stop()
        if cluster.home != home:
            shutil.rmtree(cluster.home, ignore_errors=True)
