"""The same buildings for other tilers, and what comes of them.

py3dtiles, whose ``export`` takes solids as WKB, neither extrudes footprints nor reads heights;
fanvanzh/3dtiles takes a Shapefile in degrees with a column of heights, py3dtilers GeoJSON with
heights and z. All are written for them beforehand, outside their time.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import pyogrio
import shapely
from pyproj import Transformer

from models.db import read
from models.db.connection import connect


def write(url: str, twin: str, folder: Path, limit: int) -> dict[str, Any]:
    """One WKB file a building, at most ``limit``; coordinates about their middle, y up as py3dtiles
    keeps them inside."""
    table, corners = _corners(url, twin, folder, limit)
    corners = corners - corners.mean(axis=(0, 1))
    for number, (ring, base, height) in enumerate(
        zip(corners, table["base_height"], table["height"], strict=True)
    ):
        turned = np.column_stack([ring[:, 0], np.zeros(len(ring)), -ring[:, 1]])
        faces = map(shapely.Polygon, _faces(turned, base, base + height, up=1))
        solid = shapely.MultiPolygon(list(faces))
        (folder / f"{number}.wkb").write_bytes(shapely.to_wkb(solid, flavor="iso", byte_order=1))
    return _told(corners)


def write_shapes(url: str, twin: str, folder: Path, limit: int) -> dict[str, Any]:
    """A Shapefile of at most ``limit`` buildings in degrees of WGS 84."""
    table, corners = _corners(url, twin, folder, limit)
    pyogrio.raw.write(
        folder / "buildings.shp",
        shapely.to_wkb(shapely.polygons(_moved(corners, 4326))),
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
    return _told(corners)


def write_geojson(url: str, twin: str, folder: Path, limit: int) -> dict[str, Any]:
    """GeoJSON of at most ``limit`` buildings with z, in EPSG:32651: easting comes first there,
    which py3dtilers takes for granted."""
    table, corners = _corners(url, twin, folder, limit)
    base = np.broadcast_to(table["base_height"].to_numpy()[:, None, None], (*corners.shape[:2], 1))
    rings = np.concatenate([_moved(corners, 32651), base], axis=2)
    known = table[["height", "storeys", "function"]].astype(object).to_dict("records")
    features = [
        {
            "type": "Feature",
            "properties": {"ID": key, **values},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for key, values, ring in zip(table["key"], known, rings.tolist(), strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    (folder / "buildings.geojson").write_bytes(orjson.dumps(collection))
    return _told(corners)


def counted(files: list[Path]) -> dict[str, Any]:
    """Triangles that the b3dm or GLB files hold, features by their own word, and the names of the
    attributes in their tables (of GLB)."""
    total = features = 0
    attributes: set[str] = set()
    for file in files:
        data = file.read_bytes()
        if data.startswith(b"b3dm"):
            sizes = struct.unpack_from("<4I", data, 12)
            features += orjson.loads(data[28 : 28 + sizes[0]] or "{}").get("BATCH_LENGTH", 0)
            data = data[28 + sum(sizes) :]
        (length,) = struct.unpack_from("<I", data, 12)
        document = orjson.loads(data[20 : 20 + length])
        metadata = document.get("extensions", {}).get("EXT_structural_metadata", {})
        for table in metadata.get("propertyTables", ()):
            features += table["count"]
            attributes |= set(table["properties"])
        total += _triangles(document)
    return {"triangles": total, "features": features, "attributes": sorted(attributes)}


def _triangles(document: dict[str, Any]) -> int:
    total = 0
    for mesh in document["meshes"]:
        for primitive in mesh["primitives"]:
            at = primitive.get("indices", primitive["attributes"]["POSITION"])
            total += document["accessors"][at]["count"] // 3
    return total


def _corners(
    url: str, twin: str, folder: Path, limit: int
) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """At most ``limit`` buildings and the closed outlines of all (n, corners, 2); makes
    ``folder``."""
    with connect(url, read_only=True) as conn:
        columns = ["key", "geom", "base_height", "height", "storeys", "function"]
        table = read.read_table(conn, "building", twin, columns=columns).head(limit)
    folder.mkdir()
    rings = shapely.get_exterior_ring(shapely.get_geometry(table["geom"].to_numpy(object), 0))
    return table, shapely.get_coordinates(rings).reshape(len(table), -1, 2)


def _told(corners: npt.NDArray[np.float64]) -> dict[str, Any]:
    """How many buildings, and of how many triangles each is."""
    sides = corners.shape[1] - 1
    return {"features": len(corners), "triangles": 2 * sides + 2 * (sides - 2)}


def _moved(corners: npt.NDArray[np.float64], epsg: int) -> npt.NDArray[np.float64]:
    """The same from the storage CRS to another; easting or longitude first."""
    to = Transformer.from_crs(4549, epsg, always_xy=True)
    return np.stack(to.transform(corners[..., 0], corners[..., 1]), axis=-1)


def _faces(
    ring: npt.NDArray[np.float64], low: float, high: float, up: int
) -> list[npt.NDArray[np.float64]]:
    """Floor, roof and walls over a closed counter-clockwise ring (n, 3), whose axis ``up`` is
    height."""
    bottom, top = ring.copy(), ring.copy()
    bottom[:, up], top[:, up] = low, high
    walls = np.stack([bottom[:-1], bottom[1:], top[1:], top[:-1], bottom[:-1]], axis=1)
    return [bottom[::-1], top, *walls]
