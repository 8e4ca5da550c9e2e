"""A thin layer over ifcopenshell.api: georeferenced IFC4 project, types with shared geometry,
styles, containers; the same bytes each time (counted GlobalIds, fixed header)."""

from __future__ import annotations

import contextlib
import math
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.api.context as context
import ifcopenshell.api.geometry as geometry
import ifcopenshell.api.georeference as georeference
import ifcopenshell.api.material as materials
import ifcopenshell.api.project as project
import ifcopenshell.api.pset as pset
import ifcopenshell.api.root as root
import ifcopenshell.api.style as styles
import ifcopenshell.api.system as systems
import ifcopenshell.api.type as types
import ifcopenshell.api.unit as units
import ifcopenshell.guid

Entity = Any
Point = tuple[float, ...]
STAMP = "2026-01-01T00:00:00"


@contextlib.contextmanager
def counted_guids(seed: str) -> Iterator[None]:
    """Inside, new GlobalIds are UUID v5 of ``seed`` and a counter."""
    before, count = ifcopenshell.guid.new, 0

    def new() -> str:
        nonlocal count
        count += 1
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"cim-twin/{seed}/{count}")
        return str(ifcopenshell.guid.compress(name.hex))

    ifcopenshell.guid.new = new
    try:
        yield
    finally:
        ifcopenshell.guid.new = before


@dataclass(frozen=True)
class Site:
    """Where the model's origin lies: EPSG:4549 east and north, height (1985), and the direction of
    the model's x axis as east and north components; ``millimetres`` chooses the length unit."""

    east: float
    north: float
    height: float
    x_axis: tuple[float, float]
    lon: float
    lat: float
    vertical: str
    millimetres: bool = False


