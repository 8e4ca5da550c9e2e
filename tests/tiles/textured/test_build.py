"""Textured meshes → tiles, judged by other programs: the validator, the checker, the colours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from ingest.readers import mesh as reader
from ingest.readers.base import ReadOptions
from models.crs import STORAGE
from models.texturedmesh import StoredMesh, meshes, store_mesh
from models.texturedmesh_testing import expected_colours, place, write_mesh
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.gltf import COMPAT, DEFAULT, Profile
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from tiles.testing import khronos
from tiles.textured import MeshReport, build_meshes
from tiles.textured.split import Limits
from tiles.textured.testing import image_of
from tiles.textured.work import SIDE
from twin.sources import frame_of

TWIN = load_twins()["songjiang-hub"]
FRAME = frame_of(TWIN, STORAGE)
#: So small that some hundred triangles make a tree of three levels.
LIMITS = Limits(triangles=150, texels=200_000, unit_triangles=400, unit_texels=10**9)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[StoredMesh]:
    return stored_of(tmp_path_factory.mktemp("mesh"))


SHARED = Path(__file__).resolve().parents[4] / "shared" / "samples" / "mesh"
Made = tuple[MeshReport, DirectoryStore]


@pytest.fixture(scope="module")
def made(stored: list[StoredMesh], tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(stored, tmp_path_factory.mktemp("made"))


def stored_of(folder: Path, **more: Any) -> list[StoredMesh]:
    path = write_mesh(folder / "delivery", **more)
    with reader.read(path, ReadOptions("EPSG:4549", "1985"), TWIN) as found:
        store_mesh(folder / "home", TWIN.id, found.folder, found.passport)
    return meshes(folder / "home", TWIN.id)


def build(
    stored: list[StoredMesh], folder: Path, profile: Profile = DEFAULT, workers: int = 1
) -> tuple[MeshReport, DirectoryStore]:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    store = DirectoryStore(folder / "tiles")
    report = build_meshes(
        stored,
        store,
        FRAME,
        scratch,
        extent=TWIN.extent,
        profile=profile,
        workers=workers,
        limits=LIMITS,
    )
    return report, store


def tiles(store: DirectoryStore) -> Iterator[tuple[Any, Glb]]:
    for entry in walk(lambda uri: store.get(uri).decoded()):
        if entry.uri is not None:
            yield entry, Glb(store.get(entry.uri).decoded())


def vertices(glb: Glb) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions in tile coordinates, texture coordinates, triangles of a file by its own words."""
    outer, inner = glb.json["nodes"]
    (primitive,) = glb.json["meshes"][0]["primitives"]
    raw = glb.accessor(primitive["attributes"]["POSITION"]).astype(np.float64)
    placed = raw * inner.get("scale", [1, 1, 1]) + inner["translation"]
    assert outer["matrix"][9] == 1  # z up becomes y up, and the client turns it back
    uv = glb.accessor(primitive["attributes"]["TEXCOORD_0"]).astype(np.float64)
    uv = uv / 65535 if uv.max() > 1.5 else uv
    return placed, uv, glb.accessor(primitive["indices"]).reshape(-1, 3).astype(np.int64)


def test_every_level_shows_the_right_colours_at_the_right_places(made: Made) -> None:
    report, store = made
    assert (report.triangles_in, report.in_tiles, report.refused) == (1152, 1152, 0)
    found = [(entry, Glb(store.get(entry.uri).decoded())) for entry, _ in tiles(store)]
    assert len(found) == report.tiles > 8
    leaves = 0
    for entry, glb in found:
        xyz, uv, faces = vertices(glb)
        leaves += len(faces) if entry.leaf else 0
        image = np.asarray(image_of(store.get(entry.uri).decoded()).convert("RGB")).astype(int)
        centre, at = xyz[faces].mean(axis=1), uv[faces].mean(axis=1)
        high, wide = image.shape[:2]
        seen = image[
            np.clip((at[:, 1] * high).astype(int), 0, high - 1),
            np.clip((at[:, 0] * wide).astype(int), 0, wide - 1),
        ]
        clear = np.abs(centre[:, :2]).min(axis=1) > 12  # away from the lines between colours
        wrong = np.abs(seen - expected_colours(centre[:, 0], centre[:, 1])).max(axis=1) > 60
        assert not wrong[clear].any(), entry.uri
        assert max(image.shape[:2]) <= 2048
    assert leaves == 1152


