"""glTF 2.0 and GLB: the triangles of the default scene with their base colours.

What needs another decoder (meshopt, Draco, KTX2) is refused with a word on how to export. Positions
come out as glTF has them: metres, y up (glTF 2.0, 3.4).
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

from ingest.readers.mesh_raw import F64, I64, MeshFault, RawMaterial, RawMesh, find_beside

_TYPES: Final = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_READ: Final = {"KHR_mesh_quantization", "KHR_materials_unlit", "EXT_texture_webp"}
_DEEPEST: Final = 200
_TRIANGLES, _STRIP, _FAN = 4, 5, 6


class _Gltf:
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
                f"It requires {names}, which is not read. Export it without that compression.",
                f"该文件要求 {names}，暂不支持。请在导出时关闭该压缩。",
            )
        self.beside: list[Path] = []
        self._buffers: dict[int, bytes] = {}

    def view(self, number: int) -> bytes:
        view = self.json["bufferViews"][number]
        start = view.get("byteOffset", 0)
        return self._buffer(view["buffer"])[start : start + view["byteLength"]]

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

    def uri(self, uri: str) -> tuple[bytes | None, str]:
        """The bytes of a data URI or of a file beside, and the name that it has."""
        if uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2]), "data"
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
                data, name = self.uri(entry["uri"])
                if data is None:
                    raise MeshFault(
                        f"Its buffer {name} is missing. Deliver that file with it, or a GLB.",
                        f"缺少缓冲文件 {name}。请一并提交，或改交 GLB。",
                    )
                self._buffers[number] = data
        return self._buffers[number]

    def placed(self) -> Iterator[tuple[dict[str, Any], F64]]:
        """(mesh, matrix) of every node of the default scene."""
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
                yield self.json["meshes"][node["mesh"]], matrix
            todo += [(child, matrix, depth + 1) for child in node.get("children", [])]


def read_gltf(path: Path) -> RawMesh:
    """The mesh in ``path``. Raises :class:`MeshFault`, ValueError, KeyError, IndexError, OSError
    for a damaged file."""
    gltf = _Gltf(path)
    parts: list[tuple[F64, I64, np.ndarray | None, int]] = []
    coloured = single = False
    for mesh, matrix in gltf.placed():
        for primitive in mesh["primitives"]:
            mode = primitive.get("mode", _TRIANGLES)
            if mode not in (_TRIANGLES, _STRIP, _FAN):
                continue
            attributes = primitive["attributes"]
            local = gltf.accessor(attributes["POSITION"])
            single |= local.dtype == np.float32
            places = local.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
            if "indices" in primitive:
                flat = gltf.accessor(primitive["indices"])[:, 0].astype(np.int64)
            else:
                flat = np.arange(len(places))
            uv = attributes.get("TEXCOORD_0")
            coloured |= "COLOR_0" in attributes
            number = primitive.get("material", -1)
            parts.append(
                (places, _triangles(flat, mode), None if uv is None else gltf.accessor(uv), number)
            )
    return _joined(gltf, parts, coloured=coloured, single=single)


def _joined(
    gltf: _Gltf,
    parts: list[tuple[F64, I64, np.ndarray | None, int]],
    *,
    coloured: bool,
    single: bool,
) -> RawMesh:
    table, missing = _materials(gltf)
    places, faces, uvs, corners, materials = [], [], [], [], []
    count = uv_count = broken = 0
    for positions, triangles, uv, material in parts:
        good = (triangles < len(positions)).all(axis=1)
        broken += int((~good).sum())
        kept = triangles[good]
        places.append(positions)
        faces.append(kept + count)
        if uv is None:
            corners.append(np.full(kept.shape, -1))
        else:
            corners.append(kept + uv_count)
            uvs.append(uv.astype(np.float32))
            uv_count += len(uv)
        materials.append(np.full(len(kept), material % len(table)))
        count += len(positions)
    empty = np.empty((0, 3), np.int64)
    return RawMesh(
        np.concatenate(places) if places else np.empty((0, 3)),
        np.concatenate(faces) if faces else empty,
        np.concatenate(uvs) if uvs else np.empty((0, 2), np.float32),
        np.concatenate(corners) if corners else empty,
        np.concatenate(materials) if materials else np.empty(0, np.int64),
        table,
        up="y",
        single=single,
        missing=missing,
        beside=gltf.beside,
        coloured=coloured,
        broken=broken,
    )


def _materials(gltf: _Gltf) -> tuple[list[RawMaterial], list[str]]:
    """The materials and, last, that of primitives without one."""
    out = []
    for at, entry in enumerate(gltf.json.get("materials", [])):
        pbr = entry.get("pbrMetallicRoughness", {})
        linear = np.clip(np.array(pbr.get("baseColorFactor", [1, 1, 1, 1])[:3], np.float64), 0, 1)
        srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
        r, g, b = (int(v) for v in np.rint(srgb * 255))
        material = RawMaterial(entry.get("name") or f"material {at}", (r, g, b))
        if "baseColorTexture" in pbr:
            texture = gltf.json["textures"][pbr["baseColorTexture"]["index"]]
            webp = texture.get("extensions", {}).get("EXT_texture_webp", {})
            image = gltf.json["images"][webp.get("source", texture.get("source", 0))]
            if "bufferView" in image:
                material.data, material.texture = gltf.view(image["bufferView"]), f"image {at}"
            else:
                material.data, material.texture = gltf.uri(image["uri"])
        out.append(material)
    return [*out, RawMaterial("")], []


def _matrix(node: dict[str, Any]) -> F64:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    out = np.eye(4)
    out[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)), np.float64)
    out[:3, 3] = node.get("translation", (0, 0, 0))
    return out


def _triangles(flat: I64, mode: int) -> I64:
    if mode == _TRIANGLES:
        return flat[: len(flat) // 3 * 3].reshape(-1, 3)
    if len(flat) < 3:
        return np.empty((0, 3), np.int64)
    if mode == _FAN:
        rest = np.column_stack([flat[1:-1], flat[2:]])
        return np.column_stack([np.full(len(rest), flat[0]), rest])
    strip = np.column_stack([flat[:-2], flat[1:-1], flat[2:]])
    strip[1::2] = strip[1::2, [1, 0, 2]]
    return strip
