"""The features of a layer as the tiler takes them: all that are true now, or rows by number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from models.crs import StorageCrs, enu_frame, storage_to_geodetic, to_storage
from models.db.connection import Connection
from models.features import THEME_TABLES, Theme
from models.twins import TwinDefinition
from tiles.content import F64
from tiles.incremental_buildings import ChangingBuildings
from tiles.tilers.base import Source
from tiles.tilers.stored import Place
from tiles.tilers.stored_buildings import StoredBuildings

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
) -> Source:
    """The layer of ``theme`` as the transaction of ``conn`` sees it.

    With ``rows``, numbers by table in order of id, the layer is these, whenever they were true.
    Raises :class:`models.errors.DatabaseError`.
    """
    place = Place(twin.id, frame_of(twin, storage), storage, twin.n_offset)
    tables = THEME_TABLES[theme]
    if theme is Theme.BUILDINGS:
        if rows is None:
            return ChangingBuildings(conn, url, place)
        whole, part = tables
        return StoredBuildings(conn, url, place, (rows[whole], rows[part]))
    # imported here, since they take 30 MB that buildings do without
    if theme is Theme.BIM:
        from tiles.incremental_bim import ChangingBim
        from tiles.tilers.stored_bim import StoredBim

        if rows is None:
            return ChangingBim(conn, url, place)
        return StoredBim(conn, url, place, rows[tables[0]])
    from tiles.incremental_pipes import ChangingPipes
    from tiles.tilers.stored_pipes import StoredPipes

    if rows is None:
        return ChangingPipes(conn, url, place)
    point, segment = tables
    return StoredPipes(conn, url, place, (rows[segment], rows[point]))
