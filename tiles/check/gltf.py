"""Reads glTF 2.0 as others write it: geometry and feature ids, within a budget.

It shares no code with our writer. Anything a client would stumble over is raised as ValueError,
KeyError, IndexError or TypeError, which :mod:`tiles.check.content` turns into one finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tiles.check.bounds import extent_fault
from tiles.check.draco import reader
from tiles.check.gltf_buffers import Buffers, element
from tiles.check.matrices import local_matrix, matrices_of
from tiles.content import F64

JsonObject: TypeAlias = dict[str, Any]
Array: TypeAlias = npt.NDArray[Any]

DRACO: Final = "KHR_draco_mesh_compression"
_CORNERS: Final = {4: 3, 5: 1, 6: 1}  # indices a triangle takes: list, strip, fan


@dataclass(frozen=True, slots=True)
class Mesh:
    """A primitive as drawn by one node.

    ``points`` (n, 3) in glTF coordinates, each instance's after the other; ``dots`` of them are
    drawn as points. ``named`` (n,) tells which vertices of the accessor ``position`` are drawn;
    ``extent`` are the extents that it states and has, where they differ.
    ``ids`` are (property table, feature ids used, stated featureCount); those of a texture are not
    known (None).
    """

    points: F64
    triangles: int
    dots: int
    vertices: int
    copies: int
    position: int
    named: Array
    extent: tuple[str, str] | None
    ids: tuple[tuple[int | None, Array | None, int | None], ...]
    batch_ids: Array | None


class Gltf(Buffers):
    """A glTF document with what it draws."""

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

    def _mesh(self, node: JsonObject, primitive: JsonObject, matrix: F64) -> Mesh:
        attributes = primitive["attributes"]
        position = element(self.json["accessors"], attributes["POSITION"])
        vertices = int(position["count"])
        used = vertices
        if "indices" in primitive:
            used = int(element(self.json["accessors"], primitive["indices"])["count"])
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
        everything: F64 = read(attributes["POSITION"])[:, :3].astype(np.float64)
        drawn, named = self._drawn(primitive, everything, read)
        points = self._copied(drawn, matrices)
        ids = (*self._feature_ids(primitive, vertices, attributes, read),)
        name = next((n for n in ("_BATCHID", "BATCHID") if n in attributes), None)
        batch_ids = None if name is None else np.unique(read(attributes[name]))
        if instancing is not None:
            ids += tuple(self._instance_ids(node, placed, copies))
        dots = used * copies if mode == 0 else 0
        return Mesh(
            points=points,
            triangles=triangles * copies,
            dots=dots,
            vertices=vertices * copies,
            copies=copies,
            position=attributes["POSITION"],
            named=named,
            extent=extent_fault(position, everything),
            ids=ids,
            batch_ids=batch_ids,
        )

    def _reader(self, primitive: JsonObject) -> Callable[[int], Array]:
        """What gives the elements of a primitive's accessors."""
        packed = primitive.get("extensions", {}).get(DRACO)
        if packed is None:
            return self.accessor
        accessors = self.json["accessors"]
        self.spend(points=int(element(accessors, primitive["attributes"]["POSITION"])["count"]))
        return reader(self.view(packed["bufferView"]), primitive, packed, accessors)

    def _drawn(
        self, primitive: JsonObject, points: F64, read: Callable[[int], Array]
    ) -> tuple[F64, Array]:
        """Those of ``points`` that an index names, and which these are: others are not seen,
        wherever they lie."""
        used = np.ones(len(points), dtype=bool)
        if "indices" in primitive:
            indices = read(primitive["indices"])[:, 0]
            if len(indices) and int(indices.max()) >= len(points):
                raise ValueError(f"index {int(indices.max())} of {len(points)} vertices")
            used[:] = False
            used[indices] = True
            points = points[used]
        if not np.isfinite(points).all():
            raise ValueError("a vertex that is not finite")
        return points, used

    def _copied(self, points: F64, matrices: F64) -> F64:
        """Every copy of ``points``, one after the other."""
        if not np.isfinite(matrices).all():
            raise ValueError("an instance whose place or size is not finite")
        self.spend(points=len(points) * (len(matrices) - 1))
        turned = points @ np.swapaxes(matrices[:, :3, :3], 1, 2) + matrices[:, None, :3, 3]
        out: F64 = turned.reshape(-1, 3)
        return out

    def _feature_ids(
        self,
        primitive: JsonObject,
        vertices: int,
        attributes: JsonObject,
        read: Callable[[int], Array],
    ) -> Iterator[tuple[int | None, Array | None, int | None]]:
        spec = primitive.get("extensions", {}).get("EXT_mesh_features", {})
        for entry in spec.get("featureIds", []):
            if "attribute" in entry:
                values = read(attributes[f"_FEATURE_ID_{entry['attribute']}"])[:, 0]
            elif "texture" in entry:
                yield entry.get("propertyTable"), None, None  # that needs the image decoded
                continue
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
