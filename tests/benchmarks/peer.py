"""The same buildings for other tilers, and what comes of them.

py3dtiles, whose ``export`` takes solids as WKB, neither extrudes footprints nor reads heights;
fanvanzh/3dtiles takes a Shapefile in degrees with a column of heights. Both are written for them
beforehand, outside their time.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyogrio
import shapely
from pyproj import Transformer

from models.db import read
from models.db.connection import connect


def write(url: str, twin: str, folder: Path, limit: int) -> dict[str, Any]:
    """One WKB file a building, at most ``limit``; coordinates about their middle, y up as py3dtiles
    keeps them inside."""
    with connect(url, read_only=True) as conn:
        columns = ["geom", "base_height", "height"]
        table = read.read_table(conn, "building", twin, columns=columns).head(limit)
    folder.mkdir()
    rings = shapely.get_exterior_ring(shapely.get_geometry(table["geom"].to_numpy(object), 0))
    corners = shapely.get_coordinates(rings).reshape(len(table), -1, 2)
    corners = corners - corners.mean(axis=(0, 1))
    for number, (ring, base, height) in enumerate(
        zip(corners, table["base_height"], table["height"], strict=True)
    ):
        (folder / f"{number}.wkb").write_bytes(_solid(ring, base, base + height))
    sides = corners.shape[1] - 1
    return {"features": len(table), "triangles": 2 * sides + 2 * (sides - 2)}


def write_shapes(url: str, twin: str, folder: Path, limit: int) -> dict[str, Any]:
    """A Shapefile of at most ``limit`` buildings in degrees of WGS 84."""
    with connect(url, read_only=True) as conn:
        columns = ["geom", "height", "storeys", "function"]
        table = read.read_table(conn, "building", twin, columns=columns).head(limit)
    folder.mkdir()
    polygons = shapely.force_2d(shapely.get_geometry(table["geom"].to_numpy(object), 0))
    sides = int(shapely.get_num_coordinates(polygons[0])) - 1
    to_degrees = Transformer.from_crs("EPSG:4549", "EPSG:4326", always_xy=True)
    placed = shapely.transform(polygons, lambda xy: np.column_stack(to_degrees.transform(*xy.T)))
    pyogrio.raw.write(
        folder / "buildings.shp",
        shapely.to_wkb(placed),
        [
            table["height"].to_numpy(np.float64),
            table["storeys"].to_numpy(np.int32),
            table["function"].to_numpy(object),
        ],
        np.array(["height", "storeys", "function"]),
        driver="ESRI Shapefile",
        geometry_type="Polygon",
        crs="EPSG:4326",
        encoding="UTF-8",
    )
    return {"features": len(table), "triangles": 2 * sides + 2 * (sides - 2)}


def triangles(path: Path) -> int:
    """How many triangles a b3dm file holds."""
    data = path.read_bytes()
    feature_json, feature_binary, batch_json, batch_binary = struct.unpack_from("<4I", data, 12)
    glb = 28 + feature_json + feature_binary + batch_json + batch_binary
    (length,) = struct.unpack_from("<I", data, glb + 12)
    document = orjson.loads(data[glb + 20 : glb + 20 + length])
    total = 0
    for mesh in document["meshes"]:
        for primitive in mesh["primitives"]:
            at = primitive.get("indices", primitive["attributes"]["POSITION"])
            total += document["accessors"][at]["count"] // 3
    return total


def _solid(ring: npt.NDArray[np.float64], low: float, high: float) -> bytes:
    """Floor, roof and walls of a closed counter-clockwise ring as one multipolygon."""
    bottom = np.column_stack([ring[:, 0], np.full(len(ring), low), -ring[:, 1]])
    top = np.column_stack([ring[:, 0], np.full(len(ring), high), -ring[:, 1]])
    walls = np.stack([bottom[:-1], bottom[1:], top[1:], top[:-1], bottom[:-1]], axis=1)
    faces = [
        shapely.Polygon(bottom[::-1]),
        shapely.Polygon(top),
        *map(shapely.Polygon, walls),
    ]
    return bytes(shapely.to_wkb(shapely.MultiPolygon(faces), flavor="iso", byte_order=1))
