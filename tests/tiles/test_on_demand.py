"""Tilesets made when they are asked for: the same files as published ones, made once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.crs import enu_frame
from tiles.build import build_layer
from tiles.content import F64
from tiles.far_boxes import Boxes
from tiles.gltf import DEFAULT
from tiles.inspect import Glb
from tiles.massing import Legend, Look
from tiles.on_demand import OnDemand, Shelf, asked_with, on_demand
from tiles.store.cache import DiskCache
from tiles.store.directory import DirectoryStore
from tiles.testing import BoxTiler, random_boxes
from tiles.tilers.base import Batch, KeyIndex, Loader, RefusedFeature, Source, Whole

FRAME = enu_frame(121.2264, 30.9869, 14.0)
KEY = bytes(32)


class FarBoxTiler(BoxTiler):
    """Boxes that look the same from afar."""

    def massing(self, rows: np.ndarray) -> Boxes:
        boxes: F64 = self.index().boxes[rows]
        middle, half = (boxes[:, :3] + boxes[:, 3:]) / 2, (boxes[:, 3:] - boxes[:, :3]) / 2
        count = len(rows)
        return Boxes(
            middle.astype(np.float32),
            np.tile(np.array([1, 0], np.float32), (count, 1)),
            half.astype(np.float32),
            np.zeros(count, np.uint32),
            np.zeros(count, np.float32),
            Legend((Look(self.content(rows).primitives[0].material),)),
            count,
        )


class StoppedError(Exception):
    """The time is over."""


class Counted:
    """A source that notes what is read of it."""

    def __init__(self, source: Source) -> None:
        self.source, self.layer, self.frame = source, source.layer, source.frame
        self.refused: list[RefusedFeature] = []
        self.read: list[int] = []
        self.closed = False

    def index(self) -> KeyIndex:
        return self.source.index()

    def loader(self) -> Loader:
        self._inner = self.source.loader()
        return self

    def load(self, keys: np.ndarray) -> Batch:
        self.read += keys.tolist()
        return self._inner.load(keys)

    def close(self) -> None:
        self.closed = True


def city(count: int = 6000) -> Counted:
    return Counted(Whole(FarBoxTiler(random_boxes(count, side=4000.0), FRAME)))


def shelf(folder: Path, front: int = 1) -> Shelf:
    """A process's own view of the shelf."""
    return Shelf(DiskCache(folder, 1 << 28, KEY, front), "twin/layer")


def made(source: Counted, place: Shelf, mark: bytes = b"mark") -> OnDemand:
    return on_demand(source, place, DEFAULT, mark, lambda: None)


def test_the_files_are_those_of_a_published_layer(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    source = city()
    report = build_layer(source.source, store)
    plan = made(source, shelf(tmp_path / "cache"))
    root = json.loads(plan.root)
    assert plan.root == store.get("tileset.json").decoded()
    assert plan.files == store.names()
    assert report.tiles == len(plan.files) > 2
    assert root["root"]["refine"] == "REPLACE"  # something stands for all from afar
    assert root["root"]["content"]["uri"] in plan.files
    other = shelf(tmp_path / "cache")
    for name in plan.files:
        assert other.get(name) == store.get(name)
    assert source.closed
    assert OnDemand.unpacked(plan.packed()) == plan


def test_what_ran_out_of_time_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first, turns = city(), 0

    def going() -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        on_demand(first, shelf(tmp_path), DEFAULT, b"mark", going)
    assert first.closed
    second = city()
    plan = made(second, shelf(tmp_path))
    assert 0 < len(second.read) < 6000
    assert len(set(first.read) | set(second.read)) == 6000
    third = city()
    assert made(third, shelf(tmp_path)) == plan
    assert third.read == []


def test_other_signatures_and_places_share_nothing(tmp_path: Path) -> None:
    made(city(50), shelf(tmp_path))
    again = city(50)
    made(again, shelf(tmp_path), b"another encoder")
    assert len(again.read) == 50
    plan = made(city(50), shelf(tmp_path))
    (name,) = plan.files
    assert Shelf(DiskCache(tmp_path, 1 << 28, KEY), "twin/layer").get(name) is not None
    assert Shelf(DiskCache(tmp_path, 1 << 28, KEY), "twin/other").get(name) is None


def test_files_that_are_lost_are_made_again(tmp_path: Path) -> None:
    plan = made(city(50), shelf(tmp_path))
    (name,) = plan.files
    before = shelf(tmp_path).get(name)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-3])
    again = city(50)
    assert made(again, shelf(tmp_path)) == plan
    assert len(again.read) == 50
    assert shelf(tmp_path).get(name) == before


def test_refused_features_are_left_out_and_remembered(tmp_path: Path) -> None:
    boxes = random_boxes(30)
    plan = made(Counted(Whole(BoxTiler(boxes, FRAME, broken=[3, 7]))), shelf(tmp_path))
    (name,) = plan.files
    found = shelf(tmp_path).get(name)
    assert found is not None
    assert len(Glb(found.decoded()).table()["id"]) == 28
    again = Counted(Whole(BoxTiler(boxes, FRAME, broken=[3, 7])))
    assert made(again, shelf(tmp_path)) == plan
    assert again.read == []


def test_addresses_carry_the_question(tmp_path: Path) -> None:
    plan = made(city(), shelf(tmp_path))
    asked = asked_with(plan.root, "filter=a%3D1")
    names = [part.partition('"')[0] for part in asked.decode().split('"uri":"')[1:]]
    assert len(names) == len(plan.files)
    assert {name.removesuffix("?filter=a%3D1") for name in names} == plan.files
    assert json.loads(asked.decode().replace("?filter=a%3D1", "")) == json.loads(plan.root)
