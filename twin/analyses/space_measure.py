"""量算 volume and area of a selection, and heights of the terrain."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pydantic import Field, model_validator

from models.clearance.bodies import bodies, outer_sizes
from models.crs import StorageCrs
from models.space.volumes import meeting, prism
from twin.analyses import measure
from twin.analyses.answer import Answer
from twin.analyses.city import LAYERS, City, Things
from twin.analyses.errors import BadRequestError
from twin.analyses.ground import ground
from twin.analyses.requests import (
    MOST_POSITIONS,
    Position,
    Request,
    Ring,
    polygon,
    positions,
)
from twin.analyses.space_requests import SpaceRequest, answer, on_ground

Array = npt.NDArray[np.float64]

_BOTTOM, _TOP = -500.0, 9000.0
#: Survey points so far around a place (m) tell its ground where there is no terrain.
_AROUND = 60.0


class MeasureRequest(SpaceRequest):
    """Features by id, or all whose bodies meet a polygon at any height."""

    features: Annotated[
        list[UUID] | None,
        Field(min_length=1, max_length=MOST_POSITIONS, description="ids of features"),
    ] = None
    polygon: Ring | None = None

    @model_validator(mode="after")
    def _one_selection(self) -> Self:
        if (self.features is None) == (self.polygon is None):
            raise ValueError("give features or polygon", "请给出 features 或 polygon")
        return self


class HeightRequest(Request):
    """Places in plan."""

    points: Annotated[list[Position], Field(min_length=1, max_length=MOST_POSITIONS)]


def volume_and_area(city: City, request: MeasureRequest) -> Answer:
    """Sums over a selection, by layer: numbers, footprint areas, floor areas (footprint times
    storeys), surfaces and volumes of bodies, lengths, outer and inner volumes of pipes.

    Areas and lengths in plan are geodesic (CGCS2000 ellipsoid), volumes those of bodies with
    geodesic footprints; a pipe's length is along its slope. What lacks a height or size is left out
    of the sum that needs it and counted under ``unknown``.
    """
    if request.features is not None:
        things = city.named([str(one) for one in request.features])
        missing = len(set(request.features)) - len(things)
        if missing:
            raise BadRequestError(
                f"{missing} of the features are not there at this moment. Give ids of features.",
                f"有 {missing} 个要素当前不存在，请给出要素标识（id）。",
            )
    else:
        assert request.polygon is not None
        shape = polygon(request.polygon, request.crs, city.storage)
        west, south, east, north = shape.bounds
        things = city.near(request.layers, np.array([[west, south, _BOTTOM, east, north, _TOP]]))
        found = meeting(prism(shape, _BOTTOM, _TOP), things.soup, len(things))
        things = _chosen(city, things, found.meets)
    layers = {
        layer: _SUMS[LAYERS[layer]](table, things, layer, city.storage)
        for layer, table in things.tables.items()
        if len(table)
    }
    return answer(city, {"count": len(things), "layers": layers}, things)


def terrain_height(city: City, request: HeightRequest) -> Answer:
    """Height of the ground at places: of the terrain model, and where it has none, interpolated
    between the ground heights of survey points within 60 m; null where neither is known."""
    xy = positions(request.points, request.crs, city.storage)
    heights = on_ground(city, xy)
    source = np.where(np.isfinite(heights), "terrain", "none").astype(object)
    used = city.things({})
    rest = np.flatnonzero(~np.isfinite(heights))
    if len(rest):
        low, high = (np.full(len(rest), v) for v in (_BOTTOM, _TOP))
        boxes = np.column_stack([xy[rest] - _AROUND, low, xy[rest] + _AROUND, high])
        used = city.near(["pipe-points"], boxes)
        table = used.tables["pipe-points"]
        at = shapely.get_coordinates(table["geom"].to_numpy(object))
        known = pd.to_numeric(table["ground_h"]).to_numpy(np.float64)
        if len(at):
            heights[rest] = ground(at[:, 0], at[:, 1], known).sample(xy[rest, 0], xy[rest, 1])
            source[rest[np.isfinite(heights[rest])]] = "points"
    result: dict[str, Any] = {
        "points": [
            {
                "position": [round(float(v), 3) for v in place],
                "height": round(float(h), 3) if np.isfinite(h) else None,
                "source": s,
            }
            for place, h, s in zip(xy, heights, source, strict=True)
        ]
    }
    return answer(city, result, used)


def _chosen(city: City, things: Things, wanted: npt.NDArray[np.bool_]) -> Things:
    tables = {}
    for layer, table in things.tables.items():
        rows = things.row[wanted & (things.layer == layer)]
        tables[layer] = table.iloc[rows].reset_index(drop=True)
    return city.things(tables)


def _true_areas(plan: npt.NDArray[np.object_], storage: StorageCrs) -> Array:
    """Geodesic areas (n,), by one factor for all of them: it changes by 1e-6 within 10 km."""
    if not len(plan):
        return np.empty(0)
    west, south, east, north = shapely.total_bounds(plan)
    around = shapely.box(west, south, max(east, west + 1), max(north, south + 1))
    return np.asarray(shapely.area(plan) * measure.area_factor(around, storage))


def _buildings(
    table: pd.DataFrame, things: Things, layer: str, storage: StorageCrs
) -> dict[str, Any]:
    area = _true_areas(table["geom"].to_numpy(object), storage)
    height = pd.to_numeric(table["height"]).to_numpy(np.float64)
    storeys = pd.to_numeric(table["storeys"]).to_numpy(np.float64, na_value=np.nan)
    return {
        "count": len(table),
        "footprint_area": _sum(area),
        "floor_area": _sum(area * storeys),
        "volume": _sum(area * height),
        "unknown": {
            "storeys": int(np.isnan(storeys).sum()),
            "height": int(np.isnan(height).sum()),
        },
    }


def _elements(
    table: pd.DataFrame, things: Things, layer: str, storage: StorageCrs
) -> dict[str, Any]:
    mine = things.layer[things.soup.owner] == layer
    corners = things.soup.triangles[mine]
    owner = things.soup.owner[mine]
    first = corners[:, 0].mean(axis=0) if len(corners) else np.zeros(3)
    a, b, c = (corners[:, i] - first for i in range(3))
    sixth = np.einsum("ni,ni->n", a, np.cross(b, c)) / 6
    volume = np.bincount(owner, sixth, len(things)).astype(np.float64)
    surface = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    return {
        "count": len(table),
        "surface_area": round(float(surface), 3),
        "volume": _sum(np.abs(volume)),
        "unknown": {"body": len(table) - len(np.unique(owner))},
    }


def _segments(
    table: pd.DataFrame, things: Things, layer: str, storage: StorageCrs
) -> dict[str, Any]:
    pieces = bodies(table)
    level = measure.lengths(pieces.start[:, :2], pieces.end[:, :2], storage)
    rise = np.nan_to_num(pieces.end[:, 2] - pieces.start[:, 2])
    length = np.bincount(pieces.owner, np.hypot(level, rise), len(table)).astype(np.float64)
    wide, tall, box_, _ = outer_sizes(table)
    outer = np.where(box_, wide * tall, np.pi / 4 * wide * tall)
    inner = pd.to_numeric(table["id_mm"]).to_numpy(np.float64) / 1000
    return {
        "count": len(table),
        "length": _sum(length),
        "outer_volume": _sum(length * outer),
        "inner_volume": _sum(length * np.pi / 4 * inner**2),
        "unknown": {
            "outer_size": int(np.isnan(outer).sum()),
            "inner_size": int(np.isnan(inner).sum()),
        },
    }


def _points(table: pd.DataFrame, things: Things, layer: str, storage: StorageCrs) -> dict[str, Any]:
    return {"count": len(table)}


def _sum(values: Array) -> float:
    return round(float(np.nansum(values)), 3)


_SUMS = {
    "building": _buildings,
    "building_part": _buildings,
    "bim_element": _elements,
    "pipe_segment": _segments,
    "pipe_point": _points,
}
