"""What benchmarks over HTTP share: a service over a home of its own, and clients that ask it."""

from __future__ import annotations

import http.client
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from models.db import migrate, twins
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.testing import free_port
from models.twins import load_twins
from twin.testing import Program, Service

#: What a question is: an address, or an address and the body that is posted to it.
Question = str | tuple[str, bytes | None, Mapping[str, str]]


@contextmanager
def new_home(port: int | None = None) -> Iterator[tuple[Program, EmbeddedPostgres]]:
    """The program with an empty home, and the database cluster in it (stopped; on a loopback
    ``port`` where one is given). Both are gone after the block."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="twin-"))
    folder.chmod(0o755)  # the database server's account must get in
    program = Program(folder / "home", {"TWIN_LOG_LEVEL": "WARNING"})
    cluster = EmbeddedPostgres(program.home, port)
    try:
        yield program, cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(cluster: EmbeddedPostgres) -> str:
    """URL (the owner's) of the cluster's database, with all tables and twins and no data."""
    url = cluster.ensure()
    migrate.upgrade(url)
    with connect(url) as conn:
        twins.sync(conn, load_twins(None).values())
    return url


@contextmanager
def served(program: Program, *more: object, url: str | None = None) -> Iterator[Service]:
    """``twin serve`` over the home of ``program``, or over its database as it is at ``url``."""
    if url is not None:
        program = Program(program.home, {**program.more, "TWIN_DATABASE_URL": url})
    with program.serving("serve", free_port(), *more) as service:
        yield service


class Client:
    """One connection to the server of ``address`` that is kept open."""

    def __init__(self, address: str, seconds: float = 600.0) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=seconds)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def open(self, question: Question) -> http.client.HTTPResponse:
        """The answer, to be read. Raises :class:`RuntimeError` for one that is no success."""
        address, body, headers = (question, None, {}) if isinstance(question, str) else question
        where = urlsplit(address)
        path = f"{where.path}?{where.query}" if where.query else where.path
        self._connection.request("GET" if body is None else "POST", path, body, dict(headers))
        answer = self._connection.getresponse()
        if answer.status not in (200, 204):
            raise RuntimeError(f"{address}: {answer.status} {answer.read(500)!r}")
        return answer

    def get(self, question: Question) -> bytes:
        """The whole answer."""
        return self.open(question).read()


def one_by_one(
    questions: Sequence[Question], patience: float = 600.0
) -> tuple[list[float], list[bytes]]:
    """Milliseconds of each answer over one connection, and the answers; each may take ``patience``
    seconds."""
    milliseconds, answers = [], []
    first = questions[0] if isinstance(questions[0], str) else questions[0][0]
    with Client(first, patience) as client:
        for question in questions:
            started = perf_counter()
            answers.append(client.get(question))
            milliseconds.append((perf_counter() - started) * 1000)
    return milliseconds, answers


def at_once(
    make: Callable[[], Question], clients: int, seconds: float
) -> tuple[list[float], list[int], float]:
    """Milliseconds and sizes of the answers that so many clients get meanwhile, and seconds.

    They are threads of this process, which look at the size of an answer only.
    """
    milliseconds: list[float] = []
    sizes: list[int] = []
    failed: list[BaseException] = []
    until = perf_counter() + seconds

    def ask() -> None:
        try:
            first = make()
            with Client(first if isinstance(first, str) else first[0]) as client:
                while (start := perf_counter()) < until:
                    sizes.append(len(client.get(make())))
                    milliseconds.append((perf_counter() - start) * 1000)
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            failed.append(error)

    started = perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(str(failed[0])[:300])
    return milliseconds, sizes, perf_counter() - started


def head(*names: str) -> None:
    """Print the head of a table whose first column is text."""
    sys.stdout.write(f"\n| {' | '.join(names)} |\n|---|{'--:|' * (len(names) - 1)}\n")


def row(*cells: Any) -> None:
    """Print a row: of numbers three digits at least."""
    texts = [
        f"{c:,.{0 if c >= 100 else 1 if c >= 1 else 2}f}" if isinstance(c, float) else str(c)
        for c in cells
    ]
    sys.stdout.write(f"| {' | '.join(texts)} |\n")
    sys.stdout.flush()


def percentiles(milliseconds: Sequence[float]) -> tuple[float, float]:
    """The median and the 95th percentile."""
    middle, high = np.percentile(milliseconds, [50, 95])
    return float(middle), float(high)
