"""``/ogc/{twin}/collections3d``: layers that have 3D Tiles, as containers of 3D content.

After the draft OGC API – 3D GeoVolumes (22-029): a container has an extent, its ``contentExtent``
(that of the tileset's root, with ellipsoidal heights) and ``content`` links to distributions with
the relation ``original``. The draft puts containers
below ``/collections``, which OGC API – Features uses for features here; so they have an address of
their own, and no conformance is claimed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Query, Request

from models.cql2.geometry import box_parts
from models.crs import StorageCrs
from models.geocentric import ecef_to_geodetic
from models.twins import TwinDefinition
from tiles.store.base import ROOT
from twin.api.errors import NotFoundError
from twin.api.mvt.documents import link
from twin.api.mvt.links import base_of
from twin.api.ogc.crs import CRS84, check_order, find_crs
from twin.api.ogc.parameters import wrong
from twin.services import Services

router = APIRouter(prefix="/ogc/{twin}", tags=["OGC API – 3D GeoVolumes"])

_TILES: Final = "application/json+3dtiles"
_CRS84H: Final = "http://www.opengis.net/def/crs/OGC/0/CRS84h"

_NUMBER: Final = r"-?[0-9]{1,7}(\.[0-9]{1,17})?"
_BOX: Final = rf"^{_NUMBER}(,{_NUMBER}){{3}}((,{_NUMBER}){{2}})?$"

Json = Annotated[Literal["json"], Query(alias="f", description="表示形式 Representation")]
Box = Annotated[
    str | None,
    Query(
        description="只列与此范围相交者：西,南,东,北，或 西,南,低,东,北,高（CRS84h，大地高） Only "
        "those that meet it: west,south,east,north, or with ellipsoidal heights "
        "west,south,lowest,east,north,highest (CRS84h)",
        json_schema_extra={"pattern": _BOX},
    ),
]


@router.get(
    "/collections3d", summary="三维内容 Containers of 3D content", operation_id="getGeoVolumes"
)
async def list_containers(
    request: Request, twin: str, bbox: Box = None, f: Json = "json"
) -> dict[str, Any]:
    """One container for each layer of the twin that has been tiled, and meets ``bbox``."""
    services: Services = request.app.state.services
    definition = services.twin(twin)
    base = base_of(request, twin)
    meets = _meeting(bbox, request.app.state.features.storage)
    found = [
        await _container(request, definition, layer, title)
        for layer, title in (await services.tiled(twin)).items()
    ]
    return {
        "collections": [one for one in found if meets(one["contentExtent"]["bbox"])],
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
    layers = await services.tiled(twin)
    if container not in layers:
        there = ", ".join(layers) or "-"
        raise NotFoundError(
            f"Twin '{twin}' has no 3D content '{container}'. Expected one of: {there}; others have "
            "not been tiled.",
            f"孪生体“{twin}”没有三维内容“{container}”。可用：{there}；其余尚未切片。",
        )
    return await _container(request, definition, container, layers[container])


async def _container(
    request: Request, twin: TwinDefinition, layer: str, titles: Mapping[str, str]
) -> dict[str, Any]:
    services: Services = request.app.state.services
    document = orjson.loads((await services.tile(twin.id, layer, ROOT)).decoded())
    box = extent(document["root"])
    base = base_of(request, twin.id)
    root = str(request.base_url).rstrip("/")
    title = f"{titles['zh']} {titles['en']}"
    href = f"{root}/tiles/{twin.id}/{layer}/{ROOT}"
    tileset = link(href, "original", _TILES, f"{title} (3D Tiles 1.1)")
    return {
        "id": layer,
        "title": title,
        "collectionType": "3d-container",
        "extent": {"spatial": {"bbox": [box], "crs": _CRS84H}},
        "contentExtent": {"bbox": box, "crs": _CRS84H},
        "content": [tileset],
        "children": [],
        "links": [
            link(f"{base}/collections3d/{layer}", "self", title=title),
            tileset,
        ],
    }


def _meeting(text: str | None, storage: StorageCrs) -> Callable[[Sequence[float]], bool]:
    """Whether an extent of six numbers meets the box that ``text`` writes; all do without one.

    Raises :class:`twin.api.ogc.errors.ParameterError` and :class:`twin.api.ogc.crs.CrsError`.
    """
    if text is None:
        return lambda _: True
    if re.fullmatch(_BOX, text, re.ASCII) is None:
        raise wrong("bbox", text, "4 or 6 numbers: west,south,east,north, with heights "
                    "west,south,lowest,east,north,highest", "4 或 6 个数：西,南,东,北；"
                    "带高程为 西,南,低,东,北,高")  # fmt: skip
    numbers = [float(part) for part in text.split(",")]
    half = len(numbers) // 2
    (west, south, *low), (east, north, *high) = numbers[:half], numbers[half:]
    crs = find_crs("bbox", CRS84)
    check_order((west, east), (south, north), crs, storage, "bbox", only=True)
    plan = shapely.union_all(box_parts((west, south, east, north)))
    levels = sorted([*low, *high]) or [-math.inf, math.inf]

    def meets(box: Sequence[float]) -> bool:
        level = box[2] <= levels[1] and box[5] >= levels[0]
        return level and bool(plan.intersects(shapely.box(box[0], box[1], box[3], box[4])))

    return meets


def extent(root: Mapping[str, Any]) -> list[float]:
    """West, south, lowest, east, north, highest of a tileset's root: degrees and metres above the
    ellipsoid (CGCS2000)."""
    volume = root["boundingVolume"]
    if "region" in volume:
        west, south, east, north = np.degrees(volume["region"][:4])
        low, high = volume["region"][4:]
    else:
        middle, *axes = np.array(volume["box"], np.float64).reshape(4, 3)
        # corners, and middles of faces: a level one is nearest to the ellipsoid in its middle
        steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3)
        frame = np.array(root.get("transform", np.eye(4)), np.float64).reshape(4, 4)
        places = (middle + steps @ np.array(axes)) @ frame[:3, :3] + frame[3, :3]
        lon, lat, up = ecef_to_geodetic(places)
        west, south, low = lon.min(), lat.min(), up.min()
        east, north, high = lon.max(), lat.max(), up.max()
    return [round(float(v), 7) for v in (west, south, low, east, north, high)]
