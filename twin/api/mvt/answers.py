"""What the addresses of vector tiles answer: lists, metadata, TileJSON and tiles.

``collection`` is None for the tiles of everything, which have one layer for each collection.
"""

from __future__ import annotations

import gzip
from typing import Any, Final

from fastapi import Request, Response

from models.mvt.grid import tile_matrix_sets
from models.twins import TwinDefinition
from twin.api.files import accepts_gzip, matches
from twin.api.mvt import documents
from twin.api.mvt.definitions import context
from twin.api.mvt.documents import MVT, link
from twin.api.mvt.links import base_of
from twin.api.mvt.moments import Asked
from twin.api.mvt.tiles import VectorTiles
from twin.api.mvt.tileset import Tileset
from twin.api.ogc.collections import Collection, find_collection, of_twin

_FOREVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "public, no-cache"


async def tilesets(request: Request, twin: str, collection: str | None) -> dict[str, Any]:
    """The tilesets of now, one for each tile matrix set."""
    tiles, definition = context(request, twin)
    one, chosen = _chosen(definition, collection)
    base = base_of(request, definition.id)
    title, href = _named(definition, one, base)
    there = [
        await tiles.tileset(definition, chosen, tms)
        for tms in tile_matrix_sets(tiles.storage).values()
    ]
    return {
        "tilesets": [documents.tileset_item(one, title, href, base) for one in there],
        "links": [link(href, "self", title=title)],
    }


async def metadata(
    request: Request, twin: str, collection: str | None, tms: str, asked: Asked
) -> dict[str, Any]:
    """Metadata of the tileset of the moments that are asked for."""
    tiles: VectorTiles = request.app.state.vector_tiles
    found, one = await _found(request, twin, collection, tms, asked)
    base = base_of(request, twin)
    title, href = _named(found.twin, one, base)
    return documents.tileset(found, title, href, base, tiles.storage)


async def tile_json(
    request: Request, twin: str, collection: str | None, tms: str, asked: Asked
) -> dict[str, Any]:
    """Its TileJSON, whose addresses carry the version."""
    tiles: VectorTiles = request.app.state.vector_tiles
    found, one = await _found(request, twin, collection, tms, asked)
    title, href = _named(found.twin, one, base_of(request, twin))
    return documents.tile_json(found, title, href, tiles.storage)


async def tile(
    request: Request,
    twin: str,
    collection: str | None,
    tms: str,
    place: tuple[int, int, int],
    asked: Asked,
    version: str | None,
) -> Response:
    """The tile at ``place`` (zoom, row, column); that of the current ``version`` keeps for ever."""
    tiles: VectorTiles = request.app.state.vector_tiles
    found, _ = await _found(request, twin, collection, tms, asked)
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


async def _found(
    request: Request, twin: str, collection: str | None, tms: str, asked: Asked
) -> tuple[Tileset, Collection | None]:
    tiles, definition = context(request, twin)
    one, chosen = _chosen(definition, collection)
    return await tiles.tileset(definition, chosen, tiles.matrix_set(tms), asked), one


def _chosen(
    definition: TwinDefinition, collection: str | None
) -> tuple[Collection | None, list[Collection]]:
    """The collection that is asked for, and those that the tiles show."""
    if collection is None:
        return None, list(of_twin(definition).values())
    one = find_collection(definition, collection)
    return one, [one]


def _named(definition: TwinDefinition, collection: Collection | None, base: str) -> tuple[str, str]:
    """Title and address of the tilesets of a collection, or of all."""
    if collection is None:
        title = f"{definition.name_zh}矢量瓦片 Vector tiles of {definition.name_en}"
        return title, f"{base}/tiles"
    return documents.collection_title(collection), f"{base}/collections/{collection.id}/tiles"
