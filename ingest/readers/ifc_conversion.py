"""The matrix of an IFC map conversion: offset, turn and scale between units, checked.

Exporters leave out Scale and MapUnit, or write east for north; what can only mean one thing is
read so with a warning, the rest is refused.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ingest.errors import RefusedError, refuse
from ingest.readers.ifc_operation import MapOperation, Matrix
from models import horizontal
from models.errors import DatumError
from models.findings import Finding, Place, Severity

#: A metric scale further from 1 than this is an error of units, not a combined scale factor.
_SCALE_TOLERANCE: Final = 0.01
#: Degrees around a CRS's area of use within which its coordinates are believed.
_MARGIN: Final = 1.0


def conversion(
    operation: MapOperation, name: str, unit: float, file: str
) -> tuple[Matrix, tuple[Finding, ...]]:
    """4x4 from project metres (``unit`` to a project unit) to CRS units and metres of height.

    Raises :class:`RefusedError`: CRS-02 for swapped coordinates, IFC-04 for an impossible scale.
    """
    metres = metres_of_unit(name)
    east, north, height = operation.offset
    map_unit, notes = _map_unit(operation, name, unit, metres, file)
    point = east * map_unit / metres, north * map_unit / metres
    if inside(name, *point) is False and inside(name, point[1], point[0]):
        raise swapped(file, name, point)
    scale = (operation.scale or 1.0) * map_unit / unit
    if abs(scale - 1) > _SCALE_TOLERANCE:
        if operation.scale not in (None, 1.0):
            raise _scale_refused(operation, map_unit, unit, file)
        en = (
            f"{file}: project and map have different length units ({unit:g} and {map_unit:g} m), "
            f"but {operation.kind} has no Scale; {unit / map_unit:g} is used. Set it on export."
        )
        zh = (
            f"{file}：工程与地图长度单位不同（{unit:g} 与 {map_unit:g} 米），但 {operation.kind} "
            f"未给 Scale，已采用 {unit / map_unit:g}。请在导出时设置。"
        )
        notes += (doubt(file, zh, en, str(operation.scale), f"{unit / map_unit:g}"),)
        scale = 1.0
    if max(abs(f - 1) for f in operation.factors) > _SCALE_TOLERANCE:
        en = f"{file}: {operation.kind} stretches the model by {operation.factors}. Check it."
        zh = f"{file}：{operation.kind} 使模型按 {operation.factors} 缩放，请核对。"
        notes += (doubt(file, zh, en, str(operation.factors), "1"),)
    x, y = operation.x_axis
    turn = math.atan2(y, x)
    cos, sin = math.cos(turn), math.sin(turn)
    rotation = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * scale * np.array(operation.factors)
    matrix[:2, :3] /= metres
    matrix[:3, 3] = *point, height * map_unit
    return matrix, notes


def _map_unit(
    operation: MapOperation, name: str, unit: float, metres: float, file: str
) -> tuple[float, tuple[Finding, ...]]:
    """Metres of a map unit. One that is not stated is the project's (IfcProjectedCRS.MapUnit),
    unless only the CRS's own puts the place where the CRS is used."""
    if operation.unit is not None:
        return operation.unit, ()
    east, north, _ = operation.offset
    if math.isclose(unit, metres) or not inside(name, east, north):
        return unit, ()
    if inside(name, east * unit / metres, north * unit / metres):
        return unit, ()
    en = (
        f"{file}: the map unit is not stated, and in project units ({unit:g} m) the place lies "
        f"outside {name}; the unit of the CRS is used. Set IfcProjectedCRS.MapUnit on export."
    )
    zh = (
        f"{file}：未给地图单位，按工程单位（{unit:g} 米）位置超出 {name} 范围，"
        "已按坐标系自身单位采用。请在导出时设置 IfcProjectedCRS.MapUnit。"
    )
    return metres, (doubt(file, zh, en, f"{east}, {north}", f"{metres:g} m"),)


def metres_of_unit(name: str) -> float:
    """Metres of the unit of a projected CRS."""
    axis = horizontal.parse(name).crs.axis_info[0]
    return float(axis.unit_conversion_factor)


def inside(name: str, east: float, north: float) -> bool | None:
    """Whether the point lies where the CRS is used; None where that is not known."""
    area = horizontal.parse(name).area
    if area is None:
        return None
    place = lonlat(name, east, north)
    if place is None:
        return None
    lon, lat = place
    west, south, east_end, north_end = area
    across = west - _MARGIN <= lon <= east_end + _MARGIN
    if west > east_end:  # over the antimeridian
        across = lon >= west - _MARGIN or lon <= east_end + _MARGIN
    return across and south - _MARGIN <= lat <= north_end + _MARGIN


def lonlat(name: str, east: float, north: float) -> tuple[float, float] | None:
    """CGCS2000 longitude, latitude in degrees (inf where the projection cannot be undone); None
    where there is no safe datum operation, which the pipeline refuses with its own words."""
    try:
        lon, lat = horizontal.to_geodetic(
            np.array([east]), np.array([north]), horizontal.parse(name)
        )
    except DatumError:
        return None
    return float(lon[0]), float(lat[0])


def doubt(file: str, zh: str, en: str, found: str, expected: str) -> Finding:
    """A warning about a georeference that is usable, but was read between the lines."""
    return Finding("IFC-05", Severity.WARNING, Place(file), zh, en, found, expected)


def swapped(file: str, name: str, point: tuple[float, float]) -> RefusedError:
    """The refusal of coordinates whose order is wrong."""
    shown = f"({point[0]:.3f}, {point[1]:.3f})"
    return refuse(
        "CRS-02",
        file,
        found=shown,
        expected=f"({point[1]:.3f}, {point[0]:.3f})",
        en=f"{file}: east, north {shown} lie outside the area of {name}, but inside when swapped. "
        "Eastings is the first, Northings the second; correct the georeference and export again.",
        zh=f"{file}：东、北坐标 {shown} 超出 {name} 的使用范围，对调后则在范围内。"
        "Eastings 应为东坐标、Northings 应为北坐标，请改正地理参照后重新导出。",
    )


def _scale_refused(
    operation: MapOperation, map_unit: float, unit: float, file: str
) -> RefusedError:
    expected = f"{unit / map_unit:g}"
    return refuse(
        "IFC-04",
        file,
        found=f"Scale {operation.scale:g}",
        expected=f"about {expected}",
        en=f"{file}: {operation.kind} has Scale {operation.scale:g}, but from project units "
        f"({unit:g} m) to map units ({map_unit:g} m) it must be about {expected}. Correct Scale or "
        "the units and export again.",
        zh=f"{file}：{operation.kind} 的 Scale 为 {operation.scale:g}，而由工程单位（{unit:g} 米）"
        f"到地图单位（{map_unit:g} 米）应约为 {expected}。请改正 Scale 或单位后重新导出。",
    )
