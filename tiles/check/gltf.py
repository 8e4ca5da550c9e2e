"""Reads glTF 2.0 as others write it: geometry and feature ids, within a budget.

It shares no code with our writer. Anything a client would stumble over is raised as ValueError,
KeyError, IndexError or TypeError, which :mod:`tiles.check.content` turns into one finding.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import meshopt
import numpy as np
import numpy.typing as npt
import orjson

from tiles.check.draco import reader
from tiles.check.matrices import local_matrix, matrices_of
from tiles.content import F64

JsonObject: TypeAlias = dict[str, Any]
Array: TypeAlias = npt.NDArray[Any]

COMPONENTS: Final[dict[int, str]] = {
    5120: "<i1",
    5121: "<u1",
    5122: "<i2",
    5123: "<u2",
    5125: "<u4",
    5126: "<f4",
}
WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
MESHOPT: Final = ("EXT_meshopt_compression", "KHR_meshopt_compression")
DRACO: Final = "KHR_draco_mesh_compression"
_CORNERS: Final = {4: 3, 5: 1, 6: 1}  # indices a triangle takes: list, strip, fan


class BudgetError(ValueError):
    """The content is larger, decoded, than the check may hold."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """A primitive as drawn by one node.

    ``points`` (n, 3) in glTF coordinates, each instance's after the other. ``ids`` are (property
    table, feature ids used, stated featureCount).
    """

    points: F64
    triangles: int
    vertices: int
    copies: int
    ids: tuple[tuple[int | None, Array, int | None], ...]
    batch_ids: Array | None


def split_glb(data: bytes) -> tuple[JsonObject, bytes]:
    """JSON and BIN chunk of a GLB (glTF 2.0 section 4.4). Raises ValueError."""
    if len(data) < 20 or data[:4] != b"glTF":
        raise ValueError("no GLB header")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ValueError(f"GLB version {version}")
    if length > len(data) or len(data) - length >= 8:
        raise ValueError(f"a GLB of {len(data)} bytes whose header says {length}")
    size, kind = struct.unpack_from("<I4s", data, 12)
    if kind != b"JSON" or 20 + size > length:
        raise ValueError(f"a first chunk {kind!r} of {size} bytes")
    document = orjson.loads(data[20 : 20 + size])
    if not isinstance(document, dict):
        raise ValueError("a JSON chunk that is no object")
    at = 20 + size
    if at + 8 > length:
        return document, b""
    size, kind = struct.unpack_from("<I4s", data, at)
    if kind != b"BIN\0" or at + 8 + size > length:
        raise ValueError(f"a second chunk {kind!r} of {size} bytes")
    return document, data[at + 8 : at + 8 + size]


class Gltf:
    """A glTF document with its buffers; ``fetch`` gives the bytes of a buffer's URI."""

    def __init__(
        self,
        document: JsonObject,
        binary: bytes,
        fetch: Callable[[str], bytes],
        max_points: int,
        max_bytes: int,
    ) -> None:
        self.json = document
        self.binary = binary
        self._fetch = fetch
        self._points, self._bytes = max_points, max_bytes
        self._views: dict[int, bytes] = {}
        self._buffers: dict[int, bytes] = {}

    def meshes(self) -> Iterator[Mesh]:
        """Every primitive of the scene, in the order of its nodes."""
        scenes = self.json.get("scenes", [])
        roots = scenes[self.json.get("scene", 0)].get("nodes", []) if scenes else []
        stack = [(index, np.eye(4)) for index in reversed(roots)]
        seen: set[int] = set()
        while stack:
            index, above = stack.pop()
            if index in seen:
                raise ValueError(f"node {index} reached twice")
            seen.add(index)
            node = self.json["nodes"][index]
            matrix = above @ local_matrix(node)
            if "mesh" in node:
                for primitive in self.json["meshes"][node["mesh"]]["primitives"]:
                    yield self._mesh(node, primitive, matrix)
            stack += [(child, matrix) for child in reversed(node.get("children", []))]

    def view(self, index: int) -> bytes:
        """The bytes of a buffer view, decompressed."""
        if index not in self._views:
            self._views[index] = self._read_view(_at(self.json["bufferViews"], index))
        return self._views[index]

    def accessor(self, index: int) -> Array:
        """The elements of an accessor (n, width); normalised ones as float64, sparse ones whole."""
        spec = _at(self.json["accessors"], index)
        dtype, width = np.dtype(COMPONENTS[spec["componentType"]]), WIDTHS[spec["type"]]
        count = int(spec["count"])
        self._spend(points=count)
        if "bufferView" in spec:
            out = self._strided(spec["bufferView"], spec.get("byteOffset", 0), dtype, width, count)
        else:
            out = np.zeros((count, width), dtype)
        if "sparse" in spec:
            out = self._with_sparse(out.copy(), spec["sparse"], dtype, width)
        if spec.get("normalized") and dtype.kind in "iu":
            return np.maximum(out / np.iinfo(dtype).max, -1.0)
        return out

    def _strided(self, view: int, offset: int, dtype: Any, width: int, count: int) -> Array:
        stride = self.json["bufferViews"][view].get("byteStride", dtype.itemsize * width)
        data = self.view(view)
        need = offset + stride * (count - 1) + dtype.itemsize * width if count else 0
        if offset < 0 or stride < dtype.itemsize * width or need > len(data):
            raise ValueError(f"an accessor of {need} bytes in a view of {len(data)}")
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize))

    def _with_sparse(self, out: Array, sparse: JsonObject, dtype: Any, width: int) -> Array:
        where, values, count = sparse["indices"], sparse["values"], int(sparse["count"])
        kind = np.dtype(COMPONENTS[where["componentType"]])
        rows = self._strided(where["bufferView"], where.get("byteOffset", 0), kind, 1, count)
        out[rows[:, 0]] = self._strided(
            values["bufferView"], values.get("byteOffset", 0), dtype, width, count
        )
        return out

    def _read_view(self, view: JsonObject) -> bytes:
        extensions = view.get("extensions", {})
        packed = next((extensions[name] for name in MESHOPT if name in extensions), None)
        place = view if packed is None else packed
        start, length = place.get("byteOffset", 0), place["byteLength"]
        buffer = self._buffer(place["buffer"])
        if start < 0 or length < 0 or start + length > len(buffer):
            raise ValueError(f"a buffer view to byte {start + length} of {len(buffer)}")
        data = buffer[start : start + length]
        if packed is None:
            return data
        self._spend(size=packed["count"] * packed["byteStride"])
        decoded = meshopt.decode_gltf_buffer(
            data,
            packed["count"],
            packed["byteStride"],
            packed["mode"],
            packed.get("filter", "NONE"),
        )
        return bytes(decoded.tobytes())

    def _buffer(self, index: int) -> bytes:
        if index not in self._buffers:
            spec = _at(self.json["buffers"], index)
            uri = spec.get("uri")
            if uri is None:
                if index:
                    raise ValueError(f"buffer {index} without data")
                data = self.binary
            elif uri.startswith("data:"):
                data = base64.b64decode(uri.partition(",")[2], validate=True)
            else:
                data = self._fetch(uri)
            if len(data) < spec["byteLength"]:
                raise ValueError(f"a buffer of {len(data)} bytes, {spec['byteLength']} stated")
            self._buffers[index] = data
        return self._buffers[index]

    def _spend(self, points: int = 0, size: int = 0) -> None:
        if points < 0 or size < 0:
            raise ValueError("a negative count")
        self._points -= points
        self._bytes -= size
        if self._points < 0 or self._bytes < 0:
            raise BudgetError("more vertices or bytes than the limit")

    def _mesh(self, node: JsonObject, primitive: JsonObject, matrix: F64) -> Mesh:
        attributes = primitive["attributes"]
        position = _at(self.json["accessors"], attributes["POSITION"])
        vertices = int(position["count"])
        used = vertices
        if "indices" in primitive:
            used = int(_at(self.json["accessors"], primitive["indices"])["count"])
        mode = primitive.get("mode", 4)
        triangles = used // 3 if mode == 4 else max(used - 2, 0) if mode in _CORNERS else 0
        instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing")
        matrices, copies = matrix[None], 1
        placed: dict[str, Array] = {}
        if instancing is not None:
            placed = {k: self.accessor(v) for k, v in instancing["attributes"].items()}
            matrices = matrix @ matrices_of(placed)
            copies = len(matrices)
        read = self._reader(primitive)
        points = self._copied(self._drawn(primitive, attributes["POSITION"], read), matrices)
        ids = tuple(self._feature_ids(primitive, vertices, attributes, read))
        name = next((n for n in ("_BATCHID", "BATCHID") if n in attributes), None)
        batch_ids = None if name is None else np.unique(read(attributes[name]))
        if instancing is not None:
            ids += tuple(self._instance_ids(node, placed, copies))
        return Mesh(points, triangles * copies, vertices * copies, copies, ids, batch_ids)

    def _reader(self, primitive: JsonObject) -> Callable[[int], Array]:
        """What gives the elements of a primitive's accessors."""
        packed = primitive.get("extensions", {}).get(DRACO)
        if packed is None:
            return self.accessor
        accessors = self.json["accessors"]
        self._spend(points=int(_at(accessors, primitive["attributes"]["POSITION"])["count"]))
        return reader(self.view(packed["bufferView"]), primitive, packed, accessors)

    def _drawn(self, primitive: JsonObject, position: int, read: Callable[[int], Array]) -> F64:
        """Positions that an index names: others are not seen, wherever they lie."""
        points: F64 = read(position)[:, :3].astype(np.float64)
        if "indices" in primitive:
            indices = read(primitive["indices"])[:, 0]
            if len(indices) and int(indices.max()) >= len(points):
                raise ValueError(f"index {int(indices.max())} of {len(points)} vertices")
            used = np.zeros(len(points), dtype=bool)
            used[indices] = True
            points = points[used]
        if not np.isfinite(points).all():
            raise ValueError("a vertex that is not finite")
        return points

    def _copied(self, points: F64, matrices: F64) -> F64:
        """Every copy of ``points``, one after the other."""
        self._spend(points=len(points) * (len(matrices) - 1))
        turned = points @ np.swapaxes(matrices[:, :3, :3], 1, 2) + matrices[:, None, :3, 3]
        out: F64 = turned.reshape(-1, 3)
        return out

    def _feature_ids(
        self,
        primitive: JsonObject,
        vertices: int,
        attributes: JsonObject,
        read: Callable[[int], Array],
    ) -> Iterator[tuple[int | None, Array, int | None]]:
        spec = primitive.get("extensions", {}).get("EXT_mesh_features", {})
        for entry in spec.get("featureIds", []):
            if "attribute" in entry:
                values = read(attributes[f"_FEATURE_ID_{entry['attribute']}"])[:, 0]
            elif "texture" in entry:
                continue  # ids of a texture need the image decoded
            else:
                values = np.arange(vertices)
            yield _used(entry, values)

    def _instance_ids(
        self, node: JsonObject, placed: dict[str, Array], copies: int
    ) -> Iterator[tuple[int | None, Array, int | None]]:
        spec = node.get("extensions", {}).get("EXT_instance_features", {})
        for entry in spec.get("featureIds", []):
            if "attribute" in entry:
                values = placed[f"_FEATURE_ID_{entry['attribute']}"][:, 0]
            else:
                values = np.arange(copies)
            yield _used(entry, values)


def _used(entry: JsonObject, values: Array) -> tuple[int | None, Array, int | None]:
    used = np.unique(values).astype(np.int64)
    if "nullFeatureId" in entry:
        used = used[used != entry["nullFeatureId"]]
    return entry.get("propertyTable"), used, entry.get("featureCount")


def _at(items: list[Any], index: int) -> Any:
    """``items[index]`` where a negative index is an error, not the last one."""
    if not isinstance(index, int) or index < 0:
        raise IndexError(f"index {index!r}")
    return items[index]
