"""A layer from index to published tileset, read back as a client would."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from py3dtiles.tileset import TileSet

from models.geocentric import enu_frame, geodetic_to_ecef
from tiles.build import build_layer
from tiles.content import F64, Column, Content
from tiles.errors import ContentError, TileNotFoundError, WorkerError
from tiles.gltf import COMPAT, DEFAULT, Profile
from tiles.inspect import Glb
from tiles.inspect_tileset import TileEntry, walk
from tiles.scheme import Limits
from tiles.store.directory import DirectoryStore
from tiles.store.testing import files
from tiles.testing import (
    I64,
    BoxTiler,
    FatalTiler,
    MortalTiler,
    NanTiler,
    OddTiler,
    identifiers,
    khronos,
    random_boxes,
)
from tiles.volumes import to_ecef

LIMITS = Limits(min_bytes=5_000, max_bytes=20_000)
FRAME: F64 = np.asarray(enu_frame(121.2264, 30.9869, 15.0), dtype=np.float64)


def _tiles(store: DirectoryStore) -> list[TileEntry]:
    return list(walk(lambda uri: store.get(uri).decoded()))


def _contents(store: DirectoryStore) -> list[tuple[TileEntry, Glb]]:
    return [(t, Glb(store.get(t.uri).decoded())) for t in _tiles(store) if t.uri is not None]


def test_each_feature_in_one_leaf_and_every_vertex_in_its_box(tmp_path: Path) -> None:
    boxes = random_boxes(500, side=2000)
    store = DirectoryStore(tmp_path)
    steps: list[tuple[int, int]] = []
    report = build_layer(
        BoxTiler(boxes, FRAME), store, limits=LIMITS, progress=lambda *at: steps.append(at)
    )
    assert (report.features_in, report.in_tiles, report.refused) == (500, 500, ())
    assert steps == [(k + 1, report.tiles) for k in range(report.tiles)]
    found: Counter[str] = Counter()
    size = 0
    for tile, glb in _contents(store):
        assert tile.leaf
        found.update(glb.table()["id"])
        assert tile.errors[-1] == 0
        assert all(a > b for a, b in zip(tile.errors[:-1], tile.errors[1:], strict=True))
        half = tile.box[[3, 7, 11]]
        for part in glb.parts():
            assert (np.abs(part.positions - tile.box[:3]) <= half).all()
            assert len(np.unique(part.feature_ids)) == len(glb.table()["id"])
        size += len(store.get(tile.uri or "").decoded())
    assert found == Counter(identifiers(500))
    assert report.bytes == size


@pytest.mark.parametrize("profile", [DEFAULT, COMPAT], ids=lambda p: p.name)
@pytest.mark.parametrize("away", [0.0, 900.0, 3500.0])
def test_a_control_point_lies_within_2_cm_in_ecef(
    tmp_path: Path, profile: Profile, away: float
) -> None:
    lon, lat, top = 121.2264 + away / 95_000, 30.9869, 63.217
    target = geodetic_to_ecef(lon, lat, top).ravel()
    local = (target - FRAME[:3, 3]) @ FRAME[:3, :3]
    block = np.concatenate([local - [30, 40, 50], local])
    boxes = np.concatenate([random_boxes(40, side=400), [block]])
    store = DirectoryStore(tmp_path)
    build_layer(BoxTiler(boxes, FRAME), store, profile=profile)
    misses = []
    for tile, glb in _contents(store):
        ids = glb.table()["id"]
        for part in glb.parts():
            own = part.positions[[ids[i] == identifiers(41)[40] for i in part.feature_ids]]
            if len(own):
                misses.append(np.linalg.norm(to_ecef(tile.to_ecef, own) - target, axis=1).min())
    assert len(misses) == 1
    assert misses[0] < 0.02


def test_what_breaks_late_is_refused_and_counted(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    tiler = BoxTiler(random_boxes(200, side=900), FRAME, broken=[3, 70, 71])
    report = build_layer(tiler, store, limits=LIMITS)
    assert (report.features_in, report.in_tiles) == (200, 197)
    assert sorted(r.id for r in report.refused) == [identifiers(200)[i] for i in (3, 70, 71)]
    told = {i for _, glb in _contents(store) for i in glb.table()["id"]}
    assert told == set(identifiers(200)) - {r.id for r in report.refused}


def test_a_layer_without_features_is_a_valid_empty_tileset(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    build_layer(BoxTiler(random_boxes(3), FRAME), store)
    report = build_layer(BoxTiler(np.empty((0, 6)), FRAME), store)
    assert (report.features_in, report.tiles) == (0, 0)
    assert [tile.uri for tile in _tiles(store)] == [None]
    report = build_layer(BoxTiler(random_boxes(2), FRAME, broken=[0, 1]), store)
    assert (report.features_in, report.in_tiles, len(report.refused)) == (2, 0, 2)
    assert [tile.uri for tile in _tiles(store)] == [None]


def test_equal_input_gives_equal_files_and_a_change_few_new_ones(tmp_path: Path) -> None:
    boxes = random_boxes(800, side=2000)
    one, two = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
    build_layer(BoxTiler(boxes, FRAME), one, limits=LIMITS)
    build_layer(BoxTiler(boxes.copy(), FRAME), two, limits=LIMITS)
    first = files(one)
    assert first == files(two)
    boxes[5, 5] += 1
    build_layer(BoxTiler(boxes, FRAME), two, limits=LIMITS)
    assert len({path.name for path in two.path.iterdir()} - first.keys()) == 1


def test_any_number_of_workers_writes_equal_files_even_if_one_is_killed(tmp_path: Path) -> None:
    boxes = random_boxes(9000, side=6000)
    lives = tmp_path / "lives"
    lives.mkdir()
    one, two = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
    build_layer(BoxTiler(boxes, FRAME), one)
    (lives / "only").touch()
    steps: list[tuple[int, int]] = []
    report = build_layer(
        MortalTiler(boxes, FRAME, lives), two, workers=2, progress=lambda *at: steps.append(at)
    )
    assert not list(lives.iterdir())
    assert report.in_tiles == 9000
    assert steps == [(k + 1, report.tiles) for k in range(report.tiles)]
    assert files(one) == files(two)


def test_what_breaks_in_a_worker_is_refused_and_counted_here(tmp_path: Path) -> None:
    tiler = BoxTiler(random_boxes(200, side=900), FRAME, broken=[3, 70, 71])
    report = build_layer(tiler, DirectoryStore(tmp_path), limits=LIMITS, workers=2)
    assert (report.in_tiles, len(report.refused)) == (197, 3)


def test_what_a_worker_raises_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="finite numbers") as caught:
        build_layer(NanTiler(random_boxes(3), FRAME), DirectoryStore(tmp_path), workers=2)
    assert "瓦片" in caught.value.zh


def test_workers_that_always_die_end_the_build_and_the_old_root_stays(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "tiles")
    build_layer(BoxTiler(random_boxes(3), FRAME), store)
    before = store.get("tileset.json")
    lives = tmp_path / "lives"
    lives.mkdir()
    for number in range(100):
        (lives / f"{number}").touch()
    with pytest.raises(WorkerError, match="--workers 1"):
        build_layer(MortalTiler(random_boxes(9), FRAME, lives), store, workers=2)
    assert store.get("tileset.json") == before


def test_a_tile_that_kills_every_worker_is_refused_and_its_features_named(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    tiler = FatalTiler(random_boxes(200, side=900), FRAME)
    report = build_layer(tiler, store, limits=LIMITS, workers=2)
    refused = {one.id for one in report.refused}
    assert identifiers(200)[3] in refused
    assert {one.code for one in report.refused} == {"TILE-WORKER"}
    drawn = [identity for _, glb in _contents(store) for identity in glb.table()["id"]]
    assert len(drawn) == report.in_tiles > 100
    assert sorted([*drawn, *refused]) == identifiers(200)


def test_an_error_that_cannot_be_sent_is_told_and_is_no_death(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="OddError: odd and 3") as caught:
        build_layer(OddTiler(random_boxes(3), FRAME), DirectoryStore(tmp_path), workers=2)
    assert "程序缺陷" in caught.value.zh


def test_cancelling_ends_the_workers_and_the_old_root_stays(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    build_layer(BoxTiler(random_boxes(3), FRAME), store)
    before = store.get("tileset.json")

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_layer(
            BoxTiler(random_boxes(900, side=2000), FRAME), store, workers=2, progress=cancel
        )
    assert store.get("tileset.json") == before
    assert multiprocessing.active_children() == []


class _Careless(BoxTiler):
    """Breaks the contract in the way that ``fault`` says."""

    fault = ""

    def content(self, rows: I64) -> Content:
        content = super().content(rows)
        if self.fault == "schema" and 0 not in rows:
            extra = Column("extra", "多", "Extra", "UINT8", np.zeros(len(rows)))
            return replace(content, columns=[*content.columns, extra])
        if self.fault == "lost" and 0 in rows:
            return super().content(rows[1:])
        if self.fault == "twice":
            name = replace(content.columns[0], values=[identifiers(1)[0]] * len(rows))
            return replace(content, columns=[name, *content.columns[1:]])
        return content


@pytest.mark.parametrize(
    ("fault", "words"),
    [("schema", "one schema"), ("lost", "200 features in, but 199"), ("twice", "each feature")],
)
def test_a_careless_tiler_is_told_and_the_old_root_stays(
    tmp_path: Path, fault: str, words: str
) -> None:
    store = DirectoryStore(tmp_path)
    build_layer(BoxTiler(random_boxes(3), FRAME), store)
    before = store.get("tileset.json")
    tiler = _Careless(random_boxes(200, side=900), FRAME)
    tiler.fault = fault
    with pytest.raises(ContentError, match=words):
        build_layer(tiler, store, limits=LIMITS)
    assert store.get("tileset.json") == before


def test_others_read_it(tmp_path: Path) -> None:
    """The Khronos validator every GLB of both profiles, py3dtiles the tileset and its vertices."""
    paths, vertices = [], 0
    for profile in (DEFAULT, COMPAT):
        store = DirectoryStore(tmp_path / profile.name)
        build_layer(BoxTiler(random_boxes(300), FRAME), store, profile=profile, limits=LIMITS)
        paths += sorted(store.path.glob("*.glb.gz"))
    report = khronos(paths)
    assert (report["count"], report["errors"], report["warnings"]) == (len(paths), 0, 0)
    plain = tmp_path / "plain"
    plain.mkdir()
    for tile in _tiles(store):
        if tile.uri is not None:
            (plain / tile.uri).write_bytes(store.get(tile.uri).decoded())
    (plain / "tileset.json").write_bytes(store.get("tileset.json").decoded())
    tileset = TileSet.from_file(plain / "tileset.json")
    for content in tileset.get_all_tile_contents():
        vertices += content.get_vertex_count()
    assert vertices == 300 * 24


def test_reading_a_layer_that_was_never_built_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TileNotFoundError, match="twin tile"):
        DirectoryStore(tmp_path / "nothing").get("tileset.json")
