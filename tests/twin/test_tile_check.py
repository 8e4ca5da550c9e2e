"""``twin tile --check``: what is told, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.crs import enu_frame
from tiles.build import build_layer
from tiles.store.archive import export_archive
from tiles.store.directory import DirectoryStore
from tiles.testing import BoxTiler, random_boxes
from twin.testing import Command, Program


@pytest.fixture
def twin(tmp_path: Path) -> Command:
    return Program(tmp_path / "home").here


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    folder = tmp_path / "layer"
    frame = enu_frame(121.2264, 30.9869, 14.0)
    build_layer(BoxTiler(random_boxes(40), frame), DirectoryStore(folder))
    return folder


def test_a_sound_one_is_clean(twin: Command, layer: Path) -> None:
    export_archive(layer, layer.with_name("layer.3tz"))
    for place in (layer, layer / "tileset.json", layer.with_name("layer.3tz")):
        ended = twin.run("tile", "--check", place)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "合格 clean" in ended.stdout
        told = twin.run("tile", "--check", place, "--json")
        assert json.loads(told.stdout)["summary"]["features"] == 40


def test_faults_are_told_in_both_languages(twin: Command, layer: Path) -> None:
    (layer / "left.glb").write_bytes(b"x")
    ended = twin.run("tile", "--check", layer)
    assert ended.returncode == 1
    assert "TSC-02" in ended.stderr
    assert "left.glb" in ended.stderr
    assert "无人引用" in ended.stderr and "no tile reaches" in ended.stderr
    told = json.loads(twin.run("tile", "--check", layer, "--json").stdout)
    assert not told["clean"]
    (finding,) = told["findings"]
    assert finding["code"] == "TSC-02" and finding["place"]["file"] == "tileset.json"


def test_a_place_without_a_tileset_cannot_be_checked(
    twin: Command, layer: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.3tz").write_bytes(b"PK")
    for place in (tmp_path, tmp_path / "home", tmp_path / "nowhere", tmp_path / "bad.3tz"):
        for more in ([], ["--json"]):
            ended = twin.run("tile", "--check", place, *more)
            assert ended.returncode == 2
            assert not ended.stdout
            assert str(place) in ended.stderr
    text = twin.run("tile", "--check", tmp_path).stderr
    assert "没有瓦片集" in text and "no tileset" in text
    assert str(layer) in text  # where one is
