"""Where the points of a layer can be, in its frame: the box that the octree's cube goes around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.crs import StorageCrs, geodetic_to_ecef, storage_to_geodetic, to_storage
from models.pointcloud import FAR, HIGHEST, LOWEST, Extent
from tiles.content import F64
from tiles.points.runs import Source

_SIDE: Final = 9


def box_of(sources: Sequence[Source], frame: F64, extent: Extent, storage: StorageCrs) -> F64:
    """A box (6,) in ENU metres around all points that will be kept."""
    corners = []
    for source in sources:
        if source.certain:
            low, high = np.array(source.cloud.passport.box).reshape(2, 3)
            corners.append(source.place.ecef(_grid(low, high)))
        else:
            corners.append(_possible(extent, storage, source))
    enu = (np.concatenate(corners) - frame[:3, 3]) @ frame[:3, :3]
    margin = 0.01 * (enu.max(0) - enu.min(0)) + 1.0  # edges bend between the corners of the grid
    return np.concatenate([enu.min(0) - margin, enu.max(0) + margin])


def _possible(extent: Extent, storage: StorageCrs, source: Source) -> F64:
    """Corners (ECEF) of where a point of a twin can be at all."""
    west, south, east, north = extent
    e, n, _ = to_storage([west, east], [south, north], None, "OGC:CRS84", "1985", storage)
    low = np.array([e.min() - 2 * FAR, n.min() - 2 * FAR, LOWEST])
    grid = _grid(low, np.array([e.max() + 2 * FAR, n.max() + 2 * FAR, HIGHEST]))
    lon, lat, h = storage_to_geodetic(
        grid[:, 0], grid[:, 1], grid[:, 2], storage, source.place.n_offset
    )
    return geodetic_to_ecef(lon, lat, h)


def _grid(low: F64, high: F64) -> F64:
    sides = np.linspace(low, high, _SIDE).T
    return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3)
