"""What is worked out from stored features for quick answers, brought up to date."""

from __future__ import annotations

from collections.abc import Iterable

from models.db import deliveries, mvt_overviews, places_store
from models.db.connection import connect
from models.twins import TwinDefinition


def renew(url: str, twins: Iterable[TwinDefinition]) -> int:
    """Overviews for vector tiles of low levels, the names and addresses of features, and numbers
    and extents of datasets, where they changed; how many of all were made.

    Tiles are right without overviews too, only slower; a name is found, and a dataset has an extent
    in the catalogue, once it is here. Raises :class:`models.errors.DatabaseError`.
    """
    with connect(url) as conn:
        return sum(
            mvt_overviews.renew(conn, twin.id)
            + places_store.renew(conn, twin.id)
            + deliveries.renew(conn, twin.id)
            for twin in twins
        )
