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
from models.db.mvt import TiledDataset
from models.db.mvt_layers import VECTOR_LAYERS
from models.errors import OutsideAreaError, TwinError
from models.mvt.grid import (
    DEEPEST,
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
from twin.api.errors import STATUS
from twin.api.ogc.collections import Collection
from twin.services import Services

#: Bytes of tiles kept in memory, gzipped.
_KEPT: Final = 128 << 20
#: Quick rather than small: level 6 takes three times as long for a tenth less.
_LEVEL: Final = 1

Key = tuple[str, ...]


class NoTileError(TwinError):
    """A tile matrix set, level, row or column that is not there."""

    code = "HTTP-404"


STATUS[NoTileError] = 404


@dataclass(frozen=True, slots=True)
class Holding:
    """What one collection holds: its ``datasets`` and their features' ``extent`` in the CRS of a
    tile matrix set, None where there are none."""

    collection: Collection
    datasets: tuple[TiledDataset, ...]
    features: int
    extent: Box | None


@dataclass(frozen=True, slots=True)
class Tileset:
    """The tiles of some collections of a twin in one tile matrix set, as they are now.

    ``version`` changes whenever a tile may; ``first_zoom`` is the least level; ``extent`` the box
    of all features in the set's CRS.
    """

    twin: TwinDefinition
    tms: TileMatrixSet
    holdings: tuple[Holding, ...]
    version: str
    first_zoom: int

    @property
    def extent(self) -> Box | None:
        """Box of all features in the CRS of the set."""
        boxes = np.array([h.extent for h in self.holdings if h.extent is not None])
        if not len(boxes):
            return None
        low, high = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
        return low[0], low[1], high[0], high[1]

    @property
    def raw_zoom(self) -> int:
        """The level from which every feature is drawn itself."""
        overviews = [
            o.raw_zoom
            for h in self.holdings
            for d in h.datasets
            if (o := d.overview(h.collection.table, self.tms.id)) is not None
        ]
        return max(overviews, default=self.first_zoom)

    @property
    def whole(self) -> bool:
        """Whether every dataset has an overview; without one only its largest features are drawn
        where a tile holds too many."""
        return all(
            d.overview(h.collection.table, self.tms.id) is not None
            for h in self.holdings
            for d in h.datasets
        )

    def limits(self, zoom: int) -> tuple[int, int, int, int] | None:
        """Least and greatest row and column that hold features, None where there are none."""
        extent = self.extent
        return None if extent is None else self.tms.limits(zoom, extent)

    def require(self, zoom: int, row: int, col: int) -> None:
        """Raise :class:`NoTileError` for a tile outside the set or the limits of the features."""
        if not self.first_zoom <= zoom <= DEEPEST:
            raise NoTileError(
                f"Level {zoom} is outside {self.first_zoom} to {DEEPEST} of this tileset.",
                f"级别 {zoom} 超出本瓦片集的范围 {self.first_zoom} 至 {DEEPEST}。",
            )
        last = 2**zoom - 1
        least, most, left, right = self.limits(zoom) or (0, last, 0, last)
        if not (least <= row <= most and left <= col <= right):
            raise NoTileError(
                f"Row {row}, column {col} of level {zoom} is outside the limits: rows {least} to "
                f"{most}, columns {left} to {right}.",
                f"级别 {zoom} 的第 {row} 行第 {col} 列超出范围：行 {least} 至 {most}，"
                f"列 {left} 至 {right}。",
            )


@dataclass
class VectorTiles:
    """Tiles over the read pool; one per application."""

    services: Services
    storage: StorageCrs
    _kept: OrderedDict[Key, bytes] = field(default_factory=OrderedDict)
    _size: int = 0
    _making: dict[Key, asyncio.Lock] = field(default_factory=dict)
    _extents: dict[tuple[object, ...], tuple[int, Box | None]] = field(default_factory=dict)

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
        self, twin: TwinDefinition, collections: Sequence[Collection], tms: TileMatrixSet
    ) -> Tileset:
        """The tileset as it is now. Raises :class:`models.errors.DatabaseError`."""
        datasets = await db.tiled_datasets(self.services.pool, twin.id)
        holdings = [await self._holding(c, datasets, tms) for c in collections]
        said = [
            (h.collection.id, d.id, d.revision, d.passed, [o.id for o in d.overviews])
            for h in holdings
            for d in h.datasets
        ]
        version = sha256(repr((twin.id, tms.id, said)).encode()).hexdigest()[:16]
        try:
            first = tms.first_zoom(box_of(tms, twin.extent, self.storage))
        except OutsideAreaError:  # nothing can be stored of such a twin
            first = 0
        return Tileset(twin, tms, tuple(holdings), version, first)

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
        self, collection: Collection, datasets: Sequence[TiledDataset], tms: TileMatrixSet
    ) -> Holding:
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
        return self._extents[key]

    async def _make(self, tileset: Tileset, zoom: int, row: int, col: int) -> bytes:
        layers = [
            await self._layer(tileset, holding, zoom, row, col)
            for holding in tileset.holdings
            if holding.extent is not None
        ]
        data = b"".join(layers)
        return gzip.compress(data, _LEVEL, mtime=0) if data else b""

    async def _layer(
        self, tileset: Tileset, holding: Holding, zoom: int, row: int, col: int
    ) -> bytes:
        tms, table = tileset.tms, holding.collection.table
        box = tms.box(zoom, row, col)
        margin = (box[2] - box[0]) * db.MARGIN / UNITS
        wide = (box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin)
        extent = holding.extent
        assert extent is not None
        if not _meet(wide, extent):
            return b""
        known = [(d.id, d.overview(table, tms.id)) for d in holding.datasets]
        themselves = [i for i, o in known if o is None or zoom >= o.raw_zoom]
        raw = None
        if themselves:
            place = bounds_of(unproject(tms, frame(_common(wide, extent)), self.storage))
            turn = affine(tms, zoom, row, col, extent, self.storage)
            largest = any(o is None for _, o in known)
            raw = db.RawPart(themselves, turn, place, self.storage.srid, largest)
        return await db.layer_of_tile(
            self.services.pool,
            VECTOR_LAYERS[table],
            holding.collection.id,
            (zoom, row, col),
            overviews=[o.id for _, o in known if o is not None and zoom < o.raw_zoom],
            raw=raw,
        )

    def _lookup(self, key: Key) -> bytes | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _keep(self, key: Key, tile: bytes) -> None:
        self._kept[key] = tile
        self._size += len(tile) + 200
        while self._size > _KEPT:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone) + 200


def _meet(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _common(a: Box, b: Box) -> Box:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
