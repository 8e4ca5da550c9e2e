"""The terrain of a twin: heights from its DEM, and how it is kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from models.crs import geoid_height, storage_to_geodetic, to_storage
from models.errors import DatumError
from models.terrain import Terrain, TerrainError, TerrainPassport, open_terrain, store_terrain

SAMPLES = Path(__file__).resolve().parents[2] / "data-samples"
EAST, NORTH = 617000.0, 3431000.0


def passport(path: Path, horizontal: str = "EPSG:4549", vertical: str = "1985") -> TerrainPassport:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return TerrainPassport(path.name, digest, horizontal, vertical)


def dem(path: Path, cells: Any, **more: Any) -> Path:
    """A DEM of 10 m cells whose upper left corner is at EAST, NORTH."""
    cells = np.asarray(cells, np.float32)
    options = {
        "crs": "EPSG:4549",
        "transform": rasterio.Affine(10, 0, EAST, 0, -10, NORTH),
        "nodata": -9999.0,
        **more,
    }
    height, width = cells.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=1, dtype="float32", width=width, height=height, **options
    ) as raster:
        raster.write(cells, 1)
    return path


@pytest.fixture(scope="module", params=["songjiang-hub", "qianwan"])
def sample(request: pytest.FixtureRequest) -> Terrain:
    path = SAMPLES / request.param / "dem.tif"
    return Terrain(path, passport(path))


def test_cell_centres_have_the_heights_of_gdal(sample: Terrain) -> None:
    rng = np.random.default_rng(1)
    with rasterio.open(sample.path) as raster:
        rows, columns = rng.integers(0, 320, (2, 500))
        east, north = raster.xy(rows, columns)
        wanted = np.array([v[0] for v in raster.sample(zip(east, north, strict=True))])
    np.testing.assert_allclose(sample.sample(east, north), wanted, atol=1e-6)


@given(u=st.floats(0, 319), v=st.floats(0, 319))
def test_between_centres_it_is_bilinear(sample: Terrain, u: float, v: float) -> None:
    with rasterio.open(sample.path) as raster:
        cells = raster.read(1).astype(np.float64)
        east, north = raster.transform @ (u + 0.5, v + 0.5)
    i, j = min(int(v), 318), min(int(u), 318)
    a, b = v - i, u - j
    four = cells[i : i + 2, j : j + 2]
    wanted = np.array([1 - a, a]) @ four @ np.array([1 - b, b])
    assert sample.sample(east, north) == pytest.approx(wanted, abs=1e-5)


def test_outside_and_beside_blanks_there_is_no_height(tmp_path: Path) -> None:
    cells = np.full((4, 4), 5.0)
    cells[1, 1] = -9999.0
    terrain = Terrain(path := dem(tmp_path / "d.tif", cells), passport(path))
    east = EAST + np.array([-1, 2, 25, 15, 12, 41, np.nan])
    north = NORTH - np.array([5, 2, 5, 15, 12, 5, 5])
    found = terrain.sample(east, north)
    # the blank cell is at 15, 15; at 25, 5 exactly on a centre it has no weight
    np.testing.assert_array_equal(found, [np.nan, 5, 5, np.nan, np.nan, np.nan, np.nan])


def test_shapes_are_kept_and_scalars_work(sample: Terrain) -> None:
    middle = sample.corners.mean(axis=0)
    assert sample.sample(*middle).shape == ()
    assert sample.sample(np.full((2, 3), middle[0]), middle[1]).shape == (2, 3)
    assert sample.sample([], []).shape == (0,)


def test_a_raster_of_one_cell(tmp_path: Path) -> None:
    terrain = Terrain(path := dem(tmp_path / "d.tif", [[7.5]]), passport(path))
    np.testing.assert_array_equal(
        terrain.sample(EAST + np.array([0.1, 9.9, 11]), NORTH - 5), [7.5, 7.5, np.nan]
    )


@pytest.mark.parametrize(
    ("vertical", "shift"), [("1956", -0.029), ("wusong:1.6587", -1.6587), ("egm96", 0.0)]
)
def test_heights_are_1985_heights(tmp_path: Path, vertical: str, shift: float) -> None:
    path = dem(tmp_path / "d.tif", np.full((3, 3), 4.0))
    terrain = Terrain(path, passport(path, vertical=vertical))
    assert terrain.sample(EAST + 12, NORTH - 17) == pytest.approx(4.0 + shift, abs=1e-9)


def test_ellipsoidal_heights_lose_the_geoid(tmp_path: Path) -> None:
    path = dem(tmp_path / "d.tif", np.full((3, 3), 14.3))
    terrain = Terrain(path, passport(path, vertical="ellipsoidal"))
    lon, lat, _ = storage_to_geodetic([EAST + 12], [NORTH - 17], [0.0])
    wanted = 14.3 - geoid_height(lon, lat)[0]
    assert terrain.sample(EAST + 12, NORTH - 17) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4326", "EPSG:4550", "EPSG:32651", "EPSG:4528"])
def test_other_systems_give_the_same_ground(tmp_path: Path, crs: str) -> None:
    """A plane in a raster of another CRS: its height is known at each of its coordinates."""
    degrees = crs in ("EPSG:4490", "EPSG:4326")
    step = 1e-4 if degrees else 10.0
    corner = (121.2, 31.0) if degrees else {"EPSG:4528": (4e7 + 6.17e5, 3.431e6)}.get(crs)
    if corner is None:
        corner = {"EPSG:4550": (328000.0, 3431500.0), "EPSG:32651": (330000.0, 3431500.0)}[crs]
    rows, columns = np.mgrid[0:300, 0:300]
    path = dem(
        tmp_path / "d.tif",
        0.01 * columns + 0.02 * rows,
        crs=crs,
        transform=rasterio.Affine(step, 0, corner[0], 0, -step, corner[1]),
    )
    terrain = Terrain(path, passport(path, horizontal=crs))
    rng = np.random.default_rng(3)
    u, v = rng.uniform(0.5, 299.5, (2, 1000))
    e, n, _ = to_storage(corner[0] + u * step, corner[1] - v * step, None, crs, "1985")
    wanted = 0.01 * (u - 0.5) + 0.02 * (v - 0.5)
    np.testing.assert_allclose(terrain.sample(e, n), wanted, atol=1e-5)
    assert np.isnan(terrain.sample(e + 50_000, n)).all()


def test_datums_are_never_guessed() -> None:
    path = SAMPLES / "qianwan" / "dem.tif"
    with pytest.raises(DatumError):
        Terrain(path, passport(path, vertical=""))
    with pytest.raises(DatumError):
        Terrain(path, passport(path, horizontal="somewhere"))


def test_threads_share_one_terrain(sample: Terrain) -> None:
    low, high = sample.corners.min(axis=0), sample.corners.max(axis=0)
    e, n = np.random.default_rng(4).uniform(low, high, (20_000, 2)).T
    wanted = sample.sample(e, n)
    fresh = Terrain(sample.path, sample.passport)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(fresh.sample(e, n))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for one in found:
        np.testing.assert_array_equal(one, wanted)


def test_memory_does_not_grow_with_the_raster(tmp_path: Path) -> None:
    """A sparse raster of 1.6 billion cells, looked at everywhere."""
    side, path = 40_000, tmp_path / "d.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, dtype="float32", width=side, height=side,
        crs="EPSG:4549", transform=rasterio.Affine(1, 0, EAST, 0, -1, NORTH), tiled=True,
        sparse_ok=True, blockxsize=256, blockysize=256,
    ):  # fmt: skip
        pass
    terrain = Terrain(path, passport(path))
    rng = np.random.default_rng(5)
    tracemalloc.start()
    heights = terrain.sample(EAST + rng.uniform(0, side, 1000), NORTH - rng.uniform(0, side, 1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (heights == 0).all()
    assert peak < 100 << 20


def test_stored_and_opened(tmp_path: Path) -> None:
    assert open_terrain(tmp_path, "qianwan") is None
    source = SAMPLES / "qianwan" / "dem.tif"
    kept = store_terrain(tmp_path, "qianwan", source, passport(source))
    assert kept.read_bytes() == source.read_bytes()
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == kept.stem
    terrain = open_terrain(tmp_path, "qianwan")
    assert terrain is not None
    assert open_terrain(tmp_path, "qianwan") is terrain
    assert terrain.passport == passport(source)
    assert open_terrain(tmp_path, "songjiang-hub") is None


def test_a_new_one_replaces_the_old_that_is_still_read(tmp_path: Path) -> None:
    first = dem(tmp_path / "a.tif", np.full((300, 300), 1.0))
    second = dem(tmp_path / "b.tif", np.full((300, 300), 2.0))
    home = tmp_path / "home"
    store_terrain(home, "t", first, passport(first))
    old = open_terrain(home, "t")
    store_terrain(home, "t", second, passport(second))
    new = open_terrain(home, "t")
    assert old is not None
    assert new is not None
    assert (old.sample(EAST + 5, NORTH - 5), new.sample(EAST + 5, NORTH - 5)) == (1.0, 2.0)
    assert sorted(p.name for p in (home / "terrain" / "t").iterdir()) == sorted(
        ["current.json", f"{new.passport.sha256}.tif"]
    )


def remove(folder: Path) -> None:
    next(folder.glob("*.tif")).unlink()


def garble(folder: Path) -> None:
    (folder / "current.json").write_text("{")


def forget(folder: Path) -> None:
    (folder / "current.json").write_text(json.dumps({"name": "x"}))


def truncate(folder: Path) -> None:
    next(folder.glob("*.tif")).write_bytes(b"II*\x00")


@pytest.mark.parametrize("harm", [remove, garble, forget, truncate])
def test_what_is_damaged_is_told(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    source = tmp_path / "d.tif"
    shutil.copy(SAMPLES / "qianwan" / "dem.tif", source)
    store_terrain(tmp_path, "t", source, passport(source))
    harm(tmp_path / "terrain" / "t")
    with pytest.raises(TerrainError) as caught:
        open_terrain(tmp_path, "t")
    assert "DEM" in caught.value.zh
    assert "Ingest the DEM again" in caught.value.en


def test_the_span_of_heights_leaves_out_what_has_none(tmp_path: Path) -> None:
    cells = [[-9999.0, 3.5, np.nan], [-2.25, 8.0, 4.0]]
    path = dem(tmp_path / "a.tif", cells)
    assert Terrain(path, passport(path)).span() == (-2.25, 8.0)
    shifted = Terrain(path, passport(path, vertical="wusong:1.6587")).span()
    assert shifted == pytest.approx((-2.25 - 1.6587, 8.0 - 1.6587), abs=1e-6)
    empty = dem(tmp_path / "b.tif", [[-9999.0, -9999.0]] * 2)
    assert np.isnan(Terrain(empty, passport(empty)).span()).all()
