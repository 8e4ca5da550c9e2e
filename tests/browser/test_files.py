"""Layers of files in the viewer: a textured mesh, a cloud, terrain; buildings with outlines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import shapely

from models.db.testing import copy_home
from models.las_testing import write_cloud
from models.testing import free_port
from models.texturedmesh_testing import lon_lat, place, write_mesh
from tests.browser.test_viewer import pixels
from twin.testing import Program

if TYPE_CHECKING:
    from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

HUB = "songjiang-hub"


@pytest.fixture(scope="module")
def served(
    migrated: Path, short_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A service with the three layers and four buildings."""
    program = Program(copy_home(migrated, short_folder / "files"))
    tmp_path = tmp_path_factory.mktemp("files")
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
    town = houses(tmp_path / "houses.geojson")
    declared = ("--crs", "EPSG:4549", "--vertical", "1985")
    for words in (
        ("ingest", mesh, cloud, dem, "--twin", HUB, *declared),
        ("ingest", town, "--twin", HUB, "--vertical", "1985"),
        ("tile", "--twin", HUB, "--outlines"),
    ):
        ended = program.here.run(*words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    with program.serving("serve", free_port()) as service:
        yield service.url
    program.here.run("db", "down")


def houses(path: Path) -> Path:
    """Four boxes of 40 m a side on the ground, west of everything else."""
    east, north = place()
    features = []
    for number in range(4):
        x, y = east - 420 + 70 * (number % 2), north + 70 * (number // 2)
        corners = [lon_lat(x + a, y + b) for a, b in ((0, 0), (40, 0), (40, 40), (0, 40))]
        shape = shapely.geometry.mapping(shapely.Polygon(corners))
        known = {"id": f"b{number}", "height": 30.0, "base_height": 4.0}
        features.append({"type": "Feature", "properties": known, "geometry": shape})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def black(visit: Visit, name: str) -> int:
    """How many pixels of the scene are nearly black; nothing but outlines is."""
    seen = pixels(visit.picture(name))[:, :520, 270:]
    return int(np.count_nonzero(seen.max(axis=0) < 60))


def counted(visit: Visit, layer: str) -> dict[str, int]:
    """What CesiumJS itself counts in the layer, of which all is near."""
    found = visit.ask(f"contents('{layer}')")
    return {name: sum(c[name] for c in found) for name in ("features", "points", "triangles")}


def test_buildings_have_outlines_when_asked_for(visit: Visit) -> None:
    east, north = place()
    lon, lat = lon_lat(east - 365, north - 160)
    visit.open(f"#twin={HUB}&hide=mesh~pointcloud&cam={lon:.6f},{lat:.6f},180,0,-35")
    assert visit.ask("find('buildings')") is not None
    assert counted(visit, "buildings") == {"features": 4, "points": 0, "triangles": 4 * 12}
    drawn = black(visit, "files-3-outlines")
    visit.page.locator("[data-layer=buildings] label.layer input").uncheck()
    assert black(visit, "files-4-no-buildings") < 50
    # a building has twelve edges, nine in sight, each tens of pixels long
    assert drawn > 1000


def test_a_mesh_a_cloud_and_the_terrain_are_seen_and_hidden(visit: Visit) -> None:
    lon, lat = lon_lat(*place())
    visit.open(f"#twin={HUB}&cam={lon:.6f},{lat:.6f},560,0,-89")
    state = visit.ask("state()")
    shown = {layer["id"] for layer in state["layers"] if layer["show"]}
    assert shown == {"buildings", "mesh", "pointcloud"}
    assert state["terrain"] is True
    assert counted(visit, "pointcloud")["points"] == 20_000
    assert counted(visit, "mesh")["triangles"] == 2 * 40 * 40
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
