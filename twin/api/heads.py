"""HEAD for every address that takes GET (RFC 9110 section 9.3.2)."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REFUSED: Final = 405


class Heads:
    """ASGI middleware: where a route takes GET and knows no HEAD, HEAD is answered as GET is,
    without the body. Routes for which making the body is dear take HEAD by themselves."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        refused = False

        async def listen(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == _REFUSED:
                headers = MutableHeaders(raw=message["headers"])
                taken = {method.strip() for method in headers.get("Allow", "").split(",")}
                if "GET" in taken:
                    refused = head
                    headers["Allow"] = ", ".join(sorted(taken | {"HEAD"}))
            if not refused:
                await send(message)

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        asked = dict(scope)  # routing writes into it
        await self.app(asked, receive, listen)
        if refused:
            await self.app({**scope, "method": "GET"}, receive, bodiless)
