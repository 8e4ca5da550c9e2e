"""Geometries of a filter: GeoJSON objects and boxes, as shapely objects within limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import shapely
from shapely.geometry import shape as geojson_shape

from models.cql2.errors import FilterError
from models.validity import reason

#: Takes a geometry of the filter's CRS into the storage CRS.
Transform = Callable[[Any], Any]
#: Two opposite corners of a box, as they are written: first and second axis of each.
Corners = tuple[float, float, float, float]
#: Makes the plan of a box in the storage CRS.
Placing = Callable[[Corners], Any]

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

    Areas of a collection are united: they may overlap, which GEOS does not take. Raises
    :class:`FilterError` for what is not GeoJSON, empty, not valid (a ring that is open or crosses
    itself) or too large.
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
        raise _unusable("the coordinates do not make a geometry", "这些坐标不能构成几何") from error
    if not found.is_valid:
        raise _unusable(*reason(found))
    parts = shapely.get_parts(found)
    areas = shapely.get_dimensions(parts) == 2
    if found.geom_type == "GeometryCollection" and areas.sum() > 1:
        found = shapely.geometrycollections([*parts[~areas], shapely.union_all(parts[areas])])
    return (found if transform is None else transform(found)), count


def read_bbox(numbers: list[Any], place: Placing | None, transform: Transform | None) -> Any:
    """The plan of a box of 4 or 6 numbers.

    ``place`` makes it of its corners as they are written; without it they are of degrees, east
    first, and ``transform`` applies. Raises :class:`FilterError`.
    """
    plain = [_number(value) for value in numbers]
    if len(plain) not in (4, 6):
        raise _unusable(
            f"a box of {len(plain)} numbers instead of 4 or 6",
            f"范围有 {len(plain)} 个数，应为 4 或 6 个",
        )
    half = len(plain) // 2
    corners = (plain[0], plain[1], plain[half], plain[half + 1])
    if place is not None:
        return place(corners)
    found = shapely.union_all(box_parts(corners))
    return found if transform is None else transform(found)


def box_parts(corners: Corners, *, flipped: bool = False, degrees: bool = True) -> list[Any]:
    """The plan of a box of two opposite corners, east first: one part, or two across 180 degrees.

    ``flipped`` tells that the corners are written north first, ``degrees`` their unit. South and
    north come in either order, and so do west and east of other units; of degrees a west greater
    than the east lies across the 180th meridian. Without width or height it is a line or a point.
    """
    west, south, east, north = corners
    if flipped:
        west, south, east, north = south, west, north, east
    if west <= east or not degrees:
        return [_box(west, south, east, north)]
    return [_box(west, south, 180, north), _box(-180, south, east, north)]


def _box(west: float, south: float, east: float, north: float) -> Any:
    if west == east or south == north:
        return shapely.convex_hull(shapely.multipoints([[west, south], [east, north]]))
    return shapely.box(min(west, east), min(south, north), max(west, east), max(south, north))


def _positions(node: Any, depth: int) -> Iterator[list[Any]]:
    """Every position of a GeoJSON object; raises where one is not of finite numbers."""
    kind = node.get("type") if isinstance(node, dict) else None
    if kind == "GeometryCollection" and depth == 0:
        members = node.get("geometries")
        if not isinstance(members, list) or set(node) - {"type", "geometries"}:
            raise _unusable(
                "a GeometryCollection without its geometries", "GeometryCollection 缺少 geometries"
            )
        if not members:
            raise _unusable("an empty GeometryCollection", "空的几何集合")
        for member in members:
            yield from _positions(member, 1)
        return
    if kind not in _LEVELS or set(node) - {"type", "coordinates", "bbox"}:
        raise _unusable(f"type {str(kind)[:40]!r}", f"类型为“{str(kind)[:40]}”")
    yield from _listed(node.get("coordinates"), _LEVELS[kind])
    if kind == "Polygon":
        _closed(node["coordinates"])
    elif kind == "MultiPolygon":
        for rings in node["coordinates"]:
            _closed(rings)


def _closed(rings: list[list[Any]]) -> None:
    """Refuse a ring that does not end where it began (RFC 7946 section 3.1.6)."""
    for ring in rings:
        if ring[0] != ring[-1]:
            first, last = (" ".join(map(str, end)) for end in (ring[0], ring[-1]))
            raise _unusable(
                f"a ring of a polygon begins at {first} and ends at {last}; it must end where it "
                "begins",
                f"多边形的环始于 {first}、止于 {last}，必须首尾相同",
            )


def _listed(part: Any, levels: int) -> Iterator[list[Any]]:
    if not isinstance(part, list):
        raise _unusable("coordinates that are not a list", "坐标不是列表")
    if not part:
        raise _unusable("no coordinates", "没有坐标")
    if levels:
        for one in part:
            yield from _listed(one, levels - 1)
        return
    if len(part) not in (2, 3):
        raise _unusable(f"a position of {len(part)} numbers", f"一个位置有 {len(part)} 个数")
    for value in part:
        _number(value)
    yield part


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _unusable(
            f"{str(value)[:40]} where a number belongs", f"应为数字处为“{str(value)[:40]}”"
        )
    return float(value)


def _unusable(why: str, zh: str) -> FilterError:
    return FilterError(
        f"filter: not a usable geometry: {why}. Send a valid GeoJSON geometry or WKT.",
        f"filter：几何不可用：{zh}。请发送有效的 GeoJSON 几何或 WKT。",
    )
