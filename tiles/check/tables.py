"""Ids of features: property tables of EXT_structural_metadata and batch tables of 3D Tiles 1.0."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from tiles.check.gltf import Gltf

JsonObject: TypeAlias = dict[str, Any]
U64 = npt.NDArray[np.uint64]

#: Names under which ids are found where no property has the semantic ID.
ID_NAMES: Final = ("id", "uuid", "guid", "globalid", "gml_id", "gmlid", "feature_id", "fid")
METADATA: Final = "EXT_structural_metadata"
_BYTES: Final = {
    "INT8": "<i1",
    "UINT8": "<u1",
    "INT16": "<i2",
    "UINT16": "<u2",
    "INT32": "<i4",
    "UINT32": "<u4",
    "INT64": "<i8",
    "UINT64": "<u8",
    "FLOAT32": "<f4",
    "FLOAT64": "<f8",
}
_ELEMENTS: Final = {
    "SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16
}  # fmt: skip
_BATCH_TYPES: Final = {
    "BYTE": "<i1",
    "UNSIGNED_BYTE": "<u1",
    "SHORT": "<i2",
    "UNSIGNED_SHORT": "<u2",
    "INT": "<i4",
    "UNSIGNED_INT": "<u4",
    "FLOAT": "<f4",
    "DOUBLE": "<f8",
}


def property_tables(gltf: Gltf) -> list[JsonObject]:
    """The property tables of a glTF, empty if it has none."""
    found = gltf.json.get("extensions", {}).get(METADATA, {}).get("propertyTables", [])
    return list(found)


def other_classes(gltf: Gltf) -> set[str]:
    """Classes that vertices and textures of a glTF have values of."""
    metadata = gltf.json.get("extensions", {}).get(METADATA, {})
    held = (metadata.get(key, []) for key in ("propertyAttributes", "propertyTextures"))
    return {str(one["class"]) for holders in held for one in holders}


def hashes(values: list[Any]) -> U64:
    """A 64-bit hash of every id; a collision among ten million ids has a chance of 3e-6."""
    out: U64 = pd.util.hash_array(np.array([str(value) for value in values], dtype=object))
    return out


def table_ids(gltf: Gltf, table: JsonObject) -> list[Any] | None:
    """The ids of a property table's rows, or None where no property holds ids.

    Numbers that only count the rows of this table are none.
    """
    properties, _ = _schema(gltf, table)
    for name, spec in _by_rank(properties):
        place = table.get("properties", {}).get(name)
        if place is None or spec.get("array"):
            continue
        count = int(table["count"])
        if spec["type"] == "STRING":
            data = gltf.view(place["values"])
            kind = _BYTES[place.get("stringOffsetType", "UINT32")]
            ends = np.frombuffer(gltf.view(place["stringOffsets"]), kind, count + 1).tolist()
            return [data[a:b].decode() for a, b in pairwise(ends)]
        if spec["type"] == "SCALAR" and "INT" in spec.get("componentType", ""):
            kind = _BYTES[spec["componentType"]]
            numbers: list[Any] = np.frombuffer(gltf.view(place["values"]), kind, count).tolist()
            return None if _counts(numbers) else numbers
    return None


def faults(gltf: Gltf, table: JsonObject) -> Iterator[tuple[str, str]]:
    """(found, expected) for columns whose bytes do not hold ``count`` rows; none is told where the
    schema is a file of its own, which the columns alone do not explain."""
    if "schemaUri" in gltf.json["extensions"][METADATA]:
        return
    properties, enums = _schema(gltf, table)
    count = int(table["count"])
    for name, place in table.get("properties", {}).items():
        spec = properties.get(name)
        if spec is None:
            yield f"a column {name!r} that its class does not have", "columns of the class"
            continue
        size = _row_bytes(spec, enums)
        length = len(gltf.view(place["values"]))
        if spec["type"] == "STRING" and not spec.get("array"):
            kind = np.dtype(_BYTES[place.get("stringOffsetType", "UINT32")])
            offsets = gltf.view(place["stringOffsets"])
            if len(offsets) < (count + 1) * kind.itemsize:
                yield f"{name}: {len(offsets)} bytes of offsets", f"{count + 1} offsets"
                continue
            ends = np.frombuffer(offsets, kind, count + 1).astype(np.int64)
            if (np.diff(ends) < 0).any() or int(ends[-1]) > length:
                yield f"{name}: offsets to byte {int(ends.max())} of {length}", "rising offsets"
        elif size is not None and length < np.ceil(size * count):
            yield f"{name}: {length} bytes", f"{count} rows of {size:g} bytes"


def value_faults(gltf: Gltf, table: JsonObject) -> Iterator[tuple[str, str]]:
    """(found, expected) for columns whose bytes hold ``count`` rows, but not what the class
    demands: required properties, and numbers that its enums have."""
    properties, enums = _schema(gltf, table)
    columns = table.get("properties", {})
    for name, spec in properties.items():
        if name not in columns:
            if spec.get("required"):
                yield f"no column {name!r}", "every required property of the class"
            continue
        size = _row_bytes(spec, enums)
        if spec["type"] != "ENUM" or size is None:
            continue
        enum = enums.get(spec["enumType"], {})
        data = gltf.view(columns[name]["values"])[: int(size * int(table["count"]))]
        numbers = np.unique(np.frombuffer(data, _BYTES[enum.get("valueType", "UINT16")]))
        listed = [one["value"] for one in enum.get("values", [])]
        unknown = numbers[~np.isin(numbers, listed)].tolist()
        if unknown:
            shown = ", ".join(map(str, unknown[:3]))
            yield f"{name}: {shown} ({len(unknown)})", f"values of the enum {spec['enumType']}"


def batch_ids(table: JsonObject, binary: bytes, count: int) -> list[Any] | None:
    """The ids of a batch table's rows (3D Tiles 1.0, batch table), or None; see :func:`table_ids`.

    Raises ValueError.
    """
    named = {name.lower(): name for name in table}
    key = next((named[name] for name in ID_NAMES if name in named), None)
    if key is None:
        return None
    values = table[key]
    if isinstance(values, dict) and values.get("type") == "SCALAR":
        kind = _BATCH_TYPES[values["componentType"]]
        values = np.frombuffer(binary, kind, count, values.get("byteOffset", 0)).tolist()
    return None if not isinstance(values, list) or _counts(values) else values


def batch_faults(table: JsonObject, binary: bytes, count: int) -> Iterator[tuple[str, str]]:
    """(found, expected) for columns of a batch table that do not hold ``count`` rows."""
    for name, values in table.items():
        if name in ("extensions", "extras", "HIERARCHY"):
            continue
        if isinstance(values, list) and len(values) != count:
            yield f"{name}: {len(values)} values", f"{count} rows"
        elif isinstance(values, dict) and "byteOffset" in values:
            size = np.dtype(_BATCH_TYPES[values["componentType"]]).itemsize
            end = values["byteOffset"] + size * _ELEMENTS[values["type"]] * count
            if end > len(binary):
                yield f"{name}: values to byte {end} of {len(binary)}", f"{count} rows"


def _counts(values: list[Any]) -> bool:
    """Whether ``values`` are 0, 1, 2 … or 1, 2, 3 …, as every tile may have them."""
    return any(values == list(range(start, start + len(values))) for start in (0, 1))


def _schema(gltf: Gltf, table: JsonObject) -> tuple[JsonObject, JsonObject]:
    schema = gltf.json["extensions"][METADATA].get("schema", {})
    classes = schema.get("classes", {})
    return classes.get(table["class"], {}).get("properties", {}), schema.get("enums", {})


def _by_rank(properties: JsonObject) -> list[tuple[str, JsonObject]]:
    """Properties that may hold ids: by semantic first, then by name."""
    rank = {name: at for at, name in enumerate(ID_NAMES)}
    found = [
        (-1 if spec.get("semantic") == "ID" else rank.get(name.lower(), len(rank)), name, spec)
        for name, spec in properties.items()
    ]
    found = [entry for entry in found if entry[0] < len(rank)]
    return [(name, spec) for _, name, spec in sorted(found, key=lambda entry: entry[0])]


def _row_bytes(spec: JsonObject, enums: JsonObject) -> float | None:
    """Bytes of a row of fixed size, None where rows vary."""
    if spec.get("array") and "count" not in spec:
        return None
    times = int(spec.get("count", 1)) if spec.get("array") else 1
    if spec["type"] == "BOOLEAN":
        return times / 8
    if spec["type"] == "ENUM":
        kind = enums.get(spec["enumType"], {}).get("valueType", "UINT16")
        return float(times * np.dtype(_BYTES[kind]).itemsize)
    if spec["type"] in _ELEMENTS:
        size = np.dtype(_BYTES[spec["componentType"]]).itemsize
        return float(times * size * _ELEMENTS[spec["type"]])
    return None
