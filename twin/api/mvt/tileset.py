"""What a tileset holds, at which levels and within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from models.db.features_query import Selection
from models.db.mvt import TiledDataset
from models.errors import TwinError
from models.mvt.grid import DEEPEST, Box, TileMatrixSet
from models.twins import TwinDefinition
from twin.api.errors import STATUS
from twin.api.ogc.collections import Collection


class NoTileError(TwinError):
    """A tile matrix set, level, row or column that is not there."""

    code = "HTTP-404"


STATUS[NoTileError] = 404


@dataclass(frozen=True, slots=True)
class Holding:
    """What one collection holds: its ``datasets`` and their features' ``extent`` in the CRS of a
    tile matrix set, None where there are none. ``past`` selects what was or will be, where another
    moment than now is asked for; it has no datasets with overviews."""

    collection: Collection
    datasets: tuple[TiledDataset, ...]
    features: int
    extent: Box | None
    past: Selection | None = None


@dataclass(frozen=True, slots=True)
class Tileset:
    """The tiles of some collections of a twin in one tile matrix set, as they are now or as they
    were at the moments that ``asked`` names (parameters as the client wrote them).

    ``version`` changes whenever a tile may; ``first_zoom`` is the least level.
    """

    twin: TwinDefinition
    tms: TileMatrixSet
    holdings: tuple[Holding, ...]
    version: str
    first_zoom: int
    asked: Mapping[str, str] = field(default_factory=dict)

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
        return not any(h.past for h in self.holdings) and all(
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
