"""Tiles of textured meshes as a client sees them; only tests and benchmarks import this."""

from __future__ import annotations

import io

from PIL import Image

from tiles.inspect import Glb


def image_of(data: bytes) -> Image.Image:
    """The one image of the GLB ``data``, found by the file's own JSON chunk."""
    glb = Glb(data)
    (entry,) = glb.json["images"]
    view = glb.json["bufferViews"][entry["bufferView"]]
    start = 28 + int.from_bytes(data[12:16], "little") + view.get("byteOffset", 0)
    image = Image.open(io.BytesIO(data[start : start + view["byteLength"]]))
    if Image.MIME[str(image.format)] != entry["mimeType"]:
        raise ValueError(f"an image of {image.format} is said to be {entry['mimeType']}")
    return image
