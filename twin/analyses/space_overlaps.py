"""图层叠置 overlaps: which features of one layer lie under, over or in those of another."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pydantic import Field

from models.clearance.bodies import outer_sizes
from models.space.meeting import bodies_meet
from twin.analyses.answer import Answer
from twin.analyses.city import City, Things
from twin.analyses.errors import BadRequestError
from twin.analyses.requests import Request, Ring, polygon
from twin.analyses.space_requests import Layer, answer

Array = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]

_BOTTOM, _TOP = -500.0, 9000.0
#: Pairs that are worked on.
_MOST: Final = 100_000
#: What lies so near (m) counts as touching.
_EDGE: Final = 1e-6


class OverlapsRequest(Request):
    """Two layers and where; by default the pipes under the buildings."""

    layer: Layer = "pipe-segments"
    other: Layer = "buildings"
    polygon: Ring = Field(description="only features that meet it in plan")
    relation: Literal["under", "over", "in"] | None = Field(
        default=None, description="only pairs of this relation; by default all"
    )
    most: Annotated[int, Field(ge=1, le=10_000, description="pairs listed")] = 1000


def overlaps(city: City, request: OverlapsRequest) -> Answer:
    """Pairs of features of two layers whose plans overlap within a polygon, pipes as wide as they
    are. ``relation`` is of the first to the second: ``under`` or ``over`` with the vertical ``gap``
    between them (metres; at least so much lies between what overlaps in plan), ``in`` where they
    share heights too (gap is then below nought, by how much), or ``unknown`` where a height is. Of
    pairs that are ``in``, ``intersects`` tells whether their true bodies meet: an element in the
    hollow of another does not, nor does a pipe that passes through a gap.

    ``length`` (lines) or ``area`` (areas) is of the part of the first that overlaps, in plan.
    """
    if request.layer == request.other:
        raise BadRequestError("Give two different layers.", "请给出两个不同的图层。")
    shape = polygon(request.polygon, request.crs, city.storage)
    west, south, east, north = shape.bounds
    box = np.array([[west, south, _BOTTOM, east, north, _TOP]])
    sides = [city.near([name], box) for name in (request.layer, request.other)]
    plans = [_plan(side.tables[name]) for side, name in zip(sides, _names(request), strict=True)]
    inside = [np.flatnonzero(shapely.intersects(plan, shape)) for plan in plans]
    a, b = shapely.STRtree(plans[1][inside[1]]).query(plans[0][inside[0]], predicate="intersects")
    a, b = inside[0][a], inside[1][b]
    if len(a) > _MOST:
        raise BadRequestError(
            f"More than {_MOST} pairs overlap there. Give a smaller polygon.",
            f"该处叠置超过 {_MOST} 对，请缩小多边形。",
        )
    tables = [side.tables[name] for side, name in zip(sides, _names(request), strict=True)]
    low_a, high_a = _heights(sides[0], tables[0], a, plans[1][b])
    low_b, high_b = _heights(sides[1], tables[1], b, plans[0][a])
    below, above = low_b - high_a, low_a - high_b
    gap = np.fmax(below, above)
    relation = np.select([np.isnan(gap), gap < 0, below >= 0], ["unknown", "in", "under"], "over")
    keep = (
        np.arange(len(a))
        if request.relation is None
        else np.flatnonzero(relation == request.relation)
    )
    extent = _extents(tables[0], a[keep], plans[1][b[keep]])
    shown = keep[: request.most]
    first, second = sides[0].describe(a[shown]), sides[1].describe(b[shown])
    inner = np.flatnonzero(relation[shown] == "in")
    meeting = bodies_meet(sides[0].soup, a[shown[inner]], sides[1].soup, b[shown[inner]])
    meet = dict(zip(inner.tolist(), meeting.tolist(), strict=True))
    kinds, counts = np.unique(relation[keep].astype(str), return_counts=True)
    result: dict[str, Any] = {
        "count": len(keep),
        "by_relation": dict(zip(kinds.tolist(), counts.tolist(), strict=True)),
        "pairs": [
            {
                "relation": str(relation[i]),
                "gap": round(float(gap[i]), 3) if np.isfinite(gap[i]) else None,
                **({"intersects": meet[n]} if n in meet else {}),
                **extent[n],
                "feature": first[n],
                "other": second[n],
            }
            for n, i in enumerate(shown)
        ],
    }
    return answer(city, result, city.things(dict(zip(_names(request), tables, strict=True))))


def _names(request: OverlapsRequest) -> tuple[str, str]:
    return request.layer, request.other


def _plan(table: pd.DataFrame) -> Geometries:
    """Shadows of features on the plan: pipes as wide as their outer size, round ones with round
    ends as their bodies have them."""
    plan = np.asarray(shapely.force_2d(table["geom"].to_numpy(object)), object)
    if "mesh" in table:
        return np.asarray(shapely.convex_hull(plan), object)
    if "quality_level" in table:
        wide, _, box_, _ = outer_sizes(table)
        half = np.nan_to_num(wide) / 2 + _EDGE
        flat = box_ & (shapely.length(plan) > 0)  # what stands upright has no direction in plan
        ends = [shapely.buffer(plan, half, cap_style=cap) for cap in ("flat", "round")]
        plan = np.asarray(np.where(flat, *ends), object)
    return plan


def _heights(
    things: Things, table: pd.DataFrame, rows: npt.NDArray[np.int64], where: Geometries
) -> tuple[Array, Array]:
    """Least and greatest height (n,) of the features ``rows``, pipes only where they lie over
    ``where``: where their axis is no farther from it than half their width. NaN where unknown."""
    if "quality_level" not in table:
        low, high = np.full(len(things), np.inf), np.full(len(things), -np.inf)
        least, most = things.soup.bounds()
        np.minimum.at(low, things.soup.owner, least[:, 2])
        np.maximum.at(high, things.soup.owner, most[:, 2])
        unknown = ~np.isfinite(low)
        low[unknown] = high[unknown] = np.nan
        return low[rows], high[rows]
    wide, tall, _, _ = outer_sizes(table)
    lines = table["geom"].to_numpy(object)[rows]
    near = shapely.buffer(where, np.nan_to_num(wide[rows]) / 2 + 2 * _EDGE)
    part = shapely.intersection(lines, near)
    xyz, of = shapely.get_coordinates(part, include_z=True, return_index=True)
    low, high = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    np.minimum.at(low, of, xyz[:, 2])
    np.maximum.at(high, of, xyz[:, 2])
    half = tall[rows] / 2
    return (
        np.where(np.isfinite(low), low - half, np.nan),
        np.where(np.isfinite(high), high + half, np.nan),
    )


def _extents(
    table: pd.DataFrame, rows: npt.NDArray[np.int64], where: Geometries
) -> list[dict[str, float]]:
    geometry = table["geom"].to_numpy(object)[rows]
    if "mesh" in table:
        geometry = shapely.convex_hull(geometry)
    part = shapely.intersection(shapely.force_2d(geometry), where)
    dimension = shapely.get_dimensions(geometry)
    length, area = shapely.length(part), shapely.area(part)
    return [
        {"length": round(float(x), 3)} if d == 1 else {"area": round(float(y), 3)} if d == 2 else {}
        for d, x, y in zip(dimension, length, area, strict=True)
    ]
