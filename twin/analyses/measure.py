"""True lengths and areas: on the ellipsoid, not in the projection of the storage CRS.

A 3-degree Gauss–Krüger zone stretches lengths by up to 0.3 ‰ and areas by twice that; sums that are
paid or planned by are therefore geodesic, on the CGCS2000 ellipsoid (Karney 2013, as in PROJ).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod

from models.crs import StorageCrs, storage_to_geodetic

Array = npt.NDArray[np.float64]

_GEOD: Final = Geod(a=6378137.0, rf=298.257222101)


def lengths(start: Array, end: Array, storage: StorageCrs) -> Array:
    """Geodesic plan lengths (n,) in metres between storage positions (n, 2 or 3)."""
    here, there = (
        storage_to_geodetic(xyz[:, 0], xyz[:, 1], np.zeros(len(xyz)), storage)
        for xyz in (start, end)
    )
    _, _, found = _GEOD.inv(here[0], here[1], there[0], there[1])
    return np.asarray(found, np.float64)


def area_factor(shape: shapely.Polygon, storage: StorageCrs) -> float:
    """True area of a polygon by its area in the storage CRS."""
    xy = shapely.get_coordinates(shapely.segmentize(shape, 50.0).exterior)
    lon, lat, _ = storage_to_geodetic(xy[:, 0], xy[:, 1], np.zeros(len(xy)), storage)
    area, _ = _GEOD.polygon_area_perimeter(lon, lat)
    return abs(float(area)) / float(shapely.Polygon(xy).area)
