"""Clouds and elevation models out of folders and archives, through the program to tiles."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest
import rasterio
from PIL import Image

from models.las_testing import PLACE, full, scattered, write_copc
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from twin.testing import Program

HUB = "songjiang-hub"
POINTS = 3000


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """A folder with a COPC cloud, a DEM below it, and a photograph and a scan that are neither."""
    folder = tmp_path / "delivery"
    (folder / "raster").mkdir(parents=True)
    write_copc(folder / "survey.copc.laz", scattered(POINTS), **full(POINTS))
    with laspy.CopcReader.open(folder / "survey.copc.laz") as reader:  # type: ignore[no-untyped-call]
        assert len(reader.query(level=1)) == POINTS * 2 // 3  # it is what it says
    place = rasterio.Affine(80, 0, PLACE[0] - 2400, 0, -80, PLACE[1] + 2400)
    form: dict[str, Any] = {"width": 60, "height": 60, "count": 1, "dtype": "float32"}
    with rasterio.open(
        folder / "raster" / "dem.tif", "w", driver="GTiff", crs="EPSG:4549", transform=place, **form
    ) as file:
        file.write(np.full((60, 60), 4.0, np.float32), 1)
    Image.new("L", (8, 8)).save(folder / "scan.tif")
    Image.new("RGB", (8, 8)).save(folder / "site.jpg")
    return folder


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_a_copc_and_a_dem_become_tiles(
    delivery: Path, packed: bool, migrated_program: Callable[..., Program], tmp_path: Path
) -> None:
    handed = zipped(delivery, tmp_path / "whole.zip") if packed else delivery
    program = migrated_program().here
    declared = ("--crs", "EPSG:4549", "--vertical", "1985", "--json")
    ended = program.run("ingest", handed, "--twin", HUB, *declared)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    taken = {one["files"][0]: one["accepted"] for one in told["files"] if one["accepted"]}
    assert taken == {"survey.copc.laz": POINTS, "dem.tif": 1}
    ended = program.run("tile", "--twin", HUB, "--json")
    assert ended.returncode == 0, ended.stderr
    made = {one["layer"]: one for one in json.loads(ended.stdout)}
    assert set(made) == {"pointcloud", "terrain"}
    assert (made["pointcloud"]["points_in"], made["pointcloud"]["in_tiles"]) == (POINTS, POINTS)
    store = DirectoryStore(program.home / "tiles" / HUB / "pointcloud")
    seen: list[Any] = []
    for entry in walk(lambda uri: store.get(uri).decoded()):
        if entry.uri is not None:
            glb = Glb(store.get(entry.uri).decoded())
            named = glb.json["meshes"][0]["primitives"][0]["attributes"]
            seen.append(glb.accessor(named["_INTENSITY"])[:, 0])
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(POINTS))


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.rglob("*"):
            packed.write(path, path.relative_to(folder))
    return archive
