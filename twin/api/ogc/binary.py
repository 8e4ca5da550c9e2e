"""Features as FlatGeobuf and GeoParquet, written batch by batch in constant memory.

Both have coordinates east first whatever the CRS says, as their specifications demand. Of the CRSs
with heights the files hold heights too; those of the storage CRS are 1985 heights (EPSG:5737).
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
from pyproj import CRS

from twin.api.ogc.columns import batches, has_heights, schema, table
from twin.api.ogc.crs import CRS84, CRS84H
from twin.api.ogc.reading import Reading

#: Bytes before the header of a FlatGeobuf file: its mark. A size of 4 bytes and the header follow.
_MARK: Final = 8
#: Number of the envelope among the fields of the header (flatgeobuf header.fbs, version 3).
_ENVELOPE: Final = 1


async def flatgeobuf(conn: Any, reading: Reading, limit: int | None) -> AsyncGenerator[bytes, None]:
    """A FlatGeobuf file without spatial index, which is why it need not be known whole.

    The header comes from a file without features, so that it states no number of them; it states no
    envelope either, since that is known only at the end.
    """
    yield _without_envelope(await asyncio.to_thread(_flatgeobuf, b"", reading))
    async with aclosing(batches(conn, reading, limit)) as parts:
        async for part in parts:
            whole = await asyncio.to_thread(_flatgeobuf, part, reading)
            size = int.from_bytes(whole[_MARK : _MARK + 4], "little")
            yield whole[_MARK + 4 + size :]


async def geoparquet(conn: Any, reading: Reading, limit: int | None) -> AsyncGenerator[bytes, None]:
    """A GeoParquet 1.1 file (WKB), one row group after the other, its footer at the end."""
    sink = _Sink()
    writer = pq.ParquetWriter(sink, _geo(reading), compression="zstd")
    async with aclosing(batches(conn, reading, limit)) as parts:
        async for part in parts:
            await asyncio.to_thread(_add, writer, part, reading)
            yield sink.taken()
    await asyncio.to_thread(writer.close)
    yield sink.taken()


def _crs(reading: Reading) -> str:
    """The CRS as GDAL and PROJ name it."""
    crs = reading.wanted.crs
    if crs.srid == reading.storage.srid:
        return f"{reading.storage.horizontal}+5737"
    if crs.uri in (CRS84, CRS84H):
        return "EPSG:4979" if crs.height else "OGC:CRS84"
    return f"EPSG:{crs.uri.rsplit('/', 1)[-1]}"


def _geometry_type(reading: Reading) -> str:
    return reading.collection.geometry + (" Z" if has_heights(reading) else "")


def _flatgeobuf(part: bytes, reading: Reading) -> bytes:
    out = io.BytesIO()
    pyogrio.raw.write_arrow(
        table(part, reading),
        out,
        layer=reading.collection.id,
        driver="FlatGeobuf",
        geometry_name="geometry",
        geometry_type=_geometry_type(reading),
        crs=_crs(reading),
        SPATIAL_INDEX="NO",
    )
    return out.getvalue()


def _without_envelope(header: bytes) -> bytes:
    """A FlatGeobuf header without its envelope, which is optional.

    A table of a flatbuffer begins with the distance back to its vtable, which has the places of its
    fields in 2 bytes each after 4 bytes of sizes; 0 stands for a field that is left out
    (FlatBuffers internals, "Tables").
    """
    out = bytearray(header)
    start = _MARK + 4
    root = start + int.from_bytes(out[start : start + 4], "little")
    vtable = root - int.from_bytes(out[root : root + 4], "little", signed=True)
    field = vtable + 4 + 2 * _ENVELOPE
    out[field : field + 2] = bytes(2)
    return bytes(out)


def _geo(reading: Reading) -> pa.Schema:
    column: Mapping[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [_geometry_type(reading)],
        "crs": CRS.from_user_input(_crs(reading)).to_json_dict(),
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return schema(reading).with_metadata({"geo": json.dumps(geo)})


def _add(writer: pq.ParquetWriter, part: bytes, reading: Reading) -> None:
    writer.write_table(table(part, reading).replace_schema_metadata(writer.schema.metadata))


class _Sink(io.RawIOBase):
    """What was written since it was last taken; a Parquet file is only ever appended to."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._at += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
