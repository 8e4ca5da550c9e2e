"""``/twins/{twin}/places``: names and addresses by text, and by place."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request

from models.addresses import read_address
from models.crs import StorageCrs, storage_to_geodetic, to_storage
from models.db import places as db
from models.db.places import FoundPlace
from models.errors import OutsideAreaError
from models.places import fold
from twin.api.errors import STATUS
from twin.api.ogc.errors import ParameterError
from twin.api.ogc.links import address as link_address
from twin.api.ogc.links import root
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
    name; positions are in degrees (CGCS2000) and in the storage CRS, ``height`` (1985, metres) is
    told where it is known."""
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
    """Nearest first; a building or parcel that holds the place is at ``distance`` 0 (metres)."""
    services: Services = request.app.state.services
    services.twin(twin)
    storage = _storage(request)
    east, north, _ = to_storage([lon], [lat], None, "OGC:CRS84", "1985", storage)
    place = float(east[0]), float(north[0])
    found = await db.around(services.pool, twin, *place, storage.srid, radius, limit)
    return {"lon": lon, "lat": lat, "places": _told(request, found)}


@router.get(
    "/{twin}/places/joined",
    summary="同址关联 Everything that shares an address",
    operation_id="joinPlaces",
)
async def join_places(
    request: Request,
    twin: str,
    address: Annotated[
        str,
        Query(
            min_length=1,
            max_length=100,
            description="地址（汉字），至少含道路，如 沪松公路1399弄23号 "
            "An address in Chinese characters that names a road at least; province to town may be "
            "left out",
        ),
    ],
    limit: Annotated[int, Query(ge=1, le=1000, description="至多返回 At most so many")] = 100,
) -> dict[str, Any]:
    """Buildings, models, pipes, parcels, sensors and named places that meet at an address, whatever
    dataset or table they come from: ``relation`` is ``same``; ``above`` for the pipes along its
    road; ``below`` for what lies in a lane or along a road that is asked for. ``items`` is where
    the features are read. Parcels and sensors are those of address tables."""
    services: Services = request.app.state.services
    services.twin(twin)
    parts = read_address(fold(address))
    if parts is None:
        raise ParameterError(
            f"address: found '{address}', expected one that names a road, in Chinese characters, "
            "such as 沪松公路1399弄23号. Find it by pinyin with places?q=… first.",
            f"address：收到“{address}”，应含道路名称且用汉字书写，如 沪松公路1399弄23号。"
            "只知拼音时，请先用 places?q=… 检索。",
        )
    found = await db.joined(services.pool, twin, parts.spine, parts.above, limit)
    told = _told(request, [place for _, place in found])
    for one, (relation, place) in zip(told, found, strict=True):
        one["relation"] = relation
        if place.layer is not None:
            one["items"] = _items(request, twin, place)
    return {"address": {**asdict(parts), "spine": parts.spine}, "places": told}


def _items(request: Request, twin: str, place: FoundPlace) -> str:
    """Where the features that a place stands for are read."""
    base = f"{root(request, twin)}/collections/{place.layer}/items"
    if place.feature is not None:
        return f"{base}/{place.feature}"
    quoted = place.name.replace("'", "''")
    return link_address(base, {"filter": f"road = '{quoted}'"})


def _told(request: Request, found: list[FoundPlace]) -> list[dict[str, Any]]:
    storage = _storage(request)
    east, north = np.array([p.east for p in found]), np.array([p.north for p in found])
    lon, lat, _ = storage_to_geodetic(east, north, np.zeros(len(found)), storage)
    out = []
    for place, x, y in zip(found, lon, lat, strict=True):
        one = {k: v for k, v in asdict(place).items() if v is not None}
        one["east"], one["north"] = round(place.east, 3), round(place.north, 3)
        if place.height is not None:
            one["height"] = round(place.height, 3)
        out.append({**one, "lon": round(float(x), 8), "lat": round(float(y), 8)})
    return out


def _storage(request: Request) -> StorageCrs:
    storage: StorageCrs = request.app.state.vector_tiles.storage
    return storage
