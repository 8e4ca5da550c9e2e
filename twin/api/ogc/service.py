"""What the OGC routes share: the services of the application, and extents that cost time once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from models.crs import StorageCrs
from models.db import pool as db
from models.db.features_items import connection
from models.db.features_state import read_state
from models.features import Theme
from models.twins import TwinDefinition
from twin.services import Services

Extents = dict[str, list[float] | None]


@dataclass
class FeatureService:
    """One an application. ``storage`` is the CRS of the database."""

    services: Services
    storage: StorageCrs
    _extents: dict[str, tuple[str, Extents]] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def extents(self, twin: TwinDefinition) -> tuple[Extents, str]:
        """West, south, east, north in degrees by table, and what they are true for.

        They are found again only when something was published: all rows are passed for them.
        """
        async with connection(self.services.pool) as conn:
            states = [await read_state(conn, twin.id, theme) for theme in Theme]
        stamp = " ".join(state.stamp for state in states)
        async with self._lock:
            kept = self._extents.get(twin.id)
            if kept is None or kept[0] != stamp:
                found = await db.summary(self.services.pool, twin.id)
                kept = stamp, {table: _rounded(v["extent"]) for table, v in found.items()}
                self._extents[twin.id] = kept
        return kept[1], stamp


def _rounded(extent: list[float] | None) -> list[float] | None:
    """Widened to whole hundred-thousandths of a degree (1 m)."""
    if extent is None:
        return None
    west, south, east, north = extent
    low = [int(value * 1e5 - (value < 0)) / 1e5 for value in (west, south)]
    return low + [int(value * 1e5 + (value > 0)) / 1e5 for value in (east, north)]
