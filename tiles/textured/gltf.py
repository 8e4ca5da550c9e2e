"""A patch → GLB: one primitive with one image, the same bytes for the same input.

Frames as in :mod:`tiles.gltf`. With quantisation, positions lie on the grid of
:mod:`tiles.compress` and texture coordinates in 16 bits. Photographs hold their own light, so they
are drawn as they are (KHR_materials_unlit); what has plain colours only gets normals instead.
Images are WebP (EXT_texture_webp) in profiles with meshopt, else JPEG, or PNG where parts are
clear.
"""

from __future__ import annotations

import io
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from PIL import Image

from tiles.compress import fit_grid, octahedral, quantise, quantise_normals, reorder, unit
from tiles.content import F32, F64, U32
from tiles.gltf import ENU_TO_Y_UP, QUANTIZATION, Profile
from tiles.gltf_buffers import (
    BYTE,
    FLOAT,
    MESHOPT,
    UNSIGNED_INT,
    UNSIGNED_SHORT,
    Rows,
    Views,
    pack_glb,
)
from tiles.mesh.crease import creased
from tiles.textured.patch import Patch

JsonObject: TypeAlias = dict[str, Any]

UNLIT: Final = "KHR_materials_unlit"
WEBP: Final = "EXT_texture_webp"
_QUALITY: Final = 80
#: How hard WebP tries: half the time of its default, for one to four bytes more in a hundred.
_EFFORT: Final = 2
_LAST_SHORT: Final = 65534  # 65535 restarts a primitive on some devices
_LINEAR, _MIPMAPPED, _CLAMP = 9729, 9987, 33071


def encode_patch(patch: Patch, profile: Profile, *, lit: bool) -> bytes:
    """The GLB of ``patch``; ``lit`` gives it normals and a lit material."""
    positions, uv, faces = patch.positions, patch.uv, patch.faces
    normals: F32 | None = None
    if lit:
        source, normals, corners, _ = creased(positions, faces)
        positions, uv, faces = positions[source], uv[source], corners.astype(np.uint32)
    faces, order = reorder(faces, len(positions))
    file = _File(profile)
    file.positions(positions[order])
    if normals is not None:
        file.normals(normals[order])
    file.texture_coordinates(uv[order])
    return file.glb(faces, patch.image)


class _File:
    """One primitive while it is put together."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._views = Views(meshopt=profile.meshopt)
        self._accessors: list[JsonObject] = []
        self._attributes: dict[str, int] = {}
        self._node: JsonObject = {"mesh": 0}

    def positions(self, positions: F64) -> None:
        """The positions, and the node that places them."""
        low, high = positions.min(axis=0), positions.max(axis=0)
        grid = fit_grid(np.concatenate([low, high])) if self._profile.quantize else None
        if grid is None:
            centre = np.rint((low + high) / 2)
            rows: Rows = (positions - centre).astype("<f4")
            self._node["translation"] = centre.tolist()
            self._add("POSITION", FLOAT, "VEC3", rows, rows)
            return
        self._node |= {"translation": list(grid.origin), "scale": [grid.step] * 3}
        rows = quantise(positions, grid)
        self._add("POSITION", UNSIGNED_SHORT, "VEC3", rows, rows[:, :3])

    def normals(self, normals: F32) -> None:
        """Unit normals of the vertices."""
        if not self._profile.quantize:
            self._add("NORMAL", FLOAT, "VEC3", unit(normals))
        elif self._profile.meshopt:
            self._add("NORMAL", BYTE, "VEC3", octahedral(normals), octahedral=True)
        else:
            self._add("NORMAL", BYTE, "VEC3", quantise_normals(normals))

    def texture_coordinates(self, uv: F32) -> None:
        """Texture coordinates, 0..1."""
        if not self._profile.quantize:
            self._add("TEXCOORD_0", FLOAT, "VEC2", uv.astype("<f4"))
            return
        rows = np.rint(np.clip(uv, 0, 1).astype(np.float64) * 65535).astype("<u2")
        self._add("TEXCOORD_0", UNSIGNED_SHORT, "VEC2", rows)

    def glb(self, faces: U32, image: Image.Image) -> bytes:
        """The file."""
        short = int(faces.max()) <= _LAST_SHORT
        indices = faces.ravel().astype("<u2" if short else "<u4")
        component = UNSIGNED_SHORT if short else UNSIGNED_INT
        accessor: JsonObject = {"bufferView": self._views.indices(indices), "type": "SCALAR"}
        self._accessors.append(accessor | {"componentType": component, "count": len(indices)})
        data, media_type = _image_bytes(image, webp=self._profile.meshopt)
        view = self._views.raw(data)
        texture: JsonObject = {"sampler": 0, "source": 0}
        required = [QUANTIZATION] * self._profile.quantize + [MESHOPT] * self._profile.meshopt
        if media_type == "image/webp":
            texture = {"sampler": 0, "extensions": {WEBP: {"source": 0}}}
            required.append(WEBP)
        lit = "NORMAL" in self._attributes
        pbr = {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0}
        material: JsonObject = {"pbrMetallicRoughness": pbr, "doubleSided": True}
        if not lit:
            material["extensions"] = {UNLIT: {}}
        if image.mode == "RGBA":
            material["alphaMode"] = "MASK"
        primitive = {
            "attributes": self._attributes,
            "indices": len(self._accessors) - 1,
            "material": 0,
            "mode": 4,
        }
        sampler = {"magFilter": _LINEAR, "minFilter": _MIPMAPPED, "wrapS": _CLAMP, "wrapT": _CLAMP}
        out: JsonObject = {
            "asset": {"version": "2.0", "generator": "cim-twin"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"matrix": ENU_TO_Y_UP, "children": [1]}, self._node],
            "meshes": [{"primitives": [primitive]}],
            "materials": [material],
            "textures": [texture],
            "samplers": [sampler],
            "images": [{"bufferView": view, "mimeType": media_type}],
            "accessors": self._accessors,
            "bufferViews": self._views.views,
            "buffers": self._views.buffers(),
        }
        if used := sorted([*required, *([] if lit else [UNLIT])]):
            out["extensionsUsed"] = used
        if required:
            out["extensionsRequired"] = sorted(required)
        return pack_glb(out, bytes(self._views.binary))

    def _add(
        self,
        name: str,
        component: int,
        kind: Literal["VEC2", "VEC3"],
        rows: Rows,
        extent: Rows | None = None,
        *,
        octahedral: bool = False,
    ) -> None:
        view = self._views.attributes(rows, vertex=True, octahedral=octahedral)
        accessor: JsonObject = {"bufferView": view, "componentType": component, "type": kind}
        accessor["count"] = len(rows)
        if extent is not None:
            accessor |= {"min": extent.min(axis=0).tolist(), "max": extent.max(axis=0).tolist()}
        elif component != FLOAT:
            accessor["normalized"] = True
        self._accessors.append(accessor)
        self._attributes[name] = len(self._accessors) - 1


def _image_bytes(image: Image.Image, *, webp: bool) -> tuple[bytes, str]:
    out = io.BytesIO()
    if webp:
        image.save(out, "WEBP", quality=_QUALITY, method=_EFFORT)
        return out.getvalue(), "image/webp"
    if image.mode == "RGBA":
        image.save(out, "PNG")
        return out.getvalue(), "image/png"
    image.save(out, "JPEG", quality=_QUALITY + 4)
    return out.getvalue(), "image/jpeg"
