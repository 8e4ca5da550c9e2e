"""A glTF document while its parts are encoded; see :mod:`tiles.gltf` for frames and features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tiles.compress import Grid, fit_grid, octahedral, quantise, quantise_normals, reorder, unit
from tiles.content import F64, U32, Content, Instances, Material, Primitive
from tiles.gltf_buffers import (
    BYTE,
    FLOAT,
    MESHOPT,
    UNSIGNED_BYTE,
    UNSIGNED_INT,
    UNSIGNED_SHORT,
    JsonObject,
    Rows,
    Stream,
    Views,
    pack_glb,
)
from tiles.gltf_material import linear_bytes, material_json
from tiles.instances import unit_quaternions
from tiles.mesh.outline import outline
from tiles.mesh.ragged import extent
from tiles.metadata import property_table, schema
from tiles.profile import Profile

QUANTIZATION: Final = "KHR_mesh_quantization"
INSTANCING: Final = "EXT_mesh_gpu_instancing"
FEATURES: Final = "EXT_mesh_features"
INSTANCE_FEATURES: Final = "EXT_instance_features"
METADATA: Final = "EXT_structural_metadata"
DRACO: Final = "KHR_draco_mesh_compression"
OUTLINE: Final = "CESIUM_primitive_outline"

#: Column-major: ENU (x, y, z) → glTF (x, z, -y).
ENU_TO_Y_UP: Final = [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
_LAST_SHORT: Final = 65534  # 65535 restarts a primitive on some devices
LINES, TRIANGLES = 1, 4


class Document:
    """Collects the parts of one file while they are encoded."""

    def __init__(self, content: Content, profile: Profile) -> None:
        self._content = content
        self._profile = profile
        self._views = Views(meshopt=profile.meshopt)
        self._accessors: list[JsonObject] = []
        self._materials: dict[Material, int] = {}
        self._meshes: list[JsonObject] = []
        self._nodes: list[JsonObject] = [{"matrix": ENU_TO_Y_UP, "children": []}]
        self._used: set[str] = {METADATA} if content.columns else set()
        small = content.count <= 1 << 16
        self._short_ids = profile.quantize and small
        self._grid_positions = Stream(UNSIGNED_SHORT, "VEC3")
        self._positions = Stream(FLOAT, "VEC3")
        self._normals = Stream(BYTE if profile.quantize else FLOAT, "VEC3")
        self._colours = Stream(UNSIGNED_BYTE, "VEC4")
        self._ids = Stream(UNSIGNED_SHORT if self._short_ids else FLOAT, "SCALAR")
        self._triangles: list[tuple[U32, JsonObject]] = []
        self._lines: list[tuple[U32, JsonObject]] = []
        self._shared: dict[int, JsonObject] = {}  # by the identity of the positions
        self._places = {
            "TRANSLATION": Stream(FLOAT, "VEC3"),
            "ROTATION": Stream(FLOAT, "VEC4"),
            "SCALE": Stream(FLOAT, "VEC3"),
            "_FEATURE_ID_0": Stream(FLOAT, "SCALAR"),
        }

    def glb(self) -> bytes:
        """The file, once."""
        if self._content.primitives:
            self._add_mesh(self._content.primitives)
        for group in self._content.instances:
            self._add_instances(group)
        self._attach_streams()
        metadata: JsonObject | None = None
        if self._content.columns:
            metadata = {
                "schema": schema(self._content.class_name, self._content.columns),
                "propertyTables": [property_table(self._content, self._views.raw)],
            }
        return pack_glb(self._json(metadata), bytes(self._views.binary))

    def _add_mesh(self, primitives: Sequence[Primitive]) -> None:
        shared = {id(p.positions): p.positions for p in primitives}
        sides = np.array([extent(positions) for positions in shared.values()])
        low, high = sides[:, 0].min(axis=0), sides[:, 1].max(axis=0)
        grid = fit_grid(np.concatenate([low, high]))
        if grid is None or not self._profile.quantize:
            centre = np.rint((low + high) / 2)
            node: JsonObject = {"mesh": len(self._meshes), "translation": centre.tolist()}
        else:
            centre = np.zeros(3)
            node = {
                "mesh": len(self._meshes),
                "translation": list(grid.origin),
                "scale": [grid.step] * 3,
            }
        features = bool(self._content.columns)
        parts = [self._primitive(p, grid, centre, features=features) for p in primitives]
        self._meshes.append({"primitives": parts})
        self._add_node(node)
        if features:
            self._used.add(FEATURES)

    def _add_instances(self, group: Instances) -> None:
        parts = [self._primitive(p, None, np.zeros(3), features=False) for p in group.primitives]
        low, high = group.translations.min(axis=0), group.translations.max(axis=0)
        centre = np.rint((low + high) / 2)
        rows: dict[str, Rows] = {"TRANSLATION": (group.translations - centre).astype("<f4")}
        rotations = unit_quaternions(group).astype("<f4")
        if not np.array_equal(rotations, np.broadcast_to([0, 0, 0, 1], rotations.shape)):
            rows["ROTATION"] = rotations
        if (group.scales != 1).any():
            rows["SCALE"] = group.scales.astype("<f4")
        extensions: JsonObject = {}
        if self._content.columns:
            rows["_FEATURE_ID_0"] = group.feature_ids.astype("<f4")
            extensions[INSTANCE_FEATURES] = {"featureIds": [self._feature_ids(group.feature_ids)]}
        attributes = {key: self._accessor(self._places[key], rows[key]) for key in rows}
        extensions[INSTANCING] = {"attributes": attributes}
        node = {"mesh": len(self._meshes), "translation": centre.tolist()}
        self._add_node(node | {"extensions": extensions})
        self._meshes.append({"primitives": parts})
        self._used |= extensions.keys()

    def _primitive(
        self, shape: Primitive, grid: Grid | None, centre: F64, *, features: bool
    ) -> JsonObject:
        material = self._materials.setdefault(shape.material, len(self._materials))
        own: JsonObject = {"material": material, "mode": LINES if shape.lines else TRIANGLES}
        if self._profile.draco and not shape.lines:
            from tiles import gltf_draco  # its library takes 8 MB that other profiles never need

            self._used.add(DRACO)
            packed = gltf_draco.pack(shape, grid, centre, features=features)
            out = gltf_draco.primitive(packed, self._accessors, self._views.raw)
            if features:
                ids = self._feature_ids(shape.feature_ids[np.unique(shape.indices)])
                out["extensions"][FEATURES] = {"featureIds": [ids]}
            return own | out
        if not self._profile.quantize:
            grid = None
        indices = shape.indices.astype("<u4")
        if shape.ordered:
            vertices = self._shared.get(id(shape.positions))
            if vertices is None:
                vertices = self._vertices(shape, grid, centre, features=features)
                self._shared[id(shape.positions)] = vertices
        elif self._profile.meshopt and not shape.lines:
            indices, order = reorder(indices, len(shape.positions))
            shape = replace(
                shape,
                positions=shape.positions[order],
                normals=None if shape.normals is None else shape.normals[order],
                feature_ids=shape.feature_ids[order],
                colours=None if shape.colours is None else shape.colours[order],
            )
            vertices = self._vertices(shape, grid, centre, features=features)
        else:
            vertices = self._vertices(shape, grid, centre, features=features)
        accessor: JsonObject = {"type": "SCALAR", "count": indices.size}
        (self._lines if shape.lines else self._triangles).append((indices.ravel(), accessor))
        self._accessors.append(accessor)
        own["indices"] = len(self._accessors) - 1
        if self._profile.outlines and not shape.lines and not self._content.generalised:
            edges = outline(shape.positions, indices, shape.feature_ids)
            if len(edges):
                own["extensions"] = vertices.get("extensions", {}) | self._outline(edges)
        return vertices | own

    def _outline(self, edges: U32) -> JsonObject:
        """The extension of a primitive with the outline ``edges`` (k, 2) of its vertices."""
        accessor: JsonObject = {"type": "SCALAR", "count": edges.size}
        self._lines.append((edges.ravel(), accessor))
        self._accessors.append(accessor)
        self._used.add(OUTLINE)
        return {OUTLINE: {"indices": len(self._accessors) - 1}}

    def _vertices(
        self, shape: Primitive, grid: Grid | None, centre: F64, *, features: bool
    ) -> JsonObject:
        """Attributes and feature ids of a primitive."""
        if grid is None:
            rows: Rows = (shape.positions - centre).astype("<f4")
            attributes = {"POSITION": self._accessor(self._positions, rows, **_extent(rows))}
        else:
            rows = quantise(shape.positions, grid)
            extent = _extent(rows[:, :3])
            attributes = {"POSITION": self._accessor(self._grid_positions, rows, **extent)}
        if shape.normals is not None:
            attributes["NORMAL"] = self._add_normals(shape.normals)
        if shape.colours is not None:
            colours = linear_bytes(shape.colours)
            attributes["COLOR_0"] = self._accessor(self._colours, colours, normalized=True)
        out: JsonObject = {"attributes": attributes}
        if features:
            ids = shape.feature_ids
            attributes["_FEATURE_ID_0"] = self._accessor(self._ids, self._id_rows(ids))
            out["extensions"] = {FEATURES: {"featureIds": [self._feature_ids(ids)]}}
        return out

    def _add_normals(self, normals: Rows) -> int:
        if not self._profile.quantize:
            return self._accessor(self._normals, unit(normals.astype(np.float32)))
        pack = octahedral if self._profile.meshopt else quantise_normals
        rows = pack(normals.astype(np.float32))
        return self._accessor(self._normals, rows, normalized=True)

    def _id_rows(self, ids: U32) -> Rows:
        if not self._short_ids:
            return ids.astype("<f4")
        rows = np.zeros((len(ids), 2), dtype="<u2")  # padded: a vertex attribute starts on 4 bytes
        rows[:, 0] = ids
        return rows

    def _feature_ids(self, ids: U32) -> JsonObject:
        count = np.count_nonzero(np.bincount(ids))
        return {"featureCount": int(count), "attribute": 0, "propertyTable": 0}

    def _accessor(self, stream: Stream, rows: Rows, **extra: object) -> int:
        self._accessors.append(stream.add(rows, **extra))
        return len(self._accessors) - 1

    def _add_node(self, node: JsonObject) -> None:
        self._nodes[0]["children"].append(len(self._nodes))
        self._nodes.append(node)

    def _attach_streams(self) -> None:
        octahedral_rows = self._profile.quantize and self._profile.meshopt
        streams = (self._grid_positions, self._positions, self._normals, self._colours, self._ids)
        for stream in streams:
            if (rows := stream.rows()) is not None:
                packed = octahedral_rows and stream is self._normals
                stream.attach(self._views.attributes(rows, vertex=True, octahedral=packed))
        for stream in self._places.values():
            if (rows := stream.rows()) is not None:
                stream.attach(self._views.attributes(rows, vertex=False))
        self._attach_indices(self._triangles, lines=False)
        self._attach_indices(self._lines, lines=True)

    def _attach_indices(self, parts: list[tuple[U32, JsonObject]], *, lines: bool) -> None:
        if not parts:
            return
        short = all(int(indices.max()) <= _LAST_SHORT for indices, _ in parts)
        joined = np.concatenate([indices for indices, _ in parts])
        view = self._views.indices(joined.astype("<u2" if short else "<u4"), lines=lines)
        offset = 0
        for indices, accessor in parts:
            accessor |= {
                "bufferView": view,
                "byteOffset": offset,
                "componentType": UNSIGNED_SHORT if short else UNSIGNED_INT,
            }
            offset += indices.size * (2 if short else 4)

    def _json(self, metadata: JsonObject | None) -> JsonObject:
        required = []
        if self._profile.quantize:
            required.append(QUANTIZATION)
        if self._views.fallback:
            required.append(MESHOPT)
        required += self._used & {INSTANCING, DRACO}
        out: JsonObject = {
            "asset": {"version": "2.0", "generator": "cim-twin"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": self._nodes,
            "meshes": self._meshes,
            "materials": [material_json(material) for material in self._materials],
            "accessors": self._accessors,
            "bufferViews": self._views.views,
            "buffers": self._views.buffers(),
        }
        if metadata is not None:
            out["extensions"] = {METADATA: metadata}
        if used := sorted(self._used | set(required)):
            out["extensionsUsed"] = used
        if required:
            out["extensionsRequired"] = sorted(required)
        return out


def _extent(rows: Rows) -> JsonObject:
    low, high = extent(rows)
    return {"min": low, "max": high}