@pytest.mark.parametrize("profile", [DEFAULT, COMPAT], ids=lambda p: p.name)
def test_other_programs_find_no_fault(
    stored: list[StoredMesh], made: Made, tmp_path: Path, profile: Profile
) -> None:
    _, store = made if profile is DEFAULT else build(stored, tmp_path, profile)
    report = check_tileset(store.path)
    assert report.clean, report.findings
    validated = khronos(sorted(store.path.glob("*.glb.gz")))
    assert validated["count"] > 8
    assert (validated["errors"], validated["warnings"]) == (0, 0), validated["files"][0]
    glb = next(glb for _, glb in tiles(store))
    required = glb.json.get("extensionsRequired", [])
    assert ("EXT_texture_webp" in required) is (profile is DEFAULT)
    assert required == [] or profile is DEFAULT


def test_errors_fall_on_every_way_down(made: Made) -> None:
    root = made[1].get("tileset.json").decoded()

    def down(tile: dict[str, Any]) -> None:
        for child in tile.get("children", []):
            assert child["geometricError"] < tile["geometricError"]
            down(child)

    document = orjson.loads(root)
    assert document["root"]["refine"] == "REPLACE"
    assert document["geometricError"] > document["root"]["geometricError"]
    down(document["root"])


def test_statistics_count_the_meshes_that_are_told(made: Made) -> None:
    document = orjson.loads(made[1].get("tileset.json").decoded())
    assert document["groups"] == [{"class": "textured_mesh", "properties": {"triangles": 1152}}]
    stated = document["statistics"]["classes"]["textured_mesh"]
    assert stated == {"count": 1, "properties": {"triangles": {"sum": 1152}}}


def test_neighbours_fit_whatever_their_levels(made: Made) -> None:
    found = [(entry, vertices(glb)[0]) for entry, glb in tiles(made[1])]
    top = min(len(entry.errors) for entry, _ in found)
    children = [at for entry, at in found if len(entry.errors) == top + 1]
    leaves = [at for entry, at in found if entry.leaf]
    assert len(children) > 1
    assert len(found[0][1]) < len(np.concatenate(leaves)) / 2, "the root is simpler"
    for one in children:
        # where leaves below it meet leaves of other children of the root, it keeps every vertex
        mine = np.concatenate([leaf for leaf in leaves if within(leaf, one)])
        rest = np.concatenate([leaf for leaf in leaves if not within(leaf, one)])
        line = mine[near(mine, rest)]
        assert len(line) > 5
        assert near(line, one).all()


