"""Tiles of points as others read them: Khronos, npm meshoptimizer, trimesh, py3dtiles."""

from __future__ import annotations

import gzip
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from py3dtiles.tileset import TileSet

from models.las import LasFile
from models.las_testing import full, scattered, write_cloud
from models.pointcloud import Cloud
from tiles.check import check_tileset
from tiles.gltf import COMPAT, DEFAULT, Profile
from tiles.points.testing import enu, frame_around, passport
from tiles.testing import khronos

SHARED = Path(__file__).resolve().parents[4] / "shared" / "samples" / "pointcloud"
COUNT = 5000
SMALL = {"limit": 800, "unit": 2000}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    path = tmp_path_factory.mktemp("cloud") / "a.laz"
    return passport(write_cloud(path, scattered(COUNT), **full(COUNT)))


@pytest.mark.parametrize("profile", [DEFAULT, COMPAT], ids=lambda p: p.name)
def test_the_khronos_validator_and_the_linter_find_nothing(
    build: Any, cloud: Cloud, profile: Profile, tmp_path: Path
) -> None:
    wide = passport(write_cloud(tmp_path / "b.laz", scattered(900, side=3500.0), point_format=6))
    stores = [
        build([one], f"t{n}", profile=profile, **SMALL).store for n, one in enumerate([cloud, wide])
    ]
    paths = [path for store in stores for path in store.path.glob("*.glb.gz")]
    report = khronos(paths)
    told = [m for f in report["files"] for m in f["messages"] if m["severity"] < 2]
    assert told == []
    assert (report["count"], report["errors"], report["warnings"]) == (len(paths), 0, 0)
    for store in stores:
        # of so small tiles it takes many to see the whole
        assert check_tileset(store.path).totals.keys() <= {"TSC-34"}


def test_another_decoder_gets_the_same_bytes(build: Any, cloud: Cloud) -> None:
    built = build([cloud], **SMALL)
    paths = sorted(built.store.path.glob("*.glb.gz"))
    theirs = {Path(f["path"]).name: f["views"] for f in khronos(paths)["files"]}
    for tile in built.tiles():
        count = len(tile.glb.json["bufferViews"])
        ours = [hashlib.sha256(tile.glb.view(at)).hexdigest() for at in range(count)]
        assert theirs[f"{tile.entry.uri}.gz"] == ours
        attributes = tile.glb.json["meshes"][0]["primitives"][0]["attributes"]
        assert len(attributes) == count == 6


def test_the_compat_profile_needs_no_extension(build: Any, cloud: Cloud, tmp_path: Path) -> None:
    built = build([cloud], profile=COMPAT, **SMALL)
    found = []
    for tile in built.tiles():
        assert "extensionsRequired" not in tile.glb.json
        data = built.store.get(tile.entry.uri).decoded()
        (points,) = trimesh.load(io.BytesIO(data), file_type="glb").dump()
        assert isinstance(points, trimesh.PointCloud)
        found.append(np.asarray(points.vertices)[:, [0, 2, 1]] * [1, -1, 1])
    whole = np.concatenate(found)
    wanted = enu(scattered(COUNT))
    assert len(whole) == COUNT
    plain = tmp_path / "plain"
    plain.mkdir()
    for packed in built.store.path.glob("*.gz"):
        (plain / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    contents = TileSet.from_file(plain / "tileset.json").get_all_tile_contents()
    assert sum(content.get_vertex_count() for content in contents) == COUNT
    for axis in range(3):
        np.testing.assert_allclose(np.sort(whole[:, axis]), np.sort(wanted[:, axis]), atol=0.001)


def test_the_schema_names_what_a_client_styles_by(build: Any, cloud: Cloud) -> None:
    document = build([cloud]).tiles()[0].glb.json
    metadata = document["extensions"]["EXT_structural_metadata"]
    primitive = document["meshes"][0]["primitives"][0]
    assert primitive["extensions"]["EXT_structural_metadata"] == {"propertyAttributes": [0]}
    (attribute,) = metadata["propertyAttributes"]
    declared = metadata["schema"]["classes"][attribute["class"]]["properties"]
    assert set(attribute["properties"]) == set(declared)
    for name, place in attribute["properties"].items():
        assert place["attribute"] == f"_{name.upper()}"
        assert place["attribute"] in primitive["attributes"]
    codes = {v["value"]: v["name"] for v in metadata["schema"]["enums"]["las_class"]["values"]}
    assert (codes[2], codes[41], codes[70]) == ("ground", "reserved_41", "user_70")
    assert {f["enumType"] for f in declared.values() if f["type"] == "ENUM"} == {"las_class"}


def test_attributes_without_content_are_left_out(build: Any, tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.las", scattered(20), return_number=np.ones(20, int))
    document = build([passport(path)]).tiles()[0].glb.json
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert sorted(attributes) == ["POSITION", "_CLASSIFICATION"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize(
    "name", ["1.2-with-color.las", "simple.laz", "autzen_trim.laz", "lone-star.copc.laz"]
)
def test_clouds_of_others_come_through_whole(build: Any, name: str) -> None:
    """Their coordinates are taken as if they were near the twin, which none of them is."""
    file = LasFile(SHARED / name)
    cloud = passport(SHARED / name, horizontal="EPSG:32612", vertical="ellipsoidal")
    frame, extent, storage = frame_around(cloud, 32612)
    built = build([cloud], frame=frame, extent=extent, storage=storage, limit=20_000, unit=200_000)
    assert built.report.points_in == built.report.in_tiles == file.count
    assert check_tileset(built.store.path).clean
    assert khronos(sorted(built.store.path.glob("*.glb.gz"))[:5])["errors"] == 0
    classes = np.concatenate([file.read(piece).classification for piece in file.pieces()])
    np.testing.assert_array_equal(np.bincount(built.all("_CLASSIFICATION")), np.bincount(classes))
