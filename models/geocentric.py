"""Between geodetic and geocentric coordinates, and the local east-north-up frame.

On the CGCS2000 ellipsoid. WGS84's differs by 0.1 mm in its semi-minor axis, far below what any
survey resolves, so that Cesium and other WGS84 clients use the results as they are.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from models.proj import run

Array = npt.NDArray[np.float64]

#: CGCS2000: semi-major axis in metres and inverse flattening.
SEMI_MAJOR = 6378137.0
INVERSE_FLATTENING = 298.257222101


def geodetic_to_ecef(lon: npt.ArrayLike, lat: npt.ArrayLike, h: npt.ArrayLike) -> Array:
    """(k, 3) geocentric metres of ``lon``, ``lat`` in degrees and ellipsoidal ``h`` in metres."""
    parts = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float64)) for v in (lon, lat, h)))
    x, y, z = (np.array(part) for part in parts)
    return np.column_stack(run(_cart(), x, y, z))


def ecef_to_geodetic(xyz: npt.ArrayLike) -> tuple[Array, Array, Array]:
    """Longitude, latitude (degrees) and ellipsoidal height (metres) of (k, 3) geocentric metres."""
    points = np.asarray(xyz, np.float64).reshape(-1, 3)
    x, y, z = (points[:, axis].copy() for axis in range(3))
    lon, lat, h = run(_cart(), x, y, z, inverse=True)
    return lon, lat, h


def enu_frame(lon: float, lat: float, h: float) -> Array:
    """4x4 matrix (column vectors) from local east, north, up metres at a point to geocentric."""
    lam, phi = np.radians(lon), np.radians(lat)
    sin_l, cos_l, sin_p, cos_p = np.sin(lam), np.cos(lam), np.sin(phi), np.cos(phi)
    frame = np.eye(4)
    frame[:3, 0] = -sin_l, cos_l, 0.0
    frame[:3, 1] = -sin_p * cos_l, -sin_p * sin_l, cos_p
    frame[:3, 2] = cos_p * cos_l, cos_p * sin_l, sin_p
    frame[:3, 3] = geodetic_to_ecef(lon, lat, h)[0]
    return frame


@lru_cache(maxsize=1)
def _cart() -> Transformer:
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
        f"+step +proj=cart +a={SEMI_MAJOR} +rf={INVERSE_FLATTENING}"
    )
