"""``/tiles/{twin}/{layer}/…`` and ``/terrain/{twin}/…`` from the stores, as they lie there.

Files are gzipped at rest and sent so to clients that take it. Names that hold their content's hash
may be cached for ever; ``tileset.json`` is revalidated by ETag. Ranges follow RFC 9110 section 14:
one byte range of the representation that would have been sent whole.
"""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response

from tiles.store.base import StoredFile
from twin.api.errors import problem
from twin.services import Services

router = APIRouter(prefix="/tiles", tags=["3D Tiles"])
terrain = APIRouter(prefix="/terrain", tags=["terrain"])

_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "public, no-cache"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@router.head("/{twin}/{layer}/{name}", include_in_schema=False)
@router.get(
    "/{twin}/{layer}/{name}",
    summary="瓦片文件 tileset.json or a content below it",
    response_class=Response,
    responses={
        304: {"description": "未变 Not modified"},
        206: {"description": "部分内容 Part of it"},
    },
)
async def get_tile(request: Request, twin: str, layer: str, name: str) -> Response:
    """One file of a layer's tileset."""
    services: Services = request.app.state.services
    return respond(request, services.tile(twin, layer, name))


@terrain.head("/{twin}/{name:path}", include_in_schema=False)
@terrain.get(
    "/{twin}/{name:path}",
    summary="地形 layer.json or a quantized-mesh tile",
    response_class=Response,
    responses={304: {"description": "未变 Not modified"}},
)
async def get_terrain(request: Request, twin: str, name: str) -> Response:
    """One file of a twin's terrain (quantized-mesh 1.0, TMS, two root tiles)."""
    services: Services = request.app.state.services
    return respond(request, services.terrain(twin, name))


def respond(request: Request, file: StoredFile) -> Response:
    """The HTTP answer that carries ``file``: coding, validators, caching, ranges."""
    gzipped = file.encoding == "gzip" and accepts_gzip(request.headers.get("accept-encoding", ""))
    etag = f'"{file.digest}-gz"' if gzipped else f'"{file.digest}"'
    headers = {
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "Cache-Control": _FOREVER if file.immutable else _REVALIDATE,
        "Accept-Ranges": "bytes",
    }
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    data = file.data if gzipped else file.decoded()
    wanted = request.headers.get("range")
    if wanted and request.headers.get("if-range", etag) == etag:
        span = parse_range(wanted, len(data))
        if span == (0, -1):
            return problem(
                request,
                416,
                f"Range '{wanted}' is outside the {len(data)} bytes of this file.",
                f"请求范围“{wanted}”超出文件的 {len(data)} 字节。",
                headers={"Content-Range": f"bytes */{len(data)}"},
            )
        if span is not None:
            first, last = span
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            return Response(data[first : last + 1], 206, headers, media_type=file.media_type)
    return Response(data, 200, headers, media_type=file.media_type)


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
