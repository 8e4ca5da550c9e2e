"""What changed among the pipes of a twin since they were tiled."""

from __future__ import annotations

import numpy as np

from models.db import tiles_changes as db
from models.db.connection import Connection
from models.db.tiles_changes import Watermark
from models.features import Theme
from tiles.incremental import Change
from tiles.tilers.stored import Place
from tiles.tilers.stored_pipes import StoredPipes


class ChangingPipes(StoredPipes):
    """:class:`tiles.incremental.Changing`, as ``conn`` sees it."""

    def __init__(self, conn: Connection, url: str, place: Place) -> None:
        super().__init__(conn, url, place)
        self._open = conn

    def changes(self, since: Watermark, most: int) -> Change | None:
        """See :meth:`tiles.incremental.Changing.changes`.

        A point is as deep as the pipes that end there: with a segment come the points at its ends,
        and with a point those that its segments end at as well or would, if it were not there.
        """
        conn = self._open
        touched = db.changed(conn, self._place.twin, Theme.PIPES, since)
        segments, points = touched["pipe_segment"], touched["pipe_point"]
        if len(segments) + len(points) > most:
            return None
        if segments or points:
            points = db.with_points(conn, segments, points)
        line = db.versions(conn, "pipe_segment", segments)
        spot = db.versions(conn, "pipe_point", points)
        now = np.concatenate([line.rows[line.current], -spot.rows[spot.current]])
        came = StoredPipes(conn, self._url, self._place).index_of(now)
        pairs = np.concatenate([line.pairs(), -spot.pairs()])
        ids = frozenset(map(str, (*line.ids, *spot.ids)))
        return Change(np.concatenate([line.rows, -spot.rows]), came, pairs, ids)
