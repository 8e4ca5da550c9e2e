"""KHR_draco_mesh_compression: a triangle primitive as one Draco buffer.

Draco writes positions and normals as floats again when it decodes, so accessors are of type FLOAT;
feature ids and colours are integers and stay exact. It has no form for lines and instances, which
stay uncompressed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import DracoPy
import numpy as np
import numpy.typing as npt

from tiles.compress import GRID_STEPS, Grid, unit
from tiles.content import F64, U8, U32, Primitive
from tiles.gltf_buffers import FLOAT, UNSIGNED_BYTE, UNSIGNED_INT, UNSIGNED_SHORT, JsonObject
from tiles.gltf_material import linear_bytes
from tiles.mesh.ragged import extent

#: Bits of a coordinate: 16 on the tile's grid, 24 where the tile is too wide for one.
_GRID_BITS, _WIDE_BITS = 16, 24
_NORMAL_BITS: Final = 8
#: From 7 on, Draco predicts normals from positions, which its integers are too small for at 20 bits
#: and more: corners then face backwards.
_LEVEL: Final = 6
#: Unique id that the feature ids get; the others are told apart by their type.
_FEATURES: Final = 1
_SHORT: Final = 65535
_ACCESSORS: Final[dict[str, JsonObject]] = {
    "POSITION": {"componentType": FLOAT, "type": "VEC3"},
    "NORMAL": {"componentType": FLOAT, "type": "VEC3"},
    "COLOR_0": {"componentType": UNSIGNED_BYTE, "type": "VEC4", "normalized": True},
    "_FEATURE_ID_0": {"componentType": UNSIGNED_SHORT, "type": "SCALAR"},
}
#: GeometryAttribute::Type of the Draco bitstream.
_SEMANTICS: Final = {0: "POSITION", 1: "NORMAL", 2: "COLOR_0"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A primitive in Draco's form, and what a decoder makes of it: ``positions`` from ``low`` to
    ``high`` and the number of ``vertices`` and ``indices``. ``ids`` are Draco's unique ids by glTF
    attribute; ``wide_ids`` says that feature ids are floats."""

    data: bytes
    ids: dict[str, int]
    vertices: int
    indices: int
    low: list[float]
    high: list[float]
    wide_ids: bool


def pack(shape: Primitive, grid: Grid | None, centre: F64, *, features: bool) -> Packed:
    """Triangles of ``shape`` relative to ``centre`` (3,), vertices that none uses left out.

    A position moves by half a step of ``grid`` at most, or by 1 in 10 million of the extent.
    """
    used, corners = np.unique(shape.indices, return_inverse=True)
    points = (shape.positions[used] - centre).astype(np.float32)
    generic = {_FEATURES: _ids(shape.feature_ids[used])} if features else None
    if grid is None:
        bits, span, origin = _WIDE_BITS, max(float(np.ptp(points, axis=0).max()), 1e-3), None
        origin = points.min(axis=0)
    else:
        bits, span = _GRID_BITS, grid.step * GRID_STEPS
        origin = np.array(grid.origin) - centre
    data = DracoPy.encode(
        points,
        corners.reshape(-1, 3).astype(np.uint32),
        quantization_bits=bits,
        compression_level=_LEVEL,
        quantization_range=span,
        quantization_origin=np.asarray(origin, np.float64),
        normals=None if shape.normals is None else unit(shape.normals[used]).astype(np.float64),
        colors=None if shape.colours is None else _colours(shape.colours[used]),
        generic_attributes=generic,
        normal_quantization_bits=_NORMAL_BITS,
    )
    found = DracoPy.decode(data)
    ids = {"_FEATURE_ID_0": _FEATURES} if features else {}
    for attribute in found.attributes:
        if attribute["attribute_type"] in _SEMANTICS:
            ids[_SEMANTICS[attribute["attribute_type"]]] = int(attribute["unique_id"])
    low, high = extent(found.points)
    wide = bool(generic) and int(shape.feature_ids[used].max()) > _SHORT
    return Packed(data, ids, len(found.points), found.faces.size, low, high, wide)


def _ids(ids: U32) -> npt.NDArray[np.generic]:
    kind = np.uint16 if int(ids.max()) <= _SHORT else np.float32
    return ids.astype(kind)[:, None]


def _colours(colours: U8) -> U8:
    return np.ascontiguousarray(linear_bytes(colours))


def primitive(
    packed: Packed, accessors: list[JsonObject], add_view: Callable[[bytes], int]
) -> JsonObject:
    """The glTF primitive of ``packed`` without material and features; appends to ``accessors``."""
    attributes = {}
    for name in (name for name in _ACCESSORS if name in packed.ids):
        accessor = _ACCESSORS[name] | {"count": packed.vertices}
        if name == "POSITION":
            accessor |= {"min": packed.low, "max": packed.high}
        if name == "_FEATURE_ID_0" and packed.wide_ids:
            accessor["componentType"] = FLOAT
        attributes[name] = len(accessors)
        accessors.append(accessor)
    accessors.append({"componentType": UNSIGNED_INT, "type": "SCALAR", "count": packed.indices})
    view = {"bufferView": add_view(packed.data), "attributes": packed.ids}
    own = {"attributes": attributes, "indices": len(accessors) - 1}
    return own | {"extensions": {"KHR_draco_mesh_compression": view}}
