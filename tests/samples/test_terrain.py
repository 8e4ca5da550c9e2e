"""The sample terrain models."""

from pathlib import Path

import numpy as np
import rasterio


def test_compound_crs_float_and_ten_metres(root: Path, twin: str) -> None:
    with rasterio.open(root / twin / "dem.tif") as dem:
        wkt = dem.crs.to_wkt()
        assert '"EPSG","4549"' in wkt
        assert '"EPSG","5737"' in wkt
        assert dem.dtypes == ("float32",)
        assert dem.res == (10.0, 10.0)
        assert dem.compression.name == "deflate"
        assert dem.units == ("metre",)


def test_gentle_ground_with_canals(root: Path, twin: str) -> None:
    with rasterio.open(root / twin / "dem.tif") as dem:
        cells = dem.read(1, masked=True)
    assert cells.count() == cells.size
    low, high = np.percentile(cells.data, [5, 95])
    assert 3.3 < low < high < 5.1
    assert -2.0 < cells.min() < 0.0  # beds of canals
    assert (cells.max() > 6.0) == (twin == "songjiang-hub")  # the railway's embankment
