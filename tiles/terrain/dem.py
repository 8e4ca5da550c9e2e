"""A DEM as ellipsoidal heights at any longitude, latitude and fineness.

The raster is copied once, strip by strip, into a pyramid of half-size levels (means of two by two
cells, nodata left out) in temporary files that are mapped into memory: what a tile reads does not
grow with the raster. A height depends on place and level alone, never on the tile that asks, so
neighbours agree to the last bit.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from models.crs import VerticalDatum, geoid_height, split_crs
from models.errors import DatumError
from models.features import DatumPassport
from models.horizontal import Horizontal, from_geodetic, parse, same, to_geodetic
from tiles.content import F64
from tiles.errors import ContentError

F32 = npt.NDArray[np.float32]
_STRIP_CELLS: Final = 8_000_000
_METRES: Final = ("", "m", "metre", "metres", "meter", "meters")


@dataclass(frozen=True, slots=True)
class Dem:
    """``levels`` of heights in the source's datum, NaN without data; ``place`` (2, 3) takes x, y
    to column, row of level 0. ``outside`` is the 1985 height beyond the raster."""

    levels: tuple[F32, ...]
    place: F64
    horizontal: Horizontal
    vertical: VerticalDatum
    n_offset: float
    outside: float
    bounds: tuple[float, float, float, float]
    resolution: float
    range_1985: tuple[float, float]
    holes: int

    def level_for(self, spacing: float) -> int:
        """The pyramid level whose cells are no larger than ``spacing`` metres."""
        wanted = int(np.floor(np.log2(max(spacing / self.resolution, 1.0))))
        return min(wanted, len(self.levels) - 1)

    def heights(self, lon: F64, lat: F64, level: int) -> F64:
        """Ellipsoidal heights (n,) at ``lon``, ``lat`` (degrees, (n,)): bilinear between the cell
        centres of ``level``; cells without data are filled from coarser levels."""
        lon = (lon + 180.0) % 360.0 - 180.0
        x, y = from_geodetic(lon, lat, self.horizontal)
        known = np.isfinite(x) & np.isfinite(y)
        x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
        column, row = (a * x + b * y + c for a, b, c in self.place)
        rows, columns = self.levels[0].shape
        inside = known & (column >= 0) & (row >= 0) & (column <= columns) & (row <= rows)
        found = np.full(len(lon), np.nan)
        found[inside] = self._filled(column[inside], row[inside], level)
        lacking = np.isnan(found)
        found[~lacking] = self.vertical.to_1985(
            found[~lacking], lon[~lacking], lat[~lacking], self.n_offset
        )
        found[lacking] = self.outside
        return found + self.undulation(lon, lat)

    def undulation(self, lon: F64, lat: F64) -> F64:
        """Ellipsoidal minus 1985 height at ``lon``, ``lat``."""
        # The grid's last column is at 179.75° E; its edge stands for the quarter degree beyond.
        return geoid_height(np.clip(lon, -180.0, 179.75), np.clip(lat, -90.0, 90.0)) + self.n_offset

    def _filled(self, column: F64, row: F64, level: int) -> F64:
        out = np.full(len(column), np.nan)
        for at in range(level, len(self.levels)):
            todo = np.flatnonzero(np.isnan(out))
            if not len(todo):
                break
            out[todo] = bilinear(self.levels[at], column[todo] / 2**at, row[todo] / 2**at)
        return out


def bilinear(grid: F32, column: F64, row: F64) -> F64:
    """Values at ``column``, ``row`` (cells, centres at .5): NaN cells take no part, and where all
    four are NaN so is the value."""
    rows, columns = grid.shape
    c, r = np.clip(column - 0.5, 0, columns - 1), np.clip(row - 0.5, 0, rows - 1)
    c0, r0 = np.floor(c).astype(np.int64), np.floor(r).astype(np.int64)
    c1, r1 = np.minimum(c0 + 1, columns - 1), np.minimum(r0 + 1, rows - 1)
    fc, fr = c - c0, r - r0
    total, weight = np.zeros(len(c)), np.zeros(len(c))
    for rr, cc, part in (
        (r0, c0, (1 - fr) * (1 - fc)),
        (r0, c1, (1 - fr) * fc),
        (r1, c0, fr * (1 - fc)),
        (r1, c1, fr * fc),
    ):
        value = grid[rr, cc].astype(np.float64)
        good = np.isfinite(value)
        total += np.where(good, value * part, 0.0)
        weight += np.where(good, part, 0.0)
    out: F64 = np.where(weight > 1e-9, total / np.maximum(weight, 1e-9), np.nan)
    return out


def open_dem(
    path: Path,
    passport: DatumPassport,
    scratch: Path,
    *,
    n_offset: float = 0.0,
    outside: float = 0.0,
    band: int = 1,
) -> Dem:
    """Read a GeoTIFF into a pyramid of files in ``scratch``.

    ``passport`` declares the datums; what it leaves out is taken from the file where it says so.
    ``n_offset`` is what the 1985 surface lies above EGM96 at the twin, ``outside`` the 1985 height
    beyond the raster, both in metres. Raises :class:`models.errors.DatumError` where a datum is
    missing, contradictory or cannot be transformed safely, and
    :class:`tiles.errors.ContentError` for a file that is no DEM.
    """
    try:
        with rasterio.open(path, driver="GTiff") as source:
            _check(source, path, band)
            horizontal, vertical = _datums(source, passport, path)
            levels = _pyramid(source, band, scratch)
            place = np.array(~source.transform).reshape(3, 3)[:2]
            x, y = _rim(source)
    except RasterioError as error:
        raise _no_dem(path, str(error), "a GeoTIFF", "无法读取") from error
    lon, lat = to_geodetic(x, y, horizontal)
    bounds = (float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
    base = levels[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = float(np.nanmin(base)), float(np.nanmax(base))
    if not np.isfinite(low):
        raise _no_dem(path, "no cell with a height", "heights in metres", "没有有效高程")
    # Heights above the ellipsoid fall with the geoid's slope too: a bound, not a height.
    rim = np.concatenate([lon, lon]), np.concatenate([lat, lat])
    ends = vertical.to_1985(np.repeat([low, high], len(lon)), rim[0], rim[1], n_offset)
    return Dem(
        levels,
        place,
        horizontal,
        vertical,
        n_offset,
        outside,
        bounds,
        _resolution(x, y, lon, lat, base.shape),
        (float(ends.min()), float(ends.max())),
        int(np.isnan(base).sum()),
    )


def _datums(source: Any, passport: DatumPassport, path: Path) -> tuple[Horizontal, VerticalDatum]:
    own = source.crs.to_wkt() if source.crs is not None else None
    own_vertical = None
    if own is not None:
        own, own_vertical = split_crs(own)
    stated, stated_vertical = passport.horizontal, passport.vertical
    if stated is not None:
        stated, compound = split_crs(stated)
        stated_vertical = stated_vertical or compound
    if stated is not None and own is not None and not same(stated, own):
        raise DatumError(
            f"{path.name} is in {parse(own).label}, but {stated} is declared. Declare its own CRS "
            "or correct the file.",
            f"{path.name} 的坐标系为 {parse(own).label}，与声明的 {stated} 不符。"
            "请更正声明或文件。",
        )
    text = stated or own
    if text is None:
        raise DatumError(
            f"{path.name} has no CRS and none is declared. Declare it, for example EPSG:4549.",
            f"{path.name} 未带坐标系且未声明。请声明，如 EPSG:4549。",
        )
    return parse(text), VerticalDatum.parse(stated_vertical or own_vertical)


def _check(source: Any, path: Path, band: int) -> None:
    if band > source.count:
        raise _no_dem(path, f"{source.count} bands", f"band {band}", "缺少波段")
    if source.count >= 3 and source.dtypes[0] == "uint8":
        raise _no_dem(path, f"an image of {source.count} bands", "one band of heights", "是影像")
    unit = (source.units[band - 1] or "").lower()
    if unit not in _METRES:
        raise _no_dem(path, f"heights in {unit}", "heights in metres", "高程单位不是米")


def _pyramid(source: Any, band: int, scratch: Path) -> tuple[F32, ...]:
    scale, offset = source.scales[band - 1], source.offsets[band - 1]
    shape = (source.height, source.width)
    base = _mapped(scratch, 0, shape)
    step = max(_STRIP_CELLS // shape[1], 1)
    for row in range(0, shape[0], step):
        window = Window(0, row, shape[1], min(step, shape[0] - row))
        data = source.read(band, window=window, masked=True).astype(np.float32)
        base[row : row + step] = data.filled(np.nan) * scale + offset
    base[~np.isfinite(base)] = np.nan
    levels = [base]
    while max(levels[-1].shape) > 1:
        levels.append(_halved(levels[-1], scratch, len(levels)))
    return tuple(levels)


def _halved(fine: F32, scratch: Path, level: int) -> F32:
    """Means of two by two cells without NaN."""
    rows, columns = ((n + 1) // 2 for n in fine.shape)
    out = _mapped(scratch, level, (rows, columns))
    step = max(_STRIP_CELLS // (4 * columns), 1)
    for row in range(0, rows, step):
        part = np.asarray(fine[2 * row : 2 * (row + step)], np.float64)
        part = np.pad(part, [(0, -n % 2) for n in part.shape], constant_values=np.nan)
        four = part.reshape(part.shape[0] // 2, 2, columns, 2)
        good = np.isfinite(four)
        count = good.sum(axis=(1, 3))
        total = np.where(good, four, 0.0).sum(axis=(1, 3))
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        out[row : row + len(mean)] = mean
    return out


def _mapped(scratch: Path, level: int, shape: tuple[int, int]) -> F32:
    return np.memmap(scratch / f"level{level}.f4", np.float32, "w+", shape=shape)


def _rim(source: Any) -> tuple[F64, F64]:
    """Coordinates of 33 points along each side of the raster."""
    along = np.linspace(0.0, 1.0, 33)
    sides = [(along, 0 * along), (along, 0 * along + 1), (0 * along, along), (0 * along + 1, along)]
    column = np.concatenate([a for a, _ in sides]) * source.width
    row = np.concatenate([b for _, b in sides]) * source.height
    forward = np.array(source.transform).reshape(3, 3)[:2]
    x, y = (a * column + b * row + c for a, b, c in forward)
    return x, y


def _resolution(x: F64, y: F64, lon: F64, lat: F64, shape: tuple[int, ...]) -> float:
    """Metres a cell spans along a meridian and a parallel: the smaller of the two."""
    east = np.radians(np.ptp(lon)) * np.cos(np.radians(lat.mean())) * 6_378_137.0 / shape[1]
    north = np.radians(np.ptp(lat)) * 6_378_137.0 / shape[0]
    return float(min(east, north))


def _no_dem(path: Path, found: str, expected: str, zh: str) -> ContentError:
    return ContentError(
        f"{path.name} cannot be used as a DEM: found {found}, expected {expected}. "
        "Deliver a single-band GeoTIFF of heights in metres.",
        f"{path.name} 不能作为 DEM：{zh}（发现 {found}）。请提交单波段、以米为单位的 GeoTIFF。",
    )
