"""Every kind of layer in every profile, from afar, with implicit tiling, read by others."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import trimesh
from py3dtiles.tileset import TileSet

from ingest.readers.base import ReadOptions
from models.crs import StorageCrs
from models.las_testing import full, scattered, write_cloud
from models.texturedmesh_testing import write_mesh
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.gltf import PROFILES
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.merge import DRAW_CALLS
from tiles.store.directory import DirectoryStore
from tiles.testing import khronos
from twin import mesh, pointcloud, tiling
from twin.settings import Settings
from twin.testing import Program, Service

TWINS = ("songjiang-hub", "qianwan")
LAYERS = ("buildings", "bim", "pipes")


@pytest.mark.parametrize("twin", TWINS)
def test_the_whole_city_is_seen_in_2_mb_and_20_requests(
    samples: Program, service: Service, twin: str
) -> None:
    requests = size = 0
    for layer in LAYERS:
        found = check_tileset(samples.home / "tiles" / twin / layer)
        assert set(found.totals) <= {"TSC-02"}, found.findings  # files that wait for collection
        requests += found.summary.far_requests
        size += found.summary.far_bytes
    assert requests <= 20
    assert size <= 2_000_000


@pytest.mark.parametrize("twin", TWINS)
def test_no_tile_has_many_draw_calls(samples: Program, service: Service, twin: str) -> None:
    drawn = {}
    for layer in LAYERS:
        store = DirectoryStore(samples.home / "tiles" / twin / layer)
        leaves = [t for t in walk(lambda uri, s=store: s.get(uri).decoded()) if t.uri is not None]
        calls = {t.uri: len(Glb(store.get(str(t.uri)).decoded()).parts()) for t in leaves}
        assert max(calls.values()) <= DRAW_CALLS
        drawn[layer] = sum(calls[t.uri] for t in leaves if t.leaf)
    assert drawn["bim"] <= 20  # a model of some thousand elements


@dataclass(frozen=True)
class Made:
    """The layers of a twin in a profile, as they are stored and with implicit tiling."""

    profile: str
    explicit: Path
    implicit: Path


@pytest.fixture(scope="module", params=[name for name in PROFILES if name != "default"])
def made(
    request: pytest.FixtureRequest,
    samples: Program,
    service: Service,
    tmp_path_factory: pytest.TempPathFactory,
) -> Made:
    folder = tmp_path_factory.mktemp(request.param)
    explicit, implicit = folder / "explicit", folder / "implicit"
    more = ("--profile", request.param, "--out", explicit, "--implicit", implicit)
    samples.json("tile", "--twin", "qianwan", *more)
    return Made(request.param, explicit / "qianwan", implicit / "qianwan")


def triangles(folder: Path) -> int:
    """Triangles of all features; the far views differ as the trees of the profiles do."""
    store = DirectoryStore(folder)
    leaves = [tile for tile in walk(lambda uri: store.get(uri).decoded()) if tile.leaf]
    parts = [part for tile in leaves for part in Glb(store.get(str(tile.uri)).decoded()).parts()]
    return sum(len(part.indices) for part in parts)


def test_every_profile_holds_the_same_features(samples: Program, made: Made) -> None:
    for layer in LAYERS:
        default = check_tileset(samples.home / "tiles" / "qianwan" / layer)
        for folder in (made.explicit, made.implicit):
            one = check_tileset(folder / layer)
            assert one.totals == {}, one.findings
            assert one.summary.features == default.summary.features
            assert one.summary.far_bytes <= 2_000_000
        assert triangles(made.explicit / layer) == triangles(
            samples.home / "tiles" / "qianwan" / layer
        )
    report = khronos([*made.explicit.rglob("*.glb.gz"), *made.implicit.rglob("*.glb.gz")])
    assert report["count"] > 20
    assert (report["errors"], report["warnings"]) == (0, 0)
    one = next(made.explicit.rglob("*.glb.gz"))
    document = Glb(DirectoryStore(one.parent).get(one.name.removesuffix(".gz")).decoded()).json
    required = set(document.get("extensionsRequired", []))
    draco = {"KHR_draco_mesh_compression", "EXT_mesh_gpu_instancing"}
    assert required <= (draco if made.profile == "draco" else set())


@pytest.mark.parametrize("made", ["compat"], indirect=True)  # they read no compressed contents
def test_trimesh_and_py3dtiles_count_the_same_features(samples: Program, made: Made) -> None:
    for layer in LAYERS:
        folder = made.implicit.parent / "plain" / layer
        folder.mkdir(parents=True)
        for packed in (made.explicit / layer).glob("*.gz"):
            (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
        features = faces = vertices = 0
        for tile in walk(lambda uri, at=folder: (at / uri).read_bytes()):
            scene = trimesh.load(folder / str(tile.uri), process=False)
            parts = [part for part in scene.geometry.values() if isinstance(part, trimesh.Trimesh)]
            faces += sum(len(part.faces) for part in parts)  # far lines of pipes have none
            if tile.leaf:
                ids = [np.asarray(part.vertex_attributes["_FEATURE_ID_0"]) for part in parts]
                features += len(np.unique(np.concatenate(ids)))
                arrays = {part.vertices.tobytes(): len(part.vertices) for part in parts}
                vertices += sum(arrays.values())  # materials may share one
        summary = check_tileset(made.explicit / layer).summary
        assert (features, faces) == (summary.features, summary.triangles)
        tileset = TileSet.from_file(folder / "tileset.json")
        leaves = [tile for tile in tileset.root_tile.get_all_children() if not tile.children]
        contents = [tile.get_or_fetch_content(tileset.root_uri) for tile in leaves]
        assert sum(content.get_vertex_count() for content in contents) == vertices


@pytest.mark.parametrize("profile", PROFILES)
def test_points_and_meshes_in_every_profile(profile: str, database: str, tmp_path: Path) -> None:
    twin = load_twins()["songjiang-hub"]
    settings = Settings(home=tmp_path / "home")
    storage = StorageCrs(settings.storage_srid)
    given = ReadOptions("EPSG:4549", "1985")
    cloud = write_cloud(tmp_path / "a.laz", scattered(4000), **full(4000))
    surface = write_mesh(tmp_path / "mesh", cells=60)
    pointcloud.take([cloud], given, twin, storage, settings.home)
    mesh.take([surface], given, twin, storage, settings.home)
    ((_, points),) = pointcloud.tile_clouds(settings, database, [twin], profile, workers=1)
    ((_, triangles),) = mesh.tile_meshes(settings, database, [twin], profile, workers=1)
    assert (points.in_tiles, triangles.in_tiles, triangles.refused) == (4000, 7200, 0)
    layers = [(twin.id, "pointcloud"), (twin.id, "mesh")]
    tiling.implicit(settings, None, layers, tmp_path / "implicit")
    for folder in (settings.tiles_dir, tmp_path / "implicit"):
        found = check_tileset(folder / twin.id / "pointcloud")
        assert found.totals == {}, found.findings
        assert found.summary.points == 4000
        found = check_tileset(folder / twin.id / "mesh")
        assert found.totals == {}, found.findings
        assert found.summary.triangles >= 7200
    report = khronos(
        [*settings.tiles_dir.rglob("*.glb.gz"), *(tmp_path / "implicit").rglob("*.glb.gz")]
    )
    assert report["count"] >= 4
    assert (report["errors"], report["warnings"]) == (0, 0)
