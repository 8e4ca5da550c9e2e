"""Clouds from file to tileset, read back point by point."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.spatial

from models.las import LasError
from models.las_testing import PLACE, full, scattered, write_cloud
from tiles.check import check_tileset
from tiles.gltf import COMPAT, DEFAULT, Profile
from tiles.points.morton import Cube
from tiles.points.testing import enu, passport
from tiles.store.directory import DirectoryStore
from tiles.store.testing import files

COUNT = 30_000
SMALL = {"limit": 1500, "unit": 6000}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("cloud") / "a.laz"
    return passport(write_cloud(path, scattered(COUNT), **full(COUNT)))


@pytest.mark.parametrize("profile", [DEFAULT, COMPAT], ids=lambda p: p.name)
def test_every_point_once_in_its_place_with_its_attributes(
    build: Any, cloud: Any, profile: Profile
) -> None:
    built = build([cloud], profile=profile, **SMALL)
    report = built.report
    assert (report.points_in, report.in_tiles, report.refused) == (COUNT, COUNT, {})
    tiles = built.tiles()
    assert report.tiles == len(tiles) > COUNT / 1500
    number = built.all("_INTENSITY").astype(int)  # intensity numbers the points
    assert sorted(number) == list(range(COUNT))
    columns, wanted = full(COUNT), enu(scattered(COUNT))
    found = np.concatenate([tile.xyz for tile in tiles])
    assert np.abs(found - wanted[number]).max() < 0.002
    np.testing.assert_array_equal(built.all("_CLASSIFICATION"), columns["classification"][number])
    np.testing.assert_array_equal(built.all("_RETURN_NUMBER"), columns["return_number"][number])
    for tile in tiles:
        own = tile.values("_INTENSITY").astype(int)
        attribute = tile.glb.json["extensions"]["EXT_structural_metadata"]["propertyAttributes"][0]
        first = attribute["properties"]["gps_time"]["offset"]
        assert np.abs(tile.values("_GPS_TIME") + first - own / 64).max() < 0.001
        half = tile.entry.box[[3, 7, 11]]
        assert (np.abs(tile.xyz - tile.entry.box[:3]) <= half).all()
        assert len(tile.xyz) <= 1500


def test_colours_become_linear(build: Any, cloud: Any) -> None:
    built = build([cloud], **SMALL)
    number, columns = built.all("_INTENSITY").astype(int), full(COUNT)
    linear = built.all("COLOR_0")
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    wanted = np.column_stack([columns[c] for c in ("red", "green", "blue")])[number] / 65535
    error = np.abs(srgb - wanted) * 255
    assert error[wanted > 0.2].max() < 2
    assert error.max() < 7  # eight linear bits are coarse where it is nearly black


def test_colours_of_eight_bits_are_not_black(build: Any, tmp_path: Path) -> None:
    grey = np.repeat([0, 128, 255], 10)
    path = write_cloud(tmp_path / "a.las", scattered(30), red=grey, green=grey, blue=grey)
    found = build([passport(path)]).all("COLOR_0")
    assert sorted({round(float(v) * 255) for v in found.ravel()}) == [0, 55, 255]


def test_what_is_drawn_is_never_further_than_the_geometric_error(build: Any, cloud: Any) -> None:
    tiles = build([cloud], **SMALL).tiles()
    at = {tile.entry.uri: tile for tile in tiles}
    assert len(at) == len(tiles)
    whole = np.concatenate([tile.xyz for tile in tiles])
    for error in sorted({tile.entry.errors[-1] for tile in tiles if not tile.entry.leaf}):
        # a client that is content with `error` draws all tiles whose parents promise more than it
        drawn = np.concatenate([t.xyz for t in tiles if t.entry.errors[-2] > error])
        gap = scipy.spatial.cKDTree(drawn).query(whole)[0].max()
        assert gap <= error + 0.005
        assert len(drawn) < COUNT or error == 0


def test_errors_fall_and_leaves_have_none(build: Any, cloud: Any) -> None:
    tiles = build([cloud], **SMALL).tiles()
    assert not tiles[0].entry.leaf
    for tile in tiles:
        errors = tile.entry.errors
        assert all(a > b for a, b in pairwise(errors))
        assert (errors[-1] == 0) == tile.entry.leaf


def test_any_number_of_workers_gives_the_same_files(build: Any, cloud: Any) -> None:
    one, two = build([cloud], "one", **SMALL), build([cloud], "two", workers=2, **SMALL)
    assert one.report.root == two.report.root
    assert files(one.store) == files(two.store)


def test_points_in_the_same_place_are_all_kept(build: Any, tmp_path: Path) -> None:
    xyz = np.repeat(scattered(3), 700, axis=0)
    cloud = passport(write_cloud(tmp_path / "a.las", xyz, intensity=np.arange(2100)))
    for unit in (10_000, 500):  # below and above what is built at once
        built = build([cloud], f"u{unit}", limit=300, unit=unit)
        assert sorted(built.all("_INTENSITY").astype(int)) == list(range(2100))
        assert max(len(tile.xyz) for tile in built.tiles()) <= 300
        assert check_tileset(built.store.path).totals.keys() <= {"TSC-34"}


@pytest.mark.parametrize("count", [20_000, 40_000])
def test_no_tile_is_too_large_without_compression(build: Any, tmp_path: Path, count: int) -> None:
    """Attributes without any order, of which gzip makes nothing either."""
    random = np.random.default_rng(4)
    bands: dict[str, Any] = {
        band: random.integers(0, 65536, count) for band in ("red", "green", "blue")
    }
    path = write_cloud(
        tmp_path / "a.las",
        scattered(count),
        intensity=random.integers(0, 65536, count),
        classification=random.integers(0, 256, count),
        return_number=random.integers(1, 16, count),
        number_of_returns=np.full(count, 15),
        gps_time=1e8 + 3000 * random.random(count),
        **bands,
    )
    built = build([passport(path)], profile=COMPAT)
    assert built.report.in_tiles == count
    report = check_tileset(built.store.path)
    assert report.clean, report.findings
    assert 200_000 < report.summary.largest_tile_bytes <= 500_000


def test_a_wide_cloud_keeps_its_places(build: Any, tmp_path: Path) -> None:
    xyz = scattered(4000, side=3500.0)
    built = build([passport(write_cloud(tmp_path / "a.laz", xyz, intensity=np.arange(4000)))])
    number = built.all("_INTENSITY").astype(int)
    error = np.abs(np.concatenate([t.xyz for t in built.tiles()]) - enu(xyz)[number])
    assert error.max() < 0.005


def test_clouds_of_different_kinds_in_one_layer(build: Any, tmp_path: Path) -> None:
    rich = write_cloud(tmp_path / "a.laz", scattered(500), **full(500))
    plain = write_cloud(tmp_path / "b.las", scattered(400, seed=2), point_format=0, version="1.2")
    built = build([passport(rich), passport(plain)])
    tile = built.tiles()[0]
    assert built.report.in_tiles == len(tile.xyz) == 900
    other = tile.values("_GPS_TIME") == -1.0
    assert int(other.sum()) == 400
    assert (tile.values("COLOR_0")[other] * 255 == 55).all()
    schema = tile.glb.json["extensions"]["EXT_structural_metadata"]["schema"]
    time = schema["classes"]["point"]["properties"]["gps_time"]
    assert (time["noData"], time["extras"]["start"]) == (-1.0, 3.6e8)


def test_times_of_surveys_years_apart_stay_exact(build: Any, tmp_path: Path) -> None:
    """In one tile; a point without a time has none."""
    starts = (1.0e8, 4.0e8)
    names = [np.arange(3000) + 3000 * at for at in (0, 1)]
    clouds = [
        passport(
            write_cloud(
                tmp_path / f"{at}.las",
                scattered(3000, seed=at),
                intensity=name,
                gps_time=start + np.arange(3000) / 7,
            )
        )
        for at, (start, name) in enumerate(zip(starts, names, strict=True))
    ]
    plain = write_cloud(tmp_path / "p.las", scattered(9, seed=7), point_format=0, version="1.2")
    (tile,) = build([*clouds, passport(plain)]).tiles()
    metadata = tile.glb.json["extensions"]["EXT_structural_metadata"]
    described = metadata["schema"]["classes"]["point"]["properties"]
    placed = metadata["propertyAttributes"][0]["properties"]
    time = tile.values(placed["gps_time"]["attribute"]).astype(float)
    rest = tile.values(placed["gps_time_rest"]["attribute"]).astype(float)
    known = time != described["gps_time"]["noData"]
    assert int(known.sum()) == 6000 and not rest[~known].any()
    whole = described["gps_time"]["extras"]["start"] + placed["gps_time"]["offset"] + time + rest
    number = tile.values("_INTENSITY").astype(int)[known]
    wanted = np.array(starts)[number // 3000] + number % 3000 / 7
    assert np.abs(whole[known] - wanted).max() < 0.001
    assert np.abs(rest).max() <= 16.0
    assert check_tileset(tmp_path / "tiles").clean
    short = build([clouds[0]], "short").tiles()[0].glb.json["meshes"][0]["primitives"][0]
    assert "_GPS_TIME_REST" not in short["attributes"]


def test_refused_points_are_counted_by_reason(build: Any, tmp_path: Path) -> None:
    xyz = scattered(1000)
    xyz[:5, 0] += 40_000.0  # far
    xyz[5:9, 2] = -2_000.0  # below the Dead Sea
    path = write_cloud(tmp_path / "a.las", xyz, withheld=np.arange(1000) >= 997)
    near = xyz[9:]
    stated = (*near.min(axis=0).tolist(), *near.max(axis=0).tolist())
    built = build([passport(path)])
    assert built.report.refused == {"SKIP-WITHHELD": 3, "PTC-12": 5, "PTC-13": 4}
    assert built.report.in_tiles == 988
    for reason in built.report.reasons():
        assert reason.zh.endswith("。")
        assert reason.en.endswith(".")
    built = build([passport(path, stray=9, stated=stated)], "stray")
    assert built.report.refused == {"SKIP-WITHHELD": 3, "PTC-11": 9}


def test_a_layer_whose_points_are_all_refused_is_empty(build: Any, tmp_path: Path) -> None:
    cloud = passport(write_cloud(tmp_path / "a.las", scattered(10), withheld=np.ones(10, int)))
    built = build([cloud])
    assert (built.report.in_tiles, built.report.tiles) == (0, 0)
    assert built.tiles() == []
    assert check_tileset(built.store.path).clean


def test_a_damaged_cloud_leaves_the_old_tiles(build: Any, tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.laz", scattered(2000), **full(2000))
    cloud = passport(path)
    before = files(build([cloud]).store)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(LasError):
        build([cloud])
    assert files(DirectoryStore(tmp_path / "tiles")) == before


def test_files_of_older_tilesets_stay(build: Any, tmp_path: Path) -> None:
    clouds = [
        passport(write_cloud(tmp_path / f"{n}.las", scattered(50 * n, seed=n))) for n in (1, 2, 3)
    ]
    built = [build([cloud]) for cloud in clouds]
    names = built[-1].store.names()
    reached = [one.report.files for one in built]
    assert [len(files) for files in reached] == [1, 1, 1]
    assert names == frozenset.union(*reached)


def test_the_statistics_count_the_points(build: Any, cloud: Any) -> None:
    import orjson

    root = orjson.loads(build([cloud], **SMALL).store.get("tileset.json").decoded())
    entry = root["statistics"]["classes"]["point"]
    codes, numbers = np.unique(full(COUNT)["classification"], return_counts=True)
    words = {2: "ground", 5: "high_vegetation", 6: "building", 41: "reserved_41", 70: "user_70"}
    seen = {words[int(c)]: int(n) for c, n in zip(codes, numbers, strict=True)}
    assert entry["count"] == COUNT
    assert entry["properties"]["classification"]["occurrences"] == seen
    assert entry["properties"]["intensity"] == {"min": 0.0, "max": COUNT - 1.0}


def test_the_cube_holds_what_it_goes_around() -> None:
    box = np.array([*PLACE, *np.add(PLACE, [100.0, 7.0, 3.0])])
    cube = Cube.around(box)
    assert cube.side == 128.0
    assert (np.array(cube.origin) < box[:3]).all()
    assert (np.array(cube.origin) + cube.side > box[3:]).all()
