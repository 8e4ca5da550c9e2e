"""Features as CSV (RFC 4180), and as columns for the binary formats."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import shapely

from models.db.features_columns import geometry_in, plain_columns, raised_plan
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
    select = plain_columns(collection.table, reading.fields, as_text=True)
    if crs.height:
        shape = raised_plan(collection.table)
    else:
        inner = geometry_in(collection.table, reading.storage.srid, crs.srid, crs.flipped)
        shape = f"ST_AsText({inner}, {crs.digits:d})"
    head = io.StringIO()
    csv.writer(head).writerow(["id", *reading.fields, "geometry"])
    yield b"\xef\xbb\xbf" + head.getvalue().encode()
    async for rows in stream(conn, reading.selection, ["t.id::text", *select, shape], limit):
        out = io.StringIO()
        writer = csv.writer(out)
        if crs.height:
            shapes = geodetic(
                np.asarray(shapely.from_wkb([r[-1] for r in rows]), dtype=object), reading, crs
            )
            wkt = shapely.to_wkt(shapes, rounding_precision=crs.digits, output_dimension=3)
            lines = [(*tuple(row)[:-1], text) for row, text in zip(rows, wkt, strict=True)]
            writer.writerows(lines)
        else:
            writer.writerows(rows)
        yield out.getvalue().encode()
