"""What changed among the buildings of a twin since they were tiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.db import tiles_changes as db
from models.db.connection import Connection
from models.db.tiles_changes import Versions, Watermark
from models.features import Theme
from tiles.incremental import Change
from tiles.mesh.ragged import I64
from tiles.tilers.stored_buildings import Place, StoredBuildings


class ChangingBuildings(StoredBuildings):
    """:class:`tiles.incremental.Changing`, as ``conn`` sees it."""

    def __init__(self, conn: Connection, url: str, place: Place) -> None:
        super().__init__(conn, url, place)
        self._open = conn

    def changes(self, since: Watermark) -> Change:
        """See :meth:`tiles.incremental.Changing.changes`.

        A part may take the place of its building or give it back: with a building come all its
        parts, and with a part its building.
        """
        conn, twin = self._open, self._place.twin
        touched = db.changed(conn, twin, Theme.BUILDINGS, since)
        buildings, parts = db.with_buildings(
            conn, twin, touched["building"], touched["building_part"]
        )
        whole = db.versions(conn, "building", buildings)
        part = db.versions(conn, "building_part", parts)
        now = (whole.rows[whole.current], part.rows[part.current])
        some = StoredBuildings(conn, self._url, self._place, now)
        came = some.index()
        gone = np.concatenate([whole.rows, -part.rows])
        pairs = np.concatenate([_pairs(whole, 1), _pairs(part, -1)])
        pairs = pairs[np.isin(pairs[:, 1], came.keys)]
        ids = frozenset(map(str, (*whole.ids, *part.ids)))
        return Change(gone, came, pairs, ids, tuple(some.refused))


def _pairs(found: Versions, sign: int) -> I64:
    """(m, 2) each row with the current one of its feature."""
    now = dict(zip(found.ids[found.current], found.rows[found.current].tolist(), strict=True))
    both: npt.NDArray[np.int64] = np.array(
        [
            (row, now[identity])
            for row, identity in zip(found.rows.tolist(), found.ids, strict=True)
            if identity in now
        ],
        np.int64,
    ).reshape(-1, 2)
    return sign * both
