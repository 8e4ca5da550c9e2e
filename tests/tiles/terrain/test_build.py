"""Terrain read back by a reader of its own agrees with the raster, and its tiles fit together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from models.crs import geodetic_to_ecef, geoid_height, storage_to_geodetic
from models.errors import DatumError
from models.features import DatumPassport
from tiles.errors import ContentError, TileNotFoundError
from tiles.terrain import TerrainStore, build_terrain

H85 = DatumPassport("EPSG:4549", "1985")
SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "raster"
WGS84 = np.array([6378137.0, 6378137.0, 6356752.3142451793])


@pytest.fixture(scope="module")
def built(
    dem: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, read: Any
) -> tuple[Any, Any, Path]:
    store = TerrainStore(tmp_path_factory.mktemp("built") / "terrain")
    path = dem()
    report = build_terrain(path, H85, store, n_offset=0.25, outside=4.0)
    return report, read(store), path


def surface(tile: Any, lon: Any, lat: Any) -> Any:
    """Heights of a tile's triangles at points: the mesh's own triangles, not new ones."""
    out = np.full(len(lon), np.nan)
    p = np.column_stack([lon, lat])
    corners = np.column_stack([tile.lon, tile.lat])[tile.triangles]
    for (a, b, c), z in zip(corners, tile.h[tile.triangles], strict=True):
        inverse = np.linalg.inv(np.column_stack([b - a, c - a]))
        s, t = inverse @ (p - a).T
        inside = (s >= -1e-9) & (t >= -1e-9) & (s + t <= 1 + 1e-9)
        out[inside] = z[0] + s[inside] * (z[1] - z[0]) + t[inside] * (z[2] - z[0])
    return out


def test_heights_are_those_of_the_raster_above_the_ellipsoid(built: Any) -> None:
    report, terrain, path = built
    level = report.levels - 1
    random = np.random.default_rng(3)
    with rasterio.open(path) as file:
        rows, columns = random.integers(2, 198, (2, 3000))
        east, north = 520_000 + (columns + 0.5) * 4.0, 3_429_000 - (rows + 0.5) * 4.0
        z = file.read(1)[rows, columns].astype(float)
    lon, lat, h = storage_to_geodetic(east, north, z, n_offset=0.25)
    found = np.full(len(lon), np.nan)
    span = 180 / 2**level
    for x, y in terrain.names(level):
        mine = (np.floor((lon + 180) / span) == x) & (np.floor((lat + 90) / span) == y)
        if mine.any():
            found[mine] = surface(terrain.tile(level, x, y), lon[mine], lat[mine])
    assert np.isfinite(found).all()
    # the bilinear surface between grid nodes, 2.4 m apart on cells of 4 m, adds a little
    assert report.tolerances[-1] - report.steps[-1] / 2 == pytest.approx(0.05)
    assert np.abs(found - h).max() < report.tolerances[-1] + 0.1
    assert np.percentile(np.abs(found - h), 95) < report.tolerances[-1]
    assert np.abs(z + geoid_height(lon, lat) + 0.25 - h).max() < 1e-6


def test_both_sides_of_a_border_have_the_same_vertices(built: Any) -> None:
    report, terrain, _ = built
    compared = 0
    for level in range(report.levels):
        names = terrain.names(level)
        tiles = {name: terrain.tile(level, *name) for name in names}
        for (x, y), tile in tiles.items():
            west, south, east, north = tile.edges
            for other, mine, theirs, along in (
                ((x + 1, y), east, 0, "v"),
                ((x, y + 1), north, 1, "u"),
            ):
                if other in tiles:
                    beside = tiles[other]
                    edge = beside.edges[theirs]
                    assert np.array_equal(getattr(tile, along)[mine], getattr(beside, along)[edge])
                    assert np.array_equal(tile.h[mine], beside.h[edge])
                    compared += 1
            assert (tile.u[west] == 0).all() and (tile.v[south] == 0).all()
            assert (tile.u[east] == 32767).all() and (tile.v[north] == 32767).all()
    assert compared > 100


def test_triangles_cover_each_tile_once_and_face_up(built: Any) -> None:
    report, terrain, _ = built
    total = 0
    for level in range(report.levels):
        for x, y in terrain.names(level):
            tile = terrain.tile(level, x, y)
            a, b, c = (
                np.column_stack([tile.u, tile.v])[tile.triangles[:, i]].astype(float)
                for i in range(3)
            )
            area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
            assert (area > 0).all()
            assert area.sum() == 2 * 32767**2
            assert len(np.unique(tile.triangles)) == len(tile.u)
            total += len(tile.triangles)
    assert total == report.triangles


def test_sphere_and_heights_of_the_header_hold_every_vertex(built: Any) -> None:
    report, terrain, _ = built
    for level in range(report.levels):
        for x, y in terrain.names(level):
            tile = terrain.tile(level, x, y)
            points = geodetic_to_ecef(tile.lon, tile.lat, tile.h)
            distance = np.linalg.norm(points - tile.sphere[:3], axis=1)
            assert distance.max() <= tile.sphere[3] + 1e-6
            assert distance.max() >= tile.sphere[3] - 1e-3
            assert tile.low <= tile.h.min() and tile.h.max() <= tile.high
            assert set(tile.extensions) == {1} and len(tile.extensions[1]) == 2 * len(tile.u)


def test_the_occlusion_point_is_seen_whenever_a_vertex_is(built: Any) -> None:
    """From random cameras: where any vertex is above the horizon, so is the point."""
    report, terrain, _ = built
    random = np.random.default_rng(5)
    seen = hidden = 0
    for level in range(2, report.levels, 3):
        for x, y in terrain.names(level)[:6]:
            tile = terrain.tile(level, x, y)
            scaled = geodetic_to_ecef(tile.lon, tile.lat, tile.h) / WGS84
            way = random.normal(size=(300, 3))
            way /= np.linalg.norm(way, axis=1, keepdims=True)
            for camera in way * (1.0002 + random.exponential(0.5, 300))[:, None]:
                any_vertex = visible(camera, scaled).any()
                point = bool(visible(camera, tile.occlusion[None])[0])
                assert point or not any_vertex
                seen, hidden = seen + point, hidden + (not point)
    assert seen > 100 and hidden > 100


def visible(camera: Any, points: Any) -> Any:
    """Cesium's EllipsoidalOccluder.isScaledSpacePointVisible."""
    limit = camera @ camera - 1.0
    to = points - camera
    along = -(to @ camera)
    return ~((along > limit) & (along**2 / (to**2).sum(axis=1) > limit))


