"""Versions of terrain: whole, repaired, and gone when nobody needs them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from models.db.lock import ProcessLock
from tiles.errors import StoreError, TileNotFoundError
from tiles.terrain.store import KEPT, TerrainStore, Version


def put(path: Path, *words: str) -> str:
    """A version of as many tiles; its name."""
    with Version(path) as version:
        for number, word in enumerate(words):
            version.put(0, number, 0, word.encode())
        return version.publish({"tilejson": "2.1.0"})


def test_building_again_puts_back_what_was_lost(tmp_path: Path) -> None:
    name = put(tmp_path, "west", "east")
    (tmp_path / name / "0/0/0.terrain.gz").write_bytes(b"")
    (tmp_path / name / "0/1/0.terrain.gz").unlink()
    assert put(tmp_path, "west", "east") == name
    store = TerrainStore(tmp_path)
    found = [store.get(f"{name}/0/{x}/0.terrain").decoded() for x in (0, 1)]
    assert found == [b"west", b"east"]


def test_old_versions_go_a_day_after_another_took_their_place(tmp_path: Path) -> None:
    store = TerrainStore(tmp_path)
    first = put(tmp_path, "1")
    age(tmp_path / first)  # built long ago, but read until now
    second = put(tmp_path, "2")
    age(tmp_path / second)
    assert store.get(f"{first}/0/0/0.terrain").decoded() == b"1"
    assert put(tmp_path, "2") == second
    assert store.get(f"{first}/0/0/0.terrain").decoded() == b"1"
    age(tmp_path / first)
    put(tmp_path, "2")
    with pytest.raises(TileNotFoundError):
        store.get(f"{first}/0/0/0.terrain")
    assert store.get(f"{second}/0/0/0.terrain").decoded() == b"2"


def test_no_version_goes_where_nobody_knows_which_was_read(tmp_path: Path) -> None:
    first = put(tmp_path, "1")
    age(tmp_path / first)
    (tmp_path / "layer.json.gz").write_bytes(b"")
    put(tmp_path, "2")
    assert TerrainStore(tmp_path).get(f"{first}/0/0/0.terrain").decoded() == b"1"


def test_what_a_killed_build_left_goes(tmp_path: Path) -> None:
    for name in (".new-killed/0/0", ".new-other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".new-layer").write_bytes(b"half")
    (tmp_path / ".new-killed/0/0/0.terrain.gz").write_bytes(b"half")
    name = put(tmp_path, "1")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {name, "layer.json.gz", "tiling.lock"}


def test_one_process_builds_at_a_time(tmp_path: Path) -> None:
    name = put(tmp_path, "1")
    with (
        ProcessLock(tmp_path / "tiling.lock"),
        pytest.raises(StoreError, match=f"Process {os.getpid()} is tiling the terrain") as told,
    ):
        put(tmp_path, "2")
    assert "正在" in told.value.zh
    assert TerrainStore(tmp_path).get(f"{name}/0/0/0.terrain").decoded() == b"1"
    assert put(tmp_path, "2") != name


def age(folder: Path) -> None:
    """Make a version look as if it were two days old."""
    long_ago = time.time() - 2 * KEPT
    os.utime(folder, (long_ago, long_ago))
