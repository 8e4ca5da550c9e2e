"""Implicit tiling: the same features, boxes and errors as the explicit tree it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from models.geocentric import enu_frame
from tiles.build import build_layer
from tiles.check import check_tileset
from tiles.check.implicit import morton as their_morton
from tiles.content import F64
from tiles.errors import StoreError, TileNotFoundError
from tiles.implicit import LEVELS, morton, write_implicit
from tiles.implicit_tree import laid_out
from tiles.inspect_tileset import walk
from tiles.scheme import Limits
from tiles.store.archive import Archive, export_archive
from tiles.store.directory import DirectoryStore
from tiles.testing import BoxTiler, identifiers, random_boxes

FRAME: F64 = np.asarray(enu_frame(121.2264, 30.9869, 15.0), dtype=np.float64)


@pytest.mark.parametrize(("count", "side"), [(1, 10.0), (900, 3000.0), (700, 0.5)])
def test_nothing_is_lost_or_looser(tmp_path: Path, count: int, side: float) -> None:
    store = DirectoryStore(tmp_path / "explicit")
    boxes = random_boxes(count, side=side)
    limits = Limits(min_bytes=2_000, max_bytes=4_000)
    build_layer(BoxTiler(boxes, FRAME), store, limits=limits)
    export = write_implicit(store, tmp_path / "implicit")
    one = check_tileset(tmp_path / "explicit", expected=identifiers(count))
    other = check_tileset(tmp_path / "implicit", expected=identifiers(count))
    assert one.totals == other.totals
    assert one.totals.keys() <= {"TSC-34"}  # these boxes have no far view
    for name in ("features", "contents", "triangles", "largest_tile_bytes"):
        assert getattr(other.summary, name) == getattr(one.summary, name)
    assert export.contents == one.summary.contents
    assert export.tiles == other.summary.tiles >= one.summary.tiles
    if count > 1:
        assert export.subtrees > (1 if other.summary.depth > LEVELS else 0)


def test_every_tile_keeps_its_own_box_and_error(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    build_layer(
        BoxTiler(random_boxes(600, side=2000), FRAME),
        store,
        limits=Limits(min_bytes=2_000, max_bytes=6_000),
    )
    explicit = list(walk(lambda uri: store.get(uri).decoded()))
    root = orjson.loads(store.get("tileset.json").decoded())["root"]
    spots = laid_out(root, lambda uri: store.get(uri).decoded())
    held = {spot.uri: spot for spot in spots if spot.uri is not None}
    drawn = [entry for entry in explicit if entry.uri is not None]
    assert len(drawn) == len(held)
    for entry in drawn:
        spot = held[str(entry.uri)]
        assert np.array_equal(spot.box, entry.box)
        assert spot.error == entry.errors[-1]
    places = {(spot.level, spot.x, spot.y) for spot in spots}
    assert len(places) == len(spots)
    for level, x, y in places - {(0, 0, 0)}:
        assert (level - 1, x // 2, y // 2) in places


def test_morton_as_the_reader_has_it() -> None:
    for x in range(9):
        for y in range(9):
            assert morton(x, y) == their_morton((x, y))


def test_an_export_takes_the_place_of_the_older_one_in_one_step(tmp_path: Path) -> None:
    folder, limits = tmp_path / "implicit", Limits(min_bytes=2_000, max_bytes=4_000)
    first, store = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
    build_layer(BoxTiler(random_boxes(300, side=900.0), FRAME), first, limits=limits)
    tiler = BoxTiler(random_boxes(200, side=3000.0, seed=2), FRAME)
    build_layer(tiler, store, limits=limits)
    write_implicit(first, folder)
    before = check_tileset(folder, expected=identifiers(300))
    gone = sorted(store.names())[-1]
    store.remove([gone])
    with pytest.raises(TileNotFoundError, match=gone):  # in the middle
        write_implicit(store, folder)
    between = check_tileset(folder, expected=identifiers(300))
    assert between.summary == before.summary
    assert between.totals.keys() <= before.totals.keys() | {"TSC-02"}  # files of the next
    build_layer(tiler, store, limits=limits)
    export = write_implicit(store, folder)
    after = check_tileset(folder, expected=identifiers(200))
    assert after.totals.keys() <= before.totals.keys()  # no file that nobody needs
    export_archive(folder, tmp_path / "made.3tz")
    with Archive(tmp_path / "made.3tz") as archive:
        assert len(archive.infos) == 1 + export.contents + export.subtrees


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    store, file = DirectoryStore(tmp_path / "explicit"), tmp_path / "file"
    build_layer(BoxTiler(random_boxes(3, side=9.0), FRAME), store)
    file.write_text("no folder")
    with pytest.raises(StoreError, match=f"written into {file}") as told:
        write_implicit(store, file / "implicit")
    assert "请检查该目录能否创建" in told.value.zh
