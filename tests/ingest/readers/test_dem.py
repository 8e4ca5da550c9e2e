"""Digital elevation models: what is taken and what is refused, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from ingest.errors import RefusedError
from ingest.readers import dem
from ingest.readers.base import ReadOptions
from models.findings import Severity
from models.terrain import Terrain
from models.twins import load_twins

SAMPLES = Path(__file__).resolve().parents[3] / "data-samples"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "samples"
NONE = ReadOptions()


def write(path: Path, cells: Any = None, bands: int = 1, unit: str = "", **more: Any) -> Path:
    """A sound DEM near Songjiang hub, except for what is given."""
    cells = np.full((20, 30), 4.2, np.float32) if cells is None else cells
    options = {
        "crs": "EPSG:4549+5737",
        "transform": rasterio.Affine(10, 0, 617000, 0, -10, 3431000),
        "dtype": cells.dtype.name,
        **more,
    }
    height, width = cells.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=bands, width=width, height=height, **options
    ) as raster:
        for band in range(1, bands + 1):
            raster.write(cells, band)
        if unit:
            raster.set_band_unit(1, unit)
    return path


def refusal(path: Path, options: ReadOptions = NONE, twin: str | None = None) -> Any:
    with pytest.raises(RefusedError) as caught:
        dem.read(path, options, load_twins()[twin] if twin else None)
    for finding in caught.value.findings:
        assert finding.severity is Severity.ERROR
        assert finding.place.file == path.name
        assert finding.zh.endswith(("。", "）")) or "。" in finding.zh
        assert finding.en.endswith(".")
    return caught.value.findings[0]


@pytest.mark.parametrize("twin", ["songjiang-hub", "qianwan"])
def test_the_samples_are_taken(twin: str) -> None:
    path = SAMPLES / twin / "dem.tif"
    read = dem.read(path, NONE, load_twins()[twin])
    assert (read.passport.horizontal, read.passport.vertical) == ("EPSG:4549", "1985")
    assert read.cells == read.known == 320 * 320
    assert read.share is not None
    assert 0.5 < read.share < 1
    assert [(f.code, f.severity) for f in read.findings] == [("DEM-05", Severity.INFO)]
    terrain = Terrain(path, read.passport)
    assert np.isfinite(terrain.sample(*terrain.corners.mean(axis=0)))


def test_declared_datums_and_blanks(tmp_path: Path) -> None:
    cells = np.full((20, 30), 4.2, np.float32)
    cells[:5] = -1e30
    path = write(tmp_path / "d.tif", cells, crs=None, nodata=-1e30)
    read = dem.read(path, ReadOptions(horizontal="EPSG:4549", vertical="wusong:1.6587"))
    assert read.passport.vertical == "wusong:1.6587"
    assert (read.cells, read.known) == (600, 450)


def test_a_declaration_that_the_file_denies_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "d.tif")
    assert refusal(path, ReadOptions(vertical="1956")).code == "MET-01"
    assert refusal(path, ReadOptions(horizontal="EPSG:4550")).code == "MET-01"


@pytest.mark.parametrize("crs", ["EPSG:4549", None, 'LOCAL_CS["site grid"]'])
def test_datums_that_nobody_declared(tmp_path: Path, crs: str | None) -> None:
    assert refusal(write(tmp_path / "d.tif", crs=crs)).code == "MET-01"


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_not_georeferenced(tmp_path: Path) -> None:
    path = write(tmp_path / "d.tif", transform=None)
    assert refusal(path, ReadOptions(vertical="1985")).code == "DEM-02"


def test_no_elevation_model(tmp_path: Path) -> None:
    grey = np.zeros((20, 30), np.uint8)
    found = refusal(write(tmp_path / "rgb.tif", grey, bands=3))
    assert (found.code, found.found) == ("DEM-01", "3 × uint8")
    assert refusal(write(tmp_path / "c.tif", grey.astype(np.complex64))).code == "DEM-01"
    assert refusal(write(tmp_path / "ft.tif", unit="ft")).found == "ft"


def test_heights_that_cannot_be(tmp_path: Path) -> None:
    cells = np.full((20, 30), 4.2, np.float32)
    cells[3, 3] = -9999
    assert refusal(write(tmp_path / "d.tif", cells)).code == "DEM-03"
    assert refusal(write(tmp_path / "n.tif", np.full((9, 9), np.nan, np.float32))).found == "0"


def test_elsewhere(tmp_path: Path) -> None:
    path = SAMPLES / "qianwan" / "dem.tif"
    assert refusal(path, twin="songjiang-hub").code == "DEM-04"
    far = write(tmp_path / "d.tif", transform=rasterio.Affine(10, 0, 617000, 0, -10, 343100))
    assert refusal(far).code == "CRS-02"


def test_files_that_are_none(tmp_path: Path) -> None:
    text = tmp_path / "text.tif"
    text.write_bytes(b"height\n4.2\n")
    assert refusal(text).code == "STR-00"
    whole = (SAMPLES / "qianwan" / "dem.tif").read_bytes()
    for name, body in (("half", whole[: len(whole) // 2]), ("head", whole[:8])):
        path = tmp_path / f"{name}.tif"
        path.write_bytes(body)
        assert refusal(path).code == "STR-00"


def test_a_raster_that_claims_too_much_is_not_read(tmp_path: Path) -> None:
    options = {"crs": "EPSG:4549+5737", "transform": rasterio.Affine(1, 0, 617000, 0, -1, 3431000)}
    path = tmp_path / "d.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, dtype="float32", width=60_000, height=60_000,
        tiled=True, sparse_ok=True, **options,
    ):  # fmt: skip
        pass
    assert refusal(path).code == "DEM-01"


def test_tiffs_are_told_from_others(tmp_path: Path) -> None:
    mine = write(tmp_path / "without_suffix")
    other = tmp_path / "not.tif"
    other.write_text("no")
    assert dem.group([other, mine, tmp_path / "absent.tif"]) == [mine]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("raster/cog_rgb.tif", "DEM-01"),
        ("raster/pix4d_alpha_nodata.tif", "DEM-01"),
        ("raster/nocog.tif", "CRS-02"),
        ("underground/ky4_elevation.tif", "MET-01"),
    ],
)
def test_rasters_of_others_are_refused(name: str, code: str) -> None:
    assert refusal(SHARED / name, ReadOptions(vertical="1985")).code == code
