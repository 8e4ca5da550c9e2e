"""A GLB of one primitive while it is put together: points, or a surface with one image.

Frames as in :mod:`tiles.gltf`. With quantisation, positions lie on the grid of
:mod:`tiles.compress`; what is too wide for it has float32 from its centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from tiles.compress import fit_grid, quantise
from tiles.content import F64
from tiles.gltf import ENU_TO_Y_UP, QUANTIZATION, Profile
from tiles.gltf_buffers import FLOAT, MESHOPT, UNSIGNED_SHORT, Rows, Views, pack_glb

JsonObject: TypeAlias = dict[str, Any]


class OnePrimitive:
    """The primitive's attributes and accessors, and the buffer ``views`` that they lie in.

    ``names`` are the attributes that it has so far, ``quantised`` tells whether its positions are.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.views = Views(meshopt=profile.meshopt)
        self.names: dict[str, int] = {}
        self.quantised = False
        self._accessors: list[JsonObject] = []
        self._node: JsonObject = {"mesh": 0}

    def positions(self, positions: F64, parts: float | None = None) -> None:
        """Positions (n, 3), ENU metres, and the node that places them; floats of a profile with
        quantisation are rounded to ``parts`` of a metre, so that zeros in all of them cost little.
        """
        low, high = positions.min(axis=0), positions.max(axis=0)
        grid = fit_grid(np.concatenate([low, high])) if self.profile.quantize else None
        if grid is None:
            centre = np.rint((low + high) / 2)
            near = positions - centre
            if self.profile.quantize and parts is not None:
                near = np.rint(near * parts) / parts
            rows: Rows = near.astype("<f4")
            self._node["translation"] = centre.tolist()
            self.add("POSITION", FLOAT, "VEC3", rows, **_extent(rows))
            return
        self.quantised = True
        self._node |= {"translation": list(grid.origin), "scale": [grid.step] * 3}
        rows = quantise(positions, grid)[:, :3]
        self.add("POSITION", UNSIGNED_SHORT, "VEC3", rows, **_extent(rows))

    def add(
        self,
        name: str,
        component: int,
        kind: Literal["SCALAR", "VEC2", "VEC3"],
        rows: Rows,
        *,
        octahedral: bool = False,
        **more: object,
    ) -> None:
        """A vertex attribute (n,) or (n, k), padded to words; ``more`` is for its accessor."""
        rows = rows.reshape(len(rows), -1)
        width = -(-rows.itemsize * rows.shape[1] // 4) * 4 // rows.itemsize
        padded = np.zeros((len(rows), width), rows.dtype)
        padded[:, : rows.shape[1]] = rows
        view = self.views.attributes(padded, vertex=True, octahedral=octahedral)
        self.names[name] = self._accessor(view, component, kind, len(rows), **more)

    def indices(self, indices: Rows, component: int) -> int:
        """Flat indices of triangles; the number of their accessor."""
        return self._accessor(self.views.indices(indices), component, "SCALAR", len(indices))

    def glb(
        self,
        primitive: JsonObject,
        material: JsonObject,
        *,
        used: Sequence[str] = (),
        required: Sequence[str] = (),
        **more: object,
    ) -> bytes:
        """The file of the ``primitive``, to which its attributes are added, and its one material.

        ``used`` are extensions that a client may do without and ``required`` others, beside those
        of the encoding; ``more`` are further members of the glTF.
        """
        needed = {*required}
        needed |= {QUANTIZATION} if self.quantised else set()
        needed |= {MESHOPT} if self.profile.meshopt else set()
        out: JsonObject = {
            "asset": {"version": "2.0", "generator": "cim-twin"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"matrix": ENU_TO_Y_UP, "children": [1]}, self._node],
            "meshes": [{"primitives": [{"attributes": self.names, "material": 0} | primitive]}],
            "materials": [material],
            "accessors": self._accessors,
            "bufferViews": self.views.views,
            "buffers": self.views.buffers(),
        }
        if used or needed:
            out["extensionsUsed"] = sorted({*used, *needed})
        if needed:
            out["extensionsRequired"] = sorted(needed)
        return pack_glb(out | more, bytes(self.views.binary))

    def _accessor(self, view: int, component: int, kind: str, count: int, **more: object) -> int:
        one: JsonObject = {"bufferView": view, "componentType": component, "type": kind}
        self._accessors.append(one | {"count": count} | more)
        return len(self._accessors) - 1


def _extent(rows: Rows) -> JsonObject:
    return {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
