"""What changed among the BIM elements of a twin since they were tiled."""

from __future__ import annotations

from models.db import tiles_changes as db
from models.db.connection import Connection
from models.db.tiles_changes import Watermark
from models.features import Theme
from tiles.incremental import Change
from tiles.tilers.stored import Place
from tiles.tilers.stored_bim import StoredBim


class ChangingBim(StoredBim):
    """:class:`tiles.incremental.Changing`, as ``conn`` sees it."""

    def __init__(self, conn: Connection, url: str, place: Place) -> None:
        super().__init__(conn, url, place)
        self._open = conn

    def changes(self, since: Watermark, most: int) -> Change | None:
        """See :meth:`tiles.incremental.Changing.changes`."""
        touched = db.changed(self._open, self._place.twin, Theme.BIM, since)["bim_element"]
        if len(touched) > most:
            return None
        found = db.versions(self._open, "bim_element", touched)
        some = StoredBim(self._open, self._url, self._place, found.rows[found.current])
        came = some.index()
        ids = frozenset(map(str, found.ids))
        return Change(found.rows, came, found.pairs(), ids, tuple(some.refused))
