"""The features of a layer as the tiler takes them: all that are true now, or rows by number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.crs import StorageCrs, enu_frame, storage_to_geodetic, to_storage
from models.db import bulk, read
from models.db.connection import Connection
from models.features import TABLES, THEME_TABLES, Theme
from models.twins import TwinDefinition
from tiles.content import F64
from tiles.incremental_buildings import ChangingBuildings
from tiles.tilers.base import Source, Tiler
from tiles.tilers.stored_buildings import Place, StoredBuildings

I64 = npt.NDArray[np.int64]


def frame_of(twin: TwinDefinition, storage: StorageCrs) -> F64:
    """ENU → ECEF at the twin's centre on its ground: the frame of all its tilesets."""
    lon, lat = twin.centre
    e, n, h = to_storage([lon], [lat], [twin.ground_height], "OGC:CRS84", "1985", storage)
    _, _, height = storage_to_geodetic(e, n, h, storage, twin.n_offset)
    return enu_frame(lon, lat, float(height[0]))


def layer_source(
    conn: Connection,
    url: str,
    theme: Theme,
    twin: TwinDefinition,
    storage: StorageCrs,
    rows: Mapping[str, I64] | None = None,
) -> Tiler | Source:
    """The layer of ``theme`` as the transaction of ``conn`` sees it.

    With ``rows``, numbers by table in order of id, the layer is these, whenever they were true.
    Raises :class:`models.errors.DatabaseError`.
    """
    frame = frame_of(twin, storage)
    own, *rest = THEME_TABLES[theme]
    if theme is Theme.BUILDINGS:
        place = Place(twin.id, frame, storage, twin.n_offset)
        if rows is None:
            return ChangingBuildings(conn, url, place)
        return StoredBuildings(conn, url, place, (rows[own], rows[rest[0]]))
    first = _table(conn, own, twin, rows)
    # imported here, since they take 30 MB that buildings do without
    if theme is Theme.BIM:
        from tiles.tilers.bim import BimTiler

        meshes = read.read_meshes(conn, list(first["mesh"].dropna().unique()))
        return BimTiler(frame, first, meshes, storage=storage, n_offset=twin.n_offset)
    from tiles.tilers.pipes import PipeTiler

    second = _table(conn, rest[0], twin, rows)
    return PipeTiler(frame, second, first, storage=storage, n_offset=twin.n_offset)


def _table(
    conn: Connection, table: str, twin: TwinDefinition, rows: Mapping[str, I64] | None
) -> pd.DataFrame:
    if rows is None:
        return read.read_table(conn, table, twin.id)
    columns = [name for name in TABLES[table] if name != "source_geom"]
    return bulk.read_rows(conn, table, rows[table], columns)
