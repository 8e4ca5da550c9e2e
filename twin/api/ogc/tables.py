"""Features as CSV (RFC 4180, but lines end in a line feed)."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import numpy as np
import shapely

from models.db.features_columns import geometry_in, plain_columns, raised_plan
from models.db.features_copy import copied
from models.db.features_items import stream
from twin.api.ogc.geojson import geodetic
from twin.api.ogc.reading import Reading


async def comma_separated(
    conn: Any, reading: Reading, limit: int | None
) -> AsyncGenerator[bytes, None]:
    """UTF-8 with a byte order mark and a header line; ``geometry`` is WKT, last.

    The mark makes spreadsheets read Chinese rightly.
    """

    collection, crs = reading.collection, reading.wanted.crs
    names = ["t.id::text", *plain_columns(collection.table, reading.fields, as_text=True)]
    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow(["id", *reading.fields, "geometry"])
    yield b"\xef\xbb\xbf" + head.getvalue().encode()
    if not crs.height:
        inner = geometry_in(collection.table, reading.storage.srid, crs.srid, crs.flipped)
        select = [*names, f"ST_AsText({inner}, {crs.digits:d})"]
        async with aclosing(copied(conn, reading.selection, select, limit)) as parts:
            async for part in parts:
                yield part
        return
    select = [*names, raised_plan(collection.table)]
    async for rows in stream(conn, reading.selection, select, limit):
        out = io.StringIO()
        shapes = geodetic(
            np.asarray(shapely.from_wkb([r[-1] for r in rows]), dtype=object), reading, crs
        )
        wkt = shapely.to_wkt(shapes, rounding_precision=crs.digits, output_dimension=3)
        lines = [(*tuple(row)[:-1], text) for row, text in zip(rows, wkt, strict=True)]
        csv.writer(out, lineterminator="\n").writerows(lines)
        yield out.getvalue().encode()
