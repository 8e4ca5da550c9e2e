"""Features as JSON-FG 1.0 (OGC 21-045r1): time, type, and places in any CRS, with solids.

A building is a prism of its footprint from its foot to its top, a BIM element the polyhedron of its
body (:mod:`twin.api.ogc.bodies`). A pipe is its centre line with heights: the standard has no solid
swept along a line, and its size stands in the properties. Without a footprint, a height or a body
there is no solid, and the place is the plan. Solids need heights: they come in CRS84h (the default
here), EPSG:4979 and, with 1985 heights, in the storage CRS.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import shapely

from models.crs import storage_to_geodetic
from models.db.features_columns import body, plan_wkb, properties_json, raised_plan
from models.db.features_items import fetch, stream
from twin.api.ogc import bodies
from twin.api.ogc.crs import CRS84, CRS84H
from twin.api.ogc.geojson import geodetic
from twin.api.ogc.reading import Page, Reading

CONFORMS: Final = [
    f"http://www.opengis.net/spec/json-fg-1/1.0/conf/{name}"
    for name in ("core", "polyhedra", "prisms", "circular-arcs", "types-schemas")
]
_DIMENSION: Final = {"Point": 0, "LineString": 1, "Polygon": 2, "MultiPolygon": 2}
_EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"

#: Decimals of degrees and metres of a solid's corners: a hundredth and a tenth of a millimetre.
_DEGREES, _METRES = 10, 4

Geometries = npt.NDArray[np.object_]
Array = npt.NDArray[np.float64]


#: What a solid is made of beside the place.
_NUMBERS: Final = {"extruded": ("t.base_height", "t.height"), "body": ("t.mesh", "t.placement")}


def columns(reading: Reading) -> list[str]:
    """Id, properties, both ends of valid time, plan in degrees, place, and the solid's numbers."""
    table = reading.collection.table
    solid = body(table) if reading.collection.solid == "body" else raised_plan(table)
    numbers = _NUMBERS.get(reading.collection.solid or "", ("NULL", "NULL"))
    times = [
        f"to_char(nullif(nullif(t.{n}, 'infinity'), '-infinity') AT TIME ZONE 'UTC', "
        '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'
        for n in ("valid_from", "valid_to")
    ]
    degrees = plan_wkb(table, reading.storage.srid, 4490)
    other = reading.wanted.crs
    place = solid if _solid(reading) else plan_wkb(table, reading.storage.srid, other.srid)
    return ["t.id::text", properties_json(table, reading.fields), *times, degrees, place, *numbers]


async def page(conn: Any, reading: Reading, limit: int) -> Page:
    """The features of one page."""
    names = columns(reading)
    rows = await fetch(conn, reading.selection, names, limit + 1)
    token = None
    if len(rows) > limit:
        rows = rows[:limit]
        token = reading.next(tuple(rows[-1])[len(names) :])
    return Page(",".join(await texts(conn, reading, rows)).encode(), len(rows), token)


async def texts(conn: Any, reading: Reading, rows: Sequence[Any]) -> list[str]:
    """The JSON text of every feature of ``rows``, which begin with :func:`columns`.

    Raises :class:`models.errors.DatabaseError`.
    """
    found = None
    if reading.collection.solid == "body" and _solid(reading):
        found = await bodies.read(conn, [(row[6], row[7]) for row in rows])
    return await asyncio.to_thread(_texts, reading, rows, found)


async def sequence(conn: Any, reading: Reading, limit: int | None) -> AsyncGenerator[bytes, None]:
    """All features as a JSON text sequence (RFC 7464), each a whole JSON-FG document. Bodies have
    room in it, however many they are."""
    rest = orjson.dumps(own_members(reading))[1:].decode()
    solid = reading.collection.solid == "body" and _solid(reading)
    async with aclosing(stream(conn, reading.selection, columns(reading), limit)) as batches:
        async for rows in batches:
            runs = [slice(None)]
            if solid:
                runs = await bodies.portions(conn, [(row[6], row[7]) for row in rows])
            for run in runs:
                found = await texts(conn, reading, rows[run])
                yield "".join([f"\x1e{text[:-1]},{rest}\n" for text in found]).encode()


