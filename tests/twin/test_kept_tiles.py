"""Tiling clouds, meshes and terrain as jobs: seen, cancelled, queued, taken up; readers of older
versions lose nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from ingest.readers.base import ReadOptions
from models.crs import StorageCrs
from models.db import jobs
from models.db.connection import connect
from models.db.jobs import JobCancelledError
from models.db.testing import do, until, waiting
from models.las_testing import PLACE, full, scattered, write_cloud
from models.texturedmesh_testing import write_mesh
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.errors import TileNotFoundError
from tiles.store.directory import DirectoryStore
from tiles.store.switch import published
from twin import mesh, pointcloud, terrain, tiling
from twin.settings import Settings

TWIN = load_twins()["songjiang-hub"]
DECLARED = ReadOptions("EPSG:4549", "1985")
KINDS = ("pointcloud", "mesh", "terrain")
DAY = timedelta(days=1)
#: Tiles a layer in one process that dies when a share of it is done.
DYING = """
import os, signal, sys
from models.twins import load_twins
from twin import kept_tiles, pointcloud
from twin.settings import Settings

home, url, share = sys.argv[1:]

def dying(one, other):
    def progress(done, total):
        one(done, total)
        if done >= float(share) * total:
            os.kill(os.getpid(), signal.SIGKILL)
    return progress

kept_tiles.both = dying
pointcloud.tile_clouds(Settings(home=home), url, [load_twins()["songjiang-hub"]], workers=1)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def deliver(settings: Settings, tmp_path: Path) -> Callable[[str, int], None]:
    """Makes version ``n`` of a layer of files the one that is to be tiled."""

    def run(kind: str, n: int) -> None:
        storage = StorageCrs(settings.storage_srid)
        folder = tmp_path / f"{kind}-{n}"
        folder.mkdir()
        if kind == "pointcloud":
            path = write_cloud(folder / "a.las", scattered(50 * n, seed=n), **full(50 * n))
            taken = pointcloud.take([path], DECLARED, TWIN, storage, settings.home)
        elif kind == "mesh":
            path = write_mesh(folder, cells=2 + n)
            taken = mesh.take([path], DECLARED, TWIN, storage, settings.home)
        else:
            path = write_dem(folder / "dem.tif", float(n))
            taken = terrain.take([path], DECLARED, TWIN, storage, settings.home)
        assert all(one.accepted for one in taken)

    return run


def write_dem(path: Path, height: float) -> Path:
    place = rasterio.Affine(400, 0, PLACE[0] - 2400, 0, -400, PLACE[1] + 2400)
    form: dict[str, Any] = {"width": 12, "height": 12, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:4549", transform=place, **form) as file:
        file.write(np.full((12, 12), height, np.float32), 1)
    return path


def tile(kind: str, settings: Settings, url: str, **more: Any) -> Any:
    tilers: dict[str, Any] = {
        "pointcloud": pointcloud.tile_clouds,
        "mesh": mesh.tile_meshes,
        "terrain": terrain.tile_terrain,
    }
    ((_, report),) = tilers[kind](settings, url, [TWIN], **more)
    return report


def store_of(settings: Settings, kind: str) -> DirectoryStore:
    return DirectoryStore(settings.tiles_dir / TWIN.id / kind)


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a layer but locks."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_job_that_can_be_cancelled(
    kind: str, settings: Settings, database: str, deliver: Any
) -> None:
    deliver(kind, 1)
    tile(kind, settings, database)
    folder = settings.tiles_dir / TWIN.id / kind
    before = tree(folder)
    deliver(kind, 2)
    do(database, "ALTER TABLE job ALTER cancel SET DEFAULT true")
    with pytest.raises(JobCancelledError, match="was cancelled") as told:
        tile(kind, settings, database)
    assert "已被取消" in told.value.zh
    now = tree(folder)
    assert {name: now[name] for name in before} == before, "what is published stays"
    assert not list(folder.glob(".new-*"))
    assert not list(settings.home.rglob(".tiling"))
    do(database, "ALTER TABLE job ALTER cancel SET DEFAULT false")
    tile(kind, settings, database)
    root = "layer.json.gz" if kind == "terrain" else "tileset.json.gz"
    assert tree(folder)[root] != before[root]
    with connect(database) as conn:
        told_jobs = jobs.recent(conn, twin=TWIN.id)
    assert [one.state for one in told_jobs] == ["finished", "cancelled", "finished"]
    assert {(one.kind, one.detail["layer"]) for one in told_jobs} == {("tile", kind)}
    assert told_jobs[0].fraction == 1


