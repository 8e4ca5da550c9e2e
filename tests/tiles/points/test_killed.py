"""kill -9 in the middle of tiling clouds: nothing is lost, the bytes are the same, and what was
done is not done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.las_testing import full, scattered, write_cloud
from models.pointcloud import Cloud
from tiles.points import build_points
from tiles.points.testing import EXTENT, FRAME, passport
from tiles.store.directory import DirectoryStore
from tiles.store.testing import files
from tiles.testing_killed import Killing, die_at

COUNT, FILES = 6_000, 4
SMALL: Any = {"limit": 800, "unit": 3000}


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> list[Cloud]:
    folder = tmp_path_factory.mktemp("clouds")
    return [
        passport(write_cloud(folder / f"{n}.laz", scattered(COUNT, seed=n), **full(COUNT, n)))
        for n in range(FILES)
    ]


@pytest.fixture(scope="module")
def whole(clouds: list[Cloud], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run that nobody disturbed."""
    return files(tiled(clouds, tmp_path_factory.mktemp("whole"), 1)[1])


def tiled(clouds: list[Cloud], folder: Path, workers: int, **more: Any) -> Any:
    store = DirectoryStore(folder / "tiles")
    (folder / "scratch").mkdir(exist_ok=True)
    made = build_points(
        clouds, store, FRAME, folder / "scratch", extent=EXTENT, workers=workers, **SMALL, **more
    )
    return made, store


@pytest.mark.parametrize("share", [0.3, 0.7], ids=["reading", "drawing"])
def test_a_killed_worker_loses_nothing(
    clouds: list[Cloud], whole: dict[str, bytes], tmp_path: Path, share: float
) -> None:
    progress = Killing(lambda done, total: share * total <= done < total)
    report, store = tiled(clouds, tmp_path, 2, progress=progress)
    assert progress.killed
    assert (report.points_in, report.in_tiles) == (COUNT * FILES, COUNT * FILES)
    assert files(store, killed=1) == whole


@pytest.mark.parametrize(
    ("done", "workers"), [(2 * COUNT, 1), (5 * COUNT, 2), (2 * FILES * COUNT, 1)]
)
def test_a_killed_run_is_taken_up_where_it_was(
    clouds: list[Cloud], whole: dict[str, bytes], tmp_path: Path, done: int, workers: int
) -> None:
    store = DirectoryStore(tmp_path / "tiles")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    more = {"extent": EXTENT, "workers": 1, **SMALL}
    die_at(done, build_points, (clouds, store, FRAME, scratch), more, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in store.path.glob("*.glb.gz")}
    assert not (store.path / "tileset.json.gz").exists()
    left = len(list(scratch.glob("*/*.done")))
    report, _ = tiled(clouds, tmp_path, workers)
    # two runs; or all runs and units of a quarter of the points; or all
    assert report.resumed == left >= done // COUNT
    assert report.in_tiles == COUNT * FILES
    assert files(store) == whole
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (len(before) == report.tiles) == (done == 2 * FILES * COUNT)


def test_what_is_gone_from_the_store_is_made_again(
    clouds: list[Cloud], whole: dict[str, bytes], tmp_path: Path
) -> None:
    _, store = tiled(clouds, tmp_path, 1)
    scratch = tmp_path / "scratch"
    runs = len(list(scratch.glob("*/RunTask-*.done")))
    assert runs == FILES
    for path in store.path.iterdir():
        path.unlink()
    report, _ = tiled(clouds, tmp_path, 1)
    assert report.resumed == runs
    assert files(store) == whole
    report, _ = tiled(clouds[:3], tmp_path, 1)  # other clouds: nothing of it fits
    assert report.resumed == 0
