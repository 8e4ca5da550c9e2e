"""Features as Arrow tables, made of the database's CSV without a look at single values."""

from __future__ import annotations

import binascii
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import shapely

from models.db.features_columns import plain_columns, plan_wkb, raised_plan
from models.db.features_copy import copied
from twin.api.ogc.geojson import geodetic
from twin.api.ogc.reading import Reading

#: Rows of a table, about: a row group of GeoParquet.
ROWS: Final = 20_000
_TYPES: Final = {
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "double precision": pa.float64(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", "UTC"),
}


def schema(reading: Reading) -> pa.Schema:
    """``id``, the properties, and ``geometry`` as WKB, east first."""
    properties = [(name, _TYPES.get(kind, pa.string())) for name, kind in reading.fields.items()]
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            *(pa.field(name, type_) for name, type_ in properties),
            pa.field("geometry", pa.binary()),
        ]
    )


def has_heights(reading: Reading) -> bool:
    """Whether the CRS asked for has them: ellipsoidal ones, or (the storage CRS) 1985 heights."""
    crs = reading.wanted.crs
    return crs.height or crs.srid == reading.storage.srid


async def batches(conn: Any, reading: Reading, limit: int | None) -> AsyncGenerator[bytes, None]:
    """The features as CSV of about :data:`ROWS` lines each, for :func:`table`."""
    name = reading.collection.table
    shape = plan_wkb(name, reading.storage.srid, reading.wanted.crs.srid)
    if has_heights(reading):
        shape = raised_plan(name)
    columns = plain_columns(name, reading.fields, as_text=False)
    select = ["t.id::text", *columns, f"encode({shape}, 'hex')"]
    held, lines = [], 0
    async with aclosing(copied(conn, reading.selection, select, limit)) as parts:
        async for part in parts:
            held.append(part)
            lines += part.count(b"\n")  # a few more where texts hold line breaks
            if lines >= ROWS:
                yield b"".join(held)
                held, lines = [], 0
    if held:
        yield b"".join(held)


def table(data: bytes, reading: Reading) -> pa.Table:
    """The features of one of :func:`batches`, in :func:`schema`."""
    wanted = schema(reading)
    if not data:
        return wanted.empty_table()
    text = {f.name: pa.string() if pa.types.is_binary(f.type) else f.type for f in wanted}
    read = csv.read_csv(
        pa.BufferReader(data),
        csv.ReadOptions(column_names=wanted.names, block_size=len(data) + 1, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=text,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            timestamp_parsers=[csv.ISO8601, "%Y-%m-%d %H:%M:%S%z"],
        ),
    )
    shapes = _placed(_unhexed(read["geometry"].combine_chunks()), reading)
    return read.set_column(len(wanted) - 1, wanted.field("geometry"), shapes).cast(wanted)


def _unhexed(text: pa.StringArray) -> pa.BinaryArray:
    """WKB of its hexadecimal digits, all at once: two of them are a byte."""
    valid, places, digits = text.buffers()
    offsets = np.frombuffer(places, np.int32, len(text) + 1, text.offset * 4)
    data = binascii.unhexlify(digits.to_pybytes()[offsets[0] : offsets[-1]])
    ends = pa.py_buffer(((offsets - offsets[0]) // 2).astype(np.int32))
    mask = None if valid is None or not text.null_count else valid
    return pa.BinaryArray.from_buffers(pa.binary(), len(text), [mask, ends, pa.py_buffer(data)])


def _placed(wkb: pa.BinaryArray, reading: Reading) -> pa.BinaryArray:
    """The same geometries in the CRS asked for, where the database does not know its heights."""
    crs = reading.wanted.crs
    if not crs.height:
        return wkb
    shapes = np.asarray(shapely.from_wkb(wkb.to_numpy(zero_copy_only=False)), dtype=object)
    moved = geodetic(shapes, reading, replace(crs, flipped=False))
    return pa.array(shapely.to_wkb(moved, output_dimension=3), pa.binary())
