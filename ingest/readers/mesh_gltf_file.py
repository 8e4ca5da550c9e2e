"""A glTF 2.0 or GLB file: its JSON, accessors, images and nodes.

What needs another decoder (meshopt, Draco) is refused with a word on how to export.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import numpy as np

from ingest.readers.mesh_raw import F64, MeshFault, find_beside

INSTANCING: Final = "EXT_mesh_gpu_instancing"
TRANSFORM: Final = "KHR_texture_transform"
GLOSSINESS: Final = "KHR_materials_pbrSpecularGlossiness"
WEBP: Final = "EXT_texture_webp"
_READ: Final = {
    "KHR_mesh_quantization", "KHR_materials_unlit", INSTANCING, TRANSFORM, GLOSSINESS, WEBP
}  # fmt: skip
_TYPES: Final = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_DEEPEST: Final = 200
#: A node's or an instance's place where it has none.
_STILL: Final = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}


class Gltf:
    """The file at ``path``; ``beside`` are those that were read with it.

    Raises :class:`MeshFault` where it needs what is not read, ValueError, KeyError, struct.error
    for a damaged file, OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        data = path.read_bytes()
        self.binary = b""
        if data[:4] == b"glTF":
            (length,) = struct.unpack_from("<I", data, 12)
            text, rest = data[20 : 20 + length], data[20 + length :]
            if len(rest) >= 8:
                (size,) = struct.unpack_from("<I", rest)
                self.binary = rest[8 : 8 + size]
        else:
            text = data
        self.json: dict[str, Any] = json.loads(text)
        needed = set(self.json.get("extensionsRequired", [])) - _READ
        if needed:
            names = ", ".join(sorted(needed))
            raise MeshFault(
                f"It requires {names}, which is not read. Export it without: geometry not "
                "compressed, textures as JPEG or PNG.",
                f"该文件要求 {names}，暂不支持。请在导出时不使用该扩展：不压缩几何，"
                "纹理采用 JPEG 或 PNG。",
            )
        self.beside: list[Path] = []
        self._buffers: dict[int, bytes] = {}
        self._images: dict[int, tuple[bytes | None, str]] = {}

    def ignored(self) -> list[str]:
        """What the file has and a reader may do without, but that changes how it looks."""
        out = sorted(set(self.json.get("extensionsUsed", [])) - _READ)
        if any("emissiveTexture" in entry for entry in self.json.get("materials", [])):
            out.append("emissiveTexture")
        if self.json.get("skins"):
            out.append("skins")
        if any("weights" in entry for entry in self.json.get("meshes", [])):
            out.append("morph targets")
        return out

    def accessor(self, number: int) -> np.ndarray:
        """(count, width) values; normalised integers as 0..1 or -1..1."""
        entry = self.json["accessors"][number]
        kind, width = np.dtype(_TYPES[entry["componentType"]]), _WIDTHS[entry["type"]]
        count = int(entry["count"])
        if "sparse" in entry:
            raise MeshFault("It has sparse accessors. Bake its geometry.", "含稀疏访问器。请烘焙。")
        if "bufferView" not in entry:
            return np.zeros((count, width))
        view = self.json["bufferViews"][entry["bufferView"]]
        row = kind.itemsize * width
        stride = view.get("byteStride", row)
        start = view.get("byteOffset", 0) + entry.get("byteOffset", 0)
        data = self._buffer(view["buffer"])
        if count < 1 or start + stride * (count - 1) + row > len(data):
            raise ValueError(f"accessor {number} reaches beyond its buffer")
        raw = np.ndarray((count, width), kind, data, start, (stride, kind.itemsize))
        if not entry.get("normalized"):
            return raw
        top = float(np.iinfo(kind).max)
        return np.maximum(raw.astype(np.float64) / top, -1.0)

    def image(self, number: int) -> tuple[bytes | None, str]:
        """The bytes of an image, None where its file is not there, and what it goes by."""
        if number not in self._images:
            entry = self.json["images"][number]
            if "bufferView" in entry:
                view = self.json["bufferViews"][entry["bufferView"]]
                start = view.get("byteOffset", 0)
                data = self._buffer(view["buffer"])[start : start + view["byteLength"]]
                self._images[number] = data, f"image {number}"
            else:
                self._images[number] = self._uri(entry["uri"], f"image {number}")
        return self._images[number]

    def placed(self) -> Iterator[tuple[dict[str, Any], F64]]:
        """(mesh, matrices (k, 4, 4)) of every node of the default scene that has a mesh; k is 1
        but for instances."""
        nodes = self.json.get("nodes", [])
        scenes = self.json.get("scenes", [])
        roots = scenes[self.json.get("scene", 0)].get("nodes", []) if scenes else range(len(nodes))
        todo = [(root, np.eye(4), 0) for root in roots]
        while todo:
            number, above, depth = todo.pop()
            if depth > _DEEPEST:
                raise ValueError("nodes form a circle")
            node = nodes[number]
            matrix = above @ _matrix(node)
            if "mesh" in node:
                yield self.json["meshes"][node["mesh"]], matrix @ self._instances(node)
            todo += [(child, matrix, depth + 1) for child in node.get("children", [])]

    def _instances(self, node: dict[str, Any]) -> F64:
        """(k, 4, 4) matrices of a node's instances (EXT_mesh_gpu_instancing)."""
        named = node.get("extensions", {}).get(INSTANCING, {}).get("attributes", {})
        if not named:
            return np.eye(4)[None]
        count = len(self.accessor(next(iter(named.values()))))
        values = {
            key: self.accessor(named[key.upper()]) if key.upper() in named else [still] * count
            for key, still in _STILL.items()
        }
        return _placements(**values)

    def _uri(self, uri: str, embedded: str) -> tuple[bytes | None, str]:
        """The bytes of a data URI or of a file beside, and what it goes by."""
        if uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2]), embedded
        name = unquote(uri)
        found = find_beside(self.path, name)
        if found is None:
            return None, name
        self.beside.append(found)
        return found.read_bytes(), name

    def _buffer(self, number: int) -> bytes:
        if number not in self._buffers:
            entry = self.json["buffers"][number]
            if "uri" not in entry:
                self._buffers[number] = self.binary
            else:
                data, name = self._uri(entry["uri"], f"buffer {number}")
                if data is None:
                    raise MeshFault(
                        f"Its buffer {name} is missing. Deliver that file with it, or a GLB.",
                        f"缺少缓冲文件 {name}。请一并提交，或改交 GLB。",
                    )
                self._buffers[number] = data
        return self._buffers[number]


def _matrix(node: dict[str, Any]) -> F64:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    out: F64 = _placements(**{key: [node.get(key, still)] for key, still in _STILL.items()})[0]
    return out


def _placements(translation: Any, rotation: Any, scale: Any) -> F64:
    """(k, 4, 4) of translations (k, 3), quaternions (k, 4) and scales (k, 3)."""
    x, y, z, w = np.array(rotation, np.float64).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    out = np.tile(np.eye(4), (len(x), 1, 1))
    out[:, :3, :3] = np.moveaxis(np.array(rows), 2, 0) * np.array(scale, np.float64)[:, None, :]
    out[:, :3, 3] = translation
    return out
