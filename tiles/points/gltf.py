"""Points → GLB: quantised positions, colours and attributes, the same bytes for the same input.

Frames as in :mod:`tiles.gltf`. Positions lie on the grid of :mod:`tiles.compress` (half a step is
5 mm at most). A tile too wide for it has float32 from its centre, rounded to 1/128 m (4 mm).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from tiles.compress import fit_grid, quantise
from tiles.content import F64
from tiles.gltf import ENU_TO_Y_UP, METADATA, QUANTIZATION, Profile
from tiles.gltf_buffers import FLOAT, MESHOPT, UNSIGNED_SHORT, Rows, Views, pack_glb
from tiles.points.metadata import CLASS, NO_TIME
from tiles.points.record import Attributes, Records

JsonObject: TypeAlias = dict[str, Any]

UNSIGNED_BYTE: Final = 5121
POINTS: Final = 0
#: Parts of a metre that float positions, and of a second that times, are rounded to: what is zero
#: in all of them costs nothing.
_METRE_PARTS, _SECOND_PARTS = 128.0, 1024.0
#: What a cloud without colours is drawn in, linear.
_PLAIN: Final = [0.6, 0.6, 0.6, 1.0]


def encode_points(
    points: Records, layer: Attributes, schema: Mapping[str, Any], profile: Profile
) -> bytes:
    """The GLB of ``points`` (one or more) with the attributes that ``layer`` has; ``schema`` as
    :func:`tiles.points.metadata.schema` gives it."""
    file = _File(profile)
    file.add_positions(points["xyz"])
    if layer.colour:
        file.add("COLOR_0", UNSIGNED_BYTE, "VEC3", points["rgb"], normalized=True)
    properties: JsonObject = {"classification": {"attribute": "_CLASSIFICATION"}}
    file.add("_CLASSIFICATION", UNSIGNED_BYTE, "SCALAR", points["classification"])
    if layer.intensity:
        properties["intensity"] = {"attribute": "_INTENSITY"}
        file.add("_INTENSITY", UNSIGNED_SHORT, "SCALAR", points["intensity"])
    if layer.returns:
        properties["return_number"] = {"attribute": "_RETURN_NUMBER"}
        file.add("_RETURN_NUMBER", UNSIGNED_BYTE, "SCALAR", points["returns"])
    if layer.start is not None:
        known = np.isfinite(points["time"])
        first = float(np.floor(points["time"][known].min())) if known.any() else 0.0
        times = np.rint((points["time"] - first) * _SECOND_PARTS) / _SECOND_PARTS
        properties["gps_time"] = {"attribute": "_GPS_TIME", "offset": first}
        file.add("_GPS_TIME", FLOAT, "SCALAR", np.where(known, times, NO_TIME).astype("<f4"))
    metadata = {
        "schema": schema,
        "propertyAttributes": [{"class": CLASS, "properties": properties}],
    }
    colour = [1.0, 1.0, 1.0, 1.0] if layer.colour else _PLAIN
    return file.glb(metadata, colour)


class _File:
    """One primitive of points while it is put together."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._views = Views(meshopt=profile.meshopt)
        self._accessors: list[JsonObject] = []
        self._attributes: dict[str, int] = {}
        self._node: JsonObject = {"mesh": 0}
        self._quantised = False

    def add_positions(self, positions: F64) -> None:
        """The positions, and the node that places them."""
        low, high = positions.min(axis=0), positions.max(axis=0)
        grid = fit_grid(np.concatenate([low, high])) if self._profile.quantize else None
        if grid is None:
            centre = np.rint((low + high) / 2)
            near = positions - centre
            if self._profile.quantize:
                near = np.rint(near * _METRE_PARTS) / _METRE_PARTS
            rows: Rows = near.astype("<f4")
            self._node["translation"] = centre.tolist()
            self.add("POSITION", FLOAT, "VEC3", rows, **_extent(rows))
            return
        self._quantised = True
        self._node |= {"translation": list(grid.origin), "scale": [grid.step] * 3}
        rows = quantise(positions, grid)[:, :3]
        self.add("POSITION", UNSIGNED_SHORT, "VEC3", rows, **_extent(rows))

    def add(
        self,
        name: str,
        component: int,
        kind: Literal["SCALAR", "VEC3"],
        rows: Rows,
        **extra: object,
    ) -> None:
        """One vertex attribute (n,) or (n, k), padded to whole words."""
        rows = rows.reshape(len(rows), -1)
        width = -(-rows.itemsize * rows.shape[1] // 4) * 4 // rows.itemsize
        padded = np.zeros((len(rows), width), rows.dtype)
        padded[:, : rows.shape[1]] = rows
        view = self._views.attributes(padded, vertex=True)
        accessor: JsonObject = {"bufferView": view, "componentType": component, "type": kind}
        self._accessors.append(accessor | {"count": len(rows)} | extra)
        self._attributes[name] = len(self._accessors) - 1

    def glb(self, metadata: JsonObject, colour: list[float]) -> bytes:
        """The file."""
        required = [QUANTIZATION] * self._quantised + [MESHOPT] * self._profile.meshopt
        primitive: JsonObject = {
            "attributes": self._attributes,
            "material": 0,
            "mode": POINTS,
            "extensions": {METADATA: {"propertyAttributes": [0]}},
        }
        material = {"baseColorFactor": colour, "metallicFactor": 0.0, "roughnessFactor": 1.0}
        out: JsonObject = {
            "asset": {"version": "2.0", "generator": "cim-twin"},
            "extensionsUsed": sorted([METADATA, *required]),
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"matrix": ENU_TO_Y_UP, "children": [1]}, self._node],
            "meshes": [{"primitives": [primitive]}],
            "materials": [{"name": "points", "pbrMetallicRoughness": material}],
            "accessors": self._accessors,
            "bufferViews": self._views.views,
            "buffers": self._views.buffers(),
            "extensions": {METADATA: metadata},
        }
        if required:
            out["extensionsRequired"] = sorted(required)
        return pack_glb(out, bytes(self._views.binary))


def _extent(rows: Rows) -> JsonObject:
    return {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
