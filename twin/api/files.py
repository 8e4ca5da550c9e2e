"""Files of a store over HTTP: coding, validators, caching, ranges.

Files are gzipped at rest and sent so to clients that take it. Names that hold their content's hash
may be cached for ever; others are revalidated by ETag. Ranges follow RFC 9110 section 14: one byte
range of the representation that would have been sent whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from tiles.store.base import StoredFile
from tiles.store.directory import MEDIA, NAME
from twin.api.errors import problem

if TYPE_CHECKING:
    from tiles.store.bucket import BucketStore

_FOREVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "public, no-cache"
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)$")


def respond(request: Request, file: StoredFile) -> Response:
    """The answer that carries ``file``."""
    gzipped = file.encoding == "gzip" and takes_gzip(request)
    etag = f'"{file.digest}-gz"' if gzipped else f'"{file.digest}"'
    headers = _headers(etag, file.immutable)
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    data = file.data if gzipped else file.decoded()
    span = _span(request, etag, len(data))
    if span == (0, -1):
        return _outside(request, len(data))
    if span is not None:
        first, last = span
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return Response(data[first : last + 1], 206, headers, media_type=file.media_type)
    return Response(data, 200, headers, media_type=file.media_type)


async def passed_on(request: Request, store: BucketStore, name: str) -> Response:
    """The answer that carries the file ``name``, which holds its hash, of a bucket as it comes
    from there, to a client that takes gzip.

    Raises :class:`tiles.errors.StoreError`.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} holds no hash")
    etag = f'"{match["digest"]}-gz"'
    headers = _headers(etag, immutable=True)
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    headers["Content-Encoding"] = "gzip"
    media = MEDIA[match["suffix"]]
    span = None
    if request.method == "HEAD" or request.headers.get("range"):
        size = await store.size(name)
        if request.method == "HEAD":
            return Response(None, 200, headers | {"Content-Length": str(size)}, media_type=media)
        span = _span(request, etag, size)
        if span == (0, -1):
            return _outside(request, size)
    size, chunks = await store.flow(name, span)
    if span is None:
        headers["Content-Length"] = str(size)
        return StreamingResponse(chunks, 200, headers, media_type=media)
    first, last = span
    headers["Content-Length"] = str(last - first + 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return StreamingResponse(chunks, 206, headers, media_type=media)


def takes_gzip(request: Request) -> bool:
    """Whether the client takes a gzipped answer."""
    return accepts_gzip(request.headers.get("accept-encoding", ""))


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip (RFC 9110 section 12.5.3)."""
    star = False
    for item in header.lower().split(","):
        coding, _, parameter = item.strip().partition(";")
        refused = re.fullmatch(r"\s*q=0(\.0{0,3})?\s*", parameter) is not None
        if coding.strip() in ("gzip", "x-gzip"):
            return not refused
        if coding.strip() == "*":
            star = not refused
    return star


def matches(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names ``etag`` by weak comparison (RFC 9110 section 13.1.2)."""
    if header is None:
        return False
    return any(t.strip().removeprefix("W/") in (etag, "*") for t in header.split(","))


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range; ``None`` to ignore it, ``(0, -1)`` if out of reach."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        length = min(int(last), size)
        return (size - length, size - 1) if length else (0, -1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return (0, -1)
    return int(first), min(int(last or size), size - 1)


def _headers(etag: str, immutable: bool) -> dict[str, str]:
    return {
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "Cache-Control": _FOREVER if immutable else _REVALIDATE,
        "Accept-Ranges": "bytes",
    }


def _span(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    wanted = request.headers.get("range")
    if wanted and request.headers.get("if-range", etag) == etag:
        return parse_range(wanted, size)
    return None


def _outside(request: Request, size: int) -> Response:
    wanted = request.headers["range"]
    return problem(
        request,
        416,
        f"Range '{wanted}' is outside the {size} bytes of this file.",
        f"请求范围“{wanted}”超出文件的 {size} 字节。",
        headers={"Content-Range": f"bytes */{size}"},
    )
