"""Bounding volumes of tiles in ECEF metres: how far points lie outside them.

3D Tiles 1.1 (OGC 22-025r4) section 6.7.1: ``box`` and ``sphere`` are moved by the tile's transform
(a sphere's radius by the largest scale), ``region`` is not: radians and ellipsoidal metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from models.crs import ecef_to_geodetic, geodetic_to_ecef
from tiles.content import F64

_RADIUS: Final = 6_378_137.0
_SIDES: Final = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing="ij"), -1).reshape(-1, 3)


class Volume(Protocol):
    """A bounding volume in ECEF."""

    def outside(self, points: F64) -> F64:
        """Metres (n,) that ``points`` (n, 3) lie outside; 0 or less within."""
        ...

    def excess(self, other: Volume) -> float:
        """Metres that ``other`` reaches outside this volume."""
        ...

    def extremes(self) -> F64:
        """Points (k, 3) on the surface that stand for the whole volume."""
        ...

    def sphere(self) -> tuple[F64, float]:
        """Centre and radius of a sphere around the volume."""
        ...


def tolerance(volume: Volume) -> float:
    """Metres that rounding (float32 positions, decimal JSON) may put geometry outside."""
    return float(0.01 + 1e-5 * volume.sphere()[1])


@dataclass(frozen=True, slots=True)
class Box:
    """``centre`` (3,), unit ``axes`` (3, 3) as columns, ``half`` lengths (3,)."""

    centre: F64
    axes: F64
    half: F64

    def outside(self, points: F64) -> F64:
        """See :meth:`Volume.outside`."""
        local = (points - self.centre) @ np.linalg.inv(self.axes).T
        out: F64 = (np.abs(local) - self.half).max(axis=1)
        return out

    def excess(self, other: Volume) -> float:
        """See :meth:`Volume.excess`."""
        if isinstance(other, Sphere):
            ends = np.concatenate([self.axes.T, -self.axes.T]) * other.radius + other.centre
            return float(self.outside(ends).max())
        return float(self.outside(other.extremes()).max())

    def extremes(self) -> F64:
        """The eight corners."""
        out: F64 = (_SIDES * self.half) @ self.axes.T + self.centre
        return out

    def sphere(self) -> tuple[F64, float]:
        """See :meth:`Volume.sphere`."""
        return self.centre, float(np.linalg.norm(self.extremes() - self.centre, axis=1).max())


@dataclass(frozen=True, slots=True)
class Sphere:
    """``centre`` (3,) and ``radius``."""

    centre: F64
    radius: float

    def outside(self, points: F64) -> F64:
        """See :meth:`Volume.outside`."""
        out: F64 = np.linalg.norm(points - self.centre, axis=1) - self.radius
        return out

    def excess(self, other: Volume) -> float:
        """See :meth:`Volume.excess`."""
        if isinstance(other, Sphere):
            gap = float(np.linalg.norm(other.centre - self.centre))
            return gap + other.radius - self.radius
        return float(self.outside(other.extremes()).max())

    def extremes(self) -> F64:
        """Points along the axes and the diagonals."""
        ways = np.concatenate([np.eye(3), -np.eye(3), _SIDES / np.sqrt(3)])
        out: F64 = ways * self.radius + self.centre
        return out

    def sphere(self) -> tuple[F64, float]:
        """Itself."""
        return self.centre, self.radius


@dataclass(frozen=True, slots=True)
class Region:
    """``west, south, east, north`` (radians) and ``low``, ``high`` (ellipsoidal metres)."""

    west: float
    south: float
    east: float
    north: float
    low: float
    high: float

    def outside(self, points: F64) -> F64:
        """See :meth:`Volume.outside`; distances along parallels and meridians of a sphere."""
        lon, lat, h = ecef_to_geodetic(points)
        lon, lat = np.radians(lon), np.radians(lat)
        width = (self.east - self.west) % (2 * np.pi) if self.east != self.west else 0.0
        if self.east - self.west >= 2 * np.pi:
            width = 2 * np.pi
        middle = self.west + width / 2
        turned = np.abs((lon - middle + np.pi) % (2 * np.pi) - np.pi) - width / 2
        sides = [
            turned * np.cos(lat) * _RADIUS,
            (self.south - lat) * _RADIUS,
            (lat - self.north) * _RADIUS,
            self.low - h,
            h - self.high,
        ]
        out: F64 = np.max(sides, axis=0)
        return out

    def excess(self, other: Volume) -> float:
        """See :meth:`Volume.excess`; two regions are compared by their numbers."""
        if isinstance(other, Region):
            lon = max(self.west - other.west, other.east - self.east)
            lat = max(self.south - other.south, other.north - self.north)
            return max(lon * _RADIUS, lat * _RADIUS, self.low - other.low, other.high - self.high)
        return float(self.outside(other.extremes()).max())

    def extremes(self) -> F64:
        """A grid of 5 × 5 on the lower and the upper face."""
        width = self.east - self.west + (2 * np.pi if self.east < self.west else 0.0)
        lon = np.degrees(np.linspace(self.west, self.west + width, 5))
        lat = np.degrees(np.linspace(self.south, self.north, 5))
        grid = np.meshgrid(lon, lat, [self.low, self.high], indexing="ij")
        return geodetic_to_ecef(*(axis.ravel() for axis in grid))

    def sphere(self) -> tuple[F64, float]:
        """See :meth:`Volume.sphere`."""
        points = self.extremes()
        centre = (points.min(axis=0) + points.max(axis=0)) / 2
        return centre, float(np.linalg.norm(points - centre, axis=1).max())


def parse(spec: Any, matrix: F64) -> Volume:
    """The volume of a ``boundingVolume`` object under a tile → ECEF ``matrix``.

    Raises ValueError with what was found where it is none.
    """
    if not isinstance(spec, dict):
        raise ValueError("no boundingVolume")
    for name, length in (("box", 12), ("region", 6), ("sphere", 4)):
        if name in spec:
            values = np.asarray(spec[name], dtype=np.float64)
            if values.shape != (length,) or not np.isfinite(values).all():
                raise ValueError(f"{name} of {values.size} numbers, or not finite")
            return _MAKERS[name](values, matrix)
    raise ValueError(f"a boundingVolume of {sorted(spec)}")


def _box(values: F64, matrix: F64) -> Volume:
    axes = matrix[:3, :3] @ values[3:].reshape(3, 3).T
    half = np.linalg.norm(axes, axis=0)
    unit = np.where(half > 0, axes / np.where(half > 0, half, 1.0), 0.0)
    for at in np.flatnonzero(half == 0):  # a flat box: any direction square to the others will do
        rest = np.delete(unit, at, axis=1)
        unit[:, at] = np.linalg.svd(rest.T, full_matrices=True)[2][-1]
    if abs(np.linalg.det(unit)) < 1e-6:
        raise ValueError("a box whose half axes lie in one plane")
    return Box(matrix[:3, :3] @ values[:3] + matrix[:3, 3], unit, half)


def _sphere(values: F64, matrix: F64) -> Volume:
    if values[3] < 0:
        raise ValueError(f"a sphere of radius {values[3]:g}")
    scale = float(np.linalg.norm(matrix[:3, :3], axis=0).max())
    return Sphere(matrix[:3, :3] @ values[:3] + matrix[:3, 3], scale * float(values[3]))


def _region(values: F64, matrix: F64) -> Volume:
    west, south, east, north, low, high = values.tolist()
    half = np.pi / 2 + 1e-9
    if not (-half <= south <= north <= half and low <= high and max(-west, east) <= np.pi + 1e-9):
        raise ValueError(f"a region of {values.tolist()} (radians, low and high metres)")
    return Region(west, south, east, north, low, high)


_MAKERS: Final = {"box": _box, "region": _region, "sphere": _sphere}
