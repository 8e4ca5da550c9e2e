"""``/tiles/{twin}/{layer}/…`` and ``/terrain/{twin}/…`` from the stores, as they lie there.

Files are gzipped at rest and sent so to clients that take it. Names that hold their content's hash
may be cached for ever; ``tileset.json`` is revalidated by ETag. Ranges follow RFC 9110 section 14:
one byte range of the representation that would have been sent whole.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tiles.store.base import StoredFile
from twin.api.errors import NotFoundError, problem
from twin.dynamic import PARAMETERS, DynamicTiles
from twin.services import Services

router = APIRouter(prefix="/tiles", tags=["3D Tiles"])
terrain = APIRouter(prefix="/terrain", tags=["terrain"])

Moment = Annotated[
    str | None, Query(alias="datetime", description="真实时刻 Moment in the city, RFC 3339")
]
AsOf = Annotated[
    str | None, Query(alias="as-of", description="记录时刻 Moment of record time, RFC 3339")
]
Condition = Annotated[
    str | None, Query(alias="filter", description="过滤条件 Which features, CQL2")
]
Language = Annotated[
    str | None, Query(alias="filter-lang", description="cql2-text (default), cql2-json")
]
FilterCrs = Annotated[
    str | None,
    Query(alias="filter-crs", description="过滤几何的坐标系 CRS of the filter's geometries"),
]

_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "public, no-cache"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@router.head("/{twin}/terrain/{name:path}", include_in_schema=False)
@router.get("/{twin}/terrain/{name:path}", include_in_schema=False)
async def get_terrain_tile(request: Request, twin: str) -> Response:
    """Terrain is no 3D Tiles layer: the answer names its address."""
    services: Services = request.app.state.services
    services.twin(twin)
    raise NotFoundError(
        f"Terrain is quantized-mesh and not among the 3D Tiles: it starts at "
        f"/terrain/{twin}/layer.json.",
        f"地形为 quantized-mesh，不在 3D Tiles 之列：请从 /terrain/{twin}/layer.json 开始。",
    )


@router.head("/{twin}/{layer}/{name}", include_in_schema=False)
@router.get(
    "/{twin}/{layer}/{name}",
    summary="瓦片文件 tileset.json or a content below it",
    response_class=Response,
    responses={
        304: {"description": "未变 Not modified"},
        206: {"description": "部分内容 Part of it"},
        503: {"description": "即时切片繁忙 Too much is encoded on demand; Retry-After"},
    },
)
async def get_tile(
    request: Request,
    twin: str,
    layer: str,
    name: str,
    moment: Moment = None,
    as_of: AsOf = None,
    condition: Condition = None,
    language: Language = None,
    crs: FilterCrs = None,
) -> Response:
    """One file of a layer's tileset.

    With ``datetime``, ``as-of`` or ``filter`` it is that of a tileset over what was, will be or
    matches, encoded on demand; its contents carry the question in their addresses.
    """
    services: Services = request.app.state.services
    asked = dict(zip(PARAMETERS, (moment, as_of, condition, language, crs), strict=True))
    given = {key: text for key, text in asked.items() if text is not None}
    if not given:
        return respond(request, services.tile(twin, layer, name))
    dynamic: DynamicTiles = request.app.state.dynamic_tiles
    return respond(request, await dynamic.file(twin, layer, name, given))


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
