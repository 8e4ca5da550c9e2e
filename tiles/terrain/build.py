"""DEM → quantized-mesh terrain, level by level."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.crs import geodetic_to_ecef
from models.features import DatumPassport
from tiles.content import F64
from tiles.errors import ContentError
from tiles.journal import key
from tiles.terrain.dem import Dem, open_dem
from tiles.terrain.quantized import Mesh, encode, lattice, triangle_count
from tiles.terrain.scheme import (
    INTERVALS,
    MAX_LEVEL,
    TileRange,
    covering,
    finest_level,
    level_error,
    nodes,
    width,
)
from tiles.terrain.store import TerrainStore, Version
from tiles.terrain.triangulate import triangulate

#: Called after each tile with tiles done and tiles in all.
Progress = Callable[[int, int], None]

#: Share of a level's error that its heights may be off, and that the Earth's curvature may add.
_SHARE, _SAG = 0.5, 0.02
#: Share of a cell of the DEM that heights of the finest level may be off.
_FINE: Final = 0.005
_RADIUS: Final = 6_378_137.0
#: Levels above the finest that have a ring of tiles around the DEM, against stretched tiles there.
_UNRINGED: Final = 3


@dataclass(frozen=True, slots=True)
class TerrainReport:
    """What was built. ``tolerances`` metres by level: the largest error of a height at a grid node,
    half a lattice step of ``steps`` included; ``bytes`` at rest; ``holes`` cells without a height
    (filled from their surroundings); ``version`` the digest that names the tiles; ``resumed`` tiles
    were made before by a run that was killed."""

    tiles: int
    triangles: int
    bytes: int
    levels: int
    tolerances: tuple[float, ...]
    steps: tuple[float, ...]
    holes: int
    seconds: float
    version: str
    resumed: int


def build_terrain(
    dem_path: Path,
    passport: DatumPassport,
    store: TerrainStore,
    *,
    max_level: int | None = None,
    n_offset: float = 0.0,
    outside: float = 0.0,
    tolerance: float = 0.05,
    max_tiles: int = 1_000_000,
    attribution: str = "",
    progress: Progress | None = None,
) -> TerrainReport:
    """Build terrain from a GeoTIFF and switch ``store`` to it; a failed build changes nothing.

    ``passport`` declares the DEM's datums (see :func:`tiles.terrain.dem.open_dem`, also for
    ``n_offset`` and ``outside``). Levels go to ``max_level``, by default the first whose grid is as
    fine as the DEM. Heights of the finest level, which clients draw however near they are, are
    within 1/200 of a cell; those of the others within half the error that clients take the level
    to have; none closer than ``tolerance`` metres. Heights in tiles are ellipsoidal (CGCS2000,
    WGS84).

    Raises :class:`models.errors.DatumError`, :class:`tiles.errors.ContentError` for a file that is
    no DEM or needs more than ``max_tiles``, and :class:`tiles.errors.StoreError`.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="terrain-") as scratch:
        dem = open_dem(dem_path, passport, Path(scratch), n_offset=n_offset, outside=outside)
        finest = finest_level(dem.resolution) if max_level is None else min(max_level, MAX_LEVEL)
        ranges = [
            covering(level, dem.bounds, int(level <= finest - _UNRINGED))
            for level in range(finest + 1)
        ]
        total = sum(span.count for span in ranges)
        if total > max_tiles:
            raise ContentError(
                f"{dem_path.name} would give {total} tiles down to level {finest}; at most "
                f"{max_tiles} are allowed. Give a lower max_level.",
                f"{dem_path.name} 到第 {finest} 级将有 {total} 个瓦片，上限 {max_tiles}。"
                "请降低 max_level。",
            )
        allowed = [_SHARE * level_error(level) for level in range(finest)]
        plans = [
            Plan.of(dem, level, ranges[level], max(most, tolerance))
            for level, most in enumerate([*allowed, _FINE * dem.resolution])
        ]
        triangles = size = done = resumed = 0
        told = dem_path.stat()
        same = (str(dem_path.resolve()), told.st_mtime_ns, told.st_size, passport)
        with Version(store.path, key(same, n_offset, outside, tolerance, max_level)) as version:
            for plan in plans:
                for x, y in _tiles(plan.range):
                    data = version.held(plan.level, x, y)
                    resumed += data is not None
                    data = encode(plan.mesh(x, y)) if data is None else data
                    size += version.put(plan.level, x, y, data)
                    triangles += triangle_count(data)
                    done += 1
                    if progress is not None:
                        progress(done, total)
            name = version.publish(_layer(ranges, attribution))
    return TerrainReport(
        total,
        triangles,
        size,
        finest + 1,
        tuple(plan.tolerance + plan.step / 2 for plan in plans),
        tuple(plan.step for plan in plans),
        dem.holes,
        time.perf_counter() - start,
        name,
        resumed,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """How the tiles of a level are made; the same for all of them, so that they fit."""

    dem: Dem
    level: int
    range: TileRange
    pyramid: int
    tolerance: float
    step: float
    seeds: int

    @classmethod
    def of(cls, dem: Dem, level: int, span: TileRange, tolerance: float) -> Plan:
        """The plan of ``level``, whose tiles are ``span``, within ``tolerance`` metres."""
        spacing = np.radians(width(level)) * _RADIUS / INTERVALS
        low, high = _height_range(dem, level, span)
        return cls(
            dem, level, span, dem.level_for(spacing), tolerance, lattice(low, high), _seeds(level)
        )

    def mesh(self, x: int, y: int) -> Mesh:
        """The triangles of a tile, with normals from the heights around each vertex."""
        lon, lat = nodes(self.level, x, y, margin=1)
        lons, lats = np.meshgrid(lon, np.clip(lat, -90.0, 90.0), indexing="xy")
        heights = self.dem.heights(lons.ravel(), lats.ravel(), self.pyramid).reshape(lons.shape)
        heights = np.rint(heights / self.step) * self.step
        inner = heights[1:-1, 1:-1]
        vertices, triangles = triangulate(inner, self.tolerance, self.seeds)
        column, row = vertices.T
        points = geodetic_to_ecef(lons.ravel(), lats.ravel(), heights.ravel())
        normals = _normals(points.reshape(*lons.shape, 3))[row, column]
        return Mesh(self.level, x, y, vertices, inner[row, column], normals, triangles)


def _height_range(dem: Dem, level: int, span: TileRange) -> tuple[float, float]:
    """Lowest and highest ellipsoidal height that tiles of a level can have."""
    lon = -180.0 + width(level) * np.linspace(span.x0, span.x1 + 1, 65)
    lat = -90.0 + width(level) * np.linspace(span.y0, span.y1 + 1, 65)
    lons, lats = np.meshgrid(lon, lat)
    rise = dem.undulation((lons.ravel() + 180.0) % 360.0 - 180.0, lats.ravel())
    # The geoid bends by up to 2 m within a degree; wide spans are sampled too coarsely to see it.
    margin = 0.1 + 5.0 * width(level)
    low, high = (end(*dem.range_1985, dem.outside) for end in (min, max))
    return low + float(rise.min()) - margin, high + float(rise.max()) + margin


def _seeds(level: int) -> int:
    """Parts of a side between which the chord's sag is a small share of the level's error."""
    sag = _RADIUS * np.radians(width(level)) ** 2 / 8
    parts = np.sqrt(sag / (_SAG * level_error(level)))
    return int(min(2 ** np.ceil(np.log2(max(parts, 1.0))), INTERVALS))


def _normals(points: F64) -> F64:
    """Unit normals (n, n, 3) at the inner nodes of a grid of points (n + 2, n + 2, 3)."""
    east = points[1:-1, 2:] - points[1:-1, :-2]
    north = points[2:, 1:-1] - points[:-2, 1:-1]
    out = np.cross(east, north)
    size = np.linalg.norm(out, axis=2, keepdims=True)
    up = points[1:-1, 1:-1] / np.linalg.norm(points[1:-1, 1:-1], axis=2, keepdims=True)
    return np.where(size > 1e-9, out / np.maximum(size, 1e-9), up)  # a pole has no east


def _tiles(span: TileRange) -> Iterator[tuple[int, int]]:
    for x in range(span.x0, span.x1 + 1):
        for y in range(span.y0, span.y1 + 1):
            yield x, y


def _layer(ranges: list[TileRange], attribution: str) -> dict[str, Any]:
    """layer.json as CesiumJS reads it (TileJSON 2.1 with ``available``)."""
    return {
        "tilejson": "2.1.0",
        "name": "terrain",
        "version": "1.0.0",
        "format": "quantized-mesh-1.0",
        "scheme": "tms",
        "projection": "EPSG:4326",
        "bounds": [-180.0, -90.0, 180.0, 90.0],
        "minzoom": 0,
        "maxzoom": len(ranges) - 1,
        "extensions": ["octvertexnormals"],
        "attribution": attribution,
        "available": [
            [{"startX": r.x0, "startY": r.y0, "endX": r.x1, "endY": r.y1}] for r in ranges
        ],
    }
