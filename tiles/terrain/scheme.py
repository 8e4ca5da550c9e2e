"""The geodetic tiling of terrain: TMS over longitude and latitude, two tiles at level 0.

OGC TMS profile "global-geodetic" as quantized-mesh 1.0 prescribes: tile (0, 0) has its south-west
corner at 180° W, 90° S, and each level halves the tiles. Nodes of a tile's grid have whole numbers
in a numbering of their own for each level, so that both tiles at a border compute a node's position
from the same number and get the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tiles.content import F64

#: Intervals of a tile's grid along each side; clients work with 64 at level zero as well.
INTERVALS: Final = 64
MAX_LEVEL: Final = 22
_ORIGIN: Final = np.array([180.0, 90.0])
#: CesiumJS judges quantized-mesh levels by this error at level 0, halved at each level below
#: (TerrainProvider.getEstimatedLevelZeroGeometricErrorForAHeightmap: a quarter of a pixel of 65
#: over two tiles around the equator).
LEVEL_ZERO_ERROR: Final = 2 * np.pi * 6_378_137.0 * 0.25 / (65 * 2)


@dataclass(frozen=True, slots=True)
class TileRange:
    """Tiles of a level from ``x0``, ``y0`` to ``x1``, ``y1``, both included."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return (self.x1 - self.x0 + 1) * (self.y1 - self.y0 + 1)


def width(level: int) -> float:
    """Degrees that a tile spans in longitude and in latitude."""
    return float(180.0 / 2**level)


def nodes(level: int, x: int, y: int, margin: int = 0) -> tuple[F64, F64]:
    """Longitudes and latitudes (degrees) of a tile's grid lines, ``margin`` more on each side."""
    step = width(level) / INTERVALS
    along = np.arange(-margin, INTERVALS + 1 + margin, dtype=np.float64)
    return -180.0 + (x * INTERVALS + along) * step, -90.0 + (y * INTERVALS + along) * step


def level_error(level: int) -> float:
    """Metres of geometric error that a client takes a level to have."""
    return float(LEVEL_ZERO_ERROR / 2**level)


def finest_level(spacing: float) -> int:
    """The first level whose grid is at least as fine as ``spacing`` (metres along a meridian)."""
    levels = np.log2(np.radians(180.0) * 6_378_137.0 / INTERVALS / spacing)
    return int(np.clip(np.ceil(levels), 0, MAX_LEVEL))


def covering(level: int, bounds: tuple[float, float, float, float], ring: int) -> TileRange:
    """Tiles over ``bounds`` (west, south, east, north in degrees) and ``ring`` around, made up to
    whole families of four: a client then never stretches a coarse tile beside a fine one."""
    step, most = width(level), 2**level
    low = np.floor((np.array(bounds[:2]) + _ORIGIN) / step).astype(int) - ring
    high = np.ceil((np.array(bounds[2:]) + _ORIGIN) / step).astype(int) - 1 + ring
    high = np.maximum(high, low)
    if level == 0:
        return TileRange(0, 0, 1, 0)
    low, high = low // 2 * 2, high // 2 * 2 + 1
    x0, y0 = np.maximum(low, 0).tolist()
    x1, y1 = np.minimum(high, [2 * most - 1, most - 1]).tolist()
    return TileRange(x0, y0, x1, y1)
