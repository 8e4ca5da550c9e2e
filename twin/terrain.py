"""Delivered elevation models: checked beside the features, kept in the twin's home, tiled there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest import misnamed
from ingest.readers import dem
from ingest.readers.base import ReadOptions
from models.crs import StorageCrs
from models.features import DatumPassport
from models.terrain import open_terrain, store_terrain
from models.twins import TwinDefinition
from twin.console import counted, step
from twin.kept_layer import Taken, outcome
from twin.kept_tiles import resumed
from twin.options import OptionError
from twin.outcome import Outcome
from twin.runtime import migrate
from twin.settings import Settings
from twin.tile_job import both, job
from twin.tile_stores import is_archive, is_bucket

if TYPE_CHECKING:
    from tiles.terrain import TerrainReport

THEME: Final = "terrain"


def split(files: Sequence[Path], named: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """``files`` as elevation models (GeoTIFF) and all others.

    What is not ``named`` itself, but lies in a folder or an archive, may be a photograph: of these
    only TIFF files with one band and a place are elevation models.
    """
    rasters = [path for path in dem.group(files) if path in named or dem.has_place(path)]
    return rasters, [path for path in files if path not in rasters]


def take(
    rasters: Sequence[Path],
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None = None,
) -> list[Outcome]:
    """Check each DEM and, where ``home`` is given, make it the terrain of ``twin``."""
    return [_take(path, given, twin, storage, home) for path in rasters]


def tile_terrain(
    settings: Settings, url: str, twins: Iterable[TwinDefinition], out: str | None = None
) -> list[tuple[str, TerrainReport]]:
    """Quantized-mesh terrain of the ``twins`` that have a DEM; (twin, report) of each.

    Two runs on one twin queue. Raises :class:`OptionError` where ``out`` is no folder,
    :class:`models.db.jobs.JobCancelledError` where somebody asked the job to stop, and as
    :func:`tiles.terrain.build_terrain`.
    """
    require_folder(out)
    # imported here, since they take 30 MB that other layers do without
    from tiles.terrain import TerrainStore, build_terrain

    migrate(settings, url)
    storage = StorageCrs(settings.storage_srid)
    reports = []
    for twin in twins:
        ground = open_terrain(settings.home, twin.id, storage)
        if ground is None:
            continue
        passport = ground.passport
        place = Path(out or settings.tiles_dir) / twin.id / THEME
        with (
            job(url, "tile", twin.id, {"layer": THEME, "store": str(place)}) as (told, _),
            step(f"切片 tile {twin.id}/{THEME}") as shown,
        ):
            report = build_terrain(
                ground.path,
                DatumPassport(passport.horizontal, passport.vertical),
                TerrainStore(place),
                n_offset=passport.n_offset,
                outside=twin.ground_height,
                progress=both(told, shown),
            )
        reports.append((twin.id, report))
    return reports


def elsewhere(out: str | None) -> bool:
    """Whether ``--out`` is none of this machine's folders, which terrain needs."""
    return out is not None and (is_archive(out) or is_bucket(out))


def require_folder(out: str | None) -> None:
    """Raise :class:`OptionError` where ``out`` is no folder."""
    if elsewhere(out):
        raise OptionError(
            f"--out {out}: terrain is tiled into a folder, not into a bucket or an archive. "
            "Name a folder, or leave --out away.",
            f"--out {out}：地形只能切片到文件夹，不能写入对象存储或归档。"
            "请指定文件夹，或去掉 --out。",
        )


def report_dict(twin: str, report: TerrainReport) -> dict[str, Any]:
    """Plain values of a report for JSON."""
    return {"twin": twin, "layer": THEME, **asdict(report)}


def line(twin: str, report: TerrainReport) -> str:
    """One line for a person."""
    return (
        f"{twin}/{THEME}: {counted(report.tiles, '瓦片', 'tile')}, "
        f"{report.bytes / 1e6:.2f} MB, {report.seconds:.1f} s{resumed(report.resumed)}"
    )


def _take(
    path: Path,
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None,
) -> Outcome:
    def work() -> Taken:
        found = dem.read(path, given, twin, storage)
        if home is not None and twin is not None:
            store_terrain(home, twin.id, path, found.passport)
        passport = DatumPassport(found.passport.horizontal, found.passport.vertical)
        return Taken(1, 0, (*found.findings, *misnamed.tell([path])), passport, (path,))

    return outcome(path, THEME, work)
