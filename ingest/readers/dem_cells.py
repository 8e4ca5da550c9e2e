"""What is in a GeoTIFF, told as JSON: runs in a process of its own (:mod:`ingest.isolation`)."""

from __future__ import annotations

from typing import Any, Final, TypedDict

import numpy as np
import rasterio
from rasterio.windows import Window

#: Cells of a raster, and of one of its blocks (which GDAL reads whole).
MAX_CELLS: Final = 1_000_000_000
MAX_BLOCK: Final = 16_777_216


class Cells(TypedDict):
    """A raster: ``block`` in cells, ``crs`` as WKT, ``placed`` whether it has a geotransform,
    ``read`` whether its cells were read, then how many are ``known`` and between which heights."""

    bands: int
    type: str
    colours: bool
    width: int
    height: int
    block: int
    unit: str
    crs: str | None
    placed: bool
    read: bool
    known: int
    low: float | None
    high: float | None


def inspect(path: str) -> Cells:
    """What the GeoTIFF at ``path`` is; cells are read only where it is one band of bearable size.
    Raises what GDAL raises."""
    with rasterio.open(path, driver="GTiff", sharing=False) as raster:
        block = raster.block_shapes[0]
        seen: Cells = {
            "bands": raster.count,
            "type": raster.dtypes[0],
            "colours": raster.colorinterp[0].name == "palette",
            "width": raster.width,
            "height": raster.height,
            "block": block[0] * block[1],
            "unit": raster.units[0] or "",
            "crs": raster.crs.to_wkt() if raster.crs else None,
            "placed": raster.transform != rasterio.Affine.identity(),
            "read": False,
            "known": 0,
            "low": None,
            "high": None,
        }
        small = raster.width * raster.height <= MAX_CELLS and seen["block"] <= MAX_BLOCK
        if small and raster.count == 1 and seen["type"].startswith(("float", "int", "uint")):
            seen["read"] = True
            _read_cells(raster, seen)
    return seen


def _read_cells(raster: Any, seen: Cells) -> None:
    rows = max(1, MAX_BLOCK // (4 * seen["width"]))
    for top in range(0, seen["height"], rows):
        window = Window(0, top, seen["width"], min(rows, seen["height"] - top))
        block = raster.read(1, window=window, masked=True)
        values = block.compressed().astype(np.float64) * raster.scales[0] + raster.offsets[0]
        values = values[np.isfinite(values)]
        if values.size:
            seen["known"] += values.size
            ends = float(values.min()), float(values.max())
            seen["low"] = ends[0] if seen["low"] is None else min(seen["low"], ends[0])
            seen["high"] = ends[1] if seen["high"] is None else max(seen["high"], ends[1])