def near(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of ``points`` are among ``others``, but for quantisation."""
    return np.asarray(cKDTree(others).query(points)[0] < 0.02)


def within(leaf: np.ndarray, box: np.ndarray) -> bool:
    low, high = box.min(axis=0) - 0.1, box.max(axis=0) + 0.1
    return bool((leaf[:, :2] >= low[:2]).all() and (leaf[:, :2] <= high[:2]).all())


def test_any_number_of_workers_gives_the_same_bytes(
    stored: list[StoredMesh], made: Made, tmp_path: Path
) -> None:
    one, store = made
    two, other = build(stored, tmp_path / "2", workers=2)
    assert one.root == two.root
    assert store.names() == other.names()


def test_a_mesh_without_images_is_lit(tmp_path: Path) -> None:
    stored = stored_of(tmp_path / "plain", material="", cells=6)
    _, store = build(stored, tmp_path)
    for _, glb in tiles(store):
        assert "NORMAL" in glb.json["meshes"][0]["primitives"][0]["attributes"]
        assert "extensions" not in glb.json["materials"][0]
    assert check_tileset(store.path).clean


def test_a_repeated_image_and_clear_parts(tmp_path: Path) -> None:
    folder = tmp_path / "tiled"
    folder.mkdir()
    east, north = place()
    corners = [(0, 0), (30, 0), (30, 30), (0, 30)]
    lines = ["mtllib t.mtl", *(f"v {east + x} {north + y} 8" for x, y in corners)]
    lines += ["vt 0 0", "vt 3 0", "vt 3 3", "vt 0 3", "usemtl fence", "f 1/1 2/2 3/3 4/4"]
    (folder / "t.obj").write_text("\n".join(lines))
    (folder / "t.mtl").write_text("newmtl fence\nmap_Kd -s 1 1 1 fence.png\n")
    texels = np.zeros((32, 32, 4), np.uint8)
    texels[:, :16] = (255, 0, 0, 255)
    Image.fromarray(texels).save(folder / "fence.png")
    with reader.read(folder / "t.obj", ReadOptions("EPSG:4549", "1985"), TWIN) as found:
        store_mesh(tmp_path / "home", TWIN.id, found.folder, found.passport)
    _, store = build(meshes(tmp_path / "home", TWIN.id), tmp_path)
    ((entry, glb),) = tiles(store)
    assert glb.json["materials"][0]["alphaMode"] == "MASK"
    image = np.asarray(image_of(store.get(entry.uri).decoded()))
    row = image[image.shape[0] // 2, :, 3] > 128
    assert np.count_nonzero(np.diff(row.astype(int)) == -1) == 3  # three fields, three gaps


def test_wild_texture_coordinates_cost_one_triangle_its_image(tmp_path: Path) -> None:
    path = write_mesh(tmp_path / "delivery", cells=4)
    text = path.read_text("utf-8").splitlines()
    at = next(number for number, line in enumerate(text) if line.startswith("vt "))
    text[at] = "vt 1e19 0.5"
    path.write_text("\n".join(text), "utf-8")
    with reader.read(path, ReadOptions("EPSG:4549", "1985"), TWIN) as found:
        assert [(finding.code, finding.found) for finding in found.findings] == [("MSH-07", "2")]
        store_mesh(tmp_path / "home", TWIN.id, found.folder, found.passport)
    report, store = build(meshes(tmp_path / "home", TWIN.id), tmp_path)
    assert (report.in_tiles, report.refused) == (32, 0)
    assert check_tileset(store.path).clean


@pytest.mark.parametrize(
    ("repeats", "profile"),
    [(1, DEFAULT), (3, DEFAULT), (1, COMPAT)],
    ids=["once", "repeated", "compat"],
)
def test_no_image_of_a_tile_is_larger_than_the_limit(
    tmp_path: Path, repeats: int, profile: Profile
) -> None:
    """Two triangles show all of an image that is larger than a tile's may be."""
    folder = tmp_path / "large"
    folder.mkdir()
    east, north = place()
    corners = [(0, 0), (60, 0), (60, 30), (0, 30)]
    lines = ["mtllib t.mtl", *(f"v {east + x} {north + y} 8" for x, y in corners)]
    lines += [f"vt {u * repeats} {v}" for u, v in ((0, 0), (1, 0), (1, 1), (0, 1))]
    (folder / "t.obj").write_text("\n".join([*lines, "usemtl all", "f 1/1 2/2 3/3 4/4"]))
    (folder / "t.mtl").write_text("newmtl all\nmap_Kd all.jpg\n")
    texels = np.zeros((2500, 5000, 3), np.uint8)
    texels[:, :2500], texels[:, 2500:] = (200, 30, 30), (30, 30, 200)
    Image.fromarray(texels).save(folder / "all.jpg")
    with reader.read(folder / "t.obj", ReadOptions("EPSG:4549", "1985"), TWIN) as found:
        store_mesh(tmp_path / "home", TWIN.id, found.folder, found.passport)
    _, store = build(meshes(tmp_path / "home", TWIN.id), tmp_path, profile)
    sizes = []
    for entry, glb in tiles(store):
        image = image_of(store.get(entry.uri).decoded())
        assert image.format == ("WEBP" if profile is DEFAULT else "JPEG")
        sizes.append(max(image.size))
        xyz, uv, faces = vertices(glb)
        at = (uv[faces].mean(axis=1) * np.array(image.size)).astype(int)
        red = np.asarray(image.convert("RGB"))[at[:, 1], at[:, 0], 0] > 100
        if repeats == 1:
            assert np.array_equal(red, xyz[faces].mean(axis=1)[:, 0] < 30)
    assert 1024 < max(sizes) <= SIDE


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared samples are not beside the project")
def test_a_mesh_of_others_keeps_every_triangle(tmp_path: Path) -> None:
    path = SHARED / "tour_part_dieu_0.obj"
    wanted = sum(line.startswith("f ") for line in path.read_text().splitlines())
    east, north = place()
    options = ReadOptions("EPSG:4549", "1985", offset=(north, east, 20.0), up="z")
    with reader.read(path, options, TWIN) as found:
        assert (found.total, found.refused) == (wanted, 0)
        store_mesh(tmp_path / "home", TWIN.id, found.folder, found.passport)
    report, store = build(meshes(tmp_path / "home", TWIN.id), tmp_path)
    assert (report.triangles_in, report.in_tiles) == (wanted, wanted)
    assert sum(len(vertices(glb)[2]) for entry, glb in tiles(store) if entry.leaf) == wanted
    assert check_tileset(store.path).clean
