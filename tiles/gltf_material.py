"""Materials: sRGB as tilers name colours, linear as glTF stores them."""

from __future__ import annotations

import numpy as np

from tiles.content import F64, U8, Material
from tiles.gltf_buffers import JsonObject


def linear(srgb: F64) -> F64:
    """sRGB 0..1 as linear light 0..1 (IEC 61966-2-1)."""
    out: F64 = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return out


#: Linear light of each sRGB byte, in a byte: near black, steps of sRGB up to 13 become one.
_LINEAR: U8 = np.rint(linear(np.arange(256) / 255) * 255).astype(np.uint8)


def linear_bytes(colours: U8) -> U8:
    """sRGB and opacity (n, 4) as glTF's COLOR_0 has them; opacity stays as it is."""
    out: U8 = np.column_stack([_LINEAR[colours[:, :3]], colours[:, 3]])
    return out


def material_json(material: Material) -> JsonObject:
    """The glTF material: linear base colour from sRGB; alpha stays as it is."""
    srgb = np.array(material.rgba[:3], dtype=np.float64)
    colour = [round(float(v), 5) for v in (*linear(srgb), material.rgba[3])]
    out: JsonObject = {
        "name": material.name,
        "pbrMetallicRoughness": {
            "baseColorFactor": colour,
            "metallicFactor": material.metallic,
            "roughnessFactor": material.roughness,
        },
    }
    if material.rgba[3] < 1 or material.translucent:
        out["alphaMode"] = "BLEND"
    if material.double_sided:
        out["doubleSided"] = True
    return out
