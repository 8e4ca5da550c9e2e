"""Responses: validators, content coding, streams that end when their client goes away."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final, Literal

import structlog
import zstandard
from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from twin.api.files import matches
from twin.api.gone import ended, gone
from twin.api.ogc.formats import HTML, Format

Coding = Literal["zstd", "gzip"]

_log = structlog.get_logger("twin.http")

#: Seconds that a client may take to read the next :data:`_PIECE` bytes of a stream. Whoever reads
#: slower than that, or no more, keeps a connection to the database from others.
PATIENCE: Final = 60.0
_PIECE: Final = 1 << 19
#: Smaller bodies are sent as they are.
WORTH: Final = 1_400
_WEIGHT: Final = re.compile(r"\s*q=([01](?:\.\d{0,3})?)\s*")
_LEVEL: Final = {"zstd": 1, "gzip": 1}
#: What a page that is opened by itself may do: nothing but be shown.
_SEALED: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}


def etag(*parts: str) -> str:
    """A weak validator: equal where what is told is equal, though bytes may differ."""
    return f'W/"{hashlib.blake2b(chr(0).join(parts).encode(), digest_size=12).hexdigest()}"'


def unchanged(request: Request, tag: str) -> Response | None:
    """304 where the client already has what ``tag`` stands for."""
    if not matches(request.headers.get("if-none-match"), tag.removeprefix("W/")):
        return None
    return Response(status_code=304, headers=_caching(tag))


def _caching(tag: str | None) -> dict[str, str]:
    kept = {"Vary": "Accept, Accept-Encoding", "Cache-Control": "public, no-cache"}
    return kept if tag is None else {**kept, "ETag": tag}


def coding(header: str) -> Coding | None:
    """The content coding to use: the one that Accept-Encoding likes best (RFC 9110 section 12.5.3),
    zstd before gzip where it likes both."""
    liked: dict[str, float] = {}
    for item in header.lower().split(","):
        name, _, weight = item.strip().partition(";")
        match = _WEIGHT.fullmatch(weight)
        liked[name.strip()] = float(match[1]) if match else 1.0
    others = liked.get("*", 0.0)
    zstd, gzipped = liked.get("zstd", others), liked.get("gzip", others)
    best, plain = max(zstd, gzipped), liked.get("identity", 0.0)
    if best == 0 or best < plain:
        return None
    return "zstd" if zstd == best else "gzip"


async def reply(
    request: Request,
    body: bytes,
    format_: Format,
    *,
    tag: str | None = None,
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """``body`` as ``format_``, compressed where the client takes it and it is worth it."""
    sent = {**_caching(tag), **(headers or {})}
    how = coding(request.headers.get("accept-encoding", "")) if len(body) > WORTH else None
    if how is not None:
        body = await asyncio.to_thread(compressed, body, how)
        sent["Content-Encoding"] = how
    return Response(body, status, sent, media_type=format_.media)


async def html_reply(
    request: Request,
    body: bytes,
    tag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page that runs nothing and loads nothing."""
    return await reply(request, body, HTML, tag=tag, headers={**_SEALED, **(headers or {})})


def compressed(body: bytes, how: Coding) -> bytes:
    """``body`` in a content coding."""
    if how == "zstd":
        return zstandard.ZstdCompressor(level=_LEVEL[how]).compress(body)
    return gzip.compress(body, compresslevel=_LEVEL[how], mtime=0)


class Stream(Response):
    """A response whose parts are sent as they are made: those of ``first``, then the others.

    ``parts`` is closed, and with it what it reads from, when all is sent, or the client goes away
    or does not read on for :data:`PATIENCE`; its connection is closed then, before the body's end.
    """

    def __init__(
        self,
        first: Sequence[bytes],
        parts: AsyncGenerator[bytes, None],
        media: str,
        headers: Mapping[str, str],
        how: Coding | None,
    ) -> None:
        coded = {**headers, **({"Content-Encoding": how} if how else {})}
        self.status_code = 200
        self.background = None
        self.media_type = media
        self.body = b""
        self.init_headers(coded)
        # its length is not known before it is sent
        self.raw_headers = [h for h in self.raw_headers if h[0] != b"content-length"]
        self._first, self._parts, self._how = first, parts, how

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all parts, unless the client goes away first."""
        pump = asyncio.ensure_future(self._pump(scope, send))
        closed = asyncio.ensure_future(gone(receive))
        try:
            await asyncio.wait({pump, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await ended(pump, closed)
        if not pump.cancelled():
            pump.result()

    async def _pump(self, scope: Scope, send: Send) -> None:
        packer = _Packer(self._how)
        try:
            async with aclosing(self._parts) as parts:
                await send(
                    {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
                )
                if scope["method"] != "HEAD":
                    for part in self._first:
                        await _send_on(send, packer.add(part))
                    async for part in parts:
                        await _send_on(send, packer.add(part))
            await send({"type": "http.response.body", "body": packer.end(), "more_body": False})
        except _IdleError:
            _log.warning("stream left unread", path=scope["path"], seconds=PATIENCE)


class _IdleError(Exception):
    """The client does not read on."""


async def _send_on(send: Send, data: bytes) -> None:
    """Send a part of a body. Raises :class:`_IdleError`."""
    for at in range(0, len(data), _PIECE):
        piece = data[at : at + _PIECE]
        try:
            async with asyncio.timeout(PATIENCE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError as error:
            raise _IdleError from error


class _Packer:
    """Compression of a stream, part by part."""

    def __init__(self, how: Coding | None) -> None:
        self.add: Callable[[bytes], bytes] = bytes
        self.end: Callable[[], bytes] = bytes
        if how == "zstd":
            packer = zstandard.ZstdCompressor(level=_LEVEL[how]).compressobj()
            self.add, self.end = packer.compress, packer.flush
        elif how == "gzip":
            coder = zlib.compressobj(_LEVEL[how], wbits=31)
            self.add, self.end = coder.compress, coder.flush


def stream_reply(
    request: Request,
    first: Sequence[bytes],
    parts: AsyncGenerator[bytes, None],
    format_: Format,
    headers: Mapping[str, str],
    *,
    tag: str,
) -> Stream:
    """``first`` and ``parts`` as ``format_``; files that are compressed inside are sent as they
    are."""
    text = format_.media.startswith("text/") or format_.media.endswith("+json-seq")
    how = coding(request.headers.get("accept-encoding", "")) if text else None
    return Stream(first, parts, format_.media, {**_caching(tag), **headers}, how)
