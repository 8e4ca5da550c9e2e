"""Answers as GeoDataFrames: x is always east and y north, whatever the axis order of the CRS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

#: Longitude and latitude of CGCS2000, which answers have where no CRS is asked for.
CGCS2000: Final = 4490


def features(rows: Sequence[dict[str, Any]], epsg: int | None) -> gpd.GeoDataFrame:
    """Features as a table, indexed by id."""
    crs = pyproj.CRS.from_epsg(epsg or CGCS2000)
    texts = [json.dumps(row["geometry"]) if row["geometry"] else None for row in rows]
    shapes = shapely.from_geojson(texts)
    if epsg is not None and north_first(epsg):
        tall = len(crs.axis_info) == 3
        shapes = shapely.transform(shapes, _turned, include_z=tall)
    table = gpd.GeoDataFrame([row["properties"] for row in rows], geometry=shapes, crs=crs)
    table.index = [row["id"] for row in rows]
    table.index.name = "id"
    return table


def north_first(epsg: int) -> bool:
    """Whether the first axis of a CRS is north."""
    return bool(pyproj.CRS.from_epsg(epsg).axis_info[0].direction == "north")


def _turned(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The first two axes the other way round; heights stay."""
    return coordinates[:, [1, 0, *range(2, coordinates.shape[1])]]


def places(rows: Sequence[dict[str, Any]]) -> gpd.GeoDataFrame:
    """Names and addresses as points in degrees, in the order of the answer."""
    points = shapely.points([(row["lon"], row["lat"]) for row in rows]) if rows else []
    return gpd.GeoDataFrame(list(rows), geometry=points, crs=pyproj.CRS.from_epsg(CGCS2000))
