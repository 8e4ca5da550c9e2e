"""Making the overviews that vector tiles of low levels are drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from psycopg import sql

from models.crs import StorageCrs
from models.db.connection import Connection
from models.db.errors import translated
from models.db.mvt import MARGIN
from models.db.mvt_layers import SIZES, VECTOR_LAYERS, VectorLayer
from models.db.read import storage_srid
from models.db.statements import statement
from models.features import THEME_TABLES, Theme
from models.mvt.grid import UNITS, TileMatrixSet, box_of, project, tile_matrix_sets
from models.mvt.overview import drawn, first_raw
from models.mvt.shapes import Drawn, Shapes

_CHUNK: Final = 50_000
Ints = npt.NDArray[np.int64]


@translated
def renew(conn: Connection, twin: str) -> int:
    """Make the overviews of ``twin`` that are missing or stale; how many were made.

    Each is put in place by one transaction; tiles are right before, during and after it, only
    slower where there is none. Two that do the same queue. Raises :class:`DatabaseError`.
    """
    storage = StorageCrs(storage_srid(conn))
    sets = tile_matrix_sets(storage)
    made = 0
    rows = conn.execute(statement("mvt_stale"), {"twin": twin}).fetchall()
    known = conn.execute("SELECT extent FROM twin WHERE id = %s", (twin,)).fetchone()
    extent = known[0] if known else ()
    for dataset, theme, revision, fresh in rows:
        for table in THEME_TABLES[Theme(theme)]:
            missing = [tms for tms in sets.values() if f"{table}/{tms.id}" not in fresh]
            layer = VECTOR_LAYERS.get(table)
            if layer is None or not missing:
                continue
            with conn.transaction():
                key = f"cim-twin/mvt/{dataset}"
                conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
                shapes, kinds = _shapes(conn, dataset, layer)
                for tms in missing:
                    start = tms.first_zoom(box_of(tms, extent, storage))
                    _put(conn, (dataset, revision, table), tms, start, shapes, kinds, storage)
            made += len(missing)
    return made


def _put(
    conn: Connection,
    what: tuple[int, int, str],
    tms: TileMatrixSet,
    first: int,
    shapes: Shapes,
    kinds: list[str | None],
    storage: StorageCrs,
) -> None:
    dataset, revision, table = what
    there = shapely.transform(shapes.geometry, lambda xy: project(tms, xy, storage))
    moved = Shapes(np.asarray(there, object), shapes.kind, shapes.measure, shapes.size)
    raw = first_raw(moved, tms, first)
    extent = shapely.total_bounds(moved.geometry).tolist() if len(moved) else None
    conn.execute(
        "DELETE FROM mvt_overview WHERE dataset_id = %s AND layer = %s AND tms = %s",
        (dataset, table, tms.id),
    )
    row = conn.execute(
        "INSERT INTO mvt_overview"
        " (dataset_id, revision_id, layer, tms, features, first_zoom, raw_zoom, extent)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (dataset, revision, table, tms.id, len(moved), first, raw, extent),
    ).fetchone()
    assert row is not None
    conn.execute(statement("mvt_stage"))
    with conn.cursor() as cursor, cursor.copy("COPY mvt_stage FROM STDIN") as copy:
        for level in drawn(moved, tms, first, raw) if len(moved) else ():
            for block in _text(level, tms, kinds):
                copy.write(block)
    values = {"east": tms.origin[0], "top": tms.origin[1], "span": tms.span}
    conn.execute(statement("mvt_draw"), {**values, "overview": row[0]})
    conn.execute("DROP TABLE mvt_stage")


def _text(level: Drawn, tms: TileMatrixSet, kinds: list[str | None]) -> Iterator[str]:
    """Rows of ``mvt_stage`` as COPY text: what is drawn once for every tile that it touches."""
    words = np.array([*(_escaped(k) for k in kinds), "\\N"], dtype=object)[level.kind]
    sizes, measures = _numbers(level.size), _numbers(level.measure)
    geometry = shapely.to_wkb(level.geometry, hex=True)
    item, rows, cols = _tiles(level, tms)
    for first in range(0, len(item), _CHUNK):
        part = slice(first, first + _CHUNK)
        which = item[part]
        yield "".join(
            f"{level.zoom}\t{r}\t{c}\t{k}\t{n}\t{m}\t{s}\t{g}\n"
            for r, c, k, n, m, s, g in zip(
                rows[part].tolist(),
                cols[part].tolist(),
                words[which],
                level.count[which].tolist(),
                measures[which],
                sizes[which],
                geometry[which],
                strict=True,
            )
        )


def _tiles(level: Drawn, tms: TileMatrixSet) -> tuple[Ints, Ints, Ints]:
    """What is drawn and the row and column of a tile that it touches, margin included."""
    side, last = tms.side(level.zoom), 2**level.zoom - 1
    west, south, east, north = shapely.bounds(level.geometry).T
    margin = side * MARGIN / UNITS
    left = np.floor((west - margin - tms.origin[0]) / side)
    right = np.floor((east + margin - tms.origin[0]) / side)
    top = np.floor((tms.origin[1] - north - margin) / side)
    bottom = np.floor((tms.origin[1] - south + margin) / side)
    left, right, top, bottom = (
        np.clip(v, 0, last).astype(np.int64) for v in (left, right, top, bottom)
    )
    wide = right - left + 1
    number = wide * (bottom - top + 1)
    item = np.repeat(np.arange(len(number)), number)
    place = np.arange(len(item)) - np.repeat(np.cumsum(number) - number, number)
    return item, top[item] + place // wide[item], left[item] + place % wide[item]


def _numbers(values: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    plain = ["\\N" if np.isnan(v) else repr(v) for v in np.round(values, 3).tolist()]
    return np.array(plain, dtype=object)


def _escaped(word: str | None) -> str:
    if word is None:
        return "\\N"
    for plain, coded in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        word = word.replace(plain, coded)
    return word


def _shapes(conn: Connection, dataset: int, layer: VectorLayer) -> tuple[Shapes, list[str | None]]:
    """The features of a dataset as they are drawn, in the storage CRS, and the words of their
    classes."""
    query = statement(
        "mvt_shapes",
        shape=_sql(layer.shape),
        kind=_sql(layer.properties[layer.kind][1]),
        size=_sql(SIZES.get(layer.table, "NULL::double precision")),
        table=sql.Identifier(layer.table),
    )
    geometry: list[Any] = []
    kinds: list[str | None] = []
    sizes: list[Any] = []
    with conn.cursor(name="mvt_shapes", binary=True) as cursor:
        cursor.itersize = _CHUNK
        cursor.execute(query, {"dataset": dataset})
        while rows := cursor.fetchmany(_CHUNK):
            shapes, words, numbers = zip(*rows, strict=True)
            geometry.append(np.asarray(shapely.from_wkb(np.array(shapes, dtype=object)), object))
            kinds += words
            sizes.append(np.array(numbers, dtype=np.float64))
    known: dict[Any, int] = {}
    index = np.array([known.setdefault(k, len(known)) for k in kinds], dtype=np.int64)
    every = np.concatenate([np.empty(0, object), *geometry])
    good = ~shapely.is_empty(every)
    every = every[good]
    measured = shapely.area if layer.geometry == "polygon" else shapely.length
    found = Shapes(
        every, index[good], np.asarray(measured(every)), np.concatenate([[], *sizes])[good]
    )
    return found, list(known)


def _sql(text: str) -> sql.SQL:
    return sql.SQL(text)
