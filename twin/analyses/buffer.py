"""缓冲区 buffer: what lies within a distance of a place, by outer surfaces."""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field, model_validator

from models.clearance.distance import spatial
from models.clearance.solids import Solids, solids
from twin.analyses import describe
from twin.analyses.answer import Answer
from twin.analyses.describe import metres
from twin.analyses.pipework import Pipework
from twin.analyses.requests import Line, Position, Request, Ring, line, polygon, positions

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


class BufferRequest(Request):
    """One of ``point``, ``line``, ``polygon``, and the distance around it."""

    point: Position | None = Field(default=None, description="[east, north] in `crs`")
    line: Line | None = None
    polygon: Ring | None = None
    distance: Annotated[float, Field(ge=0, le=1000, description="metres")]
    height: Annotated[
        float | None,
        Field(ge=-500, le=9000, description="1985 height of `point`: distances are then in space"),
    ] = None
    most: Annotated[int, Field(ge=1, le=5000, description="segments listed, nearest first")] = 1000

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if sum(g is not None for g in (self.point, self.line, self.polygon)) != 1:
            raise ValueError(
                "give one of point, line and polygon", "point、line、polygon 应给且只给一个"
            )
        if self.height is not None and self.point is None:
            raise ValueError("height goes with point", "height 只能与 point 一起给出")
        return self


def buffer(pipework: Pipework, request: BufferRequest) -> Answer:
    """Segments and survey points within a distance of a point, line or polygon.

    The distance of a segment is from the shape to the pipe's outer surface: in plan the centre
    line's less the half width (0 where they touch or overlap), in space (``height`` given) the
    surface's itself. Points count by their position in plan. Pipes of unknown size count by their
    centre line. Definition: domain reference §4, 缓冲区.
    """
    shape = _shape(pipework, request)
    body = pipework.bodies
    reach = request.distance + float(np.nan_to_num(body.half_width).max(initial=0.0))
    piece = np.sort(pipework.tree.query(shape, predicate="dwithin", distance=reach))
    away = _away(pipework, shape, piece, request.height)
    near = away <= request.distance
    piece, away = piece[near], away[near]
    order = np.lexsort((away, body.owner[piece]))
    owner = body.owner[piece][order]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    rows, least = owner[first], away[order][first]
    nearest = np.argsort(least, kind="stable")
    rows, least = rows[nearest], least[nearest]
    shown = rows[: request.most]
    points, gaps = _points(pipework, shape, request.distance)
    classes = pipework.segments["class_code"].iloc[rows].value_counts()
    result: dict[str, Any] = {
        "count": len(rows),
        "by_class": {str(code): int(n) for code, n in classes.items()},
        "segments": [
            {"distance": metres(d), "segment": one}
            for d, one in zip(least, describe.segments(pipework, shown), strict=False)
        ],
        "points_count": len(points),
        "points": [
            {"distance": metres(d), "point": one}
            for d, one in zip(gaps, describe.nodes(pipework, points[: request.most]), strict=False)
        ],
    }
    return describe.answer(pipework, result, rows)


def _shape(pipework: Pipework, request: BufferRequest) -> shapely.Geometry:
    if request.point is not None:
        return shapely.Point(positions([request.point], request.crs, pipework.storage)[0])
    if request.line is not None:
        return shapely.LineString(line(request.line, request.crs, pipework.storage))
    assert request.polygon is not None
    return polygon(request.polygon, request.crs, pipework.storage)


def _away(pipework: Pipework, shape: shapely.Geometry, piece: Rows, height: float | None) -> Array:
    body = pipework.bodies
    plan = shapely.distance(pipework.plan[piece], shape) - np.nan_to_num(body.half_width[piece])
    if height is None:
        return np.asarray(np.maximum(plan, 0.0), np.float64)
    centre = np.tile([*shapely.get_coordinates(shape)[0], height], (len(piece), 1))
    count = len(piece)
    place = Solids(centre, np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3)), np.zeros(count))
    found = spatial(place, solids(body, piece)).distance
    return np.asarray(np.maximum(found, 0.0), np.float64)


def _points(pipework: Pipework, shape: shapely.Geometry, distance: float) -> tuple[Rows, Array]:
    geometry = pipework.points["geom"].to_numpy(object)
    away = shapely.distance(geometry, shape)
    rows = np.flatnonzero(away <= distance)
    order = np.argsort(away[rows], kind="stable")
    return rows[order], away[rows][order]
