"""Small point clouds for tests, made in code; nothing else imports this module."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any, Final

import laspy
import lazrs
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


def write_copc(path: Path, xyz: F64, **columns: Any) -> Path:
    """A COPC file (COPC 1.0) of points (n, 3) in format 7: a third of them at the root of its
    octree, the others in its eight children, a compressed chunk a node."""
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = np.full(3, 0.001), np.floor(xyz.min(axis=0))
    points: Any = laspy.ScaleAwarePointRecord.zeros(len(xyz), header=header)
    points.x, points.y, points.z = xyz.T
    for name, values in columns.items():
        points[name] = values
    header.update(points)
    low, high = xyz.min(axis=0), xyz.max(axis=0)
    half = float((high - low).max()) / 2
    upper = (xyz >= low + half).astype(int)
    node = np.where(np.arange(len(xyz)) % 3 == 0, 0, 1 + upper @ [1, 2, 4])
    packer = lazrs.LazVlr.new_for_compression(7, 0, use_variable_size_chunks=True)
    start = 375 + 54 + 160 + 54 + len(packer.record_data())  # the header and its two records
    packed = io.BytesIO()
    packed.seek(start)
    compressor = lazrs.LasZipCompressor(packed, packer)
    used = np.unique(node).tolist()
    for number in used:
        if number:
            compressor.finish_current_chunk()
        compressor.compress_many(points.array[node == number].tobytes())
    compressor.done()
    end = len(packed.getvalue())
    packed.seek(start)
    chunks = lazrs.read_chunk_table(packed, packer)
    info = struct.pack("<5d2Q2d88x", *(low + half), half, half / 64, end + 60, 32 * len(used), 0, 1)
    header.vlrs.append(laspy.VLR("copc", 1, "", info))
    header.vlrs.append(laspy.VLR("laszip encoded", 22204, "", packer.record_data()))
    header.are_points_compressed = True
    header.start_of_first_evlr, header.number_of_evlrs = end, 1
    offset = start + 8
    hierarchy = b""
    for number, (count, size) in zip(used, chunks, strict=True):
        at = number - 1
        key = (1, at & 1, at >> 1 & 1, at >> 2) if number else (0, 0, 0, 0)
        hierarchy += struct.pack("<4iQ2i", *key, offset, size, count)
        offset += size
    with path.open("wb") as stream:
        header.write_to(stream)
        stream.write(packed.getvalue()[start:])
        stream.write(struct.pack("<2x16sHQ32x", b"copc", 1000, len(hierarchy)) + hierarchy)
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
