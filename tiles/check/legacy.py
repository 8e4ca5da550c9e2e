"""The containers of 3D Tiles 1.0: b3dm, i3dm, pnts and cmpt (OGC 18-053r2 section 7)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from models.crs import ecef_to_geodetic, enu_frame
from tiles.check.gltf_buffers import BudgetError
from tiles.content import F64

JsonObject: TypeAlias = dict[str, Any]

_HEADER: Final = struct.Struct("<4sIIIIII")
_BATCH_IDS: Final = {"UNSIGNED_BYTE": "<u1", "UNSIGNED_SHORT": "<u2", "UNSIGNED_INT": "<u4"}


@dataclass(frozen=True, slots=True)
class Parts:
    """A tile taken apart: feature table and batch table (JSON and binary) and the body.

    ``external`` tells that an i3dm's body is a URI.
    """

    features: JsonObject
    feature_binary: bytes
    batch: JsonObject
    batch_binary: bytes
    body: bytes
    external: bool = False

    def vector(self, name: str) -> F64 | None:
        """A global vector of three, inline or in the binary body."""
        if name not in self.features:
            return None
        value = self.features[name]
        if isinstance(value, dict):
            value = np.frombuffer(self.feature_binary, "<f4", 3, value["byteOffset"])
        out: F64 = np.asarray(value, np.float64).reshape(3)
        return out

    def rows(self, name: str, kind: str, count: int, width: int) -> F64 | None:
        """Values (count, width) of a feature property, or None."""
        if name not in self.features:
            return None
        start = self.features[name]["byteOffset"]
        data = np.frombuffer(self.feature_binary, kind, count * width, start)
        return data.reshape(count, width).astype(np.float64)

    def column(self, name: str, count: int) -> npt.NDArray[np.int64] | None:
        """Batch ids (count,), or None."""
        if name not in self.features:
            return None
        spec = self.features[name]
        kind = _BATCH_IDS[spec.get("componentType", "UNSIGNED_SHORT")]
        data = np.frombuffer(self.feature_binary, kind, count, spec["byteOffset"])
        return data.astype(np.int64)


def parts(data: bytes) -> Parts:
    """Take a b3dm, i3dm or pnts apart. Raises ValueError and struct.error."""
    magic, version, length, *sizes = _HEADER.unpack_from(data)
    if version != 1:
        raise ValueError(f"{magic.decode()} version {version}")
    at, external = _HEADER.size, False
    if magic == b"i3dm":
        external = struct.unpack_from("<I", data, at)[0] == 0
        at += 4
    if length > len(data) or at + sum(sizes) > length:
        raise ValueError(f"{len(data)} bytes, tables of {sum(sizes)}, length {length} stated")
    pieces = []
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    features = orjson.loads(pieces[0]) if sizes[0] else {}
    batch = orjson.loads(pieces[2]) if sizes[2] else {}
    return Parts(features, pieces[1], batch, pieces[3], data[at:length], external)


def composite(data: bytes) -> Iterator[bytes]:
    """The inner tiles of a cmpt. Raises ValueError and struct.error."""
    _, version, length, count = struct.unpack_from("<4sIII", data)
    if version != 1 or length > len(data):
        raise ValueError(f"cmpt version {version} of {len(data)} bytes, {length} stated")
    at = 16
    for _ in range(count):
        size = struct.unpack_from("<I", data, at + 8)[0]
        if size < 12 or at + size > length:
            raise ValueError(f"an inner tile of {size} bytes at {at} of {length}")
        yield data[at : at + size]
        at += size


def positions(tile: Parts, count: int) -> F64:
    """POSITION or POSITION_QUANTIZED (count, 3) with RTC_CENTER, in tile coordinates."""
    points = tile.rows("POSITION", "<f4", count, 3)
    if points is None:
        packed = tile.rows("POSITION_QUANTIZED", "<u2", count, 3)
        offset = tile.vector("QUANTIZED_VOLUME_OFFSET")
        scale = tile.vector("QUANTIZED_VOLUME_SCALE")
        if packed is None or offset is None or scale is None:
            raise ValueError("no POSITION and no whole POSITION_QUANTIZED")
        points = packed / 65535.0 * scale + offset
    centre = tile.vector("RTC_CENTER")
    if not np.isfinite(points).all():
        raise ValueError("a position that is not finite")
    return points if centre is None else points + centre


def instances(tile: Parts, limit: int) -> F64:
    """The matrices (k, 4, 4) of an i3dm's instances. Raises ValueError."""
    count = int(tile.features["INSTANCES_LENGTH"])
    if count > limit:
        raise BudgetError("more instances than the limit")
    out = np.broadcast_to(np.eye(4), (count, 4, 4)).copy()
    out[:, :3, 3] = positions(tile, count)
    up, right = tile.rows("NORMAL_UP", "<f4", count, 3), tile.rows("NORMAL_RIGHT", "<f4", count, 3)
    if up is None or right is None:
        up, right = _oct(tile, "NORMAL_UP_OCT32P", count), _oct(tile, "NORMAL_RIGHT_OCT32P", count)
    if up is not None and right is not None:
        out[:, :3, 0], out[:, :3, 1] = right, up
        out[:, :3, 2] = np.cross(right, up)
    elif tile.features.get("EAST_NORTH_UP"):
        lon, lat, _ = ecef_to_geodetic(out[:, :3, 3])
        frames = [enu_frame(a, b, 0.0)[:3, :3] for a, b in zip(lon, lat, strict=True)]
        out[:, :3, :3] = np.array(frames).reshape(-1, 3, 3)
    scale = tile.rows("SCALE_NON_UNIFORM", "<f4", count, 3)
    if scale is None:
        scale = tile.rows("SCALE", "<f4", count, 1)
    if scale is not None:
        out[:, :3, :3] *= scale[:, None, :]
    return out


def _oct(tile: Parts, name: str, count: int) -> F64 | None:
    """Oct-encoded normals of two uint16 (OGC 18-053r2 section 7.3.1.2)."""
    packed = tile.rows(name, "<u2", count, 2)
    if packed is None:
        return None
    xy = packed / 65535.0 * 2.0 - 1.0
    z = 1.0 - np.abs(xy).sum(axis=1)
    folded = (1.0 - np.abs(xy[:, ::-1])) * np.where(xy >= 0, 1.0, -1.0)
    out = np.column_stack([np.where(z[:, None] < 0, folded, xy), z])
    return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True), np.float64)
