"""Street grid of a site: frames, warp, streets and blocks.

Plan coordinates (u, v) are metres along and across the street grid, origin at the site's centre.
A gentle warp bends the streets, a rotation turns the grid; the result is EPSG:4549, east and north.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import Polygon

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Canal:
    """A watercourse: axis in (u, v), width of the water and of the bank slope on each side, m."""

    axis: tuple[tuple[float, float], ...]
    width: float
    bank: float = 6.0


@dataclass(frozen=True)
class Street:
    """A street axis ``at`` (u for north-south, v for east-west) with half its right of way, m."""

    at: float
    half: float
    name: str


@dataclass(frozen=True)
class Site:
    """What makes one twin's sample data: place, grid, water, network streets and block uses."""

    twin: str
    name_zh: str
    lon: float
    lat: float
    east: float
    north: float
    angle: float  # degrees, grid u axis counter-clockwise from east
    bend: tuple[float, float, float, float, float]  # amplitude u, v; wave length u, v; phase
    columns: tuple[Street, ...]
    rows: tuple[Street, ...]
    canals: tuple[Canal, ...]
    uses: tuple[str, ...]  # one string a row of blocks from south to north, one letter a block
    piped_columns: tuple[int, ...]  # network streets, from the trunk (west) to the east
    piped_rows: tuple[int, ...]  # from the trunk (south) to the north
    heated: tuple[str, ...]  # network streets with a heating main
    outfall_u: float
    reach: tuple[float, float]  # east end and north end of the network, plan metres
    rail: tuple[float, float] | None = None  # v from, to
    seed: int = 1

    def to_en(self, uv: npt.ArrayLike) -> F64:
        """Plan (n, 2) to EPSG:4549 east, north (n, 2)."""
        points = np.asarray(uv, dtype=np.float64).reshape(-1, 2)
        au, av, lu, lv, phase = self.bend
        u = points[:, 0] + au * np.sin(2 * np.pi * points[:, 1] / lu + phase)
        v = points[:, 1] + av * np.sin(2 * np.pi * points[:, 0] / lv - phase)
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        return np.column_stack([self.east + c * u - s * v, self.north + s * u + c * v])

    def frame(self, u: float, v: float) -> tuple[F64, F64, F64]:
        """Origin and the two unit axes (rigid, square) of the ground at plan point (u, v)."""
        p = self.to_en([(u, v), (u + 1.0, v), (u, v + 1.0)])
        x = (p[1] - p[0]) + np.array([p[2, 1] - p[0, 1], -(p[2, 0] - p[0, 0])])
        x /= np.hypot(*x)
        return p[0], x, np.array([-x[1], x[0]])


@dataclass(frozen=True)
class Block:
    """A street block: plan limits inside the rights of way, its use and its outline in EN."""

    number: str
    use: str
    u: tuple[float, float]
    v: tuple[float, float]
    outline: Polygon
    street: str


def blocks(site: Site) -> list[Block]:
    """All blocks of the grid, from south-west to north-east."""
    found = []
    for j, uses in enumerate(site.uses):
        south, north = site.rows[j], site.rows[j + 1]
        if len(uses) != len(site.columns) - 1:
            raise ValueError(f"{site.twin}: row {j} has {len(uses)} uses")
        for i, use in enumerate(uses):
            west, east = site.columns[i], site.columns[i + 1]
            u = (west.at + west.half, east.at - east.half)
            v = (south.at + south.half, north.at - north.half)
            t = np.linspace(0.0, 1.0, 9)[:-1]
            ring = np.concatenate(
                [
                    np.column_stack([u[0] + t * (u[1] - u[0]), np.full(8, v[0])]),
                    np.column_stack([np.full(8, u[1]), v[0] + t * (v[1] - v[0])]),
                    np.column_stack([u[1] - t * (u[1] - u[0]), np.full(8, v[1])]),
                    np.column_stack([np.full(8, u[0]), v[1] - t * (v[1] - v[0])]),
                ]
            )
            number = f"{chr(65 + j)}{i + 1:02d}"
            outline = Polygon(site.to_en(ring))
            found.append(Block(number, use, u, v, outline, south.name))
    return found


def canal_axis(site: Site, canal: Canal) -> shapely.LineString:
    """The axis of a canal in EN, smoothed by a Catmull-Rom spline."""
    p = np.asarray(canal.axis, dtype=np.float64)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0.0, 1.0, 12, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - 3 * c + d - a) * t**3
            )
        )
    return shapely.LineString(site.to_en(np.vstack([*parts, p[-2]])))


def water(site: Site, margin: float) -> shapely.Geometry:
    """Canals with their banks, widened by ``margin`` metres, in EN."""
    return shapely.union_all(
        [
            canal_axis(site, canal).buffer(canal.width / 2 + canal.bank + margin)
            for canal in site.canals
        ]
    )