def _texts(reading: Reading, rows: Sequence[Any], found: Sequence[bodies.Body] | None) -> list[str]:
    if not rows:
        return []
    out = []
    for row, (geometry, place, more) in zip(rows, _shapes(reading, rows, found), strict=True):
        time = orjson.dumps({"interval": [row[2] or "..", row[3] or ".."]}).decode()
        out.append(
            f'{{"type":"Feature","id":"{row[0]}","featureType":"{reading.collection.table}",'
            f'"time":{time},"geometry":{geometry},"place":{place},{more}"properties":{row[1]}}}'
        )
    return out


def members(reading: Reading) -> dict[str, Any]:
    """What a document says of all its features: CRS, type, dimension."""
    crs = reading.wanted.crs
    told: dict[str, Any] = {"conformsTo": CONFORMS, "featureType": reading.collection.table}
    if not _solid(reading) or reading.collection.solid is None:
        # of solids nothing is said: what lacks a height or is open is a surface among them
        told["geometryDimension"] = _DIMENSION[reading.collection.geometry]
    reference: Any = crs.uri
    if crs.srid == reading.storage.srid:
        reference = [crs.uri, f"{_EPSG}5737"]
    return {**told, "coordRefSys": reference}


def own_members(reading: Reading) -> dict[str, Any]:
    """What a document that is one feature says beside the feature, which tells its type itself."""
    return {name: value for name, value in members(reading).items() if name != "featureType"}


def _solid(reading: Reading) -> bool:
    crs = reading.wanted.crs
    return crs.height or crs.srid == reading.storage.srid


def _shapes(
    reading: Reading, rows: Sequence[Any], found: Sequence[bodies.Body] | None
) -> Iterator[tuple[str, str, str]]:
    """``geometry`` (CRS84, for readers of GeoJSON), ``place`` and further members of every feature,
    as JSON.

    What ``geometry`` tells completely has no ``place`` (OGC 21-045r1 section 7.5).
    """
    crs = reading.wanted.crs
    plans = _json(_rounded(shapely.from_wkb([row[4] for row in rows]), 8))
    shapes = np.asarray(shapely.from_wkb([row[5] for row in rows]), dtype=object)
    nothing = ["null"] * len(rows)
    more = [""] * len(rows)
    if not _solid(reading):
        if crs.flipped:
            shapes = shapely.transform(shapes, lambda c: c[:, ::-1])
        places = nothing if crs.uri == CRS84 else _json(_rounded(shapes, crs.digits))
        return zip(plans, places, more, strict=True)
    placed = geodetic(shapes, reading, crs) if crs.height else _storage_order(shapes)
    if found is not None:
        told = bodies.places(found, list(map(_polyhedron, placed)), lambda c: _told(reading, c))
        return zip(plans, [p for p, _ in told], [f"{m}," for _, m in told], strict=True)
    if reading.collection.solid == "extruded":
        numbers = [(row[6], row[7]) for row in rows]
        solids, feet = list(map(_prism, shapes, placed, numbers)), _json(placed)
        if crs.uri == CRS84H:  # a footprint alone is told by its geometry
            plans = [p if s else f for p, s, f in zip(plans, solids, feet, strict=True)]
            feet = nothing
        return zip(plans, [s or f for s, f in zip(solids, feet, strict=True)], more, strict=True)
    if crs.uri == CRS84H:
        return zip(_json(placed), nothing, more, strict=True)
    return zip(plans, _json(placed), more, strict=True)


def _told(reading: Reading, xyz: Array) -> Array:
    """Corners (n, 3) of solids, from the storage CRS into the one asked for."""
    crs = reading.wanted.crs
    east, north, height = xyz.T
    if not crs.height:
        return np.column_stack([north, east, height]).round(_METRES)
    lon, lat, up = storage_to_geodetic(east, north, height, reading.storage, reading.twin.n_offset)
    first, second = (lat, lon) if crs.flipped else (lon, lat)
    plan = np.column_stack([first, second]).round(_DEGREES)
    return np.column_stack([plan, up.round(_METRES)])


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


def _prism(source: Any, placed: Any, numbers: tuple[float | None, float | None]) -> str | None:
    """The prism over a footprint, if it has a height; ``placed`` has its heights in the CRS asked
    for. ``numbers`` are base (1985 height) and height in metres."""
    base, height = numbers
    if placed is None or base is None or not height or height <= 0:
        return None
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
