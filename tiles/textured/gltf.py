"""A patch → GLB: one primitive with one image, the same bytes for the same input.

As :mod:`tiles.gltf_primitive` writes it, with texture coordinates in 16 bits where positions are
quantised. Photographs hold their own light, so they are drawn as they are (KHR_materials_unlit);
what has plain colours only gets normals instead.
Images are WebP (EXT_texture_webp) in profiles with meshopt, else JPEG, or PNG where parts are
clear.
"""

from __future__ import annotations

import io
from typing import Any, Final, TypeAlias

import numpy as np
from PIL import Image

from tiles.compress import octahedral, quantise_normals, reorder, unit
from tiles.content import F32
from tiles.gltf import QUANTIZATION, Profile
from tiles.gltf_buffers import BYTE, FLOAT, UNSIGNED_INT, UNSIGNED_SHORT
from tiles.gltf_primitive import OnePrimitive
from tiles.mesh.crease import creased
from tiles.textured.patch import Patch

JsonObject: TypeAlias = dict[str, Any]

TRIANGLES: Final = 4
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
    file = OnePrimitive(profile)
    file.positions(positions[order])
    if normals is not None:
        _add_normals(file, normals[order])
    _add_texture_coordinates(file, uv[order])
    short = int(faces.max()) <= _LAST_SHORT
    indices = faces.ravel().astype("<u2" if short else "<u4")
    at = file.indices(indices, UNSIGNED_SHORT if short else UNSIGNED_INT)
    data, media_type = _image_bytes(patch.image, webp=profile.meshopt)
    webp = media_type == "image/webp"
    texture: JsonObject = {"sampler": 0}
    texture |= {"extensions": {WEBP: {"source": 0}}} if webp else {"source": 0}
    pbr = {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0}
    material: JsonObject = {"pbrMetallicRoughness": pbr, "doubleSided": True}
    if not lit:
        material["extensions"] = {UNLIT: {}}
    if patch.image.mode == "RGBA":
        material["alphaMode"] = "MASK"
    sampler = {"magFilter": _LINEAR, "minFilter": _MIPMAPPED, "wrapS": _CLAMP, "wrapT": _CLAMP}
    return file.glb(
        {"indices": at, "mode": TRIANGLES},
        material,
        used=[] if lit else [UNLIT],
        required=[QUANTIZATION] * profile.quantize + [WEBP] * webp,
        textures=[texture],
        samplers=[sampler],
        images=[{"bufferView": file.views.raw(data), "mimeType": media_type}],
    )


def _add_normals(file: OnePrimitive, normals: F32) -> None:
    if not file.profile.quantize:
        file.add("NORMAL", FLOAT, "VEC3", unit(normals))
    elif file.profile.meshopt:
        rows = octahedral(normals)
        file.add("NORMAL", BYTE, "VEC3", rows, octahedral=True, normalized=True)
    else:
        file.add("NORMAL", BYTE, "VEC3", quantise_normals(normals), normalized=True)


def _add_texture_coordinates(file: OnePrimitive, uv: F32) -> None:
    if not file.profile.quantize:
        file.add("TEXCOORD_0", FLOAT, "VEC2", uv.astype("<f4"))
        return
    rows = np.rint(np.clip(uv, 0, 1).astype(np.float64) * 65535).astype("<u2")
    file.add("TEXCOORD_0", UNSIGNED_SHORT, "VEC2", rows, normalized=True)


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
