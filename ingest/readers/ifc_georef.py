"""Where an IFC model stands: from project metres to east, north and height of a named CRS.

In this order: the file's map conversion; coordinates that already are those of the declared CRS;
the site's latitude and longitude with true north. The last places the model in a transverse
Mercator plane of its own, centred on the site (CGCS2000), in which grid north is true north.
A model with none of them, or without a vertical datum, is refused (MET-01).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import ifcopenshell
import numpy as np
from pyproj import CRS
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import TransverseMercatorConversion

from ingest.errors import RefusedError, refuse
from ingest.readers import ifc_operation
from ingest.readers.ifc_conversion import (
    conversion,
    doubt,
    inside,
    lonlat,
    metres_of_unit,
    swapped,
)
from ingest.readers.ifc_datums import resolve_crs, resolve_vertical, split_declared
from ingest.readers.ifc_operation import Matrix, SiteReference
from models import horizontal
from models.features import DatumPassport
from models.findings import Finding, Place, Severity

#: Metres: coordinates nearer to 0, 0 are not taken for those of a CRS without a known area.
_FAR: Final = 10_000.0
#: Metres between map conversion and site latitude, longitude that are worth a word.
_APART: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Georeference:
    """``matrix`` (4x4) takes project metres to the CRS of ``passport``: east, north in its units,
    height in metres. ``assumed`` tells that the coordinates were taken for those of the declared
    CRS, which :func:`settle` has to confirm; ``otherwise`` is what holds if it does not."""

    matrix: Matrix
    passport: DatumPassport
    findings: tuple[Finding, ...] = ()
    assumed: bool = False
    otherwise: Georeference | None = None


def locate(
    model: ifcopenshell.file,
    file: str,
    unit: float,
    declared_horizontal: str | None,
    declared_vertical: str | None,
) -> Georeference:
    """The georeference of ``model``, whose length unit is ``unit`` metres.

    Raises :class:`RefusedError`: MET-01 for a CRS or datum that is missing, unknown or not the one
    declared, IFC-04 for an operation that cannot be right, CRS-02 for swapped coordinates.
    """
    declared, declared_up = split_declared(declared_horizontal, declared_vertical, file)
    operation = ifc_operation.map_operation(model, file)
    site = ifc_operation.site_reference(model, unit)
    world = ifc_operation.world_coordinate_system(model, unit)
    if operation is not None:
        name, up, notes = resolve_crs(operation.crs, declared, file)
        vertical, more = resolve_vertical(operation.vertical or up, declared_up, file)
        matrix, doubts = conversion(operation, name, unit, file)
        matrix = matrix @ np.linalg.inv(world)
        passport = DatumPassport(name, vertical, method=operation.kind)
        apart = _apart(matrix, name, site, file)
        return Georeference(matrix, passport, (*notes, *more, *doubts, *apart))
    if site is None and declared is None:
        raise _nowhere(file, "no map conversion, no site latitude and longitude")
    vertical, _ = resolve_vertical(None, declared_up, file)
    by_site = None
    if site is not None:
        north = world[:2, :2] @ ifc_operation.true_north(model)
        by_site = _by_site(site, (float(north[0]), float(north[1])), vertical, file)
    if declared is None:
        assert by_site is not None
        return by_site
    metres = metres_of_unit(declared)
    matrix = np.diag([1 / metres, 1 / metres, 1.0, 1.0])
    passport = DatumPassport(declared, vertical, method="declared")
    return Georeference(matrix, passport, assumed=True, otherwise=by_site)


def settle(
    georeference: Georeference, centre: tuple[float, float] | None, file: str
) -> Georeference:
    """Confirm or replace a georeference that :func:`locate` only assumed.

    ``centre`` is the middle of the bodies in the declared CRS, None where there are none. Raises
    :class:`RefusedError`: CRS-02 for swapped coordinates, MET-01 when they cannot be those of the
    declared CRS and the file says nothing else.
    """
    if not georeference.assumed:
        return georeference
    name = georeference.passport.horizontal or ""
    otherwise = georeference.otherwise
    believed = None if centre is None else inside(name, *centre)
    if believed is None and centre is not None:
        believed = otherwise is None or math.hypot(*centre) > _FAR
    if believed:
        en = f"{file} has no map conversion; its coordinates are taken as those of {name}."
        zh = f"{file} 没有地图转换，其坐标按所声明的 {name} 采用。"
        note = Finding("IFC-05", Severity.INFO, Place(file), zh, en, found="declared CRS")
        return replace(georeference, findings=(*georeference.findings, note))
    if centre is not None and inside(name, centre[1], centre[0]):
        raise swapped(file, name, centre)
    if otherwise is not None:
        en = (
            f"{file} has no map conversion and its coordinates are not those of {name}; it is "
            "placed by the site's latitude and longitude. Check its position."
        )
        zh = f"{file} 没有地图转换，坐标也不属于 {name}；已按场地经纬度定位，请核对位置。"
        note = Finding("IFC-05", Severity.WARNING, Place(file), zh, en, found="IfcSite")
        return replace(otherwise, findings=(*otherwise.findings, note))
    shown = "no bodies" if centre is None else f"({centre[0]:.3f}, {centre[1]:.3f})"
    raise _nowhere(file, f"no map conversion, and coordinates {shown} outside {name}")


def _by_site(
    site: SiteReference, north: tuple[float, float], vertical: str, file: str
) -> Georeference:
    """The site's origin at its latitude and longitude, true north up the grid."""
    turn = math.pi / 2 - math.atan2(north[1], north[0])
    cos, sin = math.cos(turn), math.sin(turn)
    origin = site.placement[:3, 3].copy()
    notes: tuple[Finding, ...] = (_roughly(site, file),)
    if site.elevation is None:
        en = f"{file}: IfcSite has no RefElevation; heights are taken as modelled. Check them."
        zh = f"{file}：IfcSite 未给 RefElevation，高程按模型 z 值采用，请核对。"
        notes += (doubt(file, zh, en, "no RefElevation", "RefElevation"),)
    base = origin[2] if site.elevation is None else site.elevation
    turned = np.array([[cos, -sin, 0.0, 0.0], [sin, cos, 0.0, 0.0], [0, 0, 1, base], [0, 0, 0, 1]])
    shift = np.eye(4)
    shift[:3, 3] = -origin
    plane = ProjectedCRS(
        TransverseMercatorConversion(site.latitude, site.longitude),
        name=f"Site {site.latitude:.6f} {site.longitude:.6f}",
        geodetic_crs=CRS(horizontal.CGCS2000),
    )
    passport = DatumPassport(plane.to_wkt(), vertical, method="IfcSite")
    return Georeference(turned @ shift, passport, notes)


