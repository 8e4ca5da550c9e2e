"""Small point clouds for tests, made in code; nothing else imports this module."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import laspy
import numpy as np

from models.las import F64

#: East, north of the storage CRS near the middle of one of the twins, and its ground.
PLACE: Final = (617_000.0, 3_429_600.0, 4.0)
#: Points of a compressed chunk of what laspy writes.
CHUNK: Final = 50_000


def scattered(count: int, *, side: float = 200.0, seed: int = 1) -> F64:
    """(n, 3) ground with blocks on it around :data:`PLACE`, on millimetres."""
    random = np.random.default_rng(seed)
    xyz = np.column_stack([(random.random((count, 2)) - 0.5) * side, np.zeros(count)])
    xyz[:, 2] = np.where(np.mod(np.floor(xyz[:, 0] / 20), 2) == 0, 15.0, 0.0)
    xyz[:, 2] += random.normal(0, 0.05, count)
    out: F64 = np.round(xyz + PLACE, 3)
    return out


def write_cloud(
    path: Path,
    xyz: F64,
    *,
    point_format: int = 7,
    version: str = "1.4",
    crs: str | None = None,
    scale: float = 0.001,
    **columns: Any,
) -> Path:
    """A LAS file, or LAZ by its suffix, of points (n, 3); ``crs`` is written as a WKT record,
    ``columns`` are laspy's dimensions."""
    header = laspy.LasHeader(version=version, point_format=point_format)
    header.scales = np.full(3, scale)
    header.offsets = np.floor(xyz.min(axis=0)) if len(xyz) else np.zeros(3)
    if crs is not None:
        header.vlrs.append(laspy.vlrs.known.WktCoordinateSystemVlr(crs))
    cloud = laspy.LasData(header)
    points: Any = laspy.ScaleAwarePointRecord.zeros(len(xyz), header=header)
    points.x, points.y, points.z = xyz.T
    for name, values in columns.items():
        points[name] = values
    cloud.points = points
    cloud.write(path)
    return path


def full(count: int, seed: int = 1) -> dict[str, Any]:
    """Columns of every attribute; ``intensity`` numbers the points."""
    random = np.random.default_rng(seed)
    return {
        "intensity": np.arange(count) % 65536,
        "classification": random.choice([2, 5, 6, 41, 70], count),
        "return_number": random.integers(1, 4, count),
        "number_of_returns": np.full(count, 3),
        "gps_time": 3.6e8 + np.arange(count) / 64,
        "red": random.integers(0, 65536, count),
        "green": random.integers(0, 65536, count),
        "blue": np.full(count, 65535),
    }
