"""Geometries of a filter: GeoJSON objects and boxes, as shapely objects within limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import shapely
from shapely.geometry import shape as geojson_shape

from models.cql2.errors import FilterError

#: Takes a geometry of the filter's CRS into the storage CRS.
Transform = Callable[[Any], Any]

#: Vertices in all geometries of one filter.
MOST_VERTICES: Final = 10_000
#: Levels of lists in ``coordinates``, by type.
_LEVELS: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def read_geometry(
    node: dict[str, Any], transform: Transform | None, before: int = 0
) -> tuple[Any, int]:
    """The shapely geometry of a GeoJSON object, and how many vertices there are with ``before``.

    Raises :class:`FilterError` for what is not GeoJSON, not valid (a polygon that crosses itself)
    or too large.
    """
    count = before + sum(1 for _ in _positions(node, 0))
    if count > MOST_VERTICES:
        raise FilterError(
            f"filter: more than {MOST_VERTICES} vertices. Simplify the geometry.",
            f"filter：顶点超过 {MOST_VERTICES} 个，请简化几何。",
        )
    try:
        found = geojson_shape(node)
    except (ValueError, TypeError, KeyError, AttributeError, shapely.errors.ShapelyError) as error:
        raise _unusable("the coordinates do not make a geometry") from error
    if not found.is_valid:
        raise _unusable(shapely.is_valid_reason(found))
    return (found if transform is None else transform(found)), count


def read_bbox(numbers: list[Any], transform: Transform | None) -> Any:
    """The plan of a box of 4 or 6 numbers; west may be greater than east (across 180 degrees)."""
    plain = [_number(value) for value in numbers]
    if len(plain) not in (4, 6):
        raise _unusable(f"a box of {len(plain)} numbers instead of 4 or 6")
    west, south = plain[0], plain[1]
    east, north = plain[len(plain) // 2], plain[len(plain) // 2 + 1]
    if south > north:
        raise _unusable("a box whose south lies north of its north")
    found: Any
    if west <= east:
        found = shapely.box(west, south, east, north)
    else:
        halves = [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
        found = shapely.MultiPolygon(halves)
    return found if transform is None else transform(found)


def _positions(node: Any, depth: int) -> Iterator[list[Any]]:
    """Every position of a GeoJSON object; raises where one is not of finite numbers."""
    kind = node.get("type") if isinstance(node, dict) else None
    if kind == "GeometryCollection" and depth == 0:
        members = node.get("geometries")
        if not isinstance(members, list) or set(node) - {"type", "geometries"}:
            raise _unusable("a GeometryCollection without its geometries")
        for member in members:
            yield from _positions(member, 1)
        return
    if kind not in _LEVELS or set(node) - {"type", "coordinates", "bbox"}:
        raise _unusable(f"type {kind!r}")
    yield from _listed(node.get("coordinates"), _LEVELS[kind])


def _listed(part: Any, levels: int) -> Iterator[list[Any]]:
    if not isinstance(part, list) or not part:
        raise _unusable("coordinates that are not a list")
    if levels:
        for one in part:
            yield from _listed(one, levels - 1)
        return
    if len(part) not in (2, 3):
        raise _unusable(f"a position of {len(part)} numbers")
    for value in part:
        _number(value)
    yield part


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _unusable(f"{str(value)[:40]} where a number belongs")
    return float(value)


def _unusable(why: str) -> FilterError:
    return FilterError(
        f"filter: not a usable geometry: {why}. Send a valid GeoJSON geometry or WKT.",
        f"filter：几何不可用：{why}。请发送有效的 GeoJSON 几何或 WKT。",
    )
