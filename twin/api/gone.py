"""Clients that go away before they are answered: what is done for them ends, with its query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final, TypeVar

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

T = TypeVar("T")

#: nginx's word for a client that closed its connection; nobody reads it.
STATUS: Final = 499


class ClientGoneError(Exception):
    """The client closed its connection while its answer was made."""


class UntilAnswered:
    """ASGI middleware: what a GET asks for ends, with its queries, when its client goes away before
    the answer begins. From then on whoever sends it looks after that.

    Nothing that is asked with GET may read a body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        task, left, begun = asyncio.current_task(), False, False

        async def watch() -> None:
            nonlocal left
            await gone(receive)
            left = True
            if task is not None:
                task.cancel()

        watching = asyncio.ensure_future(watch())

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            watching.cancel()
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except asyncio.CancelledError:
            if not left or task is None:
                raise
            task.uncancel()
            if not begun:
                await send({"type": "http.response.start", "status": STATUS, "headers": []})
                await send({"type": "http.response.body"})
        finally:
            watching.cancel()


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of ``work``, which is cancelled when the client goes away: so is its query. For
    what :class:`UntilAnswered` does not look after.

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
