"""IFC models for tests, made with IfcOpenShell's own API, and what the reader makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import ifcopenshell.api.aggregate
import ifcopenshell.api.context
import ifcopenshell.api.feature
import ifcopenshell.api.geometry
import ifcopenshell.api.material
import ifcopenshell.api.owner
import ifcopenshell.api.project
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.style
import ifcopenshell.api.type
import ifcopenshell.api.unit
import ifcopenshell.util.unit
import numpy as np
import pandas as pd

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.ifc import IfcReader
from models.features import Delivery

api = ifcopenshell.api
#: Where the house stands: EPSG:4549 east, north and 1985 height.
ORIGIN: Final = (617486.771, 3430515.006, 4.5)


def read(path: Path, **options: Any) -> Delivery:
    """What the reader makes of ``path``."""
    return IfcReader().read((path,), ReadOptions(**options))


def read_here(path: Path, **options: Any) -> Delivery:
    """Read a model whose coordinates are those of EPSG:4549 with 1985 heights."""
    return read(path, **{"horizontal": "EPSG:4549", "vertical": "1985", **options})


def refusal(path: Path, **options: Any) -> RefusedError:
    """The refusal of ``path``, whose every finding names it in both languages with what was found
    and expected."""
    try:
        read_here(path, **options)
    except RefusedError as error:
        for finding in error.findings:
            chinese = any("\u4e00" <= letter <= "\u9fff" for letter in finding.zh)
            named = path.name in finding.zh and path.name in finding.en
            if not (chinese and named and finding.found and finding.expected):
                raise AssertionError(f"a finding that does not say enough: {finding}") from error
        return error
    raise AssertionError(f"{path.name} was not refused")


def elements(delivery: Delivery) -> pd.DataFrame:
    """The elements by name."""
    return delivery.tables["bim_element"].set_index("name", drop=False)


def at(x: float, y: float, z: float) -> Any:
    """The 4x4 matrix of a placement at metres from :data:`ORIGIN`."""
    matrix = np.eye(4)
    matrix[:3, 3] = np.add(ORIGIN, (x, y, z))
    return matrix


class House:
    """Site, building, two storeys; a wall with a window hole, two chairs of one type, a space."""

    def __init__(self, schema: Any, unit: str = "MILLIMETERS") -> None:
        self.model: Any = api.project.create_file(version=schema)
        if schema == "IFC2X3":  # in which every object has an owner
            person = api.owner.add_person(self.model)
            firm = api.owner.add_organisation(self.model)
            api.owner.add_person_and_organisation(self.model, person=person, organisation=firm)
            api.owner.add_application(self.model)
        self.project = self.entity("IfcProject", "项目")
        api.unit.assign_unit(self.model, length={"is_metric": True, "raw": unit})
        root = api.context.add_context(self.model, context_type="Model")
        self.body = api.context.add_context(
            self.model,
            context_type="Model",
            context_identifier="Body",
            target_view="MODEL_VIEW",
            parent=root,
        )
        self.scale = ifcopenshell.util.unit.calculate_unit_scale(self.model)
        self.site, self.building = (
            self.entity("IfcSite", "场地"),
            self.entity("IfcBuilding", "1号楼"),
        )
        self.storeys = [self.entity("IfcBuildingStorey", name) for name in ("1F", "2F")]
        for below, above in (
            ([self.site], self.project),
            ([self.building], self.site),
            (self.storeys, self.building),
        ):
            api.aggregate.assign_object(self.model, products=below, relating_object=above)
        for height, storey in zip((0.0, 3.6), self.storeys, strict=True):
            storey.Elevation = height / self.scale
            self.place(storey, 0, 0, height)
        self.place(self.building, 0, 0, 0)
        self.wall = self._wall()
        self.chairs = self._chairs()
        self.space = self._space()

    def entity(self, kind: str, name: str) -> Any:
        """A new entity of ``kind``."""
        return api.root.create_entity(self.model, ifc_class=kind, name=name)

    def place(self, item: Any, x: float, y: float, z: float) -> None:
        """Put ``item`` at metres from :data:`ORIGIN`."""
        api.geometry.edit_object_placement(self.model, product=item, matrix=at(x, y, z))

    def contain(self, item: Any, storey: int) -> None:
        """Contain ``item`` in a storey by its index."""
        api.spatial.assign_container(
            self.model, products=[item], relating_structure=self.storeys[storey]
        )

    def box(self, item: Any, length: float, height: float, thickness: float) -> Any:
        """Give ``item`` a box as body, metres."""
        shape = api.geometry.add_wall_representation(
            self.model, context=self.body, length=length, height=height, thickness=thickness
        )
        api.geometry.assign_representation(self.model, product=item, representation=shape)
        return shape

    def pset(self, item: Any, name: str, values: dict[str, Any]) -> None:
        """Give ``item`` a property set."""
        pset = api.pset.add_pset(self.model, product=item, name=name)
        api.pset.edit_pset(self.model, pset=pset, properties=values)

    def _wall(self) -> Any:
        wall, kind = self.entity("IfcWall", "外墙"), self.entity("IfcWallType", "WT-200")
        self.place(wall, 0, 0, 3.6)
        self.box(wall, 5, 3, 0.2)
        self.contain(wall, 1)
        api.type.assign_type(self.model, related_objects=[wall], relating_type=kind)
        self.pset(kind, "Pset_WallCommon", {"IsExternal": True, "FireRating": "1h"})
        self.pset(wall, "Pset_WallCommon", {"FireRating": "2h"})
        length = self.model.create_entity("IfcLengthMeasure", 5 / self.scale)
        self.pset(wall, "Own", {"Run": length, "Note": "承重"})
        quantities = api.pset.add_qto(self.model, product=wall, name="Qto_WallBaseQuantities")
        api.pset.edit_qto(self.model, qto=quantities, properties={"Length": 5 / self.scale})
        concrete = api.material.add_material(self.model, name="混凝土")
        api.material.assign_material(self.model, products=[wall], material=concrete)
        opening, window = self.entity("IfcOpeningElement", "洞口"), self.entity("IfcWindow", "窗")
        self.place(opening, 1, -0.1, 4.6)
        self.box(opening, 1.5, 1, 0.5)
        api.feature.add_feature(self.model, feature=opening, element=wall)
        api.feature.add_filling(self.model, opening=opening, element=window)
        return wall

    def _chairs(self) -> list[Any]:
        kind = self.entity("IfcFurnitureType", "椅")
        shape = self.box(kind, 0.5, 0.9, 0.5)
        style = api.style.add_style(self.model, name="红漆")
        api.style.add_surface_style(
            self.model,
            style=style,
            ifc_class="IfcSurfaceStyleShading",
            attributes={
                "SurfaceColour": {"Name": None, "Red": 0.8, "Green": 0.1, "Blue": 0.2},
                **({} if self.model.schema == "IFC2X3" else {"Transparency": 0.25}),
            },
        )
        api.style.assign_representation_styles(
            self.model, shape_representation=shape, styles=[style]
        )
        chairs = []
        ifc_class = "IfcFurnishingElement" if self.model.schema == "IFC2X3" else "IfcFurniture"
        for at_x in (1.0, 2.0):
            chair = self.entity(ifc_class, f"椅{at_x:g}")
            api.type.assign_type(self.model, related_objects=[chair], relating_type=kind)
            self.place(chair, at_x, 1, 0)
            self.contain(chair, 0)
            chairs.append(chair)
        return chairs

    def _space(self) -> Any:
        space = self.entity("IfcSpace", "101")
        space.LongName = "办公室"
        api.aggregate.assign_object(self.model, products=[space], relating_object=self.storeys[0])
        self.place(space, 0, 0, 0)
        self.box(space, 4, 3, 4)
        return space

    def write(self, path: Path) -> Path:
        """Write the model to ``path``."""
        self.model.write(str(path))
        return path
