"""``/twins``: what there is, with extent, layers and links."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request

from models.labels import labels
from models.twins import TwinDefinition
from twin.api.errors import NotFoundError
from twin.services import Services

router = APIRouter(prefix="/twins", tags=["twins"])


@router.get("", summary="全部孪生体 All twins")
async def list_twins(request: Request) -> dict[str, Any]:
    """Every twin with names, centre, extent (W, S, E, N in degrees) and links."""
    services: Services = request.app.state.services
    return {"twins": [_describe(services, t) for t in services.twins.values()]}


@router.get("/{twin}", summary="孪生体及其图层 One twin with its layers")
async def get_twin(request: Request, twin: str) -> dict[str, Any]:
    """The twin's layers: feature counts, tileset address (null before tiling), version; and the
    address of its terrain, null where it has none."""
    services: Services = request.app.state.services
    definition = services.twin(twin)
    return {
        **_describe(services, definition),
        "layers": await services.layers(twin),
        "terrain": f"/terrain/{twin}" if services.has_terrain(twin) else None,
    }


@router.get("/{twin}/features/{feature_id}", summary="要素全部属性 All attributes of a feature")
async def get_feature(request: Request, twin: str, feature_id: uuid.UUID) -> dict[str, Any]:
    """The current state of a feature, its dataset, source file and row, labels in zh and en."""
    services: Services = request.app.state.services
    services.twin(twin)
    feature = await services.feature(twin, feature_id)
    if feature is None:
        raise NotFoundError(
            f"Twin '{twin}' has no current feature {feature_id}.",
            f"孪生体“{twin}”中没有现行要素 {feature_id}。",
        )
    return {**feature, "labels": labels(feature["table"])}


def _describe(services: Services, definition: TwinDefinition) -> dict[str, Any]:
    base = f"/twins/{definition.id}"
    return {
        "id": definition.id,
        "name": {"zh": definition.name_zh, "en": definition.name_en},
        "center": {
            "lon": definition.lon,
            "lat": definition.lat,
            "height": definition.ground_height,
            "ellipsoidal_height": services.ground(definition.id),
        },
        "extent": list(definition.extent),
        "links": [
            {"rel": "self", "href": base, "type": "application/json"},
            {"rel": "service-desc", "href": "/api", "type": "application/vnd.oai.openapi+json"},
        ],
    }
