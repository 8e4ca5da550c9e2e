"""Reads a GLB back: vertices in tile coordinates, feature ids and table rows.

For tests and checks. It shares no code with the writer beyond the extension
names that the specifications fix, and reads what they say, not what the writer happens to do.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeAlias

import meshopt
import numpy as np
import numpy.typing as npt
import orjson

from tiles.content import F64, U32
from tiles.errors import TilesetError

JsonObject: TypeAlias = dict[str, Any]
Array: TypeAlias = npt.NDArray[Any]

_COMPONENTS: Final[dict[int, str]] = {
    5120: "<i1",
    5121: "<u1",
    5122: "<i2",
    5123: "<u2",
    5125: "<u4",
    5126: "<f4",
}
_WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_SCALARS: Final[dict[str, str]] = {
    "INT8": "<i1",
    "UINT8": "<u1",
    "INT16": "<i2",
    "UINT16": "<u2",
    "INT32": "<i4",
    "UINT32": "<u4",
    "FLOAT32": "<f4",
    "FLOAT64": "<f8",
}
_MESHOPT: Final = "EXT_meshopt_compression"
_DRACO: Final = "KHR_draco_mesh_compression"
#: glTF y up → tileset z up: (x, y, z) → (x, -z, y).
_Z_UP: Final = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float64)

#: Stands for the feature ids of a file without any.
_NONE: Final[JsonObject] = {"featureIds": [{"featureCount": 1}]}


@dataclass(frozen=True, slots=True)
class Part:
    """Drawn triangles, or lines: ``positions`` (n, 3) and ``normals`` (n, 3; zero without any) in
    tile coordinates (z up); ``indices`` (m, 3), or (m, 2); ``feature_ids`` (n,); ``colours`` (n, 4)
    linear light 0..1, vertex times material."""

    material: str
    positions: F64
    normals: F64
    indices: U32
    feature_ids: U32
    colours: F64


class Glb:
    """A decoded GLB. Raises :class:`tiles.errors.TilesetError` for what is no GLB 2.0."""

    def __init__(self, data: bytes) -> None:
        self.json, self._binary = _chunks(data)
        self._views: dict[int, bytes] = {}

    def parts(self) -> list[Part]:
        """Everything drawn, instances written out one after the other."""
        out: list[Part] = []
        scene = self.json["scenes"][self.json.get("scene", 0)]
        for root in scene["nodes"]:
            self._visit(root, _Z_UP, out)
        return out

    def table(self) -> dict[str, list[Any]]:
        """The property table by column, missing values as None; what stands for features from afar
        has none, or one without ids, whose ``id`` is empty. Raises TilesetError."""
        metadata = self.json.get("extensions", {}).get("EXT_structural_metadata")
        if metadata is None:
            return {"id": []}
        tables = metadata["propertyTables"]
        if len(tables) != 1:
            raise _broken(f"{len(tables)} property tables", "exactly one", "属性表不止一个或缺失")
        schema, table = metadata["schema"], tables[0]
        out: dict[str, list[Any]] = {}
        for name, spec in schema["classes"][table["class"]]["properties"].items():
            place = table["properties"].get(name)
            if place is None:
                out[name] = [None] * table["count"]
                continue
            values = self._values(spec, place, table["count"], schema)
            out[name] = [None if value == spec.get("noData") else value for value in values]
        return out if "id" in out else {"id": [], **out}

    def view(self, index: int) -> bytes:
        """The bytes of a buffer view, decompressed."""
        if index not in self._views:
            self._views[index] = self._read_view(self.json["bufferViews"][index])
        return self._views[index]

    def accessor(self, index: int) -> Array:
        """The elements of an accessor (n, width), normalised ones as float64."""
        spec = self.json["accessors"][index]
        view = self.json["bufferViews"][spec["bufferView"]]
        dtype, width = np.dtype(_COMPONENTS[spec["componentType"]]), _WIDTHS[spec["type"]]
        stride = view.get("byteStride", dtype.itemsize * width)
        out: Array = np.ndarray(
            (spec["count"], width),
            dtype,
            self.view(spec["bufferView"]),
            spec.get("byteOffset", 0),
            (stride, dtype.itemsize),
        )
        if spec.get("normalized"):
            return np.maximum(out / np.iinfo(dtype).max, -1.0)
        return out

    def _read_view(self, view: JsonObject) -> bytes:
        packed = view.get("extensions", {}).get(_MESHOPT)
        place = view if packed is None else packed
        start = place.get("byteOffset", 0)
        data = self._binary[start : start + place["byteLength"]]
        if place["buffer"] != 0 or len(data) != place["byteLength"]:
            raise _broken("a buffer view beyond the file", "one within the BIN chunk", "数据被截断")
        if packed is None:
            return data
        return bytes(
            meshopt.decode_gltf_buffer(
                data,
                packed["count"],
                packed["byteStride"],
                packed["mode"],
                packed.get("filter", "NONE"),
            ).tobytes()
        )

    def _visit(self, index: int, above: F64, out: list[Part]) -> None:
        node = self.json["nodes"][index]
        matrix = above @ _local(node)
        if "mesh" in node:
            for primitive in self.json["meshes"][node["mesh"]]["primitives"]:
                out.append(self._part(node, primitive, matrix))
        for child in node.get("children", ()):
            self._visit(child, matrix, out)

    def _part(self, node: JsonObject, primitive: JsonObject, matrix: F64) -> Part:
        attributes, packed = primitive["attributes"], primitive.get("extensions", {}).get(_DRACO)
        read = self.accessor if packed is None else self._draco(primitive, packed)
        points = read(attributes["POSITION"]).astype(np.float64)
        normals = np.zeros_like(points)
        if "NORMAL" in attributes:
            normals = read(attributes["NORMAL"]).astype(np.float64)
        corners = 2 if primitive.get("mode", 4) == 1 else 3
        indices = read(primitive["indices"]).reshape(-1, corners).astype(np.uint32)
        extensions = node.get("extensions", {})
        places = extensions.get("EXT_mesh_gpu_instancing")
        if places is None:
            features = primitive.get("extensions", {}).get("EXT_mesh_features", _NONE)
            own = features["featureIds"][0]
            ids = self._ids(own, attributes, len(points), read)
            matrices = matrix[None]
        else:
            own = extensions.get("EXT_instance_features", _NONE)["featureIds"][0]
            placed = {key: self.accessor(at) for key, at in places["attributes"].items()}
            matrices = matrix @ _instance_matrices(placed)
            ids = self._ids(own, places["attributes"], len(matrices), self.accessor)
            ids = np.repeat(ids, len(points))
            starts = np.arange(len(matrices))[:, None, None] * len(points)
            indices = (indices[None] + starts).reshape(-1, corners).astype(np.uint32)
        if len(np.unique(ids)) != own["featureCount"]:
            raise _broken("another number of features", "featureCount", "featureCount 与内容不符")
        positions = points @ np.swapaxes(matrices[:, :3, :3], 1, 2) + matrices[:, None, :3, 3]
        turned = normals @ np.linalg.inv(matrices[:, :3, :3])
        turned /= np.maximum(np.linalg.norm(turned, axis=2, keepdims=True), 1e-30)
        material = self.json["materials"][primitive["material"]]
        colours = np.tile(material["pbrMetallicRoughness"]["baseColorFactor"], (len(points), 1))
        if "COLOR_0" in attributes:
            colours = colours * read(attributes["COLOR_0"])
        flat, slopes = positions.reshape(-1, 3), turned.reshape(-1, 3)
        colours = np.tile(colours, (len(matrices), 1))
        return Part(material["name"], flat, slopes, indices, ids.astype(np.uint32), colours)

    def _draco(self, primitive: JsonObject, packed: JsonObject) -> Callable[[int], Array]:
        """Reads the accessors of a primitive that is in KHR_draco_mesh_compression."""
        import DracoPy

        mesh = DracoPy.decode(self.view(packed["bufferView"]))
        found: dict[int, Array] = {primitive["indices"]: mesh.faces.reshape(-1, 1)}
        for name, number in packed["attributes"].items():
            at = primitive["attributes"][name]
            data = mesh.get_attribute_by_unique_id(number)["data"]
            found[at] = data / 255 if self.json["accessors"][at].get("normalized") else data
        for at, data in found.items():
            if len(data) != self.json["accessors"][at]["count"]:
                raise _broken(f"{len(data)} elements", "the accessor's count", "Draco 数据数量不符")
        return found.__getitem__

    def _ids(
        self, own: JsonObject, attributes: JsonObject, count: int, read: Callable[[int], Array]
    ) -> Array:
        """The feature of each of ``count`` vertices or instances; 0 in a file without features."""
        if "attribute" not in own:
            return np.zeros(count, np.uint32)
        return read(attributes[f"_FEATURE_ID_{own['attribute']}"])[:, 0]

    def _values(
        self, spec: JsonObject, place: JsonObject, count: int, schema: JsonObject
    ) -> list[Any]:
        data = self.view(place["values"])
        if spec["type"] == "STRING":
            kind = _SCALARS[place.get("stringOffsetType", "UINT32")]
            ends = np.frombuffer(self.view(place["stringOffsets"]), kind, count + 1).tolist()
            return [data[a:b].decode() for a, b in pairwise(ends)]
        if spec["type"] == "ENUM":
            entry = schema["enums"][spec["enumType"]]
            names = {value["value"]: value["name"] for value in entry["values"]}
            kind = _SCALARS[entry.get("valueType", "UINT16")]
            return [names[number] for number in np.frombuffer(data, kind, count).tolist()]
        numbers: list[Any] = np.frombuffer(data, _SCALARS[spec["componentType"]], count).tolist()
        return numbers


def _chunks(data: bytes) -> tuple[JsonObject, bytes]:
    if (
        len(data) < 20
        or data[:4] != b"glTF"
        or struct.unpack_from("<II", data, 4) != (2, len(data))
    ):
        raise _broken("another header or length", "a whole GLB 2.0", "不是完整的 GLB 2.0 文件")
    length, kind = struct.unpack_from("<I4s", data, 12)
    if kind != b"JSON" or 20 + length > len(data):
        raise _broken(f"chunk {kind!r}", "a JSON chunk first", "首个数据块不是 JSON")
    document: JsonObject = orjson.loads(data[20 : 20 + length])
    return document, data[28 + length :]


def _local(node: JsonObject) -> F64:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    matrices = _instance_matrices(
        {
            "TRANSLATION": np.array([node.get("translation", (0, 0, 0))]),
            "ROTATION": np.array([node.get("rotation", (0, 0, 0, 1))]),
            "SCALE": np.array([node.get("scale", (1, 1, 1))]),
        }
    )
    return matrices.reshape(4, 4)


def _instance_matrices(placed: dict[str, Array]) -> F64:
    """(k, 4, 4) from TRANSLATION, ROTATION (quaternion xyzw) and SCALE, each of which may lack."""
    count = max(len(values) for values in placed.values())
    out = np.broadcast_to(np.eye(4), (count, 4, 4)).copy()
    if "ROTATION" in placed:
        axis, w = placed["ROTATION"][:, :3].astype(np.float64), placed["ROTATION"][:, 3]
        # Rotate the unit axes: v + 2 q × (q × v + w v).
        basis = np.broadcast_to(np.eye(3), (count, 3, 3))
        inner = np.cross(axis[:, None], basis) + w[:, None, None] * basis
        out[:, :3, :3] = np.swapaxes(basis + 2 * np.cross(axis[:, None], inner), 1, 2)
    if "SCALE" in placed:
        out[:, :3, :3] *= placed["SCALE"].astype(np.float64)[:, None, :]
    if "TRANSLATION" in placed:
        out[:, :3, 3] = placed["TRANSLATION"]
    return out


def _broken(found: str, expected: str, zh: str) -> TilesetError:
    return TilesetError(
        f"A tile cannot be read back: found {found}, expected {expected}. Tile the layer again.",
        f"瓦片无法读回：{zh}。请重新切片该图层。",
    )
