"""A point cloud from delivery to HTTP: ingested, tiled, listed, served; and what stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from ingest.readers.base import ReadOptions
from models.crs import StorageCrs
from models.db.lock import ProcessLock
from models.las_testing import full, scattered, write_cloud
from models.pointcloud import CloudError, clouds, folder
from models.twins import load_twins
from tiles.inspect import Glb
from tiles.points.testing import positions
from tiles.store.archive import Archive
from tiles.store.directory import DirectoryStore, pack
from twin import flow, pointcloud
from twin.options import OptionError
from twin.settings import Settings
from twin.testing import Program, application

TWIN = load_twins()["songjiang-hub"]
DECLARED = ReadOptions("EPSG:4549", "1985")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def take(settings: Settings, *files: Path, **more: Any) -> list[Any]:
    storage = StorageCrs(settings.storage_srid)
    return pointcloud.take(files, DECLARED, TWIN, storage, settings.home, **more)


def test_from_delivery_to_http(settings: Settings, database: str, tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "survey.laz", scattered(2000), **full(2000))
    (outcome,) = flow.ingest(settings, database, [path], DECLARED, TWIN, None)
    assert (outcome.theme, outcome.features_in, outcome.accepted) == ("pointcloud", 2000, 2000)
    ((name, report),) = pointcloud.tile_clouds(settings, database, [TWIN])
    assert (name, report.in_tiles, report.refused) == ("songjiang-hub", 2000, {})
    assert "2000" in pointcloud.line(name, report)
    with application(settings, database) as url, httpx.Client(base_url=url) as client:
        layers = client.get("/twins/songjiang-hub").json()["layers"]
        (layer,) = [entry for entry in layers if entry["id"] == "pointcloud"]
        assert (layer["features"], layer["version"]) == (2000, report.root)
        answer = client.get(layer["tileset"])
        assert answer.json()["asset"]["version"] == "1.1"
        content = answer.json()["root"]["content"]["uri"]
        glb = client.get(str(answer.url.join(content)))
        assert len(positions(Glb(glb.content))) == 2000
        assert client.get("/twins/qianwan").json()["layers"][-1]["id"] != "pointcloud"


def test_a_check_stores_nothing(settings: Settings, tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.las", scattered(20))
    (outcome,) = flow.check([path], DECLARED, TWIN, settings.storage_srid)
    assert (outcome.accepted, outcome.clean) == (20, True)
    assert clouds(settings.home, TWIN.id) == []


def test_refused_clouds_are_not_kept(settings: Settings, database: str, tmp_path: Path) -> None:
    far = write_cloud(tmp_path / "far.las", scattered(20) + np.array([60_000.0, 0, 0]))
    (outcome,) = take(settings, far)
    assert (outcome.accepted, outcome.findings[0].code) == (0, "PTC-03")
    assert clouds(settings.home, TWIN.id) == []
    assert pointcloud.tile_clouds(settings, database, [TWIN]) == []


def test_replacing_drops_what_is_not_delivered_again(settings: Settings, tmp_path: Path) -> None:
    one, two = (write_cloud(tmp_path / f"{n}.las", scattered(10 * n)) for n in (1, 2))
    bad = tmp_path / "bad.las"
    bad.write_bytes(b"LASF, no more")
    take(settings, one, two)
    take(settings, two, bad, replace_all=True)  # a refused file: perhaps more is missing
    assert [c.passport.name for c in clouds(settings.home, TWIN.id)] == ["1.las", "2.las"]
    take(settings, two, replace_all=True)
    assert [c.passport.name for c in clouds(settings.home, TWIN.id)] == ["2.las"]


def test_clouds_of_one_name_in_two_folders_are_both_kept(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    files = []
    for number, part in enumerate(("north", "south"), start=1):
        (tmp_path / part).mkdir()
        files.append(write_cloud(tmp_path / part / "x.las", scattered(10 * number, seed=number)))
    outcomes = take(settings, *files)
    assert [one.files for one in outcomes] == [("north/x.las",), ("south/x.las",)]
    kept = clouds(settings.home, TWIN.id)
    assert [(c.passport.name, c.passport.count) for c in kept] == [
        ("north/x.las", 10),
        ("south/x.las", 20),
    ]
    ((_, report),) = pointcloud.tile_clouds(settings, database, [TWIN])
    assert report.in_tiles == 30
    take(settings, files[0], replace_all=True)  # alone, it goes by another name
    assert [c.passport.name for c in clouds(settings.home, TWIN.id)] == ["x.las"]


def test_a_layer_keeps_its_profile_in_each_store(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    take(settings, write_cloud(tmp_path / "a.las", scattered(30)))

    def root(profile: str | None = None, out: str | None = None) -> str:
        ((_, report),) = pointcloud.tile_clouds(settings, database, [TWIN], profile, out)
        return str(report.root)

    compat, other = root("compat"), root(out=str(tmp_path / "out"))
    assert compat != other
    assert (root(), root(out=str(tmp_path / "out"))) == (compat, other)
    assert root("default") == root() == other


def test_an_archive_leaves_what_is_served_as_it_is(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    take(settings, write_cloud(tmp_path / "a.las", scattered(30)))
    ((_, served),) = pointcloud.tile_clouds(settings, database, [TWIN])
    folder = settings.tiles_dir / TWIN.id / "pointcloud"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    out = tmp_path / "made.3tz"
    ((_, other),) = pointcloud.tile_clouds(settings, database, [TWIN], "compat", str(out))
    with Archive(out) as archive:
        assert set(archive.infos) == {"tileset.json", *other.files}
    assert other.root != served.root
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    ((_, same),) = pointcloud.tile_clouds(settings, database, [TWIN], out=str(out))
    assert same.root == served.root, "nothing remembers compat"


def test_draco_for_all_layers_is_told(settings: Settings, database: str, tmp_path: Path) -> None:
    take(settings, write_cloud(tmp_path / "a.las", scattered(30)))
    program = Program(settings.home, {"TWIN_DATABASE_URL": database})
    ended = program.here.run("tile", "--twin", TWIN.id, "--profile", "draco")
    assert ended.returncode == 0
    assert "Draco is not used for pointcloud and mesh" in ended.stderr
    assert "其内容与 compat 相同" in ended.stderr


def test_one_process_tiles_at_a_time_and_leaves_no_scratch(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    take(settings, write_cloud(tmp_path / "a.las", scattered(30)))
    place = folder(settings.home, TWIN.id)
    left = place / ".tiling"  # of a run that was killed
    left.mkdir()
    (left / "0.points").write_bytes(b"old")
    with (
        ProcessLock(place / "tiling.lock"),
        pytest.raises(CloudError, match="is tiling the point clouds") as told,
    ):
        pointcloud.tile_clouds(settings, database, [TWIN])
    assert "正在切片" in told.value.zh
    ((_, report),) = pointcloud.tile_clouds(settings, database, [TWIN], out=str(tmp_path / "out"))
    assert report.in_tiles == 30
    assert not left.exists()
    found = DirectoryStore(tmp_path / "out" / TWIN.id / "pointcloud").get("tileset.json")
    assert found.data == pack(found.decoded())
    with pytest.raises(OptionError, match="expected one of"):
        pointcloud.tile_clouds(settings, database, [TWIN], "fancy")
