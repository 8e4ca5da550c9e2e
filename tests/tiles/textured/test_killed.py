"""kill -9 in the middle of tiling meshes: nothing is lost, the bytes are the same, and what was
done is not done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.readers import mesh as reader
from ingest.readers.base import ReadOptions
from models.crs import STORAGE
from models.texturedmesh import StoredMesh, meshes, store_mesh
from models.texturedmesh_testing import write_mesh
from models.twins import load_twins
from tiles.store.directory import DirectoryStore
from tiles.store.testing import files
from tiles.testing_killed import Killing, die_at
from tiles.textured import build_meshes
from tiles.textured.split import Limits
from twin.sources import frame_of

TWIN = load_twins()["songjiang-hub"]
FRAME = frame_of(TWIN, STORAGE)
#: Several units a mesh.
LIMITS = Limits(triangles=60, texels=200_000, unit_triangles=130, unit_texels=10**9)
TRIANGLES = 2 * (10**2 + 12**2)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[StoredMesh]:
    folder = tmp_path_factory.mktemp("stored")
    for cells in (10, 12):
        path = write_mesh(folder / f"{cells}", cells=cells, name=f"{cells}.obj")
        with reader.read(path, ReadOptions("EPSG:4549", "1985"), TWIN) as found:
            store_mesh(folder / "home", TWIN.id, found.folder, found.passport)
    return meshes(folder / "home", TWIN.id)


@pytest.fixture(scope="module")
def whole(stored: list[StoredMesh], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run that nobody disturbed."""
    return files(tiled(stored, tmp_path_factory.mktemp("whole"), 1)[1])


def tiled(stored: list[StoredMesh], folder: Path, workers: int, **more: Any) -> Any:
    store = DirectoryStore(folder / "tiles")
    (folder / "scratch").mkdir(exist_ok=True)
    made = build_meshes(
        stored,
        store,
        FRAME,
        folder / "scratch",
        extent=TWIN.extent,
        workers=workers,
        limits=LIMITS,
        **more,
    )
    return made, store


def test_a_killed_worker_loses_nothing(
    stored: list[StoredMesh], whole: dict[str, bytes], tmp_path: Path
) -> None:
    progress = Killing(lambda done, total: done > 0)
    report, store = tiled(stored, tmp_path, 2, progress=progress)
    assert progress.killed
    assert (report.triangles_in, report.in_tiles) == (TRIANGLES, TRIANGLES)
    assert files(store, killed=1) == whole


@pytest.mark.parametrize(("done", "workers"), [(1, 2), (TRIANGLES // 2, 1)])
def test_a_killed_run_is_taken_up_where_it_was(
    stored: list[StoredMesh], whole: dict[str, bytes], tmp_path: Path, done: int, workers: int
) -> None:
    store = DirectoryStore(tmp_path / "tiles")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    more = {"extent": TWIN.extent, "workers": 1, "limits": LIMITS}
    die_at(done, build_meshes, (stored, store, FRAME, scratch), more, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in store.path.glob("*.glb.gz")}
    assert not (store.path / "tileset.json.gz").exists()
    assert 0 < len(before) < len(whole)
    left = len(list(scratch.glob("*/*.done")))
    report, _ = tiled(stored, tmp_path, workers)
    assert report.resumed == left >= 2  # the plan and a subtree at least
    assert report.in_tiles == TRIANGLES
    assert files(store) == whole
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_what_is_gone_from_the_store_is_made_again(
    stored: list[StoredMesh], whole: dict[str, bytes], tmp_path: Path
) -> None:
    _, store = tiled(stored, tmp_path, 1)
    for path in store.path.iterdir():
        path.unlink()
    report, _ = tiled(stored, tmp_path, 1)
    assert report.resumed == 1  # the plan
    assert files(store) == whole
    report, _ = tiled(stored[:1], tmp_path, 1)  # other meshes: nothing of it fits
    assert report.resumed == 0
