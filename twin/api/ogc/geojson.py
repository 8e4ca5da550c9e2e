"""Features as GeoJSON (RFC 7946): the database writes them, and their text passes on unread.

Only where heights are asked for (CRS84h, EPSG:4979) are coordinates taken through
:mod:`models.crs` here, since a database need not have the geoid.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import shapely

from models.crs import storage_to_geodetic
from models.db.features_columns import (
    feature_bytes,
    feature_json,
    geometry_in,
    properties_json,
    raised_plan,
)
from models.db.features_copy import sequenced
from models.db.features_items import fetch_page, stream
from twin.api.ogc.crs import Crs
from twin.api.ogc.reading import Page, Reading, page_of

Geometries = npt.NDArray[np.object_]

#: Metres of height are told to the millimetre.
HEIGHT_DIGITS: Final = 3


def columns(reading: Reading) -> list[str]:
    """What is read of each feature: its whole text, or its parts where heights are asked for."""
    if reading.wanted.crs.height:
        table = reading.collection.table
        return ["t.id::text", properties_json(table, reading.fields), raised_plan(table)]
    return [feature_json(*_told(reading))]


def _told(reading: Reading) -> tuple[str, Mapping[str, str], str, int]:
    """Table, properties, plan and digits of the features' texts."""
    table, crs = reading.collection.table, reading.wanted.crs
    shape = geometry_in(table, reading.storage.srid, crs.srid, crs.flipped)
    return table, reading.fields, shape, crs.digits


def texts(reading: Reading, rows: Sequence[Any]) -> list[str]:
    """The GeoJSON text of every feature of ``rows``, which begin with :func:`columns`."""
    if not reading.wanted.crs.height:
        return [row[0] for row in rows]
    shapes = geodetic(_read([row[2] for row in rows]), reading, reading.wanted.crs)
    return [
        f'{{"type":"Feature","id":"{row[0]}","geometry":{shape or "null"},"properties":{row[1]}}}'
        for row, shape in zip(rows, shapely.to_geojson(shapes), strict=True)
    ]


def _read(wkb: list[bytes | None]) -> Geometries:
    return np.asarray(shapely.from_wkb(wkb), dtype=object)


def geodetic(shapes: Geometries, reading: Reading, crs: Crs) -> Geometries:
    """Longitude, latitude (or north first, as ``crs`` has it) and ellipsoidal height in metres."""
    east, north, height = shapely.get_coordinates(shapes, include_z=True).T
    lon, lat, up = storage_to_geodetic(east, north, height, reading.storage, reading.twin.n_offset)
    first, second = (lat, lon) if crs.flipped else (lon, lat)
    told = np.column_stack(
        [first.round(crs.digits), second.round(crs.digits), up.round(HEIGHT_DIGITS)]
    )
    return np.asarray(shapely.set_coordinates(shapes.copy(), told), dtype=object)


async def page(conn: Any, reading: Reading, limit: int) -> Page:
    """The features of one page."""
    if reading.wanted.crs.height:
        return await page_of(conn, reading, columns(reading), texts, limit)
    written = feature_bytes(*_told(reading))
    body, count, after = await fetch_page(conn, reading.selection, written, limit)
    return Page(body, count, None if after is None else reading.next(after))


def collection(features: bytes, members: dict[str, Any]) -> bytes:
    """A FeatureCollection of ``features`` with further ``members``."""
    rest = orjson.dumps(members)[1:]
    return b"".join([b'{"type":"FeatureCollection","features":[', features, b"],", rest])


async def sequence(conn: Any, reading: Reading, limit: int | None) -> AsyncGenerator[bytes, None]:
    """All features as a GeoJSON text sequence (RFC 8142)."""
    if not reading.wanted.crs.height:
        whole = feature_bytes(*_told(reading))
        async with aclosing(sequenced(conn, reading.selection, whole, limit)) as parts:
            async for part in parts:
                yield part
        return
    select = columns(reading)
    async for rows in stream(conn, reading.selection, select, limit):
        yield "".join([f"\x1e{text}\n" for text in texts(reading, rows)]).encode()
