"""``/twins/{twin}/places``: names and addresses by text, and by place."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request

from models.crs import StorageCrs, storage_to_geodetic, to_storage
from models.db import places as db
from models.db.places import FoundPlace
from models.errors import OutsideAreaError
from twin.api.errors import STATUS
from twin.services import Services

router = APIRouter(prefix="/twins", tags=["places"])

STATUS.setdefault(OutsideAreaError, 400)

Limit = Annotated[int, Query(ge=1, le=100, description="至多返回 At most so many")]


@router.get(
    "/{twin}/places",
    summary="地名地址检索 Search names and addresses",
    operation_id="searchPlaces",
)
async def search_places(
    request: Request,
    twin: str,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=100,
            description="名称、地址或其部分，汉字、拼音或首字母，次序不限 "
            "Name, address or parts of them in any order; characters, pinyin or initials",
        ),
    ],
    limit: Limit = 10,
) -> dict[str, Any]:
    """Best answers first, as is right for completing what is typed too. ``score`` is 1 for the very
    name; positions are in degrees (CGCS2000) and in the storage CRS."""
    services: Services = request.app.state.services
    services.twin(twin)
    found = await db.search(services.pool, twin, q, limit)
    return {"q": q, "places": _told(request, found)}


@router.get(
    "/{twin}/places/reverse",
    summary="逆地理编码 Names and addresses at a place",
    operation_id="reversePlaces",
)
async def reverse_places(
    request: Request,
    twin: str,
    lon: Annotated[float, Query(ge=-180, le=180, description="经度 Longitude, degrees")],
    lat: Annotated[float, Query(ge=-90, le=90, description="纬度 Latitude, degrees")],
    radius: Annotated[float, Query(gt=0, le=5000, description="米 Metres")] = 200.0,
    limit: Limit = 10,
) -> dict[str, Any]:
    """Nearest first; a building that holds the place is at ``distance`` 0 (metres)."""
    services: Services = request.app.state.services
    services.twin(twin)
    storage = _storage(request)
    east, north, _ = to_storage([lon], [lat], None, "OGC:CRS84", "1985", storage)
    place = float(east[0]), float(north[0])
    found = await db.around(services.pool, twin, *place, storage.srid, radius, limit)
    return {"lon": lon, "lat": lat, "places": _told(request, found)}


def _told(request: Request, found: list[FoundPlace]) -> list[dict[str, Any]]:
    storage = _storage(request)
    east, north = np.array([p.east for p in found]), np.array([p.north for p in found])
    lon, lat, _ = storage_to_geodetic(east, north, np.zeros(len(found)), storage)
    out = []
    for place, x, y in zip(found, lon, lat, strict=True):
        one = {k: v for k, v in asdict(place).items() if v is not None}
        one["east"], one["north"] = round(place.east, 3), round(place.north, 3)
        out.append({**one, "lon": round(float(x), 8), "lat": round(float(y), 8)})
    return out


def _storage(request: Request) -> StorageCrs:
    storage: StorageCrs = request.app.state.vector_tiles.storage
    return storage
