"""Property sets and quantities of IFC objects as plain values, a type's under its occurrence's.

Relations are read once for the whole model and each set once however many elements share it.
Lengths, areas and volumes become metres, square metres and cubic metres; other measures stay in
the project's units.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import ifcopenshell
import ifcopenshell.util.unit as ifc_unit

Values = dict[str, Any]

_MEASURES: Final = {
    "IfcLengthMeasure": "LENGTHUNIT",
    "IfcPositiveLengthMeasure": "LENGTHUNIT",
    "IfcNonNegativeLengthMeasure": "LENGTHUNIT",
    "IfcAreaMeasure": "AREAUNIT",
    "IfcVolumeMeasure": "VOLUMEUNIT",
    "IfcQuantityLength": "LENGTHUNIT",
    "IfcQuantityArea": "AREAUNIT",
    "IfcQuantityVolume": "VOLUMEUNIT",
}
#: Complex properties may nest; a file in which they nest in a circle must end too.
_DEPTH: Final = 6


class Properties:
    """The property sets and quantities of every object in ``model``, by step id."""

    def __init__(self, model: ifcopenshell.file) -> None:
        kinds = sorted(set(_MEASURES.values()))
        self._scales = {kind: ifc_unit.calculate_unit_scale(model, kind) for kind in kinds}
        self._model = model
        self._sets: dict[int, tuple[str, Values] | None] = {}
        self._of_object: dict[int, list[int]] = defaultdict(list)
        self.types: dict[int, int] = {}
        for relation in model.by_type("IfcRelDefinesByProperties"):
            definition = relation.RelatingPropertyDefinition
            # IFC4's IfcPropertySetDefinitionSet wraps several definitions in one value.
            wrapped = getattr(definition, "wrappedValue", None)
            definitions = [definition] if wrapped is None else list(wrapped)
            for related in relation.RelatedObjects or ():
                self._of_object[related.id()] += [d.id() for d in definitions if d is not None]
        for relation in model.by_type("IfcRelDefinesByType"):
            for related in relation.RelatedObjects or ():
                self.types[related.id()] = relation.RelatingType.id()

    def of(self, step: int) -> dict[str, Values]:
        """{set: {property: value}} of the object with step id ``step``, its type's included."""
        result: dict[str, Values] = {}
        type_id = self.types.get(step)
        if type_id is not None:
            for definition in getattr(self._model.by_id(type_id), "HasPropertySets", None) or ():
                self._merge(result, definition.id())
        for definition_id in self._of_object.get(step, ()):
            self._merge(result, definition_id)
        return result

    def _merge(self, result: dict[str, Values], definition_id: int) -> None:
        if definition_id not in self._sets:
            self._sets[definition_id] = self._read(self._model.by_id(definition_id))
        found = self._sets[definition_id]
        if found is not None:
            name, values = found
            result[name] = {**result.get(name, {}), **values}

    def _read(self, definition: Any) -> tuple[str, Values] | None:
        name = definition.Name or definition.is_a()
        if definition.is_a("IfcPropertySet"):
            return name, dict(self._values(definition.HasProperties or (), 0))
        if definition.is_a("IfcElementQuantity"):
            return name, dict(self._values(definition.Quantities or (), 0))
        if definition.is_a("IfcPropertySetDefinition"):  # predefined: plain attributes
            skip = {"id", "type", "GlobalId", "OwnerHistory", "Name", "Description"}
            info = definition.get_info(include_identifier=False)
            return name, {k: plain(v) for k, v in info.items() if k not in skip and v is not None}
        return None

    def _values(self, properties: Any, depth: int) -> Iterator[tuple[str, Any]]:
        for item in properties:
            name = str(item.Name)
            if item.is_a("IfcPropertySingleValue"):
                yield name, self._measure(item.NominalValue, item.Unit)
            elif item.is_a("IfcPropertyEnumeratedValue"):
                yield name, [self._measure(v, None) for v in item.EnumerationValues or ()]
            elif item.is_a("IfcPropertyListValue"):
                yield name, [self._measure(v, item.Unit) for v in item.ListValues or ()]
            elif item.is_a("IfcPropertyBoundedValue"):
                bounds = (item.LowerBoundValue, item.UpperBoundValue)
                yield name, [self._measure(v, item.Unit) for v in bounds]
            elif item.is_a("IfcPropertyTableValue"):
                keys = [self._measure(v, item.DefiningUnit) for v in item.DefiningValues or ()]
                values = [self._measure(v, item.DefinedUnit) for v in item.DefinedValues or ()]
                yield name, [list(pair) for pair in zip(keys, values, strict=False)]
            elif item.is_a("IfcPropertyReferenceValue"):
                yield name, plain(item.PropertyReference)
            elif item.is_a("IfcPhysicalSimpleQuantity"):
                yield name, self._scaled(item[3], item.is_a(), item.Unit)
            elif depth < _DEPTH:  # IfcComplexProperty, IfcPhysicalComplexQuantity
                parts = getattr(item, "HasProperties", None) or getattr(item, "HasQuantities", ())
                yield name, dict(self._values(parts or (), depth + 1))

    def _measure(self, value: Any, unit: Any) -> Any:
        if value is None:
            return None
        return self._scaled(value.wrappedValue, value.is_a(), unit)

    def _scaled(self, value: Any, measure: str, unit: Any) -> Any:
        kind = _MEASURES.get(measure)
        if kind is None or not isinstance(value, int | float):
            return plain(value)
        scale = self._scales[kind] if unit is None else ifc_unit.get_unit_scale(unit)
        return plain(value * scale)


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it; an entity as its name, or its class and step id."""
    if isinstance(value, ifcopenshell.entity_instance):
        wrapped = getattr(value, "wrappedValue", None)
        if wrapped is not None:
            return plain(wrapped)
        return getattr(value, "Name", None) or f"{value.is_a()} #{value.id()}"
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def assigned_names(model: ifcopenshell.file, relation: str, attribute: str) -> dict[int, list[str]]:
    """What a kind of relation assigns to each object, by name."""
    found: dict[int, list[str]] = defaultdict(list)
    for link in model.by_type(relation):
        target = getattr(link, attribute)
        if target is None:
            continue
        names = _material_names(target) if attribute == "RelatingMaterial" else [_label(target)]
        for related in link.RelatedObjects or ():
            found[related.id()] += names
    return found


def _label(target: Any) -> str:
    code = getattr(target, "Identification", None) or getattr(target, "ItemReference", None)
    return " ".join(part for part in (code, getattr(target, "Name", None)) if part) or str(
        plain(target)
    )


def _material_names(material: Any) -> list[str]:
    """Names of a material, or of the parts of a layered, profiled or constituent one."""
    if material.is_a("IfcMaterialLayerSetUsage"):
        material = material.ForLayerSet
    elif material.is_a("IfcMaterialProfileSetUsage"):
        material = material.ForProfileSet
    for attribute in ("MaterialLayers", "MaterialProfiles", "MaterialConstituents", "Materials"):
        parts = getattr(material, attribute, None)
        if parts:
            inner = [getattr(part, "Material", part) for part in parts]
            return [str(m.Name) for m in inner if m is not None and getattr(m, "Name", None)]
    name = getattr(material, "Name", None)
    return [str(name)] if name else []
