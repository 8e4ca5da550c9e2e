"""``/ogc/{twin}/collections3d``: layers that have 3D Tiles, as containers of 3D content.

After the draft OGC API – 3D GeoVolumes (22-029): a container has an extent, its ``contentExtent``
and ``content`` links to distributions with the relation ``original``. The draft puts containers
below ``/collections``, which OGC API – Features uses for features here; so they have an address of
their own, and no conformance is claimed.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request

from models.twins import TwinDefinition
from twin.api.errors import NotFoundError
from twin.api.mvt.documents import link
from twin.api.mvt.links import base_of
from twin.services import Services

router = APIRouter(prefix="/ogc/{twin}", tags=["OGC API – 3D GeoVolumes"])

_TILES: Final = "application/json+3dtiles"
_CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

Json = Annotated[Literal["json"], Query(alias="f", description="表示形式 Representation")]


@router.get(
    "/collections3d", summary="三维内容 Containers of 3D content", operation_id="getGeoVolumes"
)
async def list_containers(request: Request, twin: str, f: Json = "json") -> dict[str, Any]:
    """One container for each layer of the twin that has been tiled."""
    services: Services = request.app.state.services
    definition = services.twin(twin)
    layers = await services.layers(twin)
    base = base_of(request, twin)
    return {
        "collections": [
            _container(request, definition, layer) for layer in layers if layer["tileset"]
        ],
        "links": [link(f"{base}/collections3d", "self")],
    }


@router.get(
    "/collections3d/{container}", summary="三维内容 One container", operation_id="getGeoVolume"
)
async def get_container(
    request: Request, twin: str, container: str, f: Json = "json"
) -> dict[str, Any]:
    """A layer's extent and its tileset."""
    services: Services = request.app.state.services
    definition = services.twin(twin)
    layers = {layer["id"]: layer for layer in await services.layers(twin) if layer["tileset"]}
    if container not in layers:
        there = ", ".join(layers) or "-"
        raise NotFoundError(
            f"Twin '{twin}' has no 3D content '{container}'. Expected one of: {there}; others have "
            "not been tiled.",
            f"孪生体“{twin}”没有三维内容“{container}”。可用：{there}；其余尚未切片。",
        )
    return _container(request, definition, layers[container])


def _container(request: Request, twin: TwinDefinition, layer: dict[str, Any]) -> dict[str, Any]:
    base = base_of(request, twin.id)
    root = str(request.base_url).rstrip("/")
    title = f"{layer['title']['zh']} {layer['title']['en']}"
    extent = {"spatial": {"bbox": [list(twin.extent)], "crs": _CRS84}}
    tileset = link(f"{root}{layer['tileset']}", "original", _TILES, f"{title} (3D Tiles 1.1)")
    return {
        "id": layer["id"],
        "title": title,
        "collectionType": "3d-container",
        "extent": extent,
        "contentExtent": {"bbox": list(twin.extent), "crs": _CRS84},
        "content": [tileset],
        "children": [],
        "links": [
            link(f"{base}/collections3d/{layer['id']}", "self", title=title),
            tileset,
        ],
    }
