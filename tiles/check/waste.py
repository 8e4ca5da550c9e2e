"""What a glTF carries or lists beyond need: unused bytes and accessors, extensions not declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np

from tiles.check.gltf import DRACO, Gltf
from tiles.check.gltf_buffers import MESHOPT

JsonObject: TypeAlias = dict[str, Any]

QUANTIZATION: Final = "KHR_mesh_quantization"
#: Bytes between buffer views that alignment explains.
_PADDING: Final = 8
_TABLE_VIEWS: Final = ("values", "stringOffsets", "arrayOffsets")


def unused_accessors(document: JsonObject) -> list[int]:
    """Accessors that no primitive, instance, skin or animation names."""
    used: set[int] = set()
    for mesh in document.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            used.update(primitive.get("attributes", {}).values())
            used.add(primitive.get("indices", -1))
            for target in primitive.get("targets", []):
                used.update(target.values())
            used.update(_named(primitive.get("extensions", {}), "indices", "ids"))
    for node in document.get("nodes", []):
        instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {})
        used.update(instancing.get("attributes", {}).values())
    used.update(_named(document.get("skins", []), "inverseBindMatrices"))
    used.update(_named(document.get("animations", []), "input", "output"))
    used.update(_named(document.get("extensions", {}), "accessor", "accessors"))
    return [at for at in range(len(document.get("accessors", []))) if at not in used]


def unused_bytes(gltf: Gltf) -> int:
    """Bytes of the BIN chunk in views nobody refers to, or in no view at all."""
    document = gltf.json
    used = set(_named({k: v for k, v in document.items() if k != "bufferViews"}, "bufferView"))
    metadata = document.get("extensions", {}).get("EXT_structural_metadata", {})
    for table in metadata.get("propertyTables", []):
        for place in table.get("properties", {}).values():
            used.update(place[name] for name in _TABLE_VIEWS if name in place)
    spans = []
    for at, view in enumerate(document.get("bufferViews", [])):
        packed = view.get("extensions", {})
        place = next((packed[name] for name in MESHOPT if name in packed), view)
        if at in used and place["buffer"] == 0:
            start = place.get("byteOffset", 0)
            spans.append((start, start + place["byteLength"]))
    if not gltf.binary:
        return 0
    edges = np.array([(0, 0), *sorted(spans), (len(gltf.binary),) * 2], dtype=np.int64)
    gaps = edges[1:, 0] - np.maximum.accumulate(edges[:-1, 1])
    return int(gaps[gaps > _PADDING].sum())


def extension_faults(document: JsonObject) -> Iterator[tuple[str, str, str]]:
    """(code, extension, list it belongs in) for what ``extensionsUsed`` and ``-Required`` say."""
    listed = set(document.get("extensionsUsed", []))
    required = set(document.get("extensionsRequired", []))
    used = extensions_in(document)
    if _quantised(document):
        used.add(QUANTIZATION)
    for name in sorted(used - listed):
        yield "TSC-51", name, "extensionsUsed"
    for name in sorted(_needed(document, used) - required):
        yield "TSC-52", name, "extensionsRequired"
    for name in sorted((listed | required) - used):
        if name != QUANTIZATION:  # allowed, not used, where all happen to be floats
            yield "TSC-53", name, "extensions that are used"


def extensions_in(value: Any) -> set[str]:
    """Every key of an ``extensions`` object anywhere below ``value``."""
    found: set[str] = set()
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            inner = node.get("extensions")
            if isinstance(inner, dict):
                found.update(inner)
            stack.extend(v for k, v in node.items() if k != "extras")
        elif isinstance(node, list):
            stack.extend(node)
    return found


def _needed(document: JsonObject, used: set[str]) -> set[str]:
    """Extensions without which a client shows nothing or something else."""
    needed = used & {QUANTIZATION, "CESIUM_RTC"}
    buffers = document.get("buffers", [])
    for at, buffer in enumerate(buffers):
        for name in MESHOPT:
            fallback = buffer.get("extensions", {}).get(name, {}).get("fallback")
            if fallback and "uri" not in buffer and at:
                needed.add(name)
    for mesh in document.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            if DRACO in primitive.get("extensions", {}):
                accessors = [*primitive["attributes"].values(), primitive.get("indices")]
                data = [document["accessors"][a] for a in accessors if a is not None]
                if not all("bufferView" in accessor for accessor in data):
                    needed.add(DRACO)
    for texture in document.get("textures", []):
        if "source" not in texture:
            needed.update(texture.get("extensions", {}))
    return needed


def _quantised(document: JsonObject) -> bool:
    accessors = document.get("accessors", [])
    for mesh in document.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            attributes = primitive.get("attributes", {})
            named = [attributes[n] for n in ("POSITION", "NORMAL", "TANGENT") if n in attributes]
            if any(accessors[at]["componentType"] != 5126 for at in named):
                return True
    return False


def _named(value: Any, *keys: str) -> Iterator[int]:
    """Every integer (or list of them) under one of ``keys`` anywhere below ``value``."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            for key, inner in node.items():
                if key in keys and isinstance(inner, int):
                    yield inner
                else:
                    stack.append(inner)
        elif isinstance(node, list):
            stack.extend(node)
