"""The elements of an IFC model and the tree they stand in, as rows of ``bim_element``.

Every IfcProduct is a row, and so is the project above them. The tree is read from the relations of
the whole model at once; an element's storey and building are those of its nearest ancestors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import ifcopenshell
import ifcopenshell.util.placement as ifc_placement
import numpy as np

from ingest.errors import RefusedError, refuse
from ingest.readers.ifc_operation import Matrix
from ingest.readers.ifc_properties import Properties, assigned_names
from models.findings import Finding, Place, Severity

#: Relations that give a parent, the more telling first: relation, parent, children.
_PARENTS: Final = (
    ("IfcRelAggregates", "RelatingObject", "RelatedObjects"),
    ("IfcRelNests", "RelatingObject", "RelatedObjects"),
    ("IfcRelContainedInSpatialStructure", "RelatingStructure", "RelatedElements"),
    ("IfcRelVoidsElement", "RelatingBuildingElement", "RelatedOpeningElement"),
    ("IfcRelProjectsElement", "RelatingElement", "RelatedFeatureElement"),
    ("IfcRelFillsElement", "RelatingOpeningElement", "RelatedBuildingElement"),
    ("IfcRelConnectsPortToElement", "RelatedElement", "RelatingPort"),
)
#: Objects that are kept, but have nothing to draw: voids, drafting, logic.
NOT_DRAWN: Final = (
    "IfcFeatureElementSubtraction",
    "IfcAnnotation",
    "IfcGrid",
    "IfcPort",
    "IfcVirtualElement",
    "IfcStructuralActivity",
    "IfcStructuralItem",
)


class Tree:
    """Parents, storeys and buildings of every object in ``model``, by step id.

    Raises :class:`RefusedError` (IFC-02) for a tree in which something is above itself: the
    geometry kernel would climb it for ever.
    """

    def __init__(self, model: ifcopenshell.file, file: str) -> None:
        self._model = model
        self.parent: dict[int, int] = {}
        for relation_class, above, below in _PARENTS:
            for relation in model.by_type(relation_class):
                parent = getattr(relation, above)
                children = getattr(relation, below) or ()
                for child in children if isinstance(children, tuple) else (children,):
                    if parent is not None and child.id() != parent.id():
                        self.parent.setdefault(child.id(), parent.id())
        self._check(file)
        storeys = model.by_type("IfcBuildingStorey")
        facility = "IfcFacility" if model.schema == "IFC4X3" else "IfcBuilding"
        self._storeys = {s.id() for s in storeys}
        self._buildings = {b.id() for b in model.by_type(facility)}
        self._nearest: dict[int, tuple[int | None, int | None]] = {}

    def _check(self, file: str) -> None:
        sound: set[int] = set()
        for step in self.parent:
            path: dict[int, None] = {}
            at: int | None = step
            while at is not None and at not in sound:
                if at in path:
                    raise _circle(self._model.by_id(at), file)
                path[at] = None
                at = self.parent.get(at)
            sound.update(path)

    def storey_and_building(self, step: int) -> tuple[int | None, int | None]:
        """The nearest storey and building (or bridge, road, … of IFC 4.3) at or above ``step``."""
        path: list[int] = []
        at: int | None = step
        while at is not None and at not in self._nearest:
            path.append(at)
            at = self.parent.get(at)
        found = self._nearest.get(at, (None, None)) if at is not None else (None, None)
        for member in reversed(path):
            storey = member if member in self._storeys else found[0]
            building = member if member in self._buildings else found[1]
            found = self._nearest[member] = (storey, building)
        return found


def objects(model: ifcopenshell.file, file: str) -> tuple[list[Any], tuple[Finding, ...]]:
    """Project and products in file order, without those whose GlobalId is missing or taken.

    Each one left out has an error finding (IFC-06).
    """
    kept: dict[str, Any] = {}
    findings = []
    everything = [*model.by_type("IfcProject"), *model.by_type("IfcProduct")]
    for item in sorted(everything, key=lambda e: int(e.id())):
        key = item.GlobalId
        if key and key not in kept:
            kept[key] = item
            continue
        first = f"#{kept[key].id()}" if key else ""
        what = f"#{item.id()} {item.is_a()} '{item.Name or ''}'"
        if key:
            en = f"{what} has the GlobalId {key} of {first}; it is left out."
            zh = f"{what} 与 {first} 的 GlobalId 同为 {key}，未入库。"
        else:
            en = f"{what} has no GlobalId; it is left out."
            zh = f"{what} 没有 GlobalId，未入库。"
        findings.append(
            Finding(
                "IFC-06",
                Severity.ERROR,
                Place(file, row=item.id(), element=key or None),
                f"{file}：{zh}请在建模软件中改正后重新导出。",
                f"{file}: {en} Correct it in the authoring tool and export again.",
                found=key or "no GlobalId",
                expected="a GlobalId of its own",
            )
        )
    return list(kept.values()), tuple(findings)


def rows(
    model: ifcopenshell.file, kept: list[Any], tree: Tree, unit: float, matrix: Matrix
) -> Iterator[dict[str, Any]]:
    """One row for each object, without body; ``matrix`` takes project metres to the source CRS."""
    properties = Properties(model)
    materials = assigned_names(model, "IfcRelAssociatesMaterial", "RelatingMaterial")
    classes = assigned_names(model, "IfcRelAssociatesClassification", "RelatingClassification")
    systems = assigned_names(model, "IfcRelAssignsToGroup", "RelatingGroup")
    heights: dict[int, float | None] = {}
    for item in kept:
        step = item.id()
        storey_id, building_id = tree.storey_and_building(step)
        parent_id = tree.parent.get(step)
        storey = None if storey_id is None else model.by_id(storey_id)
        building = None if building_id is None else model.by_id(building_id)
        if storey_id is not None and storey_id not in heights:
            heights[storey_id] = _storey_height(storey, building, unit, matrix)
        type_id = properties.types.get(step)
        attrs = {
            "description": getattr(item, "Description", None),
            "materials": materials.get(step),
            "classification": classes.get(step),
            "systems": systems.get(step),
        }
        yield {
            "key": item.GlobalId,
            "source_row": step,
            "attrs": {k: v for k, v in attrs.items() if v},
            "global_id": item.GlobalId,
            "ifc_class": item.is_a(),
            "predefined_type": _predefined_type(item, type_id, model),
            "name": item.Name,
            "long_name": getattr(item, "LongName", None),
            "object_type": getattr(item, "ObjectType", None),
            "tag": getattr(item, "Tag", None),
            "type_name": None if type_id is None else model.by_id(type_id).Name,
            "parent_key": None if parent_id is None else model.by_id(parent_id).GlobalId,
            "building_key": None if building is None else building.GlobalId,
            "building_name": None if building is None else building.Name or building.LongName,
            "storey_key": None if storey is None else storey.GlobalId,
            "storey_name": None if storey is None else storey.Name or storey.LongName,
            "storey_elevation": None if storey_id is None else heights[storey_id],
            "psets": properties.of(step),
        }


def not_drawn(kept: list[Any], file: str) -> tuple[Finding, ...]:
    """An info finding (IFC-08) that counts what is kept without anything to draw."""
    count = Counter(e.is_a() for e in kept if any(e.is_a(c) for c in NOT_DRAWN))
    if not count:
        return ()
    shown = ", ".join(f"{n} {name}" for name, n in sorted(count.items()))
    en = f"{file}: kept as data without a body: {shown}."
    zh = f"{file}：以下对象仅保存属性、不建实体：{shown}。"
    return (Finding("IFC-08", Severity.INFO, Place(file), zh, en, found=shown),)


def _circle(item: Any, file: str) -> RefusedError:
    what = f"{item.is_a()} {item.GlobalId} '{item.Name or ''}'"
    return refuse(
        "IFC-02",
        file,
        row=item.id(),
        element=item.GlobalId,
        found="a circle",
        expected="a tree",
        en=f"{file}: {what} contains itself through its parts. Correct the structure of project, "
        "site, building and storeys in the authoring tool and export again.",
        zh=f"{file}：{what} 经由其组成部分又包含自身。请在建模软件中改正项目、场地、建筑、楼层的"
        "从属关系后重新导出。",
    )


def _storey_height(storey: Any, building: Any, unit: float, matrix: Matrix) -> float | None:
    """Height of the storey in the source's vertical datum, metres.

    The placement says it, unless the storey merely stands at its building's origin, as with
    exporters that give Elevation alone.
    """
    base = _origin(building, unit)
    own = _origin(storey, unit)
    at = own if own is not None else base
    above = None if storey.Elevation is None else float(storey.Elevation) * unit
    if above is not None and (own is None or (base is not None and own[2] == base[2])):
        at = (np.zeros(3) if base is None else base) + (0.0, 0.0, above)
    return None if at is None else float((matrix @ (*at, 1.0))[2])


def _origin(item: Any, unit: float) -> Matrix | None:
    if item is None or item.ObjectPlacement is None:
        return None
    placement = ifc_placement.get_local_placement(item.ObjectPlacement)
    return np.asarray(placement[:3, 3], dtype=np.float64) * unit


def _predefined_type(item: Any, type_id: int | None, model: ifcopenshell.file) -> str | None:
    """The occurrence's own predefined type, else its type's."""
    own = getattr(item, "PredefinedType", None)
    if own in (None, "NOTDEFINED") and type_id is not None:
        own = getattr(model.by_id(type_id), "PredefinedType", None) or own
    return own
