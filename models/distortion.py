"""How far a projection bends lengths and angles where it may be used."""

from __future__ import annotations

from typing import Final

import numpy as np
from pyproj import CRS, Proj

#: Points along each side of the area of use at which a projection is judged.
_SIDE: Final = 9


def worst(crs: CRS) -> tuple[float, float]:
    """Largest error of scale (0.01 is 1 %) and of angles (degrees) of a projected CRS within its
    area of use; infinite where that is not known or the projection fails in it.

    By the factors of Tissot's indicatrix, which PROJ computes (Snyder 1987, Map Projections: A
    Working Manual, pp. 20-26), at a grid that includes the corners and the middle of the area.
    """
    area = crs.area_of_use
    if area is None or area.west > area.east:
        return np.inf, np.inf
    lat = np.clip(np.linspace(area.south, area.north, _SIDE), -89.9, 89.9)
    lon, lat = np.meshgrid(np.linspace(area.west, area.east, _SIDE), lat)
    factors = Proj(crs).get_factors(lon, lat, errcheck=False)
    scales = np.stack([factors.tissot_semimajor, factors.tissot_semiminor])
    angle = np.asarray(factors.angular_distortion)
    error = np.abs(scales - 1).max(), np.abs(angle).max()
    scale, angles = (float(e) if np.isfinite(e) else float(np.inf) for e in error)
    return scale, angles
