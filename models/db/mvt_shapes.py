"""Features of a dataset as vector tiles draw them, read in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from psycopg import sql

from models.crs import StorageCrs
from models.db.connection import Connection
from models.db.mvt_layers import SIZES, VectorLayer
from models.db.statements import statement
from models.mvt.grid import TileMatrixSet, frame, project, unproject
from models.mvt.shapes import Array, Geometries, Shapes

_CHUNK: Final = 50_000
#: Metres by which the image of a box may be less than what it holds.
_BEND: Final = 1.0


@dataclass(frozen=True, slots=True)
class Source:
    """A table of a dataset, at its newest ``revision``."""

    dataset: int
    revision: int
    layer: VectorLayer
    storage: StorageCrs


def read_shapes(
    conn: Connection, source: Source, boxes: Array | None = None
) -> tuple[Shapes, list[str | None]]:
    """The features as they are now, in the storage CRS, and the words of their classes in order;
    those alone whose box touches one of ``boxes`` (n, 4), if any are given. Raises
    :class:`models.errors.DatabaseError`."""
    layer = source.layer
    query = statement(
        "mvt_shapes",
        shape=_sql(layer.shape),
        kind=_sql(layer.properties[layer.kind][1]),
        size=_sql(SIZES.get(layer.table, "NULL::double precision")),
        table=sql.Identifier(layer.table),
        among=sql.SQL("") if boxes is None else _among(layer.table),
    )
    values: dict[str, Any] = {"dataset": source.dataset, "srid": source.storage.srid}
    if boxes is not None:
        values["boxes"] = list(shapely.to_wkb(_outlines(boxes)))
    geometry: list[Any] = []
    kinds: list[str | None] = []
    sizes: list[Any] = []
    with conn.cursor(name="mvt_shapes", binary=True) as cursor:
        cursor.itersize = _CHUNK
        cursor.execute(query, values)
        while rows := cursor.fetchmany(_CHUNK):
            shapes, words, numbers = zip(*rows, strict=True)
            geometry.append(np.asarray(shapely.from_wkb(np.array(shapes, dtype=object)), object))
            kinds += words
            sizes.append(np.array(numbers, dtype=np.float64))
    known = sorted(set(kinds), key=lambda word: (word is not None, word or ""))
    place = {word: index for index, word in enumerate(known)}
    index = np.array([place[word] for word in kinds], dtype=np.int64)
    every = np.concatenate([np.empty(0, object), *geometry])
    good = ~shapely.is_empty(every)
    every = every[good]
    measured = shapely.area if layer.geometry == "polygon" else shapely.length
    size = np.concatenate([np.empty(0), *sizes])[good]
    return Shapes(every, index[good], np.asarray(measured(every)), size), known


def brought(shapes: Shapes, tms: TileMatrixSet, storage: StorageCrs) -> Shapes:
    """The same features in the CRS of a tile matrix set."""
    there = shapely.transform(shapes.geometry, lambda xy: project(tms, xy, storage))
    return Shapes(np.asarray(there, object), shapes.kind, shapes.measure, shapes.size)


def _outlines(boxes: Array) -> Geometries:
    return np.asarray(shapely.box(*boxes.T), object)


def boxes_there(boxes: Array, tms: TileMatrixSet, storage: StorageCrs) -> Array:
    """Boxes (n, 4) of the storage CRS as boxes in the CRS of ``tms`` that hold them."""
    return _boxes(project(tms, _frames(boxes), storage))


def boxes_here(boxes: Array, tms: TileMatrixSet, storage: StorageCrs) -> Array:
    """Boxes (n, 4) in the CRS of ``tms`` as boxes of the storage CRS that hold them."""
    return _boxes(unproject(tms, _frames(boxes), storage))


def _frames(boxes: Array) -> Array:
    """Nine positions (9 n, 2) on and within each box."""
    share = frame((0.0, 0.0, 1.0, 1.0))
    return (boxes[:, None, :2] + share * (boxes[:, None, 2:] - boxes[:, None, :2])).reshape(-1, 2)


def _boxes(xy: Array) -> Array:
    xy = xy.reshape(len(xy) // 9, 9, 2)
    return np.concatenate([xy.min(axis=1) - _BEND, xy.max(axis=1) + _BEND], axis=1)


def _among(table: str) -> sql.Composed:
    return statement("mvt_among", table=sql.Identifier(table))


def _sql(text: str) -> sql.SQL:
    return sql.SQL(text)
