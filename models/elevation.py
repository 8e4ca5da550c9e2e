"""Ground heights from a digital elevation model (DEM).

A :class:`Terrain` samples a GeoTIFF at places in the storage CRS and gives 1985 heights, whatever
CRS and vertical datum the file has: both are declared in its :class:`TerrainPassport`, never
guessed. Cells are read in tiles when they are needed; a raster of any size takes the same memory.
Heights belong to cell centres (GDAL's raster model; files with ``AREA_OR_POINT=Point`` are brought
to it by GDAL) and are interpolated bilinearly between them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window

from models.crs import (
    STORAGE,
    StorageCrs,
    VerticalDatum,
    VerticalKind,
    jacobian,
    same_horizontal,
    to_storage,
)
from models.errors import TwinError

Array = npt.NDArray[np.float64]

#: Cells along a tile's side and how many tiles are kept: at most 70 MB a terrain.
_TILE: Final = 256
_TILES: Final = 128
#: Metres within which a place must be found again in the raster's CRS, and steps to find it.
_CLOSE: Final = 1e-4
_STEPS: Final = 20


class TerrainError(TwinError):
    """The stored elevation model of a twin cannot be used."""

    code = "DEM-00"


@dataclass(frozen=True, slots=True)
class TerrainPassport:
    """What is known of a DEM: its datums as declared (see :class:`models.features.DatumPassport`),
    the twin's ``n_offset``, and where it came from."""

    name: str
    sha256: str
    horizontal: str
    vertical: str
    n_offset: float = 0.0


