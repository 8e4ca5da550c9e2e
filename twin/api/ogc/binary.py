"""Features as FlatGeobuf and GeoParquet, written batch by batch in constant memory.

Both have coordinates east first whatever the CRS says, as their specifications demand. Of the CRSs
with heights the files hold heights too; those of the storage CRS are 1985 heights (EPSG:5737).
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import shapely
from pyproj import CRS

from models.db.features_columns import plain_columns, plan_wkb, raised_plan
from models.db.features_items import stream
from twin.api.ogc.crs import CRS84, CRS84H
from twin.api.ogc.geojson import geodetic
from twin.api.ogc.reading import Reading

#: Rows of a GeoParquet row group.
GROUP: Final = 20_000
#: Bytes before the header of a FlatGeobuf file: its mark.
_MARK: Final = 8
_ARROW: Final = {
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "double precision": pa.float64(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", "UTC"),
}
_NUMPY: Final[dict[str, Any]] = {
    "integer": np.int32,
    "smallint": np.int16,
    "double precision": np.float64,
    "date": "datetime64[D]",
    "timestamptz": "datetime64[ms]",
}


async def flatgeobuf(conn: Any, reading: Reading, limit: int | None) -> AsyncGenerator[bytes, None]:
    """A FlatGeobuf file without spatial index, which is why it need not be known whole.

    The header comes from a file without features, so that it states no number of them.
    """
    yield await asyncio.to_thread(_flatgeobuf, [], reading)
    async for rows in _rows(conn, reading, limit):
        whole = await asyncio.to_thread(_flatgeobuf, rows, reading)
        size = int.from_bytes(whole[_MARK : _MARK + 4], "little")
        yield whole[_MARK + 4 + size :]


async def geoparquet(conn: Any, reading: Reading, limit: int | None) -> AsyncGenerator[bytes, None]:
    """A GeoParquet 1.1 file (WKB), one row group after the other, its footer at the end."""
    schema = _schema(reading)
    sink = _Sink()
    writer = pq.ParquetWriter(sink, schema, compression="zstd")
    held: list[Any] = []
    async for rows in _rows(conn, reading, limit):
        held += rows
        if len(held) >= GROUP:
            await asyncio.to_thread(writer.write_table, _table(held, reading, schema))
            held.clear()
            yield sink.taken()
    if held:
        await asyncio.to_thread(writer.write_table, _table(held, reading, schema))
    await asyncio.to_thread(writer.close)
    yield sink.taken()


async def _rows(
    conn: Any, reading: Reading, limit: int | None
) -> AsyncGenerator[Sequence[Any], None]:
    table = reading.collection.table
    shape = plan_wkb(table, reading.storage.srid, reading.wanted.crs.srid)
    if _has_heights(reading):
        shape = raised_plan(table)
    select = ["t.id::text", *plain_columns(table, reading.fields, as_text=False), shape]
    async for rows in stream(conn, reading.selection, select, limit):
        yield rows


def _has_heights(reading: Reading) -> bool:
    crs = reading.wanted.crs
    return crs.height or crs.srid == reading.storage.srid


def _crs(reading: Reading) -> str:
    """The CRS as GDAL and PROJ name it."""
    crs = reading.wanted.crs
    if crs.srid == reading.storage.srid:
        return f"{reading.storage.horizontal}+5737"
    if crs.uri in (CRS84, CRS84H):
        return "EPSG:4979" if crs.height else "OGC:CRS84"
    return f"EPSG:{crs.uri.rsplit('/', 1)[-1]}"


def _geometry_type(reading: Reading) -> str:
    return reading.collection.geometry + (" Z" if _has_heights(reading) else "")


def _wkb(rows: Sequence[Any], reading: Reading) -> npt.NDArray[np.object_]:
    found = np.empty(len(rows), dtype=object)
    found[:] = [row[-1] for row in rows]
    crs = reading.wanted.crs
    if not crs.height or not len(rows):
        return found
    east_first = replace(crs, flipped=False)
    shapes = geodetic(np.asarray(shapely.from_wkb(found), dtype=object), reading, east_first)
    return np.asarray(shapely.to_wkb(shapes, output_dimension=3), dtype=object)


def _columns(rows: Sequence[Any], count: int) -> list[list[Any]]:
    """The first ``count`` columns of ``rows``."""
    columns = list(zip(*rows, strict=True))
    return [list(values) for values in columns[:count]] if rows else [[] for _ in range(count)]


def _flatgeobuf(rows: Sequence[Any], reading: Reading) -> bytes:
    declared = {"id": "text", **reading.fields}
    data, masks = [], []
    columns = _columns(rows, len(declared))
    for values, kind in zip(columns, declared.values(), strict=True):
        array, mask = _numpy(values, kind)
        data.append(array)
        masks.append(mask)
    out = io.BytesIO()
    pyogrio.raw.write(
        out,
        _wkb(rows, reading),
        data,
        np.array(list(declared), dtype=object),
        field_mask=masks,
        layer=reading.collection.id,
        driver="FlatGeobuf",
        geometry_type=_geometry_type(reading),
        crs=_crs(reading),
        gdal_tz_offsets={
            name: np.full(len(rows), 100) for name, k in declared.items() if k == "timestamptz"
        },
        SPATIAL_INDEX="NO",
    )
    return out.getvalue()


def _numpy(values: list[Any], kind: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    mask = np.fromiter((value is None for value in values), np.bool_, len(values))
    if kind not in _NUMPY:
        plain = np.empty(len(values), dtype=object)
        plain[:] = values
        return plain, mask
    if kind == "timestamptz":
        values = [None if value is None else value.replace(tzinfo=None) for value in values]
    if kind in ("integer", "smallint", "double precision"):
        values = [0 if value is None else value for value in values]
    return np.array(values, dtype=_NUMPY[kind]), mask


def _schema(reading: Reading) -> pa.Schema:
    fields = [pa.field("id", pa.string(), nullable=False)]
    fields += [pa.field(n, _ARROW.get(kind, pa.string())) for n, kind in reading.fields.items()]
    fields.append(pa.field("geometry", pa.binary()))
    column: Mapping[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [_geometry_type(reading)],
        "crs": CRS.from_user_input(_crs(reading)).to_json_dict(),
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return pa.schema(fields, metadata={"geo": json.dumps(geo)})


def _table(rows: Sequence[Any], reading: Reading, schema: pa.Schema) -> pa.Table:
    columns = _columns(rows, len(schema) - 1)
    arrays = [pa.array(v, f.type) for v, f in zip(columns, schema, strict=False)]
    return pa.table([*arrays, pa.array(_wkb(rows, reading), pa.binary())], schema=schema)


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