def _roughly(site: SiteReference, file: str) -> Finding:
    """An info finding on how well a latitude and longitude alone can place a model."""
    metres = math.radians(site.seconds / 3600) * 6_371_000
    written = f"{site.latitude:.6f}, {site.longitude:.6f}"
    arc = f"{site.seconds:g}″"
    size = f"{metres:.0f} m" if metres >= 1 else "< 1 m"
    return Finding(
        "IFC-05",
        Severity.INFO,
        Place(file, element=site.global_id),
        f"{file}：仅按 IfcSite 的经纬度（{written}）定位，其书写精度为 {arc}（约 {size}），"
        "且常为软件预设的城市位置，实际误差可达数十米以上；朝向取自正北方向。"
        "应由 IfcMapConversion 给出测量坐标，请核对位置或补充后重新导出。",
        f"{file} is placed by the latitude and longitude of IfcSite alone ({written}), which are "
        f"written to {arc} (about {size}) and often the authoring tool's preset for a city: it may "
        "be tens of metres off or more; it is turned by true north. Expected surveyed coordinates "
        "in IfcMapConversion. Check the position, or add them and export again.",
        found=f"{written} ± {size}",
        expected="IfcMapConversion",
    )


def _apart(matrix: Matrix, name: str, site: SiteReference | None, file: str) -> tuple[Finding, ...]:
    """A warning where map conversion and site latitude, longitude are far from each other."""
    if site is None:
        return ()
    east, north = (matrix @ site.placement[:, 3])[:2]
    place = lonlat(name, float(east), float(north))
    if place is None:
        return ()
    dy = math.radians(place[1] - site.latitude) * 6_371_000
    dx = math.radians(place[0] - site.longitude) * 6_371_000 * math.cos(math.radians(place[1]))
    distance = math.hypot(dx, dy)
    if not distance > _APART:
        return ()
    en = (
        f"{file}: the map conversion and the site's latitude and longitude are "
        f"{distance / 1000:.1f} km apart; the map conversion is used. Check the position."
    )
    zh = f"{file}：地图转换与场地经纬度相距 {distance / 1000:.1f} 千米，已采用地图转换，请核对。"
    return (
        doubt(
            file,
            zh,
            en,
            f"{site.latitude:.6f}, {site.longitude:.6f}",
            f"{place[1]:.6f}, {place[0]:.6f}",
        ),
    )


def _nowhere(file: str, found: str) -> RefusedError:
    return refuse(
        "MET-01",
        file,
        found=found,
        expected="IfcMapConversion and IfcProjectedCRS",
        en=f"{file} does not say where it stands: {found}. Export with IfcMapConversion and "
        "IfcProjectedCRS (such as EPSG:4549, vertical datum 1985), or give IfcSite its latitude "
        "and longitude.",
        zh=f"{file} 未说明所在位置（{found}）。请导出 IfcMapConversion 与 IfcProjectedCRS"
        "（如 EPSG:4549，高程基准 1985），或为 IfcSite 给出经纬度。",
    )
