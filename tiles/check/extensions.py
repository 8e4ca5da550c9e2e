"""Extensions that a glTF or a tileset uses, compared with those that it lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from tiles.check.gltf import DRACO
from tiles.check.gltf_buffers import MESHOPT

JsonObject: TypeAlias = dict[str, Any]

QUANTIZATION: Final = "KHR_mesh_quantization"


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
