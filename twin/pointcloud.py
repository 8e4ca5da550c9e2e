"""Delivered point clouds: checked beside the features, kept in the twin's home, tiled there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest import misnamed
from ingest.readers import las
from models.crs import StorageCrs
from models.features import DatumPassport
from models.pointcloud import CloudError, clouds, drop_cloud, folder, store_cloud
from tiles.points import PointReport, build_points
from twin.console import counted, step
from twin.kept_layer import (
    Taken,
    names_of,
    outcome,
    profile_of,
    remember_profile,
    require_profile,
    scratch,
)
from twin.outcome import Outcome
from twin.settings import Settings
from twin.sources import frame_of
from twin.tile_stores import Places, export, is_archive, places

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

    Clouds of one name in different folders are told apart by these. With ``replace_all``, what is
    not delivered again is dropped, unless a file was refused.
    """
    names = names_of(files)
    outcomes = [
        _take(path, name, given, twin, storage, home)
        for path, name in zip(files, names, strict=True)
    ]
    whole = outcomes and all(outcome.accepted for outcome in outcomes)
    if replace_all and whole and home is not None and twin is not None:
        for cloud in clouds(home, twin.id):
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

    ``out`` is as in :mod:`twin.tile_stores`. Without ``profile``, a layer keeps the one it has
    there. Raises :class:`twin.options.OptionError` for an
    unknown profile, :class:`CloudError` where another process tiles the same clouds, and as
    :func:`tiles.points.build_points`.
    """
    require_profile(profile)
    stores = places(settings, out)
    reports = []
    for twin in twins:
        if LAYER in twin.layers and clouds(settings.home, twin.id):
            reports.append((twin.id, _tile(settings, twin, profile, stores, workers)))
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
    profile: str | None,
    stores: Places,
    workers: int | None,
) -> PointReport:
    storage = StorageCrs(settings.storage_srid)
    place = folder(settings.home, twin.id)
    with (
        scratch(place, partial(_busy, twin.id)) as made,
        step(f"切片 tile {twin.id}/{LAYER}") as shown,
    ):
        used = profile_of(place, stores.name, profile)
        report = build_points(
            clouds(settings.home, twin.id),
            stores.store(twin.id, LAYER),
            frame_of(twin, storage),
            made,
            extent=twin.extent,
            storage=storage,
            profile=used,
            workers=workers,
            progress=shown,
        )
        remember_profile(place, stores.name, used)
    return report


def _take(
    path: Path,
    name: str,
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None,
) -> Outcome:
    def work() -> Taken:
        found = las.read(path, given, twin, storage)
        if home is not None and twin is not None:
            store_cloud(home, twin.id, path, replace(found.passport, name=name))
        findings = (*found.findings, *misnamed.tell([path]))
        passport = DatumPassport(found.passport.horizontal, found.passport.vertical)
        return Taken(found.passport.count, found.refused, findings, passport, (path,))

    return outcome(path, LAYER, work, name)


def _busy(twin: str, process: str) -> CloudError:
    return CloudError(
        f"Process {process} is tiling the point clouds of {twin} now. Wait until it has "
        "ended, then tile again.",
        f"进程 {process} 正在切片 {twin} 的点云。请待其结束后重试。",
    )
