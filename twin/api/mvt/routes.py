"""Addresses of vector tiles: tilesets and tiles of collections and of all."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from twin.api.mvt import answers
from twin.api.mvt.documents import MVT
from twin.api.mvt.moments import read_asked
from twin.api.mvt.parameters import AsOf, Col, Json, Moment, Row, Tile, Version, Zoom

router = APIRouter(prefix="/ogc/{twin}", tags=["OGC API – Tiles"])

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
    return await answers.tilesets(request, twin, None)


@router.get(
    "/tiles/{tms}",
    summary="瓦片集元数据 Metadata of the tileset of everything",
    operation_id="twin.dataset.vector.getTileSet",
)
async def get_tileset(
    request: Request,
    twin: str,
    tms: str,
    moment: Moment = None,
    as_of: AsOf = None,
    f: Json = "json",
) -> dict[str, Any]:
    """Limits, layers and what is drawn at which level."""
    return await answers.metadata(request, twin, None, tms, read_asked(moment, as_of))


@router.get(
    "/tiles/{tms}/tilejson",
    summary="TileJSON of everything",
    operation_id="twin.dataset.vector.getTileJson",
)
async def get_tile_json(
    request: Request,
    twin: str,
    tms: str,
    moment: Moment = None,
    as_of: AsOf = None,
    f: Json = "json",
) -> dict[str, Any]:
    """TileJSON 3.0 with addresses that carry the version."""
    return await answers.tile_json(request, twin, None, tms, read_asked(moment, as_of))


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
    moment: Moment = None,
    as_of: AsOf = None,
    v: Version = None,
    f: Tile = "mvt",
) -> Response:
    """One layer for each collection that draws something in it."""
    asked = read_asked(moment, as_of)
    return await answers.tile(request, twin, None, tms, (zoom, row, col), asked, v)


@router.get(
    "/collections/{collection}/tiles",
    summary="要素集的瓦片集 Tilesets of a collection",
    operation_id="twin.collection.vector.getTileSetsList",
)
async def list_collection_tilesets(
    request: Request, twin: str, collection: str, f: Json = "json"
) -> dict[str, Any]:
    """The tilesets of one collection."""
    return await answers.tilesets(request, twin, collection)


@router.get(
    "/collections/{collection}/tiles/{tms}",
    summary="瓦片集元数据 Metadata of a collection's tileset",
    operation_id="twin.collection.vector.getTileSet",
)
async def get_collection_tileset(
    request: Request,
    twin: str,
    collection: str,
    tms: str,
    moment: Moment = None,
    as_of: AsOf = None,
    f: Json = "json",
) -> dict[str, Any]:
    """Limits, properties and what is drawn at which level."""
    return await answers.metadata(request, twin, collection, tms, read_asked(moment, as_of))


@router.get(
    "/collections/{collection}/tiles/{tms}/tilejson",
    summary="TileJSON of a collection",
    operation_id="twin.collection.vector.getTileJson",
)
async def get_collection_tile_json(
    request: Request,
    twin: str,
    collection: str,
    tms: str,
    moment: Moment = None,
    as_of: AsOf = None,
    f: Json = "json",
) -> dict[str, Any]:
    """TileJSON 3.0 with addresses that carry the version."""
    return await answers.tile_json(request, twin, collection, tms, read_asked(moment, as_of))


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
    moment: Moment = None,
    as_of: AsOf = None,
    v: Version = None,
    f: Tile = "mvt",
) -> Response:
    """One layer, named as the collection."""
    asked = read_asked(moment, as_of)
    return await answers.tile(request, twin, collection, tms, (zoom, row, col), asked, v)
