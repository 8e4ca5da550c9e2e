"""Encoding of quantized-mesh 1.0 (github.com/CesiumGS/quantized-mesh), with vertex normals.

Heights lie on a lattice of a power of two metres that is one for a level; a tile's own step divides
it, and minimum and maximum are exact in float32. So a height decodes to the same number in every
tile of the level, and tiles meet without a step.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.crs import geodetic_to_ecef
from tiles.content import F64
from tiles.terrain.scheme import INTERVALS, width

I64 = npt.NDArray[np.int64]

STEPS: Final = 32767
MEDIA_TYPE: Final = "application/vnd.quantized-mesh"
OCT_NORMALS: Final = 1
#: Semi-axes of WGS84, which scale the horizon occlusion point.
RADII: Final = np.array([6378137.0, 6378137.0, 6356752.3142451793])
_HEAD: Final = 88  # bytes before the vertices
_FINEST: Final = -14  # 2^-14 m is 0.06 mm
_FAR: Final = 1e6


@dataclass(frozen=True, slots=True)
class Mesh:
    """A tile before encoding: ``nodes`` (k, 2) columns and rows of its grid, ``heights`` (k,) on
    the lattice, ``normals`` (k, 3) in ECEF, ``triangles`` (m, 3)."""

    level: int
    x: int
    y: int
    nodes: I64
    heights: F64
    normals: F64
    triangles: I64


def lattice(low: float, high: float) -> float:
    """The step in metres, a power of two, on which heights from ``low`` to ``high`` lie."""
    span = max((high - low) * 1.01, 1e-3)
    return float(2.0 ** max(np.ceil(np.log2(span / STEPS)), _FINEST))


def encode(mesh: Mesh) -> bytes:
    """The tile's bytes, not gzipped."""
    nodes, heights, normals, triangles = _in_order_of_use(mesh)
    low, step = _scale(heights)
    quantised = np.rint((heights - low) / step).astype(np.int64)
    grid = np.rint(nodes * (STEPS / INTERVALS)).astype(np.int64)
    points = positions(mesh.level, mesh.x, mesh.y, grid, heights)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    high = low + STEPS * step
    head = struct.pack("<3d2f4d", *centre, low, high, *centre, radius)
    head += struct.pack("<3d", *occlusion_point(points, centre))
    columns = np.column_stack([grid, quantised])
    body = struct.pack("<I", len(nodes)) + _zigzag(columns).T.astype("<u2").tobytes()
    body += struct.pack("<I", len(triangles)) + _high_water(triangles).astype("<u2").tobytes()
    for side in _sides(nodes):
        body += struct.pack("<I", len(side)) + side.astype("<u2").tobytes()
    packed = octahedral(normals).tobytes()
    return head + body + struct.pack("<BI", OCT_NORMALS, len(packed)) + packed


def triangle_count(data: bytes) -> int:
    """The triangles of a tile that :func:`encode` made."""
    (vertices,) = struct.unpack_from("<I", data, _HEAD)
    (triangles,) = struct.unpack_from("<I", data, _HEAD + 4 + 6 * vertices)
    return int(triangles)


def positions(level: int, x: int, y: int, grid: I64, heights: F64) -> F64:
    """ECEF (k, 3) of vertices with ``grid`` coordinates 0..32767, as a client computes them."""
    span = width(level)
    lon = -180.0 + (x + grid[:, 0] / STEPS) * span
    lat = -90.0 + (y + grid[:, 1] / STEPS) * span
    return geodetic_to_ecef(lon, lat, heights)


def occlusion_point(points: F64, centre: F64) -> F64:
    """The point along ``centre`` that is below the horizon only when all ``points`` are, scaled by
    the ellipsoid.

    Each point's horizon cone is cut with the axis (Cesium, "Horizon culling", 2013); points below
    the ellipsoid count as on it. No finite point serves a tile of half the globe: one far out does.
    """
    scaled = points / RADII
    axis = centre / RADII
    size = np.linalg.norm(axis)
    axis = axis / size if size > 0 else np.array([1.0, 0.0, 0.0])
    length = np.linalg.norm(scaled, axis=1)
    way = scaled / length[:, None]
    magnitude = np.maximum(length, 1.0)
    cos_a = (way * axis).sum(axis=1)
    sin_a = np.linalg.norm(np.cross(way, axis), axis=1)
    cos_b = 1.0 / magnitude
    sin_b = np.sqrt(magnitude**2 - 1.0) * cos_b
    below = cos_a * cos_b - sin_a * sin_b
    reach = _FAR if (below <= 1.0 / _FAR).any() else float((1.0 / below).max())
    out: F64 = axis * reach
    return out


def octahedral(normals: F64) -> npt.NDArray[np.uint8]:
    """Unit vectors (k, 3) as two bytes each (Cigolle et al., "A survey of efficient
    representations for independent unit vectors", JCGT 2014)."""
    flat = normals / np.abs(normals).sum(axis=1, keepdims=True)
    xy, z = flat[:, :2], flat[:, 2:]
    folded = (1 - np.abs(xy[:, ::-1])) * np.where(xy >= 0, 1.0, -1.0)
    out = np.where(z < 0, folded, xy)
    return np.rint((np.clip(out, -1, 1) * 0.5 + 0.5) * 255).astype(np.uint8)


def _scale(heights: F64) -> tuple[float, float]:
    """Lowest height and step: a power of two that holds the range and is exact in float32."""
    low, high = float(heights.min()), float(heights.max())
    reach = max(abs(low), abs(high), 1.0)
    exact = np.ceil(np.log2(reach)) - 22
    needed = np.ceil(np.log2(max((high - low) / STEPS, 1e-9)))
    return low, float(2.0 ** max(needed, exact, _FINEST))


def _in_order_of_use(mesh: Mesh) -> tuple[I64, F64, F64, I64]:
    """Triangles along a Z-order curve, vertices in order of first use (the index coding's need)."""
    middle = mesh.nodes[mesh.triangles].sum(axis=1)
    key = np.zeros(len(middle), np.int64)
    for bit in range(8):
        key |= (middle[:, 0] >> bit & 1) << 2 * bit | (middle[:, 1] >> bit & 1) << (2 * bit + 1)
    triangles = mesh.triangles[np.argsort(key, kind="stable")]
    used, first = np.unique(triangles, return_index=True)
    order = used[np.argsort(first)]
    number = np.zeros(len(mesh.nodes), np.int64)
    number[order] = np.arange(len(order))
    return mesh.nodes[order], mesh.heights[order], mesh.normals[order], number[triangles]


def _zigzag(columns: I64) -> I64:
    steps = np.diff(columns, axis=0, prepend=np.zeros((1, columns.shape[1]), np.int64))
    return (steps << 1) ^ (steps >> 63)


def _high_water(triangles: I64) -> I64:
    """Indices as the distance from the highest one used so far."""
    flat = triangles.ravel()
    before = np.maximum.accumulate(np.concatenate([[-1], flat[:-1]])) + 1
    return before - flat


def _sides(nodes: I64) -> tuple[I64, I64, I64, I64]:
    """Vertices on the west, south, east and north side, in order along it."""
    column, row = nodes.T
    picked = (
        (column == 0, row),
        (row == 0, column),
        (column == INTERVALS, row),
        (row == INTERVALS, column),
    )
    west, south, east, north = (
        np.flatnonzero(on)[np.argsort(along[on], kind="stable")] for on, along in picked
    )
    return west, south, east, north
