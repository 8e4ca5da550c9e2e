"""The vector tiles of every twin, made when first asked for and kept while they are true."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import numpy as np

from models.crs import StorageCrs
from models.db import mvt as db
from models.db.mvt import NOTHING, Layer, TiledDataset
from models.db.mvt_layers import VECTOR_LAYERS
from models.db.mvt_moments import MOST
from models.errors import OutsideAreaError
from models.mvt.grid import (
    MARGIN,
    UNITS,
    Box,
    TileMatrixSet,
    affine,
    bounds_of,
    box_of,
    frame,
    project,
    tile_matrix_sets,
    unproject,
)
from models.twins import TwinDefinition
from twin.api.mvt.moments import NOW, Asked, Moments, named
from twin.api.mvt.tileset import Holding, NoTileError, Tileset
from twin.api.ogc.collections import Collection
from twin.services import Services

#: Most bytes of a tile, uncompressed, and the share of them that is aimed at where it has more.
LIMIT: Final = 500_000
_AIM: Final = 0.9
#: Features of another moment in a layer of a tile of several, whatever their number.
_LEAST: Final = 650
#: Bytes of tiles kept in memory, gzipped.
_KEPT: Final = 128 << 20
#: Extents kept in memory.
_EXTENTS: Final = 1_000
#: Quick rather than small: level 6 takes three times as long for a tenth less.
_LEVEL: Final = 1

Key = tuple[str, ...]


@dataclass
class VectorTiles:
    """Tiles over the read pool; one per application."""

    services: Services
    storage: StorageCrs
    _kept: OrderedDict[Key, bytes] = field(default_factory=OrderedDict)
    _size: int = 0
    _making: dict[Key, asyncio.Lock] = field(default_factory=dict)
    _extents: dict[tuple[object, ...], tuple[int, Box | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read other moments over the same pool."""
        self._moments = Moments(self.services, self.storage)

    def matrix_set(self, tms: str) -> TileMatrixSet:
        """The tile matrix set of that id. Raises :class:`NoTileError`."""
        known = tile_matrix_sets(self.storage)
        if tms not in known:
            raise NoTileError(
                f"There is no tile matrix set '{tms}'. Expected one of: {', '.join(known)}.",
                f"没有瓦片矩阵集“{tms}”。可用：{'、'.join(known)}。",
            )
        return known[tms]

    async def tileset(
        self,
        twin: TwinDefinition,
        collections: Sequence[Collection],
        tms: TileMatrixSet,
        asked: Asked = NOW,
    ) -> Tileset:
        """The tileset as it is now, or at the moments asked for. Raises
        :class:`models.errors.DatabaseError`."""
        datasets = await db.tiled_datasets(self.services.pool, twin.id)
        holdings = [await self._holding(twin, c, datasets, tms, asked) for c in collections]
        said: list[tuple[object, ...]] = []
        for h in holdings:
            overviews = ((d.id, d.revision, d.passed, [o.id for o in d.overviews]) for d in
                         h.datasets)  # fmt: skip
            told = tuple(overviews) if h.past is None else named(h.past)
            said.append((h.collection.id, *told))
        edition = self.services.edition(twin.id)
        version = sha256(repr((twin.id, tms.id, edition, said)).encode()).hexdigest()[:16]
        try:
            first = tms.first_zoom(box_of(tms, twin.extent, self.storage))
        except OutsideAreaError:  # nothing can be stored of such a twin
            first = 0
        return Tileset(twin, tms, tuple(holdings), version, first, asked.given)

    async def tile(self, tileset: Tileset, zoom: int, row: int, col: int) -> bytes:
        """A tile, gzipped; empty where nothing is drawn in it.

        Raises :class:`NoTileError`, :class:`models.errors.DatabaseError`.
        """
        tileset.require(zoom, row, col)
        parts = (h.collection.id for h in tileset.holdings)
        key = (tileset.version, *parts, str(zoom), str(row), str(col))
        found = self._lookup(key)
        if found is None:
            lock = self._making.setdefault(key, asyncio.Lock())
            try:
                async with lock:  # many who ask for one tile wait for one
                    found = self._lookup(key)
                    if found is None:
                        found = await self._make(tileset, zoom, row, col)
                        self._keep(key, found)
            finally:
                self._making.pop(key, None)
        return found

    async def _holding(
        self,
        twin: TwinDefinition,
        collection: Collection,
        datasets: Sequence[TiledDataset],
        tms: TileMatrixSet,
        asked: Asked,
    ) -> Holding:
        past = await self._moments.selection(twin, collection, asked)
        if past is not None:
            return await self._moments.holding(collection, past, tms)
        own = tuple(d for d in datasets if d.theme == collection.theme)
        features, boxes = 0, []
        for dataset in own:
            count, box = await self._extent(collection.table, dataset, tms)
            features += count
            boxes += [] if box is None else [box]
        if not boxes:
            return Holding(collection, own, features, None)
        corners = np.array(boxes).reshape(-1, 2)
        return Holding(collection, own, features, bounds_of(corners))

    async def _extent(
        self, table: str, dataset: TiledDataset, tms: TileMatrixSet
    ) -> tuple[int, Box | None]:
        overview = dataset.overview(table, tms.id)
        if overview is not None:
            return overview.features, overview.extent
        key = (table, dataset.id, dataset.revision, dataset.passed, tms.id)
        if key not in self._extents:
            count, box = await db.extent(self.services.pool, table, [dataset.id])
            if box is not None:
                box = bounds_of(project(tms, frame(box), self.storage))
            self._extents[key] = count, box
            while len(self._extents) > _EXTENTS:  # those of revisions that were, first
                del self._extents[next(iter(self._extents))]
            return count, box
        return self._extents[key]

    async def _make(self, tileset: Tileset, zoom: int, row: int, col: int) -> bytes:
        most: int | None = None
        while True:
            layers = [
                await self._layer(tileset, holding, (zoom, row, col), most)
                for holding in tileset.holdings
                if holding.extent is not None
            ]
            data = b"".join(layer.data for layer in layers)
            if len(data) <= LIMIT:
                return gzip.compress(data, _LEVEL, mtime=0) if data else b""
            most = fewer(layers)

    async def _layer(
        self,
        tileset: Tileset,
        holding: Holding,
        place: tuple[int, int, int],
        most: int | None,
    ) -> Layer:
        tms, table = tileset.tms, holding.collection.table
        zoom, row, col = place
        box = tms.box(zoom, row, col)
        margin = (box[2] - box[0]) * MARGIN / UNITS
        wide = (box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin)
        extent = holding.extent
        assert extent is not None
        if not _meet(wide, extent):
            return NOTHING
        if holding.past is not None:
            number = max(MOST // len(tileset.holdings), _LEAST)
            number = number if most is None else min(number, most)
            return await self._moments.layer(holding, tms, place, _common(wide, extent), number)
        known = [(d.id, d.overview(table, tms.id)) for d in holding.datasets]
        themselves = [i for i, o in known if o is None or zoom >= o.raw_zoom]
        raw = None
        if themselves:
            here = bounds_of(unproject(tms, frame(_common(wide, extent)), self.storage))
            turn = affine(tms, *place, extent, self.storage)
            largest = any(o is None for _, o in known)
            raw = db.RawPart(themselves, turn, here, self.storage.srid, largest)
        return await db.layer_of_tile(
            self.services.pool,
            VECTOR_LAYERS[table],
            holding.collection.id,
            place,
            overviews=[o.id for _, o in known if o is not None and zoom < o.raw_zoom],
            raw=raw,
            most=most,
        )

    def _lookup(self, key: Key) -> bytes | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _keep(self, key: Key, tile: bytes) -> None:
        known = self._kept.pop(key, None)
        self._size += len(tile) - len(known) if known is not None else len(tile) + 200
        self._kept[key] = tile
        while self._size > _KEPT:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone) + 200


def fewer(layers: Sequence[Layer]) -> int:
    """How many each of ``layers`` may draw, so that all together are below :data:`LIMIT` if what is
    drawn weighs the same: fewer than the most that one draws now."""
    least, most = 0, max(layer.number for layer in layers)
    while most - least > 1:
        tried = (least + most) // 2
        size = sum(len(x.data) * min(1.0, tried / x.number) for x in layers if x.number)
        least, most = (tried, most) if size <= _AIM * LIMIT else (least, tried)
    return least


def _meet(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _common(a: Box, b: Box) -> Box:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
