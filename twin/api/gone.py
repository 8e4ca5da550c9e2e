"""Clients that go away before they are answered: what is done for them ends, with its query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final, TypeVar

from fastapi import Request
from starlette.types import Receive

T = TypeVar("T")

#: nginx's word for a client that closed its connection; nobody reads it.
STATUS: Final = 499


class ClientGoneError(Exception):
    """The client closed its connection while its answer was made."""


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of ``work``, which is cancelled when the client goes away: so is its query.

    The body of ``request`` must have been read by then. Raises :class:`ClientGoneError`.
    """
    task = asyncio.ensure_future(work)
    closed = asyncio.ensure_future(gone(request.receive))
    try:
        await asyncio.wait({task, closed}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGoneError
    finally:
        await ended(task, closed)


async def ended(*tasks: asyncio.Future[T] | asyncio.Future[None]) -> None:
    """Cancel those of ``tasks`` that are not done, and wait until they are."""
    for task in tasks:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def gone(receive: Receive) -> None:
    """Return when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
