"""The same buildings for other tilers, and what comes of them.

py3dtiles, whose ``export`` takes solids as WKB, neither extrudes footprints nor reads heights;
fanvanzh/3dtiles takes a Shapefile in degrees with a column of heights, py3dtilers GeoJSON with
heights and z, nusamai CityGML. All are written for them beforehand, outside their time.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import pyogrio
import shapely
from pyproj import Transformer

from models.db import read
from models.db.connection import connect
from tests.flow.tileset_reader import Glb

#: Files of CityGML, which nusamai reads side by side.
_FILES = 8
_GML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" '
    'xmlns:bldg="http://www.opengis.net/citygml/building/2.0" '
    'xmlns:gml="http://www.opengis.net/gml"><gml:boundedBy>'
    '<gml:Envelope srsName="http://www.opengis.net/def/crs/EPSG/0/4979" srsDimension="3">'
    "<gml:lowerCorner>-180 -90 0</gml:lowerCorner><gml:upperCorner>180 90 9000</gml:upperCorner>"
    "</gml:Envelope></gml:boundedBy>\n{}</core:CityModel>\n"
)
_BUILDING = (
    '<core:cityObjectMember><bldg:Building gml:id="{}"><bldg:usage>{}</bldg:usage>'
    '<bldg:measuredHeight uom="m">{}</bldg:measuredHeight>'
    "<bldg:storeysAboveGround>{}</bldg:storeysAboveGround><bldg:lod1Solid><gml:Solid>"
    "<gml:exterior><gml:CompositeSurface>{}</gml:CompositeSurface></gml:exterior></gml:Solid>"
    "</bldg:lod1Solid></bldg:Building></core:cityObjectMember>\n"
)
_FACE = (
    "<gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>{}"
    "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
)


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


def write_citygml(url: str, twin: str, folder: Path, limit: int) -> dict[str, Any]:
    """CityGML 2.0 of at most ``limit`` buildings as LoD1 solids, in degrees, longitude first, as
    nusamai reads EPSG:4979."""
    table, corners = _corners(url, twin, folder, limit)
    rings = np.insert(_moved(corners, 4326), 2, 0.0, axis=2)
    facts = table[["base_height", "height", "storeys", "function"]].to_numpy(object)
    lines = []
    for row, ((base, height, storeys, used), ring) in enumerate(zip(facts, rings, strict=True)):
        faces = "".join(
            _FACE.format(" ".join(f"{x:.8f} {y:.8f} {z:.2f}" for x, y, z in face.tolist()))
            for face in _faces(ring, base, base + height, up=2)
        )
        lines.append(_BUILDING.format(f"b_{row}", escape(str(used)), height, storeys, faces))
    for number in range(_FILES):
        text = _GML.format("".join(lines[number::_FILES]))
        (folder / f"{number}_bldg.gml").write_text(text, "utf-8")
    return _told(corners)


def counted(files: list[Path]) -> dict[str, Any]:
    """Triangles that the tiles in ``files`` hold, and different features by their own word."""
    total, rows, names = 0, 0, set[str]()
    for file in files:
        data = file.read_bytes()
        if file.suffix == ".b3dm":
            found = struct.unpack_from("<4I", data, 12)
            rows += orjson.loads(data[28 : 28 + found[0]] or "{}").get("BATCH_LENGTH", 0)
            data = data[28 + sum(found) :]
        else:
            names.update(Glb(data).features())
        total += _triangles(data)
    return {"triangles": total, "features": rows + len(names)}


def _triangles(glb: bytes) -> int:
    (length,) = struct.unpack_from("<I", glb, 12)
    document = orjson.loads(glb[20 : 20 + length])
    total = 0
    for mesh in document.get("meshes", ()):
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
