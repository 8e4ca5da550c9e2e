"""Materials: sRGB as tilers name colours, linear as glTF stores them."""

from __future__ import annotations

import numpy as np

from tiles.content import Material
from tiles.gltf_buffers import JsonObject


def material_json(material: Material) -> JsonObject:
    """The glTF material: linear base colour from sRGB (IEC 61966-2-1); alpha stays as it is."""
    srgb = np.array(material.rgba[:3], dtype=np.float64)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    colour = [round(float(v), 5) for v in (*linear, material.rgba[3])]
    out: JsonObject = {
        "name": material.name,
        "pbrMetallicRoughness": {
            "baseColorFactor": colour,
            "metallicFactor": material.metallic,
            "roughnessFactor": material.roughness,
        },
    }
    if material.rgba[3] < 1:
        out["alphaMode"] = "BLEND"
    if material.double_sided:
        out["doubleSided"] = True
    return out
