"""What changed among the buildings of a twin since they were tiled."""

from __future__ import annotations

import numpy as np

from models.db import tiles_changes as db
from models.db.connection import Connection
from models.db.tiles_changes import Watermark
from models.features import Theme
from tiles.incremental import Change
from tiles.tilers.stored import Place
from tiles.tilers.stored_buildings import StoredBuildings


class ChangingBuildings(StoredBuildings):
    """:class:`tiles.incremental.Changing`, as ``conn`` sees it."""

    def __init__(self, conn: Connection, url: str, place: Place) -> None:
        super().__init__(conn, url, place)
        self._open = conn

    def changes(self, since: Watermark, most: int) -> Change | None:
        """See :meth:`tiles.incremental.Changing.changes`.

        A part may take the place of its building or give it back: with a building come all its
        parts, and with a part its building.
        """
        conn, twin = self._open, self._place.twin
        touched = db.changed(conn, twin, Theme.BUILDINGS, since)
        if sum(map(len, touched.values())) > most:
            return None
        buildings, parts = db.with_buildings(
            conn, twin, touched["building"], touched["building_part"]
        )
        whole = db.versions(conn, "building", buildings)
        part = db.versions(conn, "building_part", parts)
        now = (whole.rows[whole.current], part.rows[part.current])
        some = StoredBuildings(conn, self._url, self._place, now)
        came = some.index()
        gone = np.concatenate([whole.rows, -part.rows])
        pairs = np.concatenate([whole.pairs(), -part.pairs()])
        pairs = pairs[np.isin(pairs[:, 1], came.keys)]
        ids = frozenset(map(str, (*whole.ids, *part.ids)))
        return Change(gone, came, pairs, ids, tuple(some.refused))
