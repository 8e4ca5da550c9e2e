"""Addresses of what vector tiles are described by: tile matrix sets and styles."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from models.features import Theme
from models.mvt.grid import tile_matrix_sets
from models.twins import TwinDefinition
from twin.api.errors import NotFoundError
from twin.api.mvt import documents, styles
from twin.api.mvt.documents import link
from twin.api.mvt.links import base_of
from twin.api.mvt.parameters import Json
from twin.api.mvt.tiles import VectorTiles
from twin.api.ogc.collections import of_twin
from twin.services import Services

router = APIRouter(prefix="/ogc/{twin}", tags=["OGC API – Tiles"])


class _Style(JSONResponse):
    """A style, of the media type that links to it name."""

    media_type = "application/vnd.mapbox.style+json"


def context(request: Request, twin: str) -> tuple[VectorTiles, TwinDefinition]:
    """The tiles of the application and the twin. Raises UnknownTwinError."""
    services: Services = request.app.state.services
    tiles: VectorTiles = request.app.state.vector_tiles
    return tiles, services.twin(twin)


@router.get(
    "/tileMatrixSets",
    summary="瓦片矩阵集 Tile matrix sets",
    operation_id="getTileMatrixSetsList",
)
async def list_matrix_sets(request: Request, twin: str, f: Json = "json") -> dict[str, Any]:
    """The tile matrix sets in which there are tiles."""
    tiles, definition = context(request, twin)
    base = base_of(request, definition.id)
    known = tile_matrix_sets(tiles.storage).values()
    return {
        "tileMatrixSets": [documents.matrix_set_item(tms, base) for tms in known],
        "links": [link(f"{base}/tileMatrixSets", "self")],
    }


@router.get(
    "/tileMatrixSets/{tms}",
    summary="瓦片矩阵集定义 One tile matrix set",
    operation_id="getTileMatrixSet",
)
async def get_matrix_set(request: Request, twin: str, tms: str, f: Json = "json") -> dict[str, Any]:
    """Its definition: origin, cells and scale denominators (OGC 17-083r4)."""
    tiles, definition = context(request, twin)
    return documents.matrix_set(tiles.matrix_set(tms), base_of(request, definition.id))


@router.get("/styles", summary="样式 Styles", operation_id="getStyles")
async def list_styles(request: Request, twin: str, f: Json = "json") -> dict[str, Any]:
    """MapLibre styles, one a theme."""
    _, definition = context(request, twin)
    base = base_of(request, definition.id)
    return {
        "styles": [
            {
                "id": str(theme),
                "title": title,
                "links": [link(f"{base}/styles/{theme}", "stylesheet", _Style.media_type, title)],
            }
            for theme, title in styles.titles(definition).items()
        ],
        "links": [link(f"{base}/styles", "self")],
    }


@router.get(
    "/styles/{theme}",
    summary="样式 One style",
    operation_id="getStyle",
    response_class=_Style,
)
async def get_style(request: Request, twin: str, theme: str) -> dict[str, Any]:
    """A MapLibre style over the twin's tiles in WebMercatorQuad."""
    _, definition = context(request, twin)
    known = styles.titles(definition)
    if theme not in [str(t) for t in known]:
        there = ", ".join(map(str, known))
        raise NotFoundError(
            f"Twin '{twin}' has no style '{theme}'. Expected one of: {there}.",
            f"孪生体“{twin}”没有样式“{theme}”。可用：{there}。",
        )
    source = f"{base_of(request, definition.id)}/tiles/WebMercatorQuad/tilejson"
    return styles.style(definition, Theme(theme), of_twin(definition), source)