@pytest.mark.parametrize("kind", ["pointcloud", "terrain"])
def test_who_comes_second_waits_for_the_first(
    kind: str, settings: Settings, database: str, deliver: Any
) -> None:
    deliver(kind, 1)
    tile(kind, settings, database)
    with ThreadPoolExecutor(1) as pool:
        with connect(database) as other:
            jobs.wait_turn(other, f"tile/{TWIN.id}/{kind}")
            run = pool.submit(tile, kind, settings, database)
            until(lambda: waiting(database) > 0 or run.done())
            assert not run.done()
        assert run.result(60).resumed == 0


@pytest.mark.parametrize("kind", ["pointcloud", "mesh"])
def test_who_holds_an_older_root_still_gets_all_of_it(
    kind: str, settings: Settings, database: str, deliver: Any
) -> None:
    held = []
    store = store_of(settings, kind)
    for version in (1, 2, 3):
        deliver(kind, version)
        tile(kind, settings, database)
        found = published(store)
        assert found is not None
        held.append(found.files)
    assert len(frozenset.union(*held)) == sum(map(len, held)), "they share nothing"
    for name in held[0]:
        assert store.get(name).decoded()
    assert tiling.collect(settings, database, [TWIN], DAY) == 0
    assert store.names() == frozenset.union(*held)
    assert tiling.collect(settings, database, [TWIN], timedelta(0)) == len(held[0] | held[1])
    assert store.names() == held[2]
    with pytest.raises(TileNotFoundError):
        store.get(next(iter(held[0])))
    assert check_tileset(store.path).clean


def test_what_the_database_does_not_know_stays_for_its_readers(
    settings: Settings, database: str, deliver: Any
) -> None:
    """A run that is killed between publishing and remembering, or an older program's tiles."""
    store = store_of(settings, "pointcloud")
    deliver("pointcloud", 1)
    tile("pointcloud", settings, database, profile="compat")
    first = published(store)
    do(database, "UPDATE tile_layer SET root = 'of another tileset', files = '{}'")
    deliver("pointcloud", 2)
    tile("pointcloud", settings, database)
    second = published(store)
    assert first is not None and second is not None
    assert tiling.collect(settings, database, [TWIN], DAY) == 0
    assert store.names() == first.files | second.files
    assert tiling.collect(settings, database, [TWIN], timedelta(0)) == len(first.files)
    assert tile("pointcloud", settings, database).root == second.root  # compat, as it was


def test_a_killed_run_leaves_no_running_job_and_is_taken_up(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    storage = StorageCrs(settings.storage_srid)
    paths = [
        write_cloud(tmp_path / f"{n}.las", scattered(3000, seed=n), **full(3000)) for n in range(3)
    ]
    pointcloud.take(paths, DECLARED, TWIN, storage, settings.home)
    command = [sys.executable, "-c", DYING, settings.home, database, "0.3"]
    ended = subprocess.run(list(map(str, command)), check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert len(list(settings.home.rglob("*.done"))) == 2  # so many files were read
    do(database, "UPDATE job SET heartbeat = now() - interval '1 hour'")
    report = tile("pointcloud", settings, database)
    assert (report.in_tiles, report.resumed) == (9000, 2)
    assert "resumed: 2" in pointcloud.line(TWIN.id, report)
    assert not list(settings.home.rglob(".tiling"))
    whole = tile("pointcloud", settings, database, out=str(tmp_path / "out"), workers=2)
    assert (whole.root, whole.resumed) == (report.root, 0)
    assert tree(tmp_path / "out") == {
        f"{TWIN.id}/pointcloud/{name}": data
        for name, data in tree(settings.tiles_dir / TWIN.id / "pointcloud").items()
    }
    with connect(database) as conn:
        states = [one.state for one in jobs.recent(conn, twin=TWIN.id)]
    assert states == ["finished", "finished", "abandoned"]
