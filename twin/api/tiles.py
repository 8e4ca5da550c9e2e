"""``/tiles/{twin}/{layer}/…`` and ``/terrain/{twin}/…`` from the stores, as they lie there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tiles.store.directory import NAME
from twin.api.errors import NotFoundError
from twin.api.files import passed_on, respond, takes_gzip
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
#: Cesium sends a tileset's query with its contents.
Version = Annotated[
    str | None, Query(alias="v", description="任意，避开缓存 Anything, against caches")
]
Extensions = Annotated[
    str | None, Query(description="CesiumJS 所求的扩展 What CesiumJS asks of tiles; all is sent")
]


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
    v: Version = None,
) -> Response:
    """One file of a layer's tileset.

    With ``datetime``, ``as-of`` or ``filter`` it is that of a tileset over what was, will be or
    matches, encoded on demand; its contents carry the question in their addresses.
    """
    services: Services = request.app.state.services
    asked = dict(zip(PARAMETERS, (moment, as_of, condition, language, crs), strict=True))
    given = {key: text for key, text in asked.items() if text is not None}
    if given:
        dynamic: DynamicTiles = request.app.state.dynamic_tiles
        return respond(request, await dynamic.file(twin, layer, name, given))
    bucket = services.bucket(twin, layer)
    if bucket is None or not NAME.fullmatch(name) or not takes_gzip(request):
        return respond(request, await services.tile(twin, layer, name))
    with services.told(twin, layer, name):
        return await passed_on(request, bucket, name)


@terrain.head("/{twin}/{name:path}", include_in_schema=False)
@terrain.get(
    "/{twin}/{name:path}",
    summary="地形 layer.json or a quantized-mesh tile",
    response_class=Response,
    responses={304: {"description": "未变 Not modified"}},
)
async def get_terrain(
    request: Request, twin: str, name: str, v: Version = None, extensions: Extensions = None
) -> Response:
    """One file of a twin's terrain (quantized-mesh 1.0, TMS, two root tiles)."""
    services: Services = request.app.state.services
    return respond(request, services.terrain(twin, name))
