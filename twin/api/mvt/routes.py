"""Addresses of vector tiles: tilesets and tiles of collections and of all."""

from __future__ import annotations

import gzip
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from models.mvt.grid import DEEPEST, tile_matrix_sets
from models.twins import TwinDefinition
from twin.api.mvt import documents
from twin.api.mvt.definitions import Json, context
from twin.api.mvt.documents import MVT, link
from twin.api.mvt.links import base_of
from twin.api.mvt.tiles import Tileset, VectorTiles
from twin.api.ogc.collections import Collection, find_collection, of_twin
from twin.api.tiles import accepts_gzip, matches

router = APIRouter(prefix="/ogc/{twin}", tags=["OGC API – Tiles"])

_FOREVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "public, no-cache"

Tile = Annotated[Literal["mvt"], Query(alias="f", description="表示形式 Representation")]
Version = Annotated[
    str | None,
    Query(
        alias="v",
        max_length=64,
        description="TileJSON 中的版本，与现行版本一致时可永久缓存 Version, as in the TileJSON; "
        "a tile of the current one may be cached for ever",
    ),
]
Zoom = Annotated[int, Path(ge=0, le=DEEPEST, description="级别 Tile matrix")]
Row = Annotated[int, Path(ge=0, description="行，自上而下 Row, from the top")]
Col = Annotated[int, Path(ge=0, description="列 Column")]
_TILE: Final[dict[str, Any]] = {
    "response_class": Response,
    "responses": {
        200: {
            "description": "Mapbox Vector Tile 2.1",
            "content": {MVT: {"schema": {"type": "string", "format": "binary"}}},
        },
        204: {"description": "空瓦片 Nothing is drawn in this tile"},
        304: {"description": "未变 Not modified"},
        404: {"description": "超出范围 Outside the limits"},
    },
}


@router.get(
    "/tiles",
    summary="全部要素的瓦片集 Tilesets of everything",
    operation_id="twin.dataset.vector.getTileSetsList",
)
async def list_tilesets(request: Request, twin: str, f: Json = "json") -> dict[str, Any]:
    """Tilesets whose tiles have one layer for each collection."""
    tiles, definition = context(request, twin)
    return _list(request, tiles, definition, None)


@router.get(
    "/tiles/{tms}",
    summary="瓦片集元数据 Metadata of the tileset of everything",
    operation_id="twin.dataset.vector.getTileSet",
)
async def get_tileset(request: Request, twin: str, tms: str, f: Json = "json") -> dict[str, Any]:
    """Limits, layers and what is drawn at which level."""
    return await _metadata(request, twin, None, tms)


@router.get(
    "/tiles/{tms}/tilejson",
    summary="TileJSON of everything",
    operation_id="twin.dataset.vector.getTileJson",
)
async def get_tile_json(request: Request, twin: str, tms: str, f: Json = "json") -> dict[str, Any]:
    """TileJSON 3.0 with addresses that carry the version."""
    return await _tile_json(request, twin, None, tms)


@router.get(
    "/tiles/{tms}/{zoom}/{row}/{col}",
    summary="全部要素的瓦片 A tile of everything",
    operation_id="twin.dataset.vector.getTile",
    **_TILE,
)
async def get_tile(
    request: Request,
    twin: str,
    tms: str,
    zoom: Zoom,
    row: Row,
    col: Col,
    v: Version = None,
    f: Tile = "mvt",
) -> Response:
    """One layer for each collection that draws something in it."""
    return await _tile(request, twin, None, tms, (zoom, row, col), v)


@router.get(
    "/collections/{collection}/tiles",
    summary="要素集的瓦片集 Tilesets of a collection",
    operation_id="twin.collection.vector.getTileSetsList",
)
async def list_collection_tilesets(
    request: Request, twin: str, collection: str, f: Json = "json"
) -> dict[str, Any]:
    """The tilesets of one collection."""
    tiles, definition = context(request, twin)
    return _list(request, tiles, definition, find_collection(definition, collection))