def test_equal_input_gives_equal_names_and_a_failed_build_changes_nothing(
    dem: Callable[..., Path], tmp_path: Path, read: Any
) -> None:
    store = TerrainStore(tmp_path / "t")
    first = build_terrain(dem(60), H85, store, max_level=9)
    again = build_terrain(dem(60), H85, TerrainStore(tmp_path / "u"), max_level=9)
    assert first.version == again.version
    before = store.get("layer.json").data
    with pytest.raises(ContentError, match="at most 10"):
        build_terrain(dem(60), H85, store, max_tiles=10)
    assert store.get("layer.json").data == before
    other = build_terrain(dem(60), H85, store, max_level=10)
    assert other.version != first.version
    assert store.get(f"{first.version}/0/0/0.terrain").immutable  # readers of the old still get it
    assert not list((tmp_path / "t").glob(".new-*"))
    with pytest.raises(TileNotFoundError):
        store.get("../secret")
    with pytest.raises(TileNotFoundError):
        store.get(f"{first.version}/9/9/9.terrain")


def test_layer_json_lists_the_tiles_there_are(built: Any) -> None:
    report, terrain, _ = built
    layer = terrain.layer
    assert layer["projection"] == "EPSG:4326" and layer["scheme"] == "tms"
    assert terrain.names(0) == [(0, 0), (1, 0)]
    assert sum(len(terrain.names(level)) for level in range(report.levels)) == report.tiles
    files = list(terrain.store.path.glob("*/*/*/*.terrain.gz"))
    assert len(files) == report.tiles
    for level in range(1, report.levels):  # every tile has its parent
        parents = set(terrain.names(level - 1))
        assert all((x // 2, y // 2) in parents for x, y in terrain.names(level))


def test_nodata_is_filled_from_around_and_counted(
    dem: Callable[..., Path], tmp_path: Path, read: Any
) -> None:
    values = np.full((80, 80), 7.0)
    values[20:40, 20:40] = -9999
    report = build_terrain(
        dem(80, values=values), H85, TerrainStore(tmp_path / "t"), outside=7.0, max_level=15
    )
    assert report.holes == 400
    terrain = read(TerrainStore(tmp_path / "t"))
    for x, y in terrain.names(report.levels - 1):
        tile = terrain.tile(report.levels - 1, x, y)
        assert np.abs(tile.h - geoid_height(tile.lon, tile.lat) - 7.0).max() < 0.01


@pytest.mark.parametrize(
    ("passport", "changes", "error", "words"),
    [
        (DatumPassport("EPSG:4549", None), {}, DatumError, "vertical datum"),
        (DatumPassport(None, "1985"), {"crs": None}, DatumError, "no CRS"),
        (DatumPassport("EPSG:4550", "1985"), {}, DatumError, "declared"),
        (H85, {"units": "ft"}, ContentError, "metres"),
        (H85, {"count": 3, "dtype": "uint8", "nodata": 0}, ContentError, "image"),
        (H85, {"values": np.full((200, 200), -9999.0)}, ContentError, "no cell"),
    ],
)
def test_what_is_no_dem_is_refused(
    dem: Callable[..., Path],
    tmp_path: Path,
    passport: DatumPassport,
    changes: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        build_terrain(dem(**changes), passport, TerrainStore(tmp_path / "t"))
    assert not (tmp_path / "t").exists()


def test_a_file_that_is_no_geotiff_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_text("ncols 2\n")
    with pytest.raises(ContentError, match="GeoTIFF"):
        build_terrain(tmp_path / "x.tif", H85, TerrainStore(tmp_path / "t"))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs ../shared/samples/raster")
def test_a_real_raster_far_away(tmp_path: Path, read: Any) -> None:
    """cog_nodata_nan.tif: UTM zone 10, 200 m cells, nodata; taken as ellipsoidal heights."""
    store = TerrainStore(tmp_path / "t")
    path = SAMPLES / "cog_nodata_nan.tif"
    report = build_terrain(path, DatumPassport(None, "ellipsoidal"), store, max_level=8)
    terrain = read(store)
    with rasterio.open(path) as file:
        z = file.read(1, masked=True).filled(np.nan)
    highest = max(terrain.tile(8, *name).h.max() for name in terrain.names(8))
    assert highest == pytest.approx(np.nanmax(z), abs=report.tolerances[8] + 40)
