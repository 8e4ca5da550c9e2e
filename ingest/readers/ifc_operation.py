"""What an IFC model says of its place on Earth, as plain values: coordinate operation and site.

Nothing is decided here; :mod:`ingest.readers.ifc_georef` does. IFC4 and later carry an
IfcCoordinateOperation with its target CRS, IFC2X3 the property sets ``ePSet_MapConversion`` and
``ePSet_ProjectedCRS`` of the buildingSMART georeferencing guide (on the site or the project).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import ifcopenshell
import ifcopenshell.util.placement as ifc_placement
import ifcopenshell.util.unit as ifc_unit
import numpy as np
import numpy.typing as npt

from ingest.errors import refuse

Matrix = npt.NDArray[np.float64]

#: Unit names that ePSet_ProjectedCRS uses, in metres.
_UNIT_NAMES: Final = {
    "metre": 1.0,
    "meter": 1.0,
    "m": 1.0,
    "millimetre": 1e-3,
    "millimeter": 1e-3,
    "mm": 1e-3,
    "foot": 0.3048,
    "us survey foot": 1200 / 3937,
}


@dataclass(frozen=True, slots=True)
class MapOperation:
    """A map conversion as written: ``offset`` east, north, height in map units; ``unit`` metres of
    a map unit (None: not stated); ``x_axis`` the project's x axis in the map plane; ``scale`` from
    project to map units (None: not stated) and ``factors`` for x, y, z on top of it."""

    kind: str
    offset: tuple[float, float, float]
    unit: float | None
    x_axis: tuple[float, float]
    scale: float | None
    factors: tuple[float, float, float]
    crs: str | None
    vertical: str | None


@dataclass(frozen=True, slots=True)
class SiteReference:
    """IfcSite's reference point: degrees north and east, ``elevation`` in metres, the site's
    placement (4x4, metres) whose origin the point is, and the seconds of arc to which the angles
    are written."""

    global_id: str
    latitude: float
    longitude: float
    elevation: float | None
    placement: Matrix
    seconds: float


def contexts(model: ifcopenshell.file) -> list[Any]:
    """The three-dimensional model contexts, or all where none says so."""
    every = model.by_type("IfcGeometricRepresentationContext", include_subtypes=False)
    return [c for c in every if c.ContextType == "Model" and c.CoordinateSpaceDimension == 3] or [
        *every
    ]


def world_coordinate_system(model: ifcopenshell.file, unit: float) -> Matrix:
    """The first context's WorldCoordinateSystem as a 4x4 matrix in metres."""
    for context in contexts(model)[:1]:
        if context.WorldCoordinateSystem is not None:
            matrix = np.array(ifc_placement.get_axis2placement(context.WorldCoordinateSystem))
            matrix[:3, 3] *= unit
            return matrix
    return np.eye(4)


def true_north(model: ifcopenshell.file) -> tuple[float, float]:
    """Direction of true north in the plane of the WorldCoordinateSystem; y where not stated."""
    for context in contexts(model):
        if context.TrueNorth is not None:
            x, y = context.TrueNorth.DirectionRatios[:2]
            if math.hypot(x, y) > 0:
                return float(x), float(y)
    return 0.0, 1.0


def map_operation(model: ifcopenshell.file, file: str) -> MapOperation | None:
    """The model's map conversion, whichever way its schema writes one.

    Raises :class:`ingest.errors.RefusedError` (IFC-04) when contexts carry different ones, or one
    is of a kind that gives no place in metres.
    """
    if model.schema == "IFC2X3":
        return _from_psets(model)
    found: dict[MapOperation, str] = {}
    for operation in model.by_type("IfcCoordinateOperation"):
        if operation.SourceCRS.is_a("IfcGeometricRepresentationContext"):
            found.setdefault(_from_entity(model, operation, file), f"#{operation.id()}")
    if len(found) > 1:
        shown = "; ".join(f"{step} {op.offset}" for op, step in found.items())
        raise refuse(
            "IFC-04",
            file,
            found=shown,
            expected="one and the same coordinate operation",
            en=f"{file} places its contexts differently: {shown}. Expected the same map conversion "
            "for each context. Correct the georeference in the authoring tool and export again.",
            zh=f"{file} 各几何上下文的坐标转换不一致：{shown}。各上下文应使用同一地图转换。"
            "请在建模软件中改正地理参照后重新导出。",
        )
    return next(iter(found), None)