class Terrain:
    """A DEM that can be sampled; safe to share between threads.

    Raises :class:`models.errors.DatumError` for datums that cannot be used and
    :class:`TerrainError` where the file cannot be opened as GeoTIFF.
    """

    def __init__(self, path: Path, passport: TerrainPassport, storage: StorageCrs = STORAGE):
        self.path = path
        self.passport = passport
        self.storage = storage
        self._datum = VerticalDatum.parse(passport.vertical)
        self._same = same_horizontal(passport.horizontal, storage.horizontal)
        try:
            self._raster = rasterio.open(path, driver="GTiff", sharing=False)
        except rasterio.errors.RasterioIOError as error:
            raise _unusable(path) from error
        self._lock = threading.Lock()
        self._tiles: OrderedDict[tuple[int, int], Array] = OrderedDict()
        self._shape = self._raster.height, self._raster.width
        self._scale, self._offset = self._raster.scales[0], self._raster.offsets[0]
        self._inverse = np.array(tuple(~self._raster.transform)[:6]).reshape(2, 3)
        self._corners = _corners(self._raster.transform, *self._shape)

    @property
    def corners(self) -> Array:
        """(4, 2) east, north of the raster's corners in the storage CRS, in metres.

        Raises :class:`models.errors.OutsideAreaError` where they lie outside its area of use.
        """
        x, y = self._corners.T
        east, north, _ = to_storage(x, y, None, self.passport.horizontal, "1985", self.storage)
        return np.column_stack([east, north])

    def span(self) -> tuple[float, float]:
        """Least and greatest 1985 height of the cells in metres, NaN where none has a value.

        Where the datum's offset is not the same everywhere, its values at the raster's corners are
        taken, and the span is no narrower than the cells'. Raises :class:`TerrainError`.
        """
        low, high = np.nan, np.nan
        try:
            with self._lock:
                for _, window in self._raster.block_windows(1):
                    cells = self._raster.read(1, window=window, masked=True).compressed()
                    if (cells := cells[np.isfinite(cells)]).size:
                        low, high = np.fmin(low, cells.min()), np.fmax(high, cells.max())
        except rasterio.errors.RasterioError as error:
            raise _unusable(self.path) from error
        raw = np.array([low, high], np.float64) * self._scale + self._offset
        x, y = self._corners.T
        where = self.passport.horizontal, self.passport.vertical, self.storage
        offset = to_storage(x, y, np.zeros(4), *where, n_offset=self.passport.n_offset)[2]
        return float(raw.min() + offset.min()), float(raw.max() + offset.max())

    def sample(self, e: npt.ArrayLike, n: npt.ArrayLike) -> Array:
        """1985 heights in metres at ``e``, ``n`` (storage CRS, metres; any equal shapes).

        NaN outside the raster, where one of the cells around a place has no value, and at NaN.
        Raises :class:`TerrainError` where the file cannot be read any more.
        """
        east, north = np.broadcast_arrays(np.asarray(e, np.float64), np.asarray(n, np.float64))
        x, y = self._to_raster(east.ravel(), north.ravel())
        column, row = self._inverse @ np.stack([x, y, np.ones_like(x)])
        height, width = self._shape
        inside = (column >= 0) & (column <= width) & (row >= 0) & (row <= height)
        out = np.full(x.size, np.nan)
        out[inside] = self._bilinear(column[inside] - 0.5, row[inside] - 0.5)
        if self._datum.kind is not VerticalKind.H1985:
            out[inside] = to_storage(
                x[inside],
                y[inside],
                out[inside],
                self.passport.horizontal,
                self.passport.vertical,
                self.storage,
                n_offset=self.passport.n_offset,
            )[2]
        return out.reshape(east.shape)

    def _to_raster(self, east: Array, north: Array) -> tuple[Array, Array]:
        """Coordinates in the raster's CRS; NaN for places that are not near the raster.

        :func:`models.crs.to_storage` knows every safe way into the storage CRS; it is undone here
        by Newton's method with the derivative at the raster's middle, which converges by a factor
        of 100 and more a step because projections bend little over one raster.
        """
        if self._same:
            return east, north
        low, high = self._corners.min(axis=0), self._corners.max(axis=0)
        margin = 0.05 * (high - low)
        middle = (low + high) / 2
        step = np.linalg.inv(
            jacobian(middle[:1], middle[1:], self.passport.horizontal, self.storage)[0]
        )
        wanted = np.stack([east, north])
        found = np.repeat(middle[:, None], east.size, axis=1)
        missed = np.full_like(wanted, np.inf)
        for _ in range(_STEPS if east.size else 0):
            right, up, _ = to_storage(
                found[0], found[1], None, self.passport.horizontal, "1985", self.storage
            )
            missed = wanted - np.stack([right, up])
            moved = found + step @ np.nan_to_num(missed)
            moved = np.clip(moved, (low - margin)[:, None], (high + margin)[:, None])
            still = np.abs(moved - found) < np.abs(step).sum(axis=1)[:, None] * _CLOSE
            found = moved
            if still.all():
                break
        lost = ~(np.abs(missed) <= 10 * _CLOSE).all(axis=0)
        found[:, lost] = np.nan
        return found[0], found[1]

    def _bilinear(self, column: Array, row: Array) -> Array:
        """Heights between cell centres at fractional indices; the outer half cells are level."""
        height, width = self._shape
        column, row = np.clip(column, 0, width - 1), np.clip(row, 0, height - 1)
        left = np.minimum(column.astype(np.int64), max(width - 2, 0))
        top = np.minimum(row.astype(np.int64), max(height - 2, 0))
        out = np.empty(column.size)
        if not out.size:
            return out
        across = width // _TILE + 1
        tile = top // _TILE * across + left // _TILE
        order = np.argsort(tile, kind="stable")
        keys, starts = np.unique(tile[order], return_index=True)
        for key, own in zip(keys.tolist(), np.split(order, starts[1:]), strict=True):
            down, right = divmod(key, across)
            cells = self._cells(down, right)
            i, j = top[own] - down * _TILE, left[own] - right * _TILE
            v, u = row[own] - top[own], column[own] - left[own]
            below, beside = np.minimum(i + 1, len(cells) - 1), np.minimum(j + 1, cells.shape[1] - 1)
            corners = (
                (cells[i, j], (1 - v) * (1 - u)),
                (cells[i, beside], (1 - v) * u),
                (cells[below, j], v * (1 - u)),
                (cells[below, beside], v * u),
            )
            # A cell without a value only counts where it has weight.
            out[own] = sum(np.where(weight == 0, 0.0, value * weight) for value, weight in corners)
        return out

    def _cells(self, down: int, right: int) -> Array:
        """A tile's heights (metres of the raster's datum, NaN where none) with one row and column
        of the next tiles."""
        with self._lock:
            if (cells := self._tiles.get((down, right))) is None:
                window = Window(right * _TILE, down * _TILE, _TILE + 1, _TILE + 1)
                inside = window.intersection(Window(0, 0, self._shape[1], self._shape[0]))
                try:
                    block = self._raster.read(1, window=inside, masked=True)
                except rasterio.errors.RasterioError as error:
                    raise _unusable(self.path) from error
                cells = block.astype(np.float64).filled(np.nan) * self._scale + self._offset
                self._tiles[down, right] = cells
                if len(self._tiles) > _TILES:
                    self._tiles.popitem(last=False)
            else:
                self._tiles.move_to_end((down, right))
        return cells


def _corners(transform: rasterio.Affine, height: int, width: int) -> Array:
    ends = np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    return (np.array(tuple(transform)[:6]).reshape(2, 3) @ ends).T


def _unusable(path: Path) -> TerrainError:
    return TerrainError(
        f"The elevation model {path} cannot be read as GeoTIFF. Ingest the DEM again.",
        f"地形文件 {path} 无法按 GeoTIFF 读取。请重新入库该 DEM。",
    )
