"""Making the overviews that vector tiles of low levels are drawn from."""

from __future__ import annotations

import shapely

from models.crs import StorageCrs
from models.db import mvt_changes, mvt_rows
from models.db.connection import Connection
from models.db.errors import translated
from models.db.mvt_layers import VECTOR_LAYERS
from models.db.mvt_shapes import Source, brought, read_shapes
from models.db.read import storage_srid
from models.db.statements import statement
from models.features import THEME_TABLES, Theme
from models.mvt.grid import TileMatrixSet, box_of, tile_matrix_sets
from models.mvt.overview import drawn, first_raw
from models.mvt.shapes import Shapes


@translated
def renew(conn: Connection, twin: str) -> int:
    """Make the overviews of ``twin`` that are missing or stale; how many were made.

    Where little has changed since, only the blocks about it are drawn anew
    (:mod:`models.db.mvt_changes`). Each is put in place by one transaction; tiles are right before,
    during and after it, only slower where there is none. Two that do the same queue. Raises
    :class:`DatabaseError`.
    """
    storage = StorageCrs(storage_srid(conn))
    sets = tile_matrix_sets(storage)
    made = 0
    rows = conn.execute(statement("mvt_stale"), {"twin": twin}).fetchall()
    known = conn.execute("SELECT extent FROM twin WHERE id = %s", (twin,)).fetchone()
    extent = known[0] if known else ()
    for dataset, theme, revision, fresh in rows:
        for table in THEME_TABLES[Theme(theme)]:
            stale = [tms for tms in sets.values() if f"{table}/{tms.id}" not in fresh]
            layer = VECTOR_LAYERS.get(table)
            if layer is None or not stale:
                continue
            starts = {tms: tms.first_zoom(box_of(tms, extent, storage)) for tms in stale}
            source = Source(dataset, revision, layer, storage)
            with conn.transaction():
                key = f"cim-twin/mvt/{dataset}"
                conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
                left = {
                    tms: first
                    for tms, first in starts.items()
                    if not mvt_changes.follow(conn, source, tms, first)
                }
                if left:
                    shapes, kinds = read_shapes(conn, source)
                    for tms, first in left.items():
                        _put(conn, source, tms, first, brought(shapes, tms, storage), kinds)
            made += len(stale)
    return made


def _put(
    conn: Connection,
    source: Source,
    tms: TileMatrixSet,
    first: int,
    shapes: Shapes,
    kinds: list[str | None],
) -> None:
    raw = first_raw(shapes, tms, first)
    extent = shapely.total_bounds(shapes.geometry).tolist() if len(shapes) else None
    what = (source.dataset, source.layer.table, tms.id)
    conn.execute("DELETE FROM mvt_overview WHERE dataset_id = %s AND layer = %s AND tms = %s", what)
    row = conn.execute(
        "INSERT INTO mvt_overview"
        " (dataset_id, layer, tms, revision_id, features, first_zoom, raw_zoom, extent)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (*what, source.revision, len(shapes), first, raw, extent),
    ).fetchone()
    assert row is not None
    cells = []
    for level in drawn(shapes, tms, first, raw) if len(shapes) else ():
        mvt_rows.write(conn, row[0], level, tms, kinds)
        cells.append(level.cells)
    conn.execute("UPDATE mvt_overview SET cells = %s WHERE id = %s", (cells[::-1], row[0]))
