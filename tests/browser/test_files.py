"""Layers of files in the viewer: a textured mesh, a point cloud, terrain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

from models.las_testing import write_cloud
from models.testing import free_port
from models.texturedmesh_testing import lon_lat, place, write_mesh
from tests.browser.test_viewer import pixels
from twin.testing import Program

if TYPE_CHECKING:
    from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

HUB = "songjiang-hub"


@pytest.fixture
def served(migrated_program: Callable[..., Program], tmp_path: Path) -> Iterator[str]:
    """A service with the three layers and nothing else."""
    program = migrated_program()
    east, north = place()
    mesh = write_mesh(tmp_path / "mesh", cells=40)
    spots = np.random.default_rng(2).random((20_000, 3)) * [80, 80, 1] + [east + 140, north, 20]
    cloud = write_cloud(tmp_path / "cloud.laz", spots)
    heights = np.full((60, 60), 4.0, np.float32)
    heights[:, :20] = 30.0
    dem = tmp_path / "dem.tif"
    corner = rasterio.Affine(80, 0, east - 2400, 0, -80, north + 2400)
    form = {"driver": "GTiff", "width": 60, "height": 60, "count": 1, "dtype": "float32"}
    with rasterio.open(dem, "w", crs="EPSG:4549", transform=corner, **form) as file:
        file.write(heights, 1)
    declared = ("--crs", "EPSG:4549", "--vertical", "1985")
    for words in (("ingest", mesh, cloud, dem, "--twin", HUB, *declared), ("tile", "--twin", HUB)):
        ended = program.here.run(*words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    with program.serving("serve", free_port()) as service:
        yield service.url


def test_a_mesh_a_cloud_and_the_terrain_are_seen_and_hidden(visit: Visit) -> None:
    lon, lat = lon_lat(*place())
    visit.open(f"#twin={HUB}&cam={lon:.6f},{lat:.6f},560,0,-89")
    state = visit.ask("state()")
    assert {layer["id"] for layer in state["layers"] if layer["show"]} == {"mesh", "pointcloud"}
    assert state["terrain"] is True
    seen = pixels(visit.picture("files-1-all"))[:, :, 270:]
    height, width = seen.shape[1:]
    quarters = [  # of the mesh, around the middle of the scene: which channels are strong
        (slice(height // 2, None), slice(None, 230), 0),
        (slice(height // 2, None), slice(230, 400), 1),
        (slice(None, height // 2), slice(None, 230), 2),
    ]
    for rows, columns, channel in quarters:
        part = seen[:, rows, columns].astype(int)
        others = [at for at in range(3) if at != channel]
        strong = (part[channel] > 120) & (part[channel] > 1.5 * part[others].max(axis=0))
        assert np.count_nonzero(strong) > 2000, (channel, width)
    visit.page.locator("[data-layer=mesh] label.layer input").uncheck()
    visit.settle()
    without = pixels(visit.picture("files-2-no-mesh"))[:, :, 270:]
    assert np.count_nonzero(np.abs(without - seen).max(axis=0) > 50) > 20_000
    visit.page.locator("[data-layer=terrain] label.layer input").uncheck()
    visit.settle()
    after = visit.ask("state()")
    assert after["terrain"] is False
    assert sorted(after["hidden"]) == ["mesh", "terrain"]
    visit.open(visit.page.url[visit.page.url.index("#") :])
    again = visit.ask("state()")
    assert (sorted(again["hidden"]), again["terrain"]) == (["mesh", "terrain"], False)
    visit.page.locator(".lang").click()
    names = visit.page.locator("[data-layer] label.layer span").all_inner_texts()
    assert {"Textured mesh", "Point cloud", "Terrain"} <= set(names)
