"""Vector tiles of another moment than now: ``datetime`` and ``as-of`` as features have them.

A moment at which the same holds as now is answered from the tiles of now. Others are drawn from
the rows, at most :data:`models.db.mvt_moments.MOST` a tile and a few tiles at a time, so that they
cost tiles of now little; they are kept by revision like these.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import shapely

from models.crs import StorageCrs
from models.db import mvt_moments as db
from models.db.features_items import connection
from models.db.features_query import Selection
from models.db.features_state import State, read_state
from models.db.mvt import NOTHING, Layer
from models.db.mvt_layers import VECTOR_LAYERS
from models.mvt.grid import Box, TileMatrixSet, affine, bounds_of, frame, project, unproject
from models.twins import TwinDefinition
from twin.api.mvt.tileset import Holding
from twin.api.ogc.collections import Collection
from twin.api.ogc.times import Period, read_moment, read_period
from twin.services import Services

#: Tiles drawn from rows at one time.
_AT_ONCE: Final = 2
#: Extents kept in memory.
_KEPT: Final = 1_000
_LAST: Final = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """The moments of both times that a client asks for, None for now; ``given`` as it wrote
    them."""

    period: Period | None
    as_of: dt.datetime | None
    given: Mapping[str, str]


NOW: Final = Asked(None, None, {})


def read_asked(moment: str | None, as_of: str | None) -> Asked:
    """From ``datetime`` and ``as-of``. Raises :class:`twin.api.ogc.errors.ParameterError`."""
    written = {"datetime": moment, "as-of": as_of}
    return Asked(
        None if moment is None else read_period("datetime", moment),
        None if as_of is None else read_moment("as-of", as_of)[1],
        {name: text for name, text in written.items() if text is not None},
    )


@dataclass
class Moments:
    """What was or will be, over the read pool; one per application."""

    services: Services
    storage: StorageCrs
    _extents: OrderedDict[tuple[Any, ...], tuple[int, Box | None]] = field(
        default_factory=OrderedDict
    )
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def selection(
        self, twin: TwinDefinition, collection: Collection, asked: Asked
    ) -> Selection | None:
        """The features of the moments, None where they are those of now."""
        if asked.period is None and asked.as_of is None:
            return None
        period, theme = asked.period, collection.theme
        moment = None if period is None else (period.end or _LAST)
        async with connection(self.services.pool) as conn:
            now = await read_state(conn, twin.id, theme)
            state = await read_state(conn, twin.id, theme, moment, asked.as_of)
            interval = period is not None and not period.instant
            if not interval and state.current and state.stamp == now.stamp:
                return None
            since = period.start if period is not None and interval else None
            if since is not None:
                # rows end only where revisions say so: an earlier such boundary gives the same
                since = (await read_state(conn, twin.id, theme, since, asked.as_of)).moment
        return Selection(
            collection.table, self.storage.srid, state, since=since, interval=interval, spatial=True
        )

    async def holding(self, collection: Collection, past: Selection, tms: TileMatrixSet) -> Holding:
        """What the collection held. Raises :class:`models.errors.DatabaseError`."""
        key = (past.table, past.state.datasets, *named(past))
        if key not in self._extents:
            async with self._slots:
                self._extents[key] = await db.extent_of(self.services.pool, past)
            if len(self._extents) > _KEPT:
                self._extents.popitem(last=False)
        count, box = self._extents[key]
        if box is not None:
            box = bounds_of(project(tms, frame(box), self.storage))
        return Holding(collection, (), count, box, past)

    async def layer(
        self, holding: Holding, tms: TileMatrixSet, tile: tuple[int, int, int], wide: Box, most: int
    ) -> Layer:
        """One layer of a tile, of its ``most`` largest features; ``wide`` is where the tile with
        its margin meets the features. Raises :class:`models.errors.DatabaseError`."""
        past, extent = holding.past, holding.extent
        if past is None or extent is None:
            return NOTHING
        # a tile of all features is not asked which of them it meets
        place = None if wide == extent else bounds_of(unproject(tms, frame(wide), self.storage))
        async with self._slots:
            return await db.layer_at(
                self.services.pool,
                VECTOR_LAYERS[past.table],
                holding.collection.id,
                replace(past, box=None if place is None else shapely.box(*place)),
                affine(tms, *tile, extent, self.storage),
                most,
            )


def named(past: Selection) -> tuple[str, str, bool]:
    """What changes whenever the selected features may."""
    state: State = past.state
    return state.stamp, "" if past.since is None else past.since.isoformat(), past.interval
