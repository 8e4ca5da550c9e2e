"""Ground of a site as a function, and its grid as a GeoTIFF (EPSG:4549, 1985 heights)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
import shapely
from rasterio.transform import from_origin

from .layout import F64, Site, canal_axis

CELL = 10.0
HALF = 1600.0
BED = -1.7  # canal bed, m, 1985 heights
EMBANKMENT = 2.6  # of the railway above the ground, m


def ground(site: Site, east: F64, north: F64) -> F64:
    """Natural ground, m: broad swells of 3.5 to 5 m, without water and railway."""
    x, y = (east - site.east) / 1000.0, (north - site.north) / 1000.0
    k = site.seed / 10.0
    swell = (
        0.32 * np.sin(1.9 * x + k)
        + 0.22 * np.cos(2.7 * y - k)
        + 0.12 * np.sin(5.3 * (x + y) + 2 * k)
        + 0.05 * np.cos(14.0 * (x - 0.7 * y))
    )
    result: F64 = 4.25 + swell
    return result


def surface(site: Site, east: F64, north: F64) -> F64:
    """The ground with canals cut in and the railway embankment laid on, m."""
    height = ground(site, east, north)
    points = shapely.points(east, north)
    if site.rail is not None:
        axis = shapely.LineString(site.to_en([(u, 0.0) for u in range(-2400, 2401, 40)]))
        distance = shapely.distance(points, axis)
        along = np.abs(shapely.line_locate_point(axis, points) - axis.length / 2)
        side = np.clip((34.0 - distance) / 6.0, 0.0, 1.0)
        clear = np.clip((along - 330.0) / 200.0, 0.0, 1.0)  # level through the station
        height = height + EMBANKMENT * side * clear
    for canal in site.canals:
        distance = shapely.distance(points, canal_axis(site, canal))
        into = np.clip((canal.width / 2 + canal.bank - distance) / canal.bank, 0.0, 1.0)
        height = height + into * (BED - height)
    return height


def write_dem(site: Site, path: Path) -> None:
    """Write the surface as float32 GeoTIFF, 10 m cells, centimetres, deflate."""
    west = np.floor((site.east - HALF) / CELL) * CELL
    top = np.ceil((site.north + HALF) / CELL) * CELL
    size = int(2 * HALF / CELL)
    centres = (np.arange(size) + 0.5) * CELL
    east, north = np.meshgrid(west + centres, top - centres)
    height = surface(site, east.ravel(), north.ravel()).reshape(size, size)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=size,
        height=size,
        count=1,
        dtype="float32",
        crs="EPSG:4549+5737",
        transform=from_origin(west, top, CELL, CELL),
        nodata=-9999.0,
        compress="deflate",
        predictor=3,
        zlevel=9,
        tiled=True,
        blockxsize=256,
        blockysize=256,
    ) as dataset:
        dataset.write(np.round(height, 2).astype(np.float32), 1)
        dataset.set_band_unit(1, "metre")
        dataset.set_band_description(1, "地面高程 1985国家高程基准")
