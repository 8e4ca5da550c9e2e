"""Textured meshes as photogrammetry delivers them; only tests import this."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from models.crs import storage_to_geodetic, to_storage

#: The four corners of the mesh and of its image: south-west, south-east, north-west, north-east.
COLOURS: Final = ((200, 40, 40), (40, 180, 60), (50, 60, 210), (230, 210, 60))


def place(lon: float = 121.2264, lat: float = 30.9869) -> tuple[float, float]:
    """East and north in the default storage CRS."""
    e, n, _ = to_storage([lon], [lat], [0.0], "OGC:CRS84", "1985")
    return float(e[0]), float(n[0])


def image(side: int = 256) -> Image.Image:
    """A quarter of each colour; south is below."""
    texels = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    texels[half:, :half], texels[half:, half:] = COLOURS[0], COLOURS[1]
    texels[:half, :half], texels[:half, half:] = COLOURS[2], COLOURS[3]
    return Image.fromarray(texels)


def write_mesh(
    folder: Path,
    *,
    cells: int = 24,
    span: float = 240.0,
    name: str = "城区.obj",
    texture: str = "tex/photo.jpg",
    library: str = "city.mtl",
    material: str = "map_Kd tex/photo.jpg",
    encoding: str = "utf-8",
    origin: tuple[float, float] | None = None,
    extra: str = "",
) -> Path:
    """An OBJ of ``cells`` squared squares over ``span`` metres of a town of blocks, its MTL and
    image; coordinates are in the storage CRS unless ``origin`` (east, north) is taken off. The
    image is of four colours, cut along its middle lines into four charts."""
    folder.mkdir(parents=True, exist_ok=True)
    east, north = place()
    off = origin or (0.0, 0.0)
    at = np.linspace(-span / 2, span / 2, cells + 1)
    x, y = (grid.ravel() for grid in np.meshgrid(at, at))
    z = 5.0 + 12.0 * ((np.floor(x / 20) + np.floor(y / 20)) % 3 == 0) + 0.2 * np.sin(x / 3)
    number = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    square = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], -1)
    square = square.reshape(-1, 4)
    middle = np.column_stack([x, y])[square].mean(axis=1) > 0  # which chart, per square
    chart = middle[:, 0] + 2 * middle[:, 1]
    inset = 1 / 64
    uv = np.column_stack([x, y])[square] / span + 0.5
    low = np.stack([chart % 2, chart // 2], axis=1)[:, None] / 2 + inset
    uv = np.clip(uv, low, low + 0.5 - 2 * inset)
    lines = ["# metres", f"mtllib {library}", extra]
    lines += [
        f"v {a + east - off[0]:.4f} {b + north - off[1]:.4f} {c:.4f}"
        for a, b, c in zip(x.tolist(), y.tolist(), z.tolist(), strict=True)
    ]
    lines += [f"vt {u:.6f} {v:.6f}" for u, v in uv.reshape(-1, 2).tolist()]
    lines.append("usemtl roofs")
    corner = np.arange(square.size).reshape(-1, 4) + 1
    for row, own in zip((square + 1).tolist(), corner.tolist(), strict=True):
        lines.append("f " + " ".join(f"{p}/{t}" for p, t in zip(row, own, strict=True)))
    path = folder / name
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    text = f"newmtl roofs\nKd 0.8 0.8 0.8\n{material}\n"
    (folder / "city.mtl").write_bytes(text.encode(encoding))
    (folder / texture).parent.mkdir(parents=True, exist_ok=True)
    image().save(folder / texture, quality=95)
    return path


def write_gltf(
    path: Path,
    materials: Sequence[dict[str, Any]],
    uv: Sequence[tuple[tuple[float, float], tuple[float, float]]] = (),
    *,
    images: Sequence[Image.Image] = (),
    instances: Sequence[tuple[float, float, float]] = (),
    **more: Any,
) -> Path:
    """A glTF, y up, with a square of 5 m for each of ``materials``, 8 m apart from west to east.

    ``uv`` are the middles of what each shows by its two sets of texture coordinates, a fifth of an
    image around. ``images`` and everything else lie in the file as data. ``instances`` are places
    of the first square (EXT_mesh_gpu_instancing); ``more`` goes to the document.
    """
    data = b""
    views: list[dict[str, int]] = []
    accessors: list[dict[str, Any]] = []

    def add(values: Any, kind: str, component: int = 5126) -> int:
        nonlocal data
        array = np.array(values, "<u2" if component == 5123 else "<f4")
        entry = {"bufferView": len(views), "componentType": component, "type": kind}
        ends = {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        accessors.append({**entry, "count": len(array), **(ends if kind == "VEC3" else {})})
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": array.nbytes})
        data += array.tobytes() + b"\0" * (-array.nbytes % 4)
        return len(accessors) - 1

    nodes: list[dict[str, Any]] = []
    meshes = []
    square = np.array([(0, 1), (1, 1), (1, 0), (0, 0)])
    for at in range(len(materials)):
        corners = [(8 * at + 5 * x, 5.0, 5 * z - 5) for x, z in square.tolist()]
        attributes = {"POSITION": add(corners, "VEC3")}
        for number, middle in enumerate(uv[at] if uv else ()):
            attributes[f"TEXCOORD_{number}"] = add(middle + 0.4 * (square - 0.5), "VEC2")
        indices = add([0, 1, 2, 0, 2, 3], "SCALAR", 5123)
        meshes.append(
            {"primitives": [{"attributes": attributes, "indices": indices, "material": at}]}
        )
        nodes.append({"mesh": at})
    if instances:
        held = {"attributes": {"TRANSLATION": add(instances, "VEC3")}}
        nodes[0]["extensions"] = {"EXT_mesh_gpu_instancing": held}

    def uri(raw: bytes, media_type: str) -> str:
        return f"data:{media_type};base64,{base64.b64encode(raw).decode()}"

    pictures = []
    for one in images:
        one.save(png := io.BytesIO(), "PNG")
        pictures.append({"uri": uri(png.getvalue(), "image/png")})
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(nodes)))}],
        "nodes": nodes,
        "meshes": meshes,
        "materials": list(materials),
        "images": pictures,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(data), "uri": uri(data, "application/octet-stream")}],
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), "utf-8")
    return path


def expected_colours(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """(n, 3) colours of places relative to the mesh's middle."""
    colours: np.ndarray = np.array(COLOURS)[(east > 0).astype(int) + 2 * (north > 0).astype(int)]
    return colours


def lon_lat(east: float, north: float) -> tuple[float, float]:
    """Degrees of a place in the storage CRS."""
    lon, lat, _ = storage_to_geodetic([east], [north], [0.0])
    return float(lon[0]), float(lat[0])
