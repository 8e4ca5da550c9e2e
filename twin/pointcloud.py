"""Delivered point clouds: checked beside the features, kept in the twin's home, tiled there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest import misnamed, unread
from ingest.errors import RefusedError
from ingest.readers import las
from models.crs import StorageCrs
from models.db.errors import RunningError
from models.db.lock import ProcessLock
from models.errors import TwinError
from models.features import DatumPassport
from models.findings import Finding, Place, Severity
from models.pointcloud import CloudError, clouds, drop_cloud, folder, store_cloud
from tiles.points import PointReport, build_points
from tiles.profile import PROFILES, Profile
from tiles.store.base import TileStore
from twin.console import counted, step
from twin.options import OptionError
from twin.outcome import Outcome
from twin.settings import Settings
from twin.sources import frame_of
from twin.tile_stores import export, is_archive, places

if TYPE_CHECKING:
    from ingest.readers.base import ReadOptions
    from models.twins import TwinDefinition

LAYER: Final = "pointcloud"


def split(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """``files`` as point clouds (LAS, LAZ, COPC) and all others."""
    found = las.group(files)
    return found, [path for path in files if path not in found]


def take(
    files: Sequence[Path],
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None = None,
    replace_all: bool = False,
) -> list[Outcome]:
    """Check each cloud and, where ``home`` is given, make it one of ``twin``'s.

    With ``replace_all``, what is not delivered again is dropped, unless a file was refused.
    """
    before = clouds(home, twin.id) if home is not None and twin is not None and files else []
    outcomes = [_take(path, given, twin, storage, home) for path in files]
    if replace_all and all(outcome.accepted for outcome in outcomes):
        names = {path.name for path in files}
        for cloud in before:
            if cloud.passport.name not in names:
                drop_cloud(cloud)
    return outcomes


def tile_clouds(
    settings: Settings,
    twins: Iterable[TwinDefinition],
    profile: str | None = None,
    out: str | None = None,
    workers: int | None = None,
) -> list[tuple[str, PointReport]]:
    """3D Tiles of the point clouds of ``twins`` that have some; (twin, report) of each.

    ``out`` is as in :mod:`twin.tile_stores`. Raises :class:`twin.options.OptionError` for an
    unknown profile, :class:`CloudError` where another process tiles the same clouds, and as
    :func:`tiles.points.build_points`.
    """
    if profile is not None and profile not in PROFILES:
        raise OptionError(
            f"--profile: found '{profile}', expected one of {', '.join(PROFILES)}.",
            f"--profile：收到“{profile}”，应为 {'、'.join(PROFILES)} 之一。",
        )
    reports = []
    for twin in twins:
        if LAYER in twin.layers and clouds(settings.home, twin.id):
            store = places(settings, out).store(twin.id, LAYER)
            used = PROFILES[profile or "default"]
            reports.append((twin.id, _tile(settings, twin, used, store, workers)))
    if out is not None and is_archive(out):
        export(settings, out, [(name, LAYER) for name, _ in reports])
    return reports


def report_dict(twin: str, report: PointReport) -> dict[str, Any]:
    """Plain values of a report for JSON."""
    return {"twin": twin, "layer": LAYER, **asdict(report)}


def line(twin: str, report: PointReport) -> str:
    """One line for a person."""
    return (
        f"{twin}/{LAYER}: {counted(report.points_in, '点', 'point')}, "
        f"{report.in_tiles} 入瓦片 in {counted(report.tiles, '瓦片', 'tile')}, "
        f"{sum(report.refused.values())} 未绘 not drawn, {report.bytes / 1e6:.2f} MB, "
        f"{report.seconds:.1f} s"
    )


def _tile(
    settings: Settings,
    twin: TwinDefinition,
    profile: Profile,
    store: TileStore,
    workers: int | None,
) -> PointReport:
    storage = StorageCrs(settings.storage_srid)
    with (
        _scratch(folder(settings.home, twin.id), twin.id) as scratch,
        step(f"切片 tile {twin.id}/{LAYER}") as shown,
    ):
        return build_points(
            clouds(settings.home, twin.id),
            store,
            frame_of(twin, storage),
            scratch,
            extent=twin.extent,
            storage=storage,
            profile=profile,
            workers=workers,
            progress=shown,
        )


@contextmanager
def _scratch(place: Path, twin: str) -> Iterator[Path]:
    """An empty folder for large files beside the clouds, for one process at a time; what a killed
    one left there is deleted."""
    try:
        lock = ProcessLock(place / "tiling.lock").acquire()
    except RunningError as error:
        raise CloudError(
            f"Process {error.pid or '?'} is tiling the point clouds of {twin} now. Wait until it "
            "has ended, then tile again.",
            f"进程 {error.pid or '?'} 正在切片 {twin} 的点云。请待其结束后重试。",
        ) from error
    scratch = place / ".tiling"
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()


def _take(
    path: Path,
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None,
) -> Outcome:
    started = time.perf_counter()
    findings: tuple[Finding, ...]
    passport: DatumPassport | None = None
    count = accepted = 0
    try:
        found = las.read(path, given, twin, storage)
        if home is not None and twin is not None:
            store_cloud(home, twin.id, path, found.passport)
    except RefusedError as error:
        findings, count = error.findings, 1
    except TwinError as error:
        findings = (Finding(error.code, Severity.ERROR, Place(path.name), error.zh, error.en),)
    except OSError as error:
        findings = (unread.unreadable(path.name, error),)
    else:
        count = found.passport.count
        accepted = count - found.refused
        findings = (*found.findings, *misnamed.tell([path]))
        passport = DatumPassport(found.passport.horizontal, found.passport.vertical)
    return Outcome(
        (path.name,),
        LAYER,
        count,
        accepted,
        findings,
        time.perf_counter() - started,
        handed=(path,),
        passport=passport,
    )
