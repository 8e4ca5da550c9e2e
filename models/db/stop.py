"""Ending what one thread asks of the database, from another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any, Final

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]


class StoppedError(Exception):
    """Nobody waits for the result any more."""


class Stop:
    """Ends the statements of what runs within :meth:`scope` when it is called, from any thread.

    What computes between two statements goes on until it asks again for a connection, so it is to
    be called until the work has ended.
    """

    def __init__(self) -> None:
        self._lock, self._ended = Lock(), False
        self._connections: list[Connection] = []

    def __call__(self) -> None:
        """Cancel the statement of every connection that is in use."""
        with self._lock:  # none is given back meanwhile, lest the next user's be cancelled
            self._ended = True
            for conn in self._connections:
                with suppress(psycopg.Error):
                    conn.cancel()

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Connections that this thread uses within the block are ended by this."""
        token = _STOP.set(self)
        try:
            yield
        finally:
            _STOP.reset(token)

    def add(self, conn: Connection) -> None:
        """``conn`` is in use from now on. Raises :class:`StoppedError` where all has ended."""
        with self._lock:
            if self._ended:
                raise StoppedError
            self._connections.append(conn)

    def remove(self, conn: Connection) -> None:
        """``conn`` is no longer in use. Raises :class:`StoppedError` where all has ended."""
        with self._lock:
            self._connections.remove(conn)
            if self._ended:  # a cancellation may still be on its way to it
                raise StoppedError


_STOP: Final[ContextVar[Stop | None]] = ContextVar("stop", default=None)


@contextmanager
def stoppable(conn: Connection) -> Iterator[None]:
    """``conn`` is used within the block, by whoever may be stopped."""
    stop = _STOP.get()
    if stop is None:
        yield
        return
    stop.add(conn)
    try:
        yield
    finally:
        stop.remove(conn)
