"""Digital elevation models: one GeoTIFF band of heights, checked before a twin keeps it.

Cells are read once, in a process of its own, so that a damaged or hostile file can only end that.
What passes is stored as delivered by :func:`models.terrain.store_terrain`; nothing is resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from ingest import isolation
from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.readers.base import ReadOptions
from ingest.readers.dem_cells import MAX_BLOCK, MAX_CELLS, Cells, inspect
from ingest.readers.footprint_datums import passport as datum_passport
from ingest.readers.signatures import beginning
from models.crs import STORAGE, StorageCrs, to_storage
from models.errors import TwinError
from models.features import DatumPassport, SourceFile
from models.findings import Finding, Place, Severity
from models.terrain import Terrain, TerrainPassport
from models.twins import TwinDefinition

#: Metres that ground can be: below the Dead Sea, above Everest. Beyond lie undeclared blanks.
LOWEST, HIGHEST = -500.0, 9000.0
#: A twin's extent is probed at so many places along each side.
_PROBES: Final = 41
_METRE: Final = ("", "m", "metre", "meter", "metres", "meters", "米")
#: TIFF tags: SamplesPerPixel; ModelPixelScale, ModelTransformation.
_BANDS: Final = 277
_PLACES: Final = frozenset({33550, 34264})
_TIFF: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


@dataclass(frozen=True, slots=True)
class Dem:
    """A DEM that may be stored: its file and passport, how many cells it has and how many hold a
    height, the share of the twin's extent that it covers, and findings that refuse nothing."""

    path: Path
    passport: TerrainPassport
    cells: int
    known: int
    share: float | None = None
    findings: tuple[Finding, ...] = ()


def group(paths: Sequence[Path]) -> list[Path]:
    """Those of ``paths`` that are TIFF files by their first bytes."""
    return beginning(paths, _TIFF)


def has_place(path: Path) -> bool:
    """Whether a TIFF has one band and says where it lies (GeoTIFF 1.1, 7.3: ModelPixelScale or
    ModelTransformation)."""
    try:
        with Image.open(path, formats=("TIFF",)) as image:
            tags = getattr(image, "tag_v2", {})
            return tags.get(_BANDS, 1) == 1 and not _PLACES.isdisjoint(tags)
    except (OSError, SyntaxError, ValueError):
        return False


def read(
    path: Path,
    options: ReadOptions,
    twin: TwinDefinition | None = None,
    storage: StorageCrs = STORAGE,
) -> Dem:
    """Check the DEM at ``path``, for ``twin`` where one is named.

    Raises :class:`ingest.errors.RefusedError`: STR-00 not a readable GeoTIFF, DEM-01 no elevation
    model (several bands, colours, other units, too large), DEM-02 not georeferenced, DEM-03 no or
    impossible heights, DEM-04 elsewhere than the twin, MET-01 datums, CRS-02 outside their area.
    """
    name = path.name
    if not group([path]):
        raise _wrong("STR-00", name, "不是 GeoTIFF", "is not a GeoTIFF", "-", "GeoTIFF")
    limits = Limits(options.time_limit, options.memory_limit)
    try:
        seen: Cells = isolation.run(f"{inspect.__module__}:inspect", str(path), limits=limits)
    except isolation.IsolationError as error:
        raise _wrong(
            "STR-00",
            name,
            "无法完整读取，可能已损坏或未写完。请重新导出后提交",
            "cannot be read in full; it may be damaged or half-written. Export it again",
            str(error).splitlines()[0][:120],
            "GeoTIFF",
        ) from error
    _require_elevation(name, seen)
    datums = _datums(name, seen["crs"], options)
    _require_heights(name, seen)
    source = SourceFile.of(path)
    assert datums.horizontal is not None
    assert datums.vertical is not None
    n_offset = 0.0 if twin is None else twin.n_offset
    checked = TerrainPassport(
        source.name, source.sha256, datums.horizontal, datums.vertical, n_offset
    )
    dem = Dem(path, checked, seen["width"] * seen["height"], seen["known"])
    try:
        terrain = Terrain(path, checked, storage)
        _ = terrain.corners
        return dem if twin is None else _over(dem, terrain, twin)
    except RefusedError:
        raise
    except TwinError as error:
        raise refuse(
            error.code, name, en=f"{name}: {error.en}", zh=f"{name}：{error.zh}"
        ) from error


