"""Reads tilesets as their specifications say, with nothing of ours: JSON, numpy, and the decoder of
meshoptimizer. What tests count with it does not depend on :mod:`tiles.inspect`."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import meshopt
import numpy as np
import numpy.typing as npt

Json = dict[str, Any]
Array = npt.NDArray[Any]

POINTS, TRIANGLES = 0, 4
_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_OFFSETS = {"UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8"}
_MESHOPT = "EXT_meshopt_compression"


@dataclass
class Counted:
    """What is drawn: how often a tile has each feature, points, and triangles of the tiles that
    nothing replaces and of all."""

    features: Counter[str] = field(default_factory=Counter)
    points: int = 0
    finest: int = 0
    triangles: int = 0
    contents: int = 0


def count(folder: Path) -> Counted:
    """Count what the contents of the tileset in ``folder`` draw."""
    out = Counted()
    for uri, finest in contents(folder):
        glb = Glb(read(folder / uri))
        out.contents += 1
        out.features.update(glb.features())
        out.points += glb.drawn(POINTS)
        triangles = glb.drawn(TRIANGLES)
        out.triangles += triangles
        out.finest += triangles if finest else 0
    return out


def read(path: Path) -> bytes:
    """A file that is gzipped at rest."""
    return gzip.decompress(path.with_name(path.name + ".gz").read_bytes())


def contents(folder: Path, name: str = "tileset.json") -> Iterator[tuple[str, bool]]:
    """The file of every content, and whether no tile is below its own."""

    def below(tile: Json) -> Iterator[tuple[str, bool]]:
        uri = tile.get("content", {}).get("uri")
        children = tile.get("children", [])
        if uri is not None and uri.endswith(".json"):
            yield from contents(folder, uri)
        elif uri is not None:
            yield uri, not children
        for child in children:
            yield from below(child)

    yield from below(json.loads(read(folder / name))["root"])


class Glb:
    """A binary glTF 2.0."""

    def __init__(self, data: bytes) -> None:
        length = int.from_bytes(data[12:16], "little")
        self.json: Json = json.loads(data[20 : 20 + length])
        self._binary = data[28 + length :]

    def drawn(self, mode: int) -> int:
        """Points or triangles, of each instance."""
        total = 0
        for node, primitive in self._primitives():
            if primitive.get("mode", TRIANGLES) == mode:
                at = primitive.get("indices", primitive["attributes"]["POSITION"])
                places = _extension(node, "EXT_mesh_gpu_instancing")
                times = 1 if not places else self._count(places["attributes"]["TRANSLATION"])
                total += times * self._count(at)
        return total // 3 if mode == TRIANGLES else total

    def features(self) -> list[str]:
        """``id`` of every row of the property table that something is drawn of."""
        tables = _extension(self.json, "EXT_structural_metadata").get("propertyTables", [])
        if not tables or "id" not in tables[0]["properties"]:
            return []
        (table,) = tables
        names = self._strings(table["properties"]["id"], table["count"])
        rows = [self._rows(node, primitive) for node, primitive in self._primitives()]
        return [names[row] for row in np.unique(np.concatenate(rows)).astype(int)]

    def _rows(self, node: Json, primitive: Json) -> Array:
        """Rows of the table that a primitive draws."""
        instanced = _extension(node, "EXT_instance_features")
        if instanced:
            (ids,) = instanced["featureIds"]
            attributes = _extension(node, "EXT_mesh_gpu_instancing")["attributes"]
            return self.accessor(attributes[f"_FEATURE_ID_{ids['attribute']}"]).ravel()
        (ids,) = _extension(primitive, "EXT_mesh_features")["featureIds"]
        rows = self.accessor(primitive["attributes"][f"_FEATURE_ID_{ids['attribute']}"]).ravel()
        return rows[self.accessor(primitive["indices"]).ravel()]

    def _primitives(self) -> Iterator[tuple[Json, Json]]:
        for scene in self.json["scenes"]:
            waiting = list(scene["nodes"])
            while waiting:
                node = self.json["nodes"][waiting.pop()]
                waiting += node.get("children", [])
                if "mesh" in node:
                    for primitive in self.json["meshes"][node["mesh"]]["primitives"]:
                        yield node, primitive

    def _strings(self, place: Json, rows: int) -> list[str]:
        kind = _OFFSETS[place.get("stringOffsetType", "UINT32")]
        ends = np.frombuffer(self._view(place["stringOffsets"]), kind, rows + 1)
        text = self._view(place["values"])
        return [text[ends[i] : ends[i + 1]].decode() for i in range(rows)]

    def _count(self, accessor: int) -> int:
        return int(self.json["accessors"][accessor]["count"])

    def accessor(self, number: int) -> Array:
        """The elements of an accessor, one a row."""
        about = self.json["accessors"][number]
        view = self.json["bufferViews"][about["bufferView"]]
        kind, width = np.dtype(_TYPES[about["componentType"]]), _WIDTHS[about["type"]]
        stride = view.get("byteStride", kind.itemsize * width)
        data = self._view(about["bufferView"])
        shape, steps = (about["count"], width), (stride, kind.itemsize)
        return np.ndarray(shape, kind, data, about.get("byteOffset", 0), steps)

    def _view(self, number: int) -> bytes:
        view = self.json["bufferViews"][number]
        packed = _extension(view, _MESHOPT)
        place = packed or view
        start = place.get("byteOffset", 0)
        data = self._binary[start : start + place["byteLength"]]
        if not packed:
            return data
        size, how = packed["byteStride"], packed.get("filter", "NONE")
        made = meshopt.decode_gltf_buffer(data, packed["count"], size, packed["mode"], how)
        return bytes(made.tobytes())


def _extension(holder: Json, name: str) -> Json:
    found: Json = holder.get("extensions", {}).get(name, {})
    return found
