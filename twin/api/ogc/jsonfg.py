"""Features as JSON-FG 1.0 (OGC 21-045r1): time, type, and places in any CRS, with solids.

A building is a prism of its footprint from its foot to its top; the box of a BIM element is a
polyhedron. Without a footprint, a height or a body there is no solid, and the place is the plan.
Solids need heights: they come in CRS84h (the default here), EPSG:4979 and, with 1985 heights, in
the storage CRS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import shapely

from models.db.features_columns import body, plan_wkb, properties_json, raised_plan
from twin.api.ogc.crs import CRS84, CRS84H
from twin.api.ogc.geojson import geodetic
from twin.api.ogc.reading import Page, Reading, page_of

CONFORMS: Final = [
    f"http://www.opengis.net/spec/json-fg-1/1.0/conf/{name}"
    for name in ("core", "polyhedra", "prisms", "types-schemas")
]
_EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"

Geometries = npt.NDArray[np.object_]


def columns(reading: Reading) -> list[str]:
    """Id, properties, both ends of valid time, plan in degrees, place, and the solid's numbers."""
    table = reading.collection.table
    solid = body(table) if reading.collection.solid == "box" else raised_plan(table)
    ends = ["t.base_height", "t.height"] if reading.collection.solid == "extruded" else ["NULL"] * 2
    times = [
        f"to_char(nullif(nullif(t.{n}, 'infinity'), '-infinity') AT TIME ZONE 'UTC', "
        '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'
        for n in ("valid_from", "valid_to")
    ]
    degrees = plan_wkb(table, reading.storage.srid, 4490)
    other = reading.wanted.crs
    place = solid if _solid(reading) else plan_wkb(table, reading.storage.srid, other.srid)
    return ["t.id::text", properties_json(table, reading.fields), *times, degrees, place, *ends]


async def page(conn: Any, reading: Reading, limit: int) -> Page:
    """The features of one page."""
    return await page_of(conn, reading, columns(reading), texts, limit)


def texts(reading: Reading, rows: Sequence[Any]) -> list[str]:
    """The JSON text of every feature of ``rows``."""
    if not rows:
        return []
    out = []
    for row, (geometry, place) in zip(rows, _shapes(reading, rows), strict=True):
        time = orjson.dumps({"interval": [row[2] or "..", row[3] or ".."]}).decode()
        out.append(
            f'{{"type":"Feature","id":"{row[0]}","featureType":"{reading.collection.table}",'
            f'"time":{time},"geometry":{geometry},"place":{place},"properties":{row[1]}}}'
        )
    return out


def members(reading: Reading) -> dict[str, Any]:
    """What a document says of all its features: CRS, type, dimension."""
    crs = reading.wanted.crs
    solid = _solid(reading) and reading.collection.solid is not None
    plain = {"Point": 0, "LineString": 1, "Polygon": 2, "MultiPolygon": 2}
    reference: Any = crs.uri
    if crs.srid == reading.storage.srid:
        reference = [crs.uri, f"{_EPSG}5737"]
    return {
        "conformsTo": CONFORMS,
        "featureType": reading.collection.table,
        "geometryDimension": 3 if solid else plain[reading.collection.geometry],
        "coordRefSys": reference,
    }


def _solid(reading: Reading) -> bool:
    crs = reading.wanted.crs
    return crs.height or crs.srid == reading.storage.srid


def _shapes(reading: Reading, rows: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """``geometry`` (CRS84, for readers of GeoJSON) and ``place`` of every feature, as JSON.

    What ``geometry`` tells completely has no ``place`` (OGC 21-045r1 section 7.5).
    """
    crs = reading.wanted.crs
    plans = _json(_rounded(shapely.from_wkb([row[4] for row in rows]), 8))
    shapes = np.asarray(shapely.from_wkb([row[5] for row in rows]), dtype=object)
    if not _solid(reading):
        if crs.flipped:
            shapes = shapely.transform(shapes, lambda c: c[:, ::-1])
        places = _json(_rounded(shapes, crs.digits))
        return zip(plans, ["null"] * len(rows) if crs.uri == CRS84 else places, strict=True)
    placed = geodetic(shapes, reading, crs) if crs.height else _storage_order(shapes)
    match reading.collection.solid:
        case "box":
            return zip(plans, map(_polyhedron, placed), strict=True)
        case "extruded":
            numbers = [(row[6], row[7]) for row in rows]
            return zip(plans, map(_prism, shapes, placed, numbers), strict=True)
    if crs.uri == CRS84H:
        return zip(_json(placed), ["null"] * len(rows), strict=True)
    return zip(plans, _json(placed), strict=True)


def _json(shapes: Any) -> list[str]:
    return [text or "null" for text in shapely.to_geojson(shapes)]


def _storage_order(shapes: Geometries) -> Geometries:
    """North, east, height, as the registry orders the axes of the storage CRS."""
    return np.asarray(
        shapely.transform(shapes, lambda c: c[:, [1, 0, 2]].round(4), include_z=True), dtype=object
    )


def _rounded(shapes: Any, digits: int) -> Any:
    return shapely.transform(shapes, lambda c: c.round(digits))


def _polyhedron(shape: Any) -> str:
    """One shell of the faces of a multipolygon."""
    if shape is None:
        return "null"
    faces = [
        [np.asarray(ring.coords).tolist() for ring in (face.exterior, *face.interiors)]
        for face in shape.geoms
    ]
    return orjson.dumps({"type": "Polyhedron", "coordinates": [faces]}).decode()


def _prism(source: Any, placed: Any, numbers: tuple[float | None, float | None]) -> str:
    """The prism over a footprint; ``placed`` has its heights in the CRS asked for.

    ``numbers`` are base (1985 height) and height in metres.
    """
    base, height = numbers
    if placed is None:
        return "null"
    if base is None or not height or height <= 0:
        return str(shapely.to_geojson(placed))
    # the footprint lies at the foot of the walls, so its own change of height is the prism's
    foot = float(shapely.get_coordinates(placed, include_z=True)[0, 2])
    lift = base - float(shapely.get_coordinates(source, include_z=True)[0, 2])
    lower, upper = round(foot + lift, 3), round(foot + lift + height, 3)
    prisms = [
        {
            "type": "Prism",
            "base": orjson.loads(shapely.to_geojson(shapely.force_2d(part))),
            "lower": lower,
            "upper": upper,
        }
        for part in shapely.get_parts(placed)
    ]
    return orjson.dumps(prisms[0] if len(prisms) == 1 else {"type": "MultiPrism",
                        "prisms": prisms}).decode()  # fmt: skip
