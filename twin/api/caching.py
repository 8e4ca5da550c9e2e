"""Validators and content coding for what routes answer as plain JSON, drawings and pages.

Routes that know their revision before they ask the database set both by themselves
(:mod:`twin.api.ogc.answers`, :mod:`twin.api.files`): they name Accept-Encoding in Vary and are left
as they are.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twin.api.files import matches
from twin.api.ogc.answers import WORTH, coding, compressed, etag

_MEDIA: Final = ("json", "image/svg+xml", "text/html")


class Caching:
    """ASGI middleware: an ETag of the answer to every GET, 304 where the client has it already
    (RFC 9110 section 13), and zstd or gzip where the client takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def send_coded(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _bare(message):
                start = message
                return
            if start is not None:
                first, start = start, None
                if not message.get("more_body", False):
                    message = await _coded(scope, first, message)
                await send(first)
            await send(message)

        await self.app(scope, receive, send_coded)


def _bare(start: Message) -> bool:
    """Whether nobody has set a validator or negotiated a coding yet."""
    headers = Headers(raw=start["headers"])
    told = "etag" in headers or "content-encoding" in headers
    negotiated = "accept-encoding" in headers.get("vary", "").lower()
    media = headers.get("content-type", "")
    return (
        start["status"] == 200 and not told and not negotiated and any(m in media for m in _MEDIA)
    )


async def _coded(scope: Scope, start: Message, message: Message) -> Message:
    """The body in a coding that the client takes; ``start`` gets the headers, or becomes a 304."""
    asked, sent = Headers(scope=scope), MutableHeaders(raw=start["headers"])
    body: bytes = message.get("body", b"")
    sent.add_vary_header("Accept-Encoding")
    if scope["method"] == "GET":
        tag = etag(body.decode("utf-8", "replace"), sent.get("content-type", ""))
        sent["ETag"] = tag
        sent.setdefault("Cache-Control", "no-cache")
        if matches(asked.get("if-none-match"), tag.removeprefix("W/")):
            start["status"] = 304
            for name in ("content-length", "content-type"):
                del sent[name]
            return {**message, "body": b""}
    how = coding(asked.get("accept-encoding", "")) if len(body) > WORTH else None
    if how is not None:
        body = await asyncio.to_thread(compressed, body, how)
        sent["Content-Encoding"] = how
        sent["Content-Length"] = str(len(body))
    return {**message, "body": body}
