"""Overviews follow a change: the blocks about it are drawn anew, all others stay.

What is drawn in a block follows from its own features (points and areas), or from those that reach
into it and what they meet (lines, which are snapped to nodes that several share). So the features
about a change are read, drawn at every level as in a whole overview, and only the blocks that the
change may reach are taken from that. The result is that of an overview made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import shapely
from psycopg import sql

from models.db import mvt_rows
from models.db.connection import Connection
from models.db.mvt_shapes import Source, boxes_here, boxes_there, brought, read_shapes
from models.db.statements import statement
from models.mvt.grid import DEEPEST, TileMatrixSet
from models.mvt.net import blocks_of
from models.mvt.overview import crowded, drawn
from models.mvt.shapes import Array, Ints, Shapes, boxes_of, taken, touched, widened

#: Changed rows that are followed one by one; more are as quick with all others.
MOST: Final = 500
#: Levels of an overview whose features are too few to be worth it.
_LEVELS: Final = 3
#: Blocks of the finest level that are looked for one by one: a lake has millions of small ones.
_BLOCKS: Final = 200_000


@dataclass(frozen=True, slots=True)
class _Old:
    """An overview that is stale: ``cells`` a side of a tile at each of its levels."""

    id: int
    revision: int
    built: datetime
    first: int
    raw: int
    extent: list[float]
    cells: dict[int, int]


def follow(conn: Connection, source: Source, tms: TileMatrixSet, first: int) -> bool:
    """Bring the overview of one table of a dataset up to date; False, and nothing done, where it
    must be made anew. ``first`` is the level from which it is wanted.

    In the caller's transaction. Raises :class:`models.errors.DatabaseError`.
    """
    old = _old(conn, source, tms)
    if old is None or old.first != first or old.raw - old.first < _LEVELS:
        return False
    changed = _changed(conn, source, old)
    if len(changed) > MOST:
        return False
    boxes = boxes_there(changed, tms, source.storage)
    if _many(boxes, source, tms, old):
        return False
    if len(boxes):
        shapes, kinds, near = _about(conn, source, tms, old, boxes)
        if old.raw <= DEEPEST and crowded(shapes, tms, old.raw):
            return False
        for level in drawn(shapes, tms, old.first, old.raw, old.cells) if len(shapes) else ():
            numbers = mvt_rows.numbered(near[level.zoom])
            within = np.isin(mvt_rows.numbered(level.block), numbers)
            _clear(conn, old.id, level.zoom, numbers)
            mvt_rows.write(conn, old.id, taken(level, within), tms, kinds)
        if not len(shapes):
            for zoom, blocks in near.items():
                _clear(conn, old.id, zoom, mvt_rows.numbered(blocks))
    every = np.concatenate([[old.extent], boxes])
    extent = [*every[:, :2].min(axis=0).tolist(), *every[:, 2:].max(axis=0).tolist()]
    query = statement("mvt_followed", table=sql.Identifier(source.layer.table))
    values = {"dataset": source.dataset, "revision": source.revision, "extent": extent}
    conn.execute(query, {**values, "overview": old.id})
    return True


def _old(conn: Connection, source: Source, tms: TileMatrixSet) -> _Old | None:
    row = conn.execute(
        "SELECT id, revision_id, built, first_zoom, raw_zoom, extent, cells FROM mvt_overview"
        " WHERE dataset_id = %s AND layer = %s AND tms = %s",
        (source.dataset, source.layer.table, tms.id),
    ).fetchone()
    if row is None or row[5] is None or row[6] is None:
        return None
    identity, revision, built, first, raw, extent, cells = row
    levels = dict(zip(range(first, raw), cells, strict=True))
    return _Old(identity, revision, built, first, raw, extent, levels)


def _changed(conn: Connection, source: Source, old: _Old) -> Array:
    """Boxes (n, 4) in the storage CRS of the rows that were written, ended or came due since."""
    query = statement("mvt_changed", table=sql.Identifier(source.layer.table))
    values = {"dataset": source.dataset, "revision": old.revision, "built": old.built}
    rows: list[Any] = conn.execute(query, {**values, "most": MOST + 1}).fetchall()
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _about(
    conn: Connection, source: Source, tms: TileMatrixSet, old: _Old, boxes: Array
) -> tuple[Shapes, list[str | None], dict[int, Ints]]:
    """The features about the changed ``boxes`` that decide what is drawn in the blocks to be drawn
    anew, the words of their classes, and those blocks at each level."""
    storage = source.storage

    def read(places: Array) -> tuple[Shapes, list[str | None]]:
        shapes, kinds = read_shapes(conn, source, boxes_here(places, tms, storage))
        return brought(shapes, tms, storage), kinds

    coarse = tms.side(old.first)
    cell = coarse / old.cells[old.first]
    net = source.layer.geometry == "line"
    met = read(widened(boxes, cell))[0].geometry if net else np.empty(0, object)
    bounds = shapely.bounds(met).reshape(-1, 4)
    near, blocks = {}, 0
    for zoom in reversed(range(old.first, old.raw)):
        reached = boxes
        if net:  # a line that meets a changed node moves with it
            wide = widened(boxes, tms.side(zoom) / old.cells[zoom])
            reached = np.concatenate([wide, bounds[_meeting(bounds, wide)]])
        blocks = blocks_of(zoom, old.first, old.cells[zoom]) if net else old.cells[zoom]
        near[zoom] = _blocks(reached, tms, zoom, blocks)
    places = boxes_of(near[old.first], tms, coarse / blocks)
    # as far as tiles that features themselves may crowd reach
    shapes, kinds = read(widened(places, max(cell if net else 0.0, tms.side(old.raw))))
    if net:  # and with all that meet it at its other end
        spans = shapely.bounds(shapes.geometry).reshape(-1, 4)
        longest = (spans[:, 2:] - spans[:, :2]).max(initial=0.0)
        shapes, kinds = read(widened(places, longest + cell))
    return shapes, kinds, near


def _many(boxes: Array, source: Source, tms: TileMatrixSet, old: _Old) -> bool:
    zoom = old.raw - 1
    number = old.cells[zoom]
    if source.layer.geometry == "line":
        number = blocks_of(zoom, old.first, number)
    across = (boxes[:, 2:] - boxes[:, :2]) * number / tms.side(zoom) + 1
    return bool(across.prod(axis=1).sum() > _BLOCKS)


def _meeting(bounds: Array, boxes: Array) -> Ints:
    """Indices of the ``bounds`` (n, 4) that touch one of the boxes (m, 4)."""
    tree = shapely.STRtree(np.asarray(shapely.box(*boxes.T), object))
    return np.unique(tree.query(np.asarray(shapely.box(*bounds.T), object))[0])


def _blocks(boxes: Array, tms: TileMatrixSet, zoom: int, number: int) -> Ints:
    """The blocks of a level, ``number`` a side of a tile, that boxes touch."""
    _, cell = touched(boxes, tms, tms.side(zoom) / number, number * 2**zoom - 1)
    return np.unique(cell, axis=0)


def _clear(conn: Connection, overview: int, zoom: int, blocks: Ints) -> None:
    conn.execute(
        "DELETE FROM mvt_drawn WHERE overview_id = %s AND zoom = %s AND block = ANY(%s)",
        (overview, zoom, blocks.tolist()),
    )