@router.get(
    "/collections/{collection}/tiles/{tms}",
    summary="瓦片集元数据 Metadata of a collection's tileset",
    operation_id="twin.collection.vector.getTileSet",
)
async def get_collection_tileset(
    request: Request, twin: str, collection: str, tms: str, f: Json = "json"
) -> dict[str, Any]:
    """Limits, properties and what is drawn at which level."""
    return await _metadata(request, twin, collection, tms)


@router.get(
    "/collections/{collection}/tiles/{tms}/tilejson",
    summary="TileJSON of a collection",
    operation_id="twin.collection.vector.getTileJson",
)
async def get_collection_tile_json(
    request: Request, twin: str, collection: str, tms: str, f: Json = "json"
) -> dict[str, Any]:
    """TileJSON 3.0 with addresses that carry the version."""
    return await _tile_json(request, twin, collection, tms)


@router.get(
    "/collections/{collection}/tiles/{tms}/{zoom}/{row}/{col}",
    summary="要素集的瓦片 A tile of a collection",
    operation_id="twin.collection.vector.getTile",
    **_TILE,
)
async def get_collection_tile(
    request: Request,
    twin: str,
    collection: str,
    tms: str,
    zoom: Zoom,
    row: Row,
    col: Col,
    v: Version = None,
    f: Tile = "mvt",
) -> Response:
    """One layer, named as the collection."""
    return await _tile(request, twin, collection, tms, (zoom, row, col), v)


def _list(
    request: Request,
    tiles: VectorTiles,
    definition: TwinDefinition,
    collection: Collection | None,
) -> dict[str, Any]:
    base = base_of(request, definition.id)
    title, href = _named(definition, collection, base)
    return {
        "tilesets": [
            documents.tileset_item(tms, title, href, base)
            for tms in tile_matrix_sets(tiles.storage).values()
        ],
        "links": [link(href, "self", title=title)],
    }


async def _found(
    request: Request, twin: str, collection: str | None, tms: str
) -> tuple[Tileset, Collection | None]:
    tiles, definition = context(request, twin)
    one = None if collection is None else find_collection(definition, collection)
    chosen = list(of_twin(definition).values()) if one is None else [one]
    return await tiles.tileset(definition, chosen, tiles.matrix_set(tms)), one


async def _metadata(
    request: Request, twin: str, collection: str | None, tms: str
) -> dict[str, Any]:
    tiles: VectorTiles = request.app.state.vector_tiles
    found, one = await _found(request, twin, collection, tms)
    base = base_of(request, twin)
    title, href = _named(found.twin, one, base)
    return documents.tileset(found, title, href, base, tiles.storage)


async def _tile_json(
    request: Request, twin: str, collection: str | None, tms: str
) -> dict[str, Any]:
    tiles: VectorTiles = request.app.state.vector_tiles
    found, one = await _found(request, twin, collection, tms)
    title, href = _named(found.twin, one, base_of(request, twin))
    return documents.tile_json(found, title, href, tiles.storage)


async def _tile(
    request: Request,
    twin: str,
    collection: str | None,
    tms: str,
    place: tuple[int, int, int],
    version: str | None,
) -> Response:
    tiles: VectorTiles = request.app.state.vector_tiles
    found, _ = await _found(request, twin, collection, tms)
    found.require(*place)
    gzipped = accepts_gzip(request.headers.get("accept-encoding", ""))
    etag = f'"{found.version}{"-gz" if gzipped else ""}"'
    headers = {
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "Cache-Control": _FOREVER if version == found.version else _REVALIDATE,
    }
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    data = await tiles.tile(found, *place)
    if not data:
        return Response(status_code=204, headers=headers)
    if gzipped:
        return Response(data, headers={**headers, "Content-Encoding": "gzip"}, media_type=MVT)
    return Response(gzip.decompress(data), headers=headers, media_type=MVT)


def _named(definition: TwinDefinition, collection: Collection | None, base: str) -> tuple[str, str]:
    """Title and address of the tilesets of a collection, or of all."""
    if collection is None:
        title = f"{definition.name_zh}矢量瓦片 Vector tiles of {definition.name_en}"
        return title, f"{base}/tiles"
    return documents.collection_title(collection), f"{base}/collections/{collection.id}/tiles"
