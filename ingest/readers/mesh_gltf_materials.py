"""Materials of glTF as images and colours (glTF 2.0, 3.9; KHR_texture_transform;
KHR_materials_pbrSpecularGlossiness)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ingest.readers.mesh_gltf_file import GLOSSINESS, TRANSFORM, WEBP, Gltf
from ingest.readers.mesh_raw import F32, F64, RawMaterial
from models.texturedmesh import Look

_WRAPS: Final = {33071: "clamp", 33648: "mirror"}
_WHOLE: Final = (1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A material, the attribute with its texture coordinates, and the matrix (2, 3) that takes
    these to the image."""

    material: RawMaterial
    attribute: str
    matrix: F64

    def coordinates(self, uv: np.ndarray) -> F32:
        """(n, 2) places in the image of the attribute's values."""
        out: F64 = uv[:, :2].astype(np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]
        return out.astype(np.float32)


def materials(gltf: Gltf) -> list[Shown]:
    """The materials and, last, that of primitives without one.

    Raises :class:`ingest.readers.mesh_raw.MeshFault`, ValueError, KeyError, IndexError for a
    damaged file, OSError.
    """
    entries = gltf.json.get("materials", [])
    found = [_material(gltf, entry, number) for number, entry in enumerate(entries)]
    return [*found, Shown(RawMaterial(""), "TEXCOORD_0", np.eye(2, 3))]


def _material(gltf: Gltf, entry: dict[str, Any], number: int) -> Shown:
    pbr = entry.get("pbrMetallicRoughness", {})
    factor, texture = pbr.get("baseColorFactor", _WHOLE), pbr.get("baseColorTexture")
    if GLOSSINESS in entry.get("extensions", {}):  # which goes before, as it says
        pbr = entry["extensions"][GLOSSINESS]
        factor, texture = pbr.get("diffuseFactor", _WHOLE), pbr.get("diffuseTexture")
    linear = np.clip(np.array(factor, np.float64).reshape(4), 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    r, g, b, _ = (int(v) for v in np.rint(srgb * 255))
    material = RawMaterial(entry.get("name") or f"material {number}", (r, g, b))
    mode = entry.get("alphaMode", "OPAQUE")
    material.translucent = mode == "BLEND" and (texture is not None or linear[3] < 1)
    if texture is None:
        return Shown(material, "TEXCOORD_0", np.eye(2, 3))
    told = gltf.json["textures"][texture["index"]]
    source = _source(told)
    if source is None:
        material.texture = f"texture {texture['index']}"
    else:
        material.data, material.texture = gltf.image(source)
    sampler: dict[str, Any] = gltf.json["samplers"][told["sampler"]] if "sampler" in told else {}
    cut = float(entry.get("alphaCutoff", 0.5))
    # Of BLEND only the image's alpha counts (MSH-17): a tinted pane is no hole.
    alpha = float(linear[3]) * 0.5 / cut if mode == "MASK" and cut > 0 else 1.0
    material.look = Look(
        (*linear[:3].tolist(), alpha),
        clear=mode == "BLEND" or (mode == "MASK" and cut > 0),
        wrap=tuple(_WRAPS.get(sampler.get(name, 0), "repeat") for name in ("wrapS", "wrapT")),
    )
    moved = texture.get("extensions", {}).get(TRANSFORM, {})
    attribute = f"TEXCOORD_{moved.get('texCoord', texture.get('texCoord', 0))}"
    return Shown(material, attribute, _matrix(moved))


def _source(texture: dict[str, Any]) -> int | None:
    """The image of a texture: WebP, the plain one, else what an extension has instead."""
    others = texture.get("extensions", {})
    named = [others.get(WEBP, {}), texture, *others.values()]
    return next((int(one["source"]) for one in named if "source" in one), None)


def _matrix(moved: dict[str, Any]) -> F64:
    """Scaled, turned counter-clockwise as v points down, then moved."""
    (u, v), (across, down) = moved.get("offset", (0, 0)), moved.get("scale", (1, 1))
    turn = float(moved.get("rotation", 0))
    c, s = np.cos(turn), np.sin(turn)
    return np.array([[c * across, s * down, u], [-s * across, c * down, v]], np.float64)
