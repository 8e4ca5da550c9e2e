"""The polygon of a submission, as a GeoJSON file gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import shapely
from shapely.geometry.base import BaseGeometry

from models.crs import StorageCrs, to_storage
from models.errors import TwinError
from models.validity import reason

#: Degrees between vertices, so that an edge stays straight in longitude and latitude (RFC 7946,
#: 3.1.1) to within 2 cm after it is projected.
_STEP: Final = 0.01


class AreaError(TwinError):
    """The polygon of a submission cannot be used."""

    code = "OPT-02"


def read_area(path: Path, storage: StorageCrs) -> shapely.Polygon | shapely.MultiPolygon:
    """Polygon(s) in east, north (metres, storage CRS) of a GeoJSON file, whose coordinates are
    longitude and latitude in degrees of WGS 84 (RFC 7946, 4).

    Raises :class:`AreaError` for a file without a valid polygon, :class:`OSError` for one that
    cannot be opened, :class:`models.crs.OutsideAreaError` where it lies outside the storage CRS.
    """
    try:
        read = shapely.from_geojson(path.read_text("utf-8"))
    except (UnicodeDecodeError, shapely.GEOSException) as error:
        raise _wrong(path, "it is not GeoJSON", "不是 GeoJSON") from error
    parts = [p for p in _polygons(read) if not p.is_empty]
    if not parts:
        raise _wrong(path, "it holds no polygon", "其中没有多边形")
    area = shapely.union_all(parts) if shapely.is_valid(parts).all() else None
    if area is None:
        en, zh = next(reason(p) for p in parts if not p.is_valid)
        raise _wrong(path, f"its polygon is not valid ({en})", f"多边形无效（{zh}）")
    west, south, east, north = area.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise _wrong(
            path,
            f"its coordinates, such as {west:g}, {south:g}, are no longitude and latitude",
            f"坐标（如 {west:g}, {south:g}）不是经纬度",
        )
    dense = shapely.force_2d(shapely.segmentize(area, _STEP))
    lon, lat = shapely.get_coordinates(dense).T
    e, n, _ = to_storage(lon, lat, None, "EPSG:4326", "1985", storage)
    moved = shapely.set_coordinates(dense, list(zip(e, n, strict=True)))
    assert isinstance(moved, shapely.Polygon | shapely.MultiPolygon)
    return moved


def _polygons(read: BaseGeometry) -> list[BaseGeometry]:
    if isinstance(read, shapely.Polygon | shapely.MultiPolygon):
        return [read]
    return [p for part in getattr(read, "geoms", ()) for p in _polygons(part)]


def _wrong(path: Path, en: str, zh: str) -> AreaError:
    return AreaError(
        f"The area file {path} cannot be used: {en}. Give a GeoJSON Polygon or MultiPolygon "
        "in longitude, latitude of WGS 84.",
        f"范围文件 {path} 无法使用：{zh}。请提供 WGS 84 经纬度的 GeoJSON Polygon 或 MultiPolygon。",
    )
