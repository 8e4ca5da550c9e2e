"""Tiling a layer as a job that others can watch and cancel, one at a time for each layer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from models.db import jobs
from models.db.connection import Connection, connect
from twin.console import Step

#: Files that the published tileset no longer needs stay so long, for readers of an older one.
KEPT: Final = timedelta(days=1)


@contextmanager
def job(
    url: str, kind: str, twin: str, detail: dict[str, Any]
) -> Iterator[tuple[Step, Connection]]:
    """A job in the database for the time of a block: what notes its progress twice a second, and
    its connection, which commits at once, so that others see how far it is.

    Two jobs on one layer queue, so that the later state is the one that stays. Raises
    :class:`models.db.jobs.JobCancelledError` where somebody asked it to stop.
    """
    with connect(url) as conn:
        jobs.abandon(conn)
        jobs.wait_turn(conn, f"{kind}/{twin}/{detail.get('layer')}")
        number = jobs.start(conn, kind, twin=twin, detail=detail)
        told = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > 0.5:
                told = time.monotonic()
                jobs.progress(conn, number, done / max(total, 1))

        try:
            yield progress, conn
        except BaseException as error:
            jobs.fail(conn, number, error)
            raise
        jobs.finish(conn, number)


def both(one: Step, other: Step) -> Step:
    """What tells both."""

    def progress(done: int, total: int) -> None:
        one(done, total)
        other(done, total)

    return progress
