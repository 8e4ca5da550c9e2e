"""A reader of quantized-mesh written from its specification, and a DEM made in code."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.transform import Affine

from tiles.terrain import TerrainStore

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Tile:
    """A decoded tile: vertices in degrees and ellipsoidal metres."""

    centre: Array
    low: float
    high: float
    sphere: Array
    occlusion: Array
    u: Array
    v: Array
    lon: Array
    lat: Array
    h: Array
    triangles: Array
    edges: list[Array]
    extensions: dict[int, bytes]


def decode(data: bytes, level: int, x: int, y: int) -> Tile:
    head = struct.unpack_from("<3d2f4d3d", data)
    count = struct.unpack_from("<I", data, 88)[0]
    raw = np.frombuffer(data, "<u2", 3 * count, 92).astype(int).reshape(3, count)
    u, v, q = np.cumsum((raw >> 1) ^ -(raw & 1), axis=1)
    at = 92 + 6 * count
    assert count <= 65536 and at % 2 == 0
    size = struct.unpack_from("<I", data, at)[0]
    codes = np.frombuffer(data, "<u2", 3 * size, at + 4).tolist()
    at += 4 + 6 * size
    indices, highest = [], 0
    for code in codes:
        indices.append(highest - code)
        highest += code == 0
    edges = []
    for _ in range(4):
        length = struct.unpack_from("<I", data, at)[0]
        edges.append(np.frombuffer(data, "<u2", length, at + 4))
        at += 4 + 2 * length
    extensions = {}
    while at < len(data):
        number, length = struct.unpack_from("<BI", data, at)
        extensions[number] = data[at + 5 : at + 5 + length]
        at += 5 + length
    assert at == len(data)
    span = 180 / 2**level
    return Tile(
        np.array(head[:3]),
        head[3],
        head[4],
        np.array(head[5:9]),
        np.array(head[9:12]),
        u,
        v,
        -180 + (x + u / 32767) * span,
        -90 + (y + v / 32767) * span,
        head[3] + (head[4] - head[3]) * (q / 32767),
        np.array(indices).reshape(-1, 3),
        edges,
        extensions,
    )


class Terrain:
    """A built terrain read back from its files."""

    def __init__(self, store: TerrainStore) -> None:
        self.store = store
        self.layer = json.loads(gzip.decompress(store.get("layer.json").data))

    def names(self, level: int) -> list[tuple[int, int]]:
        return [
            (x, y)
            for span in self.layer["available"][level]
            for x in range(span["startX"], span["endX"] + 1)
            for y in range(span["startY"], span["endY"] + 1)
        ]

    def tile(self, level: int, x: int, y: int) -> Tile:
        name = self.layer["tiles"][0].format(z=level, x=x, y=y)
        return decode(self.store.get(name).decoded(), level, x, y)


@pytest.fixture(scope="session")
def read() -> Callable[[TerrainStore], Terrain]:
    return Terrain


@pytest.fixture(scope="session")
def dem(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a hill on rolling ground: ``size`` cells of ``cell`` metres in EPSG:4549."""

    def write(size: int = 200, cell: float = 4.0, **changes: Any) -> Path:
        east = 520_000 + (np.arange(size) + 0.5) * cell
        north = 3_429_000 - (np.arange(size) + 0.5) * cell
        x, y = np.meshgrid(east - east.mean(), north - north.mean())
        z = 4 + 3 * np.sin(x / 90) * np.cos(y / 110) + 40 * np.exp(-(x**2 + y**2) / 3e4)
        values = changes.pop("values", z).astype("float32")
        options: dict[str, Any] = {
            "driver": "GTiff",
            "height": size,
            "width": size,
            "count": 1,
            "dtype": "float32",
            "crs": "EPSG:4549",
            "transform": Affine(cell, 0, 520_000, 0, -cell, 3_429_000),
            "nodata": -9999,
        }
        units = changes.pop("units", None)
        path = tmp_path_factory.mktemp("dem") / "dem.tif"
        with rasterio.open(path, "w", **(options | changes)) as file:
            for band in range(1, file.count + 1):
                file.write(values.astype(file.dtypes[0]), band)
            if units:
                file.units = (units,)
        return path

    return write