class Model:
    """An IFC4 file in the making. Coordinates of all methods are metres."""

    def __init__(self, name: str, site: Site) -> None:
        self.file = project.create_file(version="IFC4")
        self.k = 1000.0 if site.millimetres else 1.0
        self.project = root.create_entity(self.file, ifc_class="IfcProject", name=name)
        length = units.add_si_unit(self.file, prefix="MILLI" if site.millimetres else None)
        area = units.add_si_unit(self.file, unit_type="AREAUNIT")
        volume = units.add_si_unit(self.file, unit_type="VOLUMEUNIT")
        angle = units.add_si_unit(self.file, unit_type="PLANEANGLEUNIT")
        units.assign_unit(self.file, units=[length, area, volume, angle])
        model = context.add_context(self.file, context_type="Model")
        self.body = context.add_context(
            self.file,
            context_type="Model",
            context_identifier="Body",
            target_view="MODEL_VIEW",
            parent=model,
        )
        self._directions: dict[Point, Entity] = {}
        self._contained: dict[int, list[Entity]] = defaultdict(list)
        self._parts: dict[int, list[Entity]] = defaultdict(list)
        self._typed: dict[int, list[Entity]] = defaultdict(list)
        self._system: dict[int, list[Entity]] = defaultdict(list)
        self._made_of: dict[int, list[Entity]] = defaultdict(list)
        self._styles: dict[str, Entity] = {}
        self._materials: dict[str, Entity] = {}
        self._entities: dict[int, Entity] = {}
        self._georeference(site)

    def _georeference(self, site: Site) -> None:
        georeference.add_georeferencing(self.file, name="EPSG:4549")
        metre = units.add_si_unit(self.file) if self.k != 1.0 else None
        georeference.edit_georeferencing(
            self.file,
            projected_crs={
                "Name": "EPSG:4549",
                "Description": "CGCS2000 / 3-degree Gauss-Kruger CM 120E",
                "GeodeticDatum": "CGCS2000",
                "VerticalDatum": site.vertical,
                "MapProjection": "Gauss-Kruger",
                "MapUnit": metre,
            },
            coordinate_operation={
                "Eastings": site.east,
                "Northings": site.north,
                "OrthogonalHeight": site.height,
                "XAxisAbscissa": round(site.x_axis[0], 12),
                "XAxisOrdinate": round(site.x_axis[1], 12),
                "Scale": 1.0 / self.k,
            },
        )
        self.site = root.create_entity(self.file, ifc_class="IfcSite", name="用地")
        self.site.RefLatitude, self.site.RefLongitude = _dms(site.lat), _dms(site.lon)
        self.site.RefElevation = site.height * self.k
        self._place(self.site, None, (0.0, 0.0, 0.0))
        self._keep(self._parts, self.project, self.site)

    def direction(self, *ratios: float) -> Entity:
        """A shared direction."""
        ratios = tuple(round(r, 9) + 0.0 for r in ratios)
        if ratios not in self._directions:
            self._directions[ratios] = self.file.create_entity("IfcDirection", ratios)
        return self._directions[ratios]

    def axes(self, at: Point, turn: float = 0.0, up: Point | None = None) -> Entity:
        """A placement at ``at``, x axis turned ``turn`` degrees; or local z along ``up``."""
        here = self.file.create_entity("IfcCartesianPoint", [round(c * self.k, 4) for c in at])
        if up is not None:
            side = (0.0, 1.0, 0.0) if abs(up[1]) < 0.9 else (1.0, 0.0, 0.0)
            return self.file.create_entity(
                "IfcAxis2Placement3D", here, self.direction(*up), self.direction(*side)
            )
        if not turn:
            return self.file.create_entity("IfcAxis2Placement3D", here)
        a = math.radians(turn)
        x = self.direction(math.cos(a), math.sin(a), 0.0)
        return self.file.create_entity("IfcAxis2Placement3D", here, self.direction(0, 0, 1), x)

    def _place(
        self,
        product: Entity,
        parent: Entity | None,
        at: Point,
        turn: float = 0.0,
        up: Point | None = None,
    ) -> None:
        base = parent.ObjectPlacement if parent is not None else None
        product.ObjectPlacement = self.file.create_entity(
            "IfcLocalPlacement", base, self.axes(at, turn, up)
        )

    def structure(self, ifc_class: str, name: str, parent: Entity, at: Point) -> Entity:
        """A spatial element below ``parent``."""
        made = root.create_entity(self.file, ifc_class=ifc_class, name=name)
        self._place(made, parent, at)
        self._keep(self._parts, parent, made)
        return made

    def _keep(self, group: dict[int, list[Entity]], key: Entity, member: Entity) -> None:
        group[key.id()].append(member)
        self._entities[key.id()] = key

    def polygon(self, ring: Sequence[Point], holes: Sequence[Sequence[Point]] = ()) -> Entity:
        """A profile from rings (x, y)."""
        curves = [self._curve(r) for r in (ring, *holes)]
        if holes:
            return self.file.create_entity(
                "IfcArbitraryProfileDefWithVoids", "AREA", None, curves[0], curves[1:]
            )
        return self.file.create_entity("IfcArbitraryClosedProfileDef", "AREA", None, curves[0])

    def _curve(self, ring: Sequence[Point]) -> Entity:
        points = [[round(c * self.k, 4) for c in p] for p in [*ring, ring[0]]]
        return self.file.create_entity(
            "IfcIndexedPolyCurve", self.file.create_entity("IfcCartesianPointList2D", points)
        )

    def rectangle(self, width: float, depth: float) -> Entity:
        """A rectangle profile centred on its origin."""
        return self.file.create_entity(
            "IfcRectangleProfileDef", "AREA", None, None, width * self.k, depth * self.k
        )

    def ring(self, radius: float, wall: float | None = None) -> Entity:
        """A circle profile, hollow with a wall."""
        if wall is None:
            return self.file.create_entity(
                "IfcCircleProfileDef", "AREA", None, None, radius * self.k
            )
        return self.file.create_entity(
            "IfcCircleHollowProfileDef", "AREA", None, None, radius * self.k, wall * self.k
        )

    def extrude(
        self, profile: Entity, length: float, at: Point | None = None, up: Point | None = None
    ) -> Entity:
        """A solid: ``profile`` swept ``length`` along local z of a placement at ``at``."""
        place = self.axes(at or (0.0, 0.0, 0.0), up=up) if at or up else None
        return self.file.create_entity(
            "IfcExtrudedAreaSolid", profile, place, self.direction(0, 0, 1), length * self.k
        )

    def shape(self, items: Sequence[tuple[Entity, str]]) -> Entity:
        """A body of solids, each with the name of its style."""
        body = self.file.create_entity(
            "IfcShapeRepresentation", self.body, "Body", "SweptSolid", [solid for solid, _ in items]
        )
        for solid, style in items:
            self.file.create_entity("IfcStyledItem", solid, [self._styles[style]])
        return body

    def style(self, name: str, rgb: tuple[float, float, float], transparency: float = 0.0) -> None:
        """A surface style that :meth:`shape` may name; also a material of that name."""
        made = styles.add_style(self.file, name=name)
        colour = dict(zip(("Red", "Green", "Blue"), rgb, strict=True))
        styles.add_surface_style(
            self.file,
            style=made,
            ifc_class="IfcSurfaceStyleShading",
            attributes={"SurfaceColour": {"Name": None, **colour}, "Transparency": transparency},
        )
        self._styles[name] = made
        self._materials[name] = materials.add_material(self.file, name=name)

    def type(
        self,
        ifc_class: str,
        name: str,
        items: Sequence[tuple[Entity, str]],
        kind: str | None = None,
        **properties: dict[str, Any],
    ) -> Entity:
        """An element type; its body, if any, is shared by all its occurrences."""
        made = root.create_entity(self.file, ifc_class=ifc_class, predefined_type=kind, name=name)
        if items:
            geometry.assign_representation(
                self.file, product=made, representation=self.shape(items)
            )
            self._keep(self._made_of, self._materials[items[0][1]], made)
        self.properties(made, **properties)
        return made

    def element(
        self,
        ifc_class: str,
        name: str,
        parent: Entity,
        at: Point,
        *,
        turn: float = 0.0,
        up: Point | None = None,
        of: Entity | None = None,
        items: Sequence[tuple[Entity, str]] = (),
        kind: str | None = None,
        system: Entity | None = None,
        part: bool = False,
    ) -> Entity:
        """An element in ``parent``, or a component of it; of a type, or with a body."""
        made = root.create_entity(self.file, ifc_class=ifc_class, predefined_type=kind, name=name)
        self._place(made, parent, at, turn, up)
        self._keep(self._parts if part else self._contained, parent, made)
        if of is not None:
            self._keep(self._typed, of, made)
        if items:
            geometry.assign_representation(
                self.file, product=made, representation=self.shape(items)
            )
            self._keep(self._made_of, self._materials[items[0][1]], made)
        if system is not None:
            self._keep(self._system, system, made)
        return made

    def opening(
        self,
        host: Entity,
        at: Point,
        width: float,
        height: float,
        depth: float,
        fill: Entity | None = None,
    ) -> None:
        """An opening in ``host`` with its lower middle at ``at``, filled by ``fill``."""
        made = root.create_entity(
            self.file, ifc_class="IfcOpeningElement", name="洞口", predefined_type="OPENING"
        )
        self._place(made, host, at)
        body = self.file.create_entity(
            "IfcShapeRepresentation",
            self.body,
            "Body",
            "SweptSolid",
            [self.extrude(self.rectangle(width, depth), height)],
        )
        geometry.assign_representation(self.file, product=made, representation=body)
        self._relate("IfcRelVoidsElement", RelatingBuildingElement=host, RelatedOpeningElement=made)
        if fill is not None:
            self._relate(
                "IfcRelFillsElement", RelatingOpeningElement=made, RelatedBuildingElement=fill
            )

    def properties(self, product: Entity, **sets: dict[str, Any]) -> None:
        """Property sets, named by keyword."""
        for name, values in sets.items():
            made = pset.add_pset(self.file, product=product, name=name)
            pset.edit_pset(self.file, pset=made, properties=values)

    def system(self, name: str, kind: str) -> Entity:
        """A distribution system."""
        made = systems.add_system(self.file, ifc_class="IfcDistributionSystem")
        made.Name, made.PredefinedType = name, kind
        return made

    def save(self, path: Path) -> None:
        """Write the collected relations, then the file with a fixed header."""
        for key, members in self._parts.items():
            self._relate(
                "IfcRelAggregates", RelatingObject=self._entities[key], RelatedObjects=members
            )
        for key, members in self._contained.items():
            self._relate(
                "IfcRelContainedInSpatialStructure",
                RelatingStructure=self._entities[key],
                RelatedElements=members,
            )
        for key, members in self._typed.items():
            for member in members:  # one by one: of a list, the API takes the members in any order
                types.assign_type(
                    self.file, related_objects=[member], relating_type=self._entities[key]
                )
        for key, members in self._system.items():
            systems.assign_system(self.file, products=members, system=self._entities[key])
        for key, members in self._made_of.items():
            materials.assign_material(self.file, products=members, material=self._entities[key])
        self._settle()
        header = (
            self.file.wrapped_data.header
            if hasattr(self.file, "wrapped_data")
            else self.file.header
        )
        header.file_name.name = path.name
        header.file_name.time_stamp = STAMP
        header.file_name.author = ("cim-twin data-samples",)
        header.file_name.organization = ("示例设计单位",)
        header.file_name.preprocessor_version = "IfcOpenShell"
        header.file_name.originating_system = "cim-twin data-samples"
        self.file.write(str(path))

    def _relate(self, ifc_class: str, **ends: Any) -> None:
        self.file.create_entity(ifc_class, GlobalId=ifcopenshell.guid.new(), **ends)

    def _settle(self) -> None:
        """Order the members of sets, which the API leaves in any order."""
        for relation in self.file.by_type("IfcRelationship"):
            for name in ("RelatedObjects", "RelatedElements"):
                members = getattr(relation, name, None)
                if members:
                    setattr(relation, name, sorted(members, key=lambda e: int(e.id())))
        for assignment in self.file.by_type("IfcUnitAssignment"):
            assignment.Units = sorted(assignment.Units, key=lambda e: int(e.id()))


def _dms(degrees: float) -> tuple[int, int, int, int]:
    whole = round(degrees * 3600 * 1_000_000)
    seconds, millionths = divmod(whole, 1_000_000)
    return seconds // 3600, seconds // 60 % 60, seconds % 60, millionths
