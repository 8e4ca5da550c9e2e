"""Materials of glTF, all told in one file: trimesh sees in the tiles what each of them shows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual.color import uv_to_color

from ingest.readers import mesh as reader
from ingest.readers.base import ReadOptions
from models.crs import STORAGE
from models.texturedmesh import meshes, store_mesh
from models.texturedmesh_testing import COLOURS, image, place, write_gltf
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.gltf import COMPAT
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from tiles.textured import build_meshes
from twin.sources import frame_of

TWIN = load_twins()["songjiang-hub"]
SOUTH_WEST, SOUTH_EAST, NORTH_WEST, NORTH_EAST = COLOURS
GLOSSY, MOVED = "KHR_materials_pbrSpecularGlossiness", "KHR_texture_transform"
#: Images: four colours, white, grey that is 30 % and 78 % opaque; textures: each of them, then the
#: first one clamped and mirrored.
IMAGES = [
    image(64),
    Image.new("RGB", (64, 64), (255, 255, 255)),
    Image.new("RGBA", (64, 64), (180, 180, 180, 76)),
    Image.new("RGBA", (64, 64), (200, 200, 200, 200)),
]
TEXTURES: dict[str, Any] = {
    "samplers": [{}, {"wrapS": 33071, "wrapT": 33071}, {"wrapS": 33648, "wrapT": 33648}],
    "textures": [
        *({"source": at, "sampler": 0} for at in range(4)),
        {"source": 0, "sampler": 1},
        {"source": 0, "sampler": 2},
    ],
}
FIRST = ((0.25, 0.25), (0.75, 0.75))


def material(index: int, *, moved: Any = None, texture: Any = None, **pbr: Any) -> dict[str, Any]:
    told = {"index": index, **(texture or {})}
    if moved is not None:
        told["extensions"] = {MOVED: moved}
    return {"pbrMetallicRoughness": {"baseColorTexture": told, **pbr}}


#: A material, where it looks at its texture, and what is seen there.
SQUARES: list[tuple[dict[str, Any], Any, tuple[int, int, int] | None]] = [
    (material(0), FIRST, NORTH_WEST),
    (material(0, texture={"texCoord": 1}), FIRST, SOUTH_EAST),
    (material(0, moved={"offset": [0.5, 0]}), FIRST, NORTH_EAST),
    (material(0, moved={"rotation": math.pi / 2}), FIRST, SOUTH_WEST),
    (material(0, moved={"scale": [3, 1], "texCoord": 1}), FIRST, SOUTH_WEST),
    (material(1, baseColorFactor=[0, 1, 0, 1]), FIRST, (0, 255, 0)),
    (material(1, baseColorFactor=[0.2140411, 1, 0.0512695, 1]), FIRST, (127, 255, 64)),
    (material(2), FIRST, (180, 180, 180)),
    ({"extensions": {GLOSSY: {"diffuseTexture": {"index": 0}, "diffuseFactor": [1, 0, 0, 1]}}},
     FIRST, (NORTH_WEST[0], 0, 0)),
    (material(4), ((1.25, 0.25), (0, 0)), NORTH_EAST),
    (material(5), ((0.25, 1.75), (0, 0)), NORTH_WEST),
    (material(5), ((-1.25, 0.25), (0, 0)), NORTH_EAST),
    (material(0), ((-1.25, 0.25), (0, 0)), NORTH_EAST),
]  # fmt: skip
CUT_OUT: list[tuple[dict[str, Any], Any, tuple[int, int, int] | None]] = [
    (material(3) | {"alphaMode": "MASK", "alphaCutoff": 0.9}, FIRST, None),
    (material(2) | {"alphaMode": "MASK", "alphaCutoff": 0.2}, FIRST, (180, 180, 180)),
    (material(3, baseColorFactor=[1, 1, 1, 0.5]) | {"alphaMode": "MASK"}, FIRST, None),
    (material(3) | {"alphaMode": "BLEND"}, FIRST, (200, 200, 200)),
    (material(2) | {"alphaMode": "BLEND"}, FIRST, None),
    (material(3, baseColorFactor=[1, 1, 1, 0.3]) | {"alphaMode": "BLEND"}, FIRST, (200, 200, 200)),
    (material(1, baseColorFactor=[1, 1, 1, 0.3]) | {"alphaMode": "MASK"}, FIRST, None),
    (material(1, baseColorFactor=[0, 1, 0, 0.6]) | {"alphaMode": "MASK"}, FIRST, (0, 255, 0)),
]


def drawn(folder: Path, squares: Any, **more: Any) -> tuple[list[np.ndarray], set[str | None]]:
    """The colours that trimesh sees on each square, and the alpha modes of the tiles."""
    path = write_gltf(
        folder / "looks.gltf",
        [told for told, _, _ in squares],
        [uv for _, uv, _ in squares],
        images=IMAGES,
        extensionsUsed=[GLOSSY, MOVED],
        **TEXTURES,
        **more,
    )
    east, north = place()
    with reader.read(path, ReadOptions("EPSG:4549", "1985", offset=(north, east, 0.0)), TWIN) as ok:
        store_mesh(folder / "home", TWIN.id, ok.folder, ok.passport)
    store = DirectoryStore(folder / "tiles")
    (folder / "scratch").mkdir()
    kept, frame = meshes(folder / "home", TWIN.id), frame_of(TWIN, STORAGE)
    build_meshes(kept, store, frame, folder / "scratch", extent=TWIN.extent, profile=COMPAT)
    assert check_tileset(store.path).clean
    (entry,) = (one for one in walk(lambda uri: store.get(uri).decoded()) if one.uri)
    (folder / "tile.glb").write_bytes(store.get(str(entry.uri)).decoded())
    tile: Any = trimesh.load_scene(folder / "tile.glb").to_mesh()
    assert len(tile.faces) == 2 * len(squares)
    x = tile.triangles_center[:, 0]
    square = ((x - tile.vertices[:, 0].min()) / 8).astype(int)
    middle = tile.visual.uv[tile.faces].mean(axis=1)
    seen = uv_to_color(middle, tile.visual.material.baseColorTexture).astype(int)
    colours = [seen[square == at] for at in range(len(squares))]
    return colours, {tile.visual.material.alphaMode}


def test_each_square_has_the_colour_of_its_source(tmp_path: Path) -> None:
    colours, modes = drawn(tmp_path, SQUARES, extensionsRequired=[MOVED])
    assert modes == {None}, "what is opaque stays so, whatever alpha its image has"
    for (told, _, wanted), seen in zip(SQUARES, colours, strict=True):
        assert len(seen) == 2
        assert np.abs(seen[:, :3] - wanted).max() < 20, told  # the tile is a JPEG


def test_alpha_counts_where_the_material_says_so(tmp_path: Path) -> None:
    squares = SQUARES + CUT_OUT
    colours, modes = drawn(tmp_path, squares)
    assert modes == {"MASK"}
    for (told, _, wanted), seen in zip(squares, colours, strict=True):
        assert ((seen[:, 3] >= 128) == (wanted is not None)).all(), told
        assert wanted is None or np.abs(seen[:, :3] - wanted).max() <= 2, told