def site_reference(model: ifcopenshell.file, unit: float) -> SiteReference | None:
    """The first site with a latitude and longitude; 0, 0 is what exporters write for none."""
    for site in model.by_type("IfcSite"):
        latitude, longitude = map(_degrees, (site.RefLatitude, site.RefLongitude))
        if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
            continue
        if abs(latitude) > 90 or abs(longitude) > 180:
            continue
        placement = np.eye(4)
        if site.ObjectPlacement is not None:
            placement = np.array(ifc_placement.get_local_placement(site.ObjectPlacement))
            placement[:3, 3] *= unit
        up = None if site.RefElevation is None else float(site.RefElevation) * unit
        seconds = max(map(_seconds, (site.RefLatitude, site.RefLongitude)))
        return SiteReference(site.GlobalId, latitude, longitude, up, placement, seconds)
    return None


def _degrees(parts: tuple[int, ...] | None) -> float | None:
    """Degrees of an IfcCompoundPlaneAngleMeasure: degrees, minutes, seconds, millionths of one."""
    if not parts:
        return None
    return float(sum(p / q for p, q in zip(parts, (1, 60, 3600, 3.6e9), strict=False)))


def _seconds(parts: tuple[int, ...]) -> float:
    """Seconds of arc of the last part that is written; millionths that are 0 are not counted."""
    return 1e-6 if len(parts) > 3 and parts[3] else (3600.0, 60.0, 1.0)[min(len(parts), 3) - 1]


def _from_entity(model: ifcopenshell.file, operation: Any, file: str) -> MapOperation:
    crs = operation.TargetCRS
    unit = getattr(crs, "MapUnit", None)
    stated = None if unit is None else float(ifc_unit.get_unit_scale(unit))
    name = _well_known_text(model, crs) or crs.Name
    vertical = getattr(crs, "VerticalDatum", None)
    kind = operation.is_a()
    if operation.is_a("IfcMapConversion"):
        factors = (1.0, 1.0, 1.0)
        if kind == "IfcMapConversionScaled":
            factors = (operation.FactorX, operation.FactorY, operation.FactorZ)
        offset = (operation.Eastings, operation.Northings, operation.OrthogonalHeight or 0.0)
        axis = (operation.XAxisAbscissa or 0.0, operation.XAxisOrdinate or 0.0)
        scale = operation.Scale
    elif kind == "IfcRigidOperation" and operation.FirstCoordinate.is_a("IfcLengthMeasure"):
        first, second = operation.FirstCoordinate, operation.SecondCoordinate
        offset = (first.wrappedValue, second.wrappedValue, operation.Height or 0.0)
        axis, scale, factors = (1.0, 0.0), None, (1.0, 1.0, 1.0)
    else:
        raise refuse(
            "IFC-04",
            file,
            element=f"#{operation.id()}",
            found=kind,
            expected="IfcMapConversion, or IfcRigidOperation with lengths",
            en=f"{file} is placed by {kind} with angles, which cannot be used; expected "
            "IfcMapConversion to a projected CRS. Export with a projected CRS such as EPSG:4549.",
            zh=f"{file} 以角度值的 {kind} 定位，无法使用；应为到投影坐标系的 IfcMapConversion。"
            "请按投影坐标系（如 EPSG:4549）重新导出。",
        )
    return MapOperation(kind, offset, stated, axis, scale, factors, name, vertical)


def _well_known_text(model: ifcopenshell.file, crs: Any) -> str | None:
    if model.schema_identifier != "IFC4X3_ADD2":
        return None
    for text in model.by_type("IfcWellKnownText"):
        if text.CoordinateReferenceSystem == crs:
            return str(text.WellKnownText)
    return None


def _from_psets(model: ifcopenshell.file) -> MapOperation | None:
    conversion, crs = _pset(model, "epset_mapconversion"), _pset(model, "epset_projectedcrs")
    if "eastings" not in conversion or "northings" not in conversion:
        return None
    unit = str(crs.get("mapunit") or "").strip().lower()
    return MapOperation(
        "ePSet_MapConversion",
        (
            float(conversion["eastings"]),
            float(conversion["northings"]),
            float(conversion.get("orthogonalheight") or 0.0),
        ),
        _UNIT_NAMES.get(unit),
        (
            float(conversion.get("xaxisabscissa") or 0.0),
            float(conversion.get("xaxisordinate") or 0.0),
        ),
        None if conversion.get("scale") is None else float(conversion["scale"]),
        (1.0, 1.0, 1.0),
        crs.get("name"),
        crs.get("verticaldatum"),
    )


def _pset(model: ifcopenshell.file, name: str) -> dict[str, Any]:
    """A property set's single values by lower-case name, from the first of site and project."""
    for owner in (*model.by_type("IfcSite"), *model.by_type("IfcProject")):
        for relation in owner.IsDefinedBy:
            definition = getattr(relation, "RelatingPropertyDefinition", None)
            if definition is None or not definition.is_a("IfcPropertySet"):
                continue
            if str(definition.Name).lower() == name:
                return {
                    p.Name.lower(): p.NominalValue.wrappedValue
                    for p in definition.HasProperties
                    if p.is_a("IfcPropertySingleValue") and p.NominalValue is not None
                }
    return {}