def _require_elevation(name: str, seen: Cells) -> None:
    bands, unit = seen["bands"], seen["unit"]
    size = f"{seen['width']} × {seen['height']}"
    if bands != 1 or seen["colours"] or seen["type"].startswith("complex"):
        found = f"{bands} × {seen['type']}{', palette' if seen['colours'] else ''}"
        raise _wrong(
            "DEM-01",
            name,
            f"不是高程模型：{bands} 个波段（{found}），应为单波段高程。影像请勿作为 DEM 提交",
            f"is no elevation model: it has {bands} bands ({found}), expected one band of "
            "heights. Do not deliver an image as DEM",
            found,
            "1 × float32",
        )
    if not seen["read"]:
        raise _wrong(
            "DEM-01",
            name,
            f"过大：{size} 像元、单块 {seen['block']} 像元，上限为 {MAX_CELLS} 和 {MAX_BLOCK}。"
            "请裁剪到项目范围，并以分块（tiled）GeoTIFF 保存",
            f"is too large: {size} cells in blocks of {seen['block']}, at most {MAX_CELLS} and "
            f"{MAX_BLOCK} are read. Cut it to the project's area and save it as tiled GeoTIFF",
            f"{size}, {seen['block']}",
            f"≤ {MAX_CELLS}, ≤ {MAX_BLOCK}",
        )
    if unit.strip().lower() not in _METRE:
        raise _wrong(
            "DEM-01",
            name,
            f"高程单位为 {unit}，应为米。请换算后提交",
            f"has heights in {unit}, expected metres. Convert it",
            unit,
            "m",
        )
    if not seen["placed"]:
        raise _wrong(
            "DEM-02",
            name,
            "没有地理定位（仿射变换）。请以带坐标的 GeoTIFF 提交",
            "has no place on the ground (no affine geotransform). Deliver a GeoTIFF with one",
            "未定位 not georeferenced",
            "geotransform",
        )


def _datums(name: str, crs: str | None, options: ReadOptions) -> DatumPassport:
    if crs is None and options.horizontal is None:
        raise _wrong(
            "MET-01",
            name,
            "未声明平面坐标系，不予入库。请写入 GeoTIFF 或用 --crs 声明，并声明高程基准",
            "declares no horizontal CRS; it is never guessed. Write it into the GeoTIFF or declare "
            "it with --crs, and the vertical datum too",
            "未声明 not declared",
            "坐标系 CRS, e.g. EPSG:4549+5737",
        )
    return datum_passport(name, crs, None, options)


def _require_heights(name: str, seen: Cells) -> None:
    low, high = seen["low"], seen["high"]
    if low is None or high is None:
        raise _wrong(
            "DEM-03", name, "没有任何有效高程", "holds no heights at all", "0", "高程 heights"
        )
    if low < LOWEST or high > HIGHEST:
        found = f"{low:g} … {high:g} m"
        raise _wrong(
            "DEM-03",
            name,
            f"高程为 {found}，超出 {LOWEST:g} 至 {HIGHEST:g} m，疑有未声明的无效值（NoData）"
            "或单位有误。请声明 NoData 或换算为米",
            f"has heights of {found}, beyond {LOWEST:g} to {HIGHEST:g} m: perhaps a no-data value "
            "that is not declared, or another unit. Declare it, or convert to metres",
            found,
            f"{LOWEST:g} … {HIGHEST:g} m",
        )


def _over(dem: Dem, terrain: Terrain, twin: TwinDefinition) -> Dem:
    """``dem`` with the share of the twin's extent that it covers; DEM-04 where it covers none."""
    west, south, east, north = twin.extent
    lon, lat = np.meshgrid(np.linspace(west, east, _PROBES), np.linspace(south, north, _PROBES))
    e, n, _ = to_storage(lon.ravel(), lat.ravel(), None, "EPSG:4326", "1985", terrain.storage)
    share = float(np.isfinite(terrain.sample(e, n)).mean())
    name, percent = dem.path.name, f"{share:.0%}"
    if share == 0.0:
        at = ", ".join(f"{value:.0f}" for value in terrain.corners.mean(axis=0))
        raise _wrong(
            "DEM-04",
            name,
            f"位于 E,N {at}，不覆盖 {twin.name_zh} 的任何部分。请检查坐标系或另选孪生体",
            f"lies at E, N {at} and covers no part of {twin.name_en}. Check its CRS, or name "
            "another twin",
            at,
            twin.id,
        )
    if share == 1.0:
        return replace(dem, share=share)
    note = Finding(
        "DEM-05",
        Severity.INFO,
        Place(name),
        f"{name} 覆盖 {twin.name_zh} 范围的 {percent}；其余部分没有地面高程。"
        "需要时请提交覆盖全域的 DEM。",
        f"{name} covers {percent} of the extent of {twin.name_en}; elsewhere no ground height is "
        "known. Deliver a DEM of the whole extent where it is needed.",
        percent,
        "100%",
    )
    return replace(dem, share=share, findings=(note,))


def _wrong(code: str, name: str, zh: str, en: str, found: str, expected: str) -> RefusedError:
    return refuse(
        code, name, zh=f"{name} {zh}。", en=f"{name} {en}.", found=found, expected=expected
    )
