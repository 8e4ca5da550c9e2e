"""Delivered point clouds: checked beside the features, kept in the twin's home, tiled there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest import misnamed
from ingest.readers import las
from models.crs import StorageCrs
from models.features import DatumPassport
from models.pointcloud import SHELF, CloudError, store_cloud
from tiles.points import PointReport, build_points
from twin.console import counted
from twin.kept_layer import Taken, take_files
from twin.kept_tiles import Kind, plain, resumed, tile_kept
from twin.outcome import Outcome
from twin.settings import Settings

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
    """Check each cloud and, where ``home`` is given, make it one of ``twin``'s; see
    :func:`twin.kept_layer.take_files`."""

    def read(path: Path, name: str) -> Taken:
        found = las.read(path, given, twin, storage)
        if home is not None and twin is not None:
            store_cloud(home, twin.id, path, replace(found.passport, name=name))
        findings = (*found.findings, *misnamed.tell([path]))
        passport = DatumPassport(found.passport.horizontal, found.passport.vertical)
        return Taken(found.passport.count, found.refused, findings, passport, (path,))

    return take_files(files, LAYER, read, SHELF, home, twin, replace_all)


def tile_clouds(
    settings: Settings,
    url: str,
    twins: Iterable[TwinDefinition],
    profile: str | None = None,
    out: str | None = None,
    workers: int | None = None,
) -> list[tuple[str, PointReport]]:
    """3D Tiles of the point clouds of ``twins`` that have some; (twin, report) of each.

    Raises as :func:`twin.kept_tiles.tile_kept` and :func:`tiles.points.build_points`.
    """
    kind = Kind(LAYER, SHELF, build_points, _busy)
    return tile_kept(kind, settings, url, twins, profile, out, workers)


def report_dict(twin: str, report: PointReport) -> dict[str, Any]:
    """Plain values of a report for JSON."""
    return plain(twin, LAYER, report)


def line(twin: str, report: PointReport) -> str:
    """One line for a person."""
    return (
        f"{twin}/{LAYER}: {counted(report.points_in, '点', 'point')}, "
        f"{report.in_tiles} 入瓦片 in {counted(report.tiles, '瓦片', 'tile')}, "
        f"{sum(report.refused.values())} 未绘 not drawn, {report.bytes / 1e6:.2f} MB, "
        f"{report.seconds:.1f} s{resumed(report.resumed)}"
    )


def _busy(twin: str, process: str) -> CloudError:
    return CloudError(
        f"Process {process} is tiling the point clouds of {twin} now. Wait until it has "
        "ended, then tile again.",
        f"进程 {process} 正在切片 {twin} 的点云。请待其结束后重试。",
    )
