"""A build of terrain that was killed goes on where it was, if it is to make the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models.features import DatumPassport
from tiles.errors import StoreError
from tiles.terrain import TerrainStore, build_terrain

H85 = DatumPassport("EPSG:4549", "1985")
DYING = """
import os, signal, sys
from pathlib import Path
from models.features import DatumPassport
from tiles.terrain import TerrainStore, build_terrain

def progress(done, total):
    if done == total - 3:
        os.kill(os.getpid(), signal.SIGKILL)

given = Path(sys.argv[1]), DatumPassport("EPSG:4549", "1985"), TerrainStore(Path(sys.argv[2]))
build_terrain(*given, progress=progress)
"""


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.gz")}


def test_a_killed_build_goes_on(dem: Callable[..., Path], tmp_path: Path) -> None:
    path = dem(size=20, cell=240.0)
    whole = build_terrain(path, H85, TerrainStore(tmp_path / "whole"))
    command = [sys.executable, "-c", DYING, path, tmp_path / "killed"]
    ended = subprocess.run(list(map(str, command)), check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed/layer.json.gz").exists()
    (half, *_) = (tmp_path / "killed").rglob("0.terrain.gz")
    half.write_bytes(half.read_bytes()[:-9])  # as a full disk would leave it
    report = build_terrain(path, H85, TerrainStore(tmp_path / "killed"))
    assert report.resumed == whole.tiles - 4
    assert (report.version, report.triangles, report.bytes) == (
        whole.version,
        whole.triangles,
        whole.bytes,
    )
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")
    assert not list((tmp_path / "killed").glob(".new-*"))


def test_other_terrain_takes_nothing_over(dem: Callable[..., Path], tmp_path: Path) -> None:
    path = dem(size=20, cell=240.0)
    command = [sys.executable, "-c", DYING, path, tmp_path / "t"]
    subprocess.run(list(map(str, command)), check=False)
    assert list((tmp_path / "t").glob(".new-*"))
    os.utime(path, (1, 1))  # another file by that name
    report = build_terrain(path, H85, TerrainStore(tmp_path / "t"))
    assert report.resumed == 0
    assert not list((tmp_path / "t").glob(".new-*"))


def test_a_cut_file_is_told_plainly(dem: Callable[..., Path], tmp_path: Path) -> None:
    store = TerrainStore(tmp_path)
    version = build_terrain(dem(size=20, cell=240.0), H85, store).version
    for name in (f"{version}/0/0/0.terrain", "layer.json"):
        cut = tmp_path / f"{name}.gz"
        cut.write_bytes(cut.read_bytes()[:-7])
        with pytest.raises(StoreError, match="no whole gzip file") as told:
            store.get(name)
        assert str(cut) in told.value.en and str(cut) in told.value.zh
