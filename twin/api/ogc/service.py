"""What the OGC routes share: the services of the application, and extents."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from models.crs import StorageCrs
from models.twins import TwinDefinition
from twin.services import Services


@dataclass(frozen=True, slots=True)
class Extent:
    """Where and when features are: ``box`` west, south, east, north in degrees, None where there
    are none; ``times`` both ends of valid time, None where open."""

    box: list[float] | None
    times: tuple[dt.datetime | None, dt.datetime | None]


@dataclass
class FeatureService:
    """One an application. ``storage`` is the CRS of the database."""

    services: Services
    storage: StorageCrs

    async def extents(self, twin: TwinDefinition) -> tuple[dict[str, Extent], str]:
        """The extents by table, and what they are true for."""
        found = await self.services.summary(twin.id)
        extents = {
            table: Extent(_rounded(held["extent"]), held["times"])
            for table, held in found.tables.items()
        }
        return extents, f"{found.stamp} {self.services.edition(twin.id)}"


def _rounded(extent: list[float] | None) -> list[float] | None:
    """Widened to whole hundred-thousandths of a degree (1 m)."""
    if extent is None:
        return None
    west, south, east, north = extent
    low = [int(value * 1e5 - (value < 0)) / 1e5 for value in (west, south)]
    return low + [int(value * 1e5 + (value > 0)) / 1e5 for value in (east, north)]
