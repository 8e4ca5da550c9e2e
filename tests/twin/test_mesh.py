"""Textured meshes, clouds and terrain out of an archive: ingested, tiled, listed, served."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest

from ingest.readers.base import ReadOptions
from models.crs import StorageCrs
from models.db.connection import connect
from models.db.lock import ProcessLock
from models.las_testing import scattered, write_cloud
from models.pointcloud import clouds
from models.texturedmesh import MeshError, folder, meshes
from models.texturedmesh_testing import write_mesh
from models.twins import load_twins
from twin import flow, mesh
from twin.settings import Settings
from twin.testing import application

TWIN = load_twins()["songjiang-hub"]
DECLARED = ReadOptions("EPSG:4549", "1985")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def test_from_an_archive_to_http(settings: Settings, database: str, tmp_path: Path) -> None:
    delivery = tmp_path / "delivery"
    write_mesh(delivery / "实景" / "Tile_1", cells=6)
    write_mesh(delivery / "实景" / "Tile_2", cells=4)
    write_cloud(delivery / "survey.laz", scattered(500))
    (delivery / "report.pdf").write_bytes(b"%PDF-1.4")
    archive = tmp_path / "whole.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in delivery.rglob("*"):
            packed.write(path, path.relative_to(delivery))
    outcomes = flow.ingest(settings, database, [archive], DECLARED, TWIN, None)
    taken = {one.files[0]: one for one in outcomes if one.accepted}
    assert set(taken) == {"Tile_1/城区.obj", "Tile_2/城区.obj", "survey.laz"}
    assert [one.handed for one in taken.values()] == [(archive,)] * 3
    codes = [finding.code for one in outcomes for finding in one.findings]
    assert codes == ["INF-01"], "only the report is not read"
    assert len(clouds(settings.home, TWIN.id)) == 1
    with connect(database, read_only=True) as conn:
        parts = conn.execute(
            "SELECT dataset, state, features, box IS NOT NULL FROM delivery_part"
            " LEFT JOIN catalogue_entry ON name = dataset ORDER BY dataset"
        ).fetchall()
    assert ("mesh", "published", 104, True) in parts
    ((name, report),) = mesh.tile_meshes(settings, database, [TWIN])
    assert (name, report.meshes, report.in_tiles) == ("songjiang-hub", 2, 104)
    assert "104" in mesh.line(name, report)
    with application(settings, database) as url, httpx.Client(base_url=url) as client:
        twin = client.get("/twins/songjiang-hub").json()
        assert twin["terrain"] is None
        (layer,) = [entry for entry in twin["layers"] if entry["id"] == "mesh"]
        assert (layer["features"], layer["version"]) == (2, report.root)
        answer = client.get(layer["tileset"])
        content = answer.json()["root"]["content"]["uri"]
        assert client.get(str(answer.url.join(content))).content[:4] == b"glTF"


def test_meshes_of_one_name_in_folders_of_one_name_are_all_kept(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    files = [
        write_mesh(tmp_path / part / "Data", cells=cells, name="model.obj")
        for cells, part in ((2, "A"), (3, "B"))
    ]
    storage = StorageCrs(settings.storage_srid)
    outcomes = mesh.take(files, DECLARED, TWIN, storage, settings.home)
    assert [one.files for one in outcomes] == [("A/Data/model.obj",), ("B/Data/model.obj",)]
    kept = {one.passport.name: one.passport.triangles for one in meshes(settings.home, TWIN.id)}
    assert kept == {"A/Data/model.obj": 8, "B/Data/model.obj": 18}
    ((_, report),) = mesh.tile_meshes(settings, database, [TWIN], "compat")
    ((_, again),) = mesh.tile_meshes(settings, database, [TWIN])
    assert (report.meshes, again.root) == (2, report.root)  # as it was asked for
    mesh.take(files[1:], DECLARED, TWIN, storage, settings.home, replace_all=True)
    assert [one.passport.name for one in meshes(settings.home, TWIN.id)] == ["model.obj"]


def test_a_copc_in_a_folder_is_read_as_a_cloud(
    settings: Settings, samples_folder: Path, tmp_path: Path
) -> None:
    shutil.copy(samples_folder / "pointcloud/lone-star.copc.laz", tmp_path)
    (outcome,) = flow.check([tmp_path], ReadOptions(vertical="egm96"), None, 32612)
    assert outcome.theme == "pointcloud"
    (finding,) = outcome.findings  # its coordinates are geocentric, which it says itself
    assert finding.code == "MET-01"


@pytest.fixture
def samples_folder() -> Path:
    found = Path(__file__).resolve().parents[3] / "shared" / "samples"
    if not found.is_dir():
        pytest.skip("the shared samples are not beside the project")
    return found


def test_a_mesh_named_with_its_files_and_replaced(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    path = write_mesh(tmp_path / "a", cells=4)
    named = [path, tmp_path / "a/city.mtl", tmp_path / "a/tex/photo.jpg"]
    (outcome,) = flow.check(named, DECLARED, TWIN, settings.storage_srid)
    assert (outcome.clean, outcome.features_in, set(outcome.handed)) == (True, 32, set(named))
    assert meshes(settings.home, TWIN.id) == []
    storage = StorageCrs(settings.storage_srid)
    other = write_mesh(tmp_path / "b", cells=2, name="other.obj")
    mesh.take([path, other], DECLARED, TWIN, storage, settings.home)
    again = write_mesh(tmp_path / "c", cells=3)
    mesh.take([again], DECLARED, TWIN, storage, settings.home)
    kept = {one.passport.name: one.passport.triangles for one in meshes(settings.home, TWIN.id)}
    assert kept == {"城区.obj": 18, "other.obj": 8}
    mesh.take([again], DECLARED, TWIN, storage, settings.home, replace_all=True)
    assert [one.passport.name for one in meshes(settings.home, TWIN.id)] == ["城区.obj"]
    with (
        ProcessLock(folder(settings.home, TWIN.id) / "tiling.lock"),
        pytest.raises(MeshError, match="is tiling the meshes"),
    ):
        mesh.tile_meshes(settings, database, [TWIN])
    np.save(meshes(settings.home, TWIN.id)[0].path / "faces.npy", np.zeros(1))
    (meshes(settings.home, TWIN.id)[0].path / "uv.npy").unlink()
    with pytest.raises(MeshError, match="Ingest it again"):
        mesh.tile_meshes(settings, database, [TWIN])
    mesh.take([again], DECLARED, TWIN, storage, settings.home)
    ((_, report),) = mesh.tile_meshes(settings, database, [TWIN])
    assert report.in_tiles == 18
