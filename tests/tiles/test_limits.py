"""What no tile exceeds, whatever the layer holds: long texts, profiles without compression, one
feature of very many triangles."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from models.crs import enu_frame
from models.features import TriangleMesh
from models.testing import pipes
from tiles.build import build_layer
from tiles.check import Report, check_tileset
from tiles.content import F64
from tiles.gltf import PROFILES, encode
from tiles.implicit import write_implicit
from tiles.mesh.ragged import I64
from tiles.statistics import Statistics
from tiles.store.directory import DirectoryStore
from tiles.testing import box_content, random_boxes
from tiles.tilers.base import Tiler
from tiles.tilers.bim import BimTiler
from tiles.tilers.buildings import BuildingTiler
from tiles.tilers.pipes import PipeTiler

FRAME: F64 = np.asarray(enu_frame(121.2264, 30.9869, 14.0))
E, N = 617486.771, 3430515.006
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))


def words(count: int, length: int, seed: int = 1) -> list[str]:
    """Texts in which there is nothing for a compressor to find but the alphabet."""
    drawn = np.random.default_rng(seed).integers(0, len(LETTERS), (count, length))
    return ["".join(row) for row in LETTERS[drawn]]


def places(count: int) -> tuple[I64, I64]:
    """Column and row of each on a grid."""
    number = np.arange(count, dtype=np.int64)
    return number // 50, number % 50


def buildings(count: int, text: int) -> BuildingTiler:
    """Cubes of 8 m, 12 m apart, with a name, a function and an address that all differ."""
    across, up = places(count)
    x, y = E + 12.0 * across, N + 12.0 * up
    table = pd.DataFrame(
        {
            "id": [f"b{k}" for k in range(count)],
            "key": [f"b{k}" for k in range(count)],
            "geom": shapely.box(x, y, x + 8, y + 8),
            "height": 9.0,
            "base_height": 4.0,
            "name": words(count, text // 4),
            "function": words(count, text // 4, 2),
            "address": words(count, text // 2, 3),
        }
    )
    return BuildingTiler(FRAME, table)


def built(tiler: Tiler, folder: Path, profile: str = "default") -> Report:
    build_layer(tiler, DirectoryStore(folder), profile=PROFILES[profile])
    return check_tileset(folder)


def test_long_texts_of_buildings_make_more_tiles(tmp_path: Path) -> None:
    found = built(buildings(6000, 800), tmp_path)
    assert found.totals == {}, found.findings
    assert found.summary.features == 6000
    assert 100_000 < found.summary.largest_tile_bytes <= 500_000
    assert found.summary.far_bytes < 200_000  # functions of 200 letters are left to the buildings


def test_short_texts_make_none(tmp_path: Path) -> None:
    tilers = {length: buildings(1500, length) for length in (4, 56)}
    counts = [built(tiler, tmp_path / str(at)).summary.contents for at, tiler in tilers.items()]
    assert counts[0] == counts[1]


def test_long_texts_of_elements_and_of_pipes(tmp_path: Path) -> None:
    shape = np.vstack([np.zeros(3), np.eye(3)])
    x, y = places(1200)
    matrices = np.tile(np.eye(4), (len(x), 1, 1))
    matrices[:, :3, 3] = np.column_stack([E + 3.0 * x, N + 3.0 * y, np.full(len(x), 5.0)])
    elements = pd.DataFrame(
        {
            "id": [f"e{k}" for k in range(len(x))],
            "ifc_class": "IfcWall",
            "mesh": "corner",
            "placement": [matrix.ravel().tolist() for matrix in matrices],
            "long_name": words(len(x), 1000),
        }
    )
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.uint32)
    grey = np.array([[0.5, 0.5, 0.5, 1.0]], np.float32)
    corner = TriangleMesh(shape, faces, np.zeros(4, np.uint16), grey, ("grey",))
    network = pipes(500)
    segments = network["pipe_segment"].assign(owner=words(500, 2000))
    layers: dict[str, Tiler] = {
        "bim": BimTiler(FRAME, elements, {"corner": corner}),
        "pipes": PipeTiler(FRAME, segments, network["pipe_point"]),
    }
    for name, tiler in layers.items():
        found = built(tiler, tmp_path / name)
        assert found.totals == {}, (name, found.findings)
        assert found.summary.largest_tile_bytes <= 500_000


def test_a_profile_without_compression_makes_more_tiles(tmp_path: Path) -> None:
    contents = {}
    for profile in PROFILES:
        found = built(buildings(2000, 40), tmp_path / profile, profile)
        assert found.totals == {}, found.findings
        assert found.summary.features == 2000
        contents[profile] = found.summary.contents
    assert contents["default"] <= contents["draco"] < contents["compat"]


@pytest.mark.parametrize("outlines", [False, True])
@pytest.mark.parametrize("corners", [5, 8, 12])
def test_the_size_of_a_tile_is_known_before_it_is_made(corners: int, outlines: bool) -> None:
    """Buildings of no two the same outline, with outlines drawn and without."""
    random, (x, y) = np.random.default_rng(corners), places(600)
    turn = np.sort(random.random((600, corners)), axis=1) * 2 * np.pi
    reach = 5 + 3 * random.random((600, corners))
    rings = np.stack(
        [20 * x[:, None] + reach * np.cos(turn), 20 * y[:, None] + reach * np.sin(turn)]
    )
    table = pd.DataFrame(
        {
            "id": words(600, 20),
            "geom": shapely.convex_hull(
                shapely.polygons(np.moveaxis(rings, 0, -1) + np.array([E, N]))
            ),
            "height": 5 + 50 * random.random(600),
            "base_height": 4 + random.random(600),
        }
    )
    tiler = BuildingTiler(FRAME, table)
    content = tiler.content(np.arange(len(tiler.index().ids)))
    plain = len(gzip.compress(encode(content, PROFILES["default"])))
    triangles = np.array([sum(len(shape.indices) for shape in content.primitives)])
    for name in ("default", "compat"):
        profile = replace(PROFILES[name], outlines=outlines)
        made = len(gzip.compress(encode(content, profile)))
        assert 0.9 * made < int(profile.sizes(np.array([plain]), triangles)[0]) < 1.1 * made


def test_round_buildings_without_compression(tmp_path: Path) -> None:
    x, y = places(9)
    table = pd.DataFrame(
        {
            "id": [f"r{k}" for k in range(9)],
            "geom": shapely.buffer(shapely.points(E + 40.0 * x, N + 40.0 * y), 15, quad_segs=500),
            "height": 30.0,
            "base_height": 4.0,
        }
    )
    found = built(BuildingTiler(FRAME, table), tmp_path, "compat")
    assert found.totals == {}, found.findings
    assert found.summary.largest_tile_bytes > 100_000


def test_an_implicit_export_is_as_small(tmp_path: Path) -> None:
    one = built(buildings(3000, 400), tmp_path / "explicit")
    store = DirectoryStore(tmp_path / "explicit")
    (tmp_path / "implicit").mkdir()
    (tmp_path / "implicit" / "tileset.json").write_text("{}")  # of a version that wrote plain files
    write_implicit(store, tmp_path / "implicit")
    other = check_tileset(tmp_path / "implicit")
    assert one.totals == other.totals == {}, other.findings
    assert one.summary.contents > 2
    for name in ("largest_tile_bytes", "features", "contents"):
        assert getattr(one.summary, name) == getattr(other.summary, name)
    assert other.summary.far_bytes < 1.1 * one.summary.far_bytes + 5000  # and a subtree
    assert {path.suffix for path in (tmp_path / "implicit").rglob("*") if path.is_file()} == {".gz"}


def test_a_feature_that_is_too_much_for_a_tile_is_listed(tmp_path: Path) -> None:
    shapes = shapely.buffer(shapely.points([E, E + 500.0], [N, N]), 90, quad_segs=4000)
    table = pd.DataFrame(
        {
            "id": ["round", "square"],
            "geom": [shapes[0], shapely.envelope(shapes[1])],
            "height": 9.0,
            "base_height": 4.0,
        }
    )
    report = build_layer(BuildingTiler(FRAME, table), DirectoryStore(tmp_path))
    assert (report.in_tiles, report.refused) == (2, ())
    (one,) = report.large
    assert (one.id, one.code) == ("round", "TILE-LARGE")
    assert one.triangles > 50_000
    assert str(one.triangles) in one.en and str(one.triangles) in one.zh
    assert set(check_tileset(tmp_path).totals) == {"TSC-32"}


def test_what_is_large_is_remembered_with_the_content() -> None:
    content = box_content(random_boxes(1))
    shape = content.primitives[0]
    many = replace(shape, indices=np.tile(shape.indices, (5000, 1)))
    found = Statistics()
    found.add(replace(content, primitives=[many]))
    assert list(found.large.values()) == [5000 * len(shape.indices)]
    both = Statistics()
    both.merge(Statistics.from_plain(found.to_plain()))
    assert both.large == found.large
