"""Delivered textured meshes: checked beside the features, kept in the twin's home, tiled there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest.readers import mesh
from models.crs import StorageCrs
from models.features import DatumPassport
from models.texturedmesh import SHELF, MeshError, store_mesh
from twin.console import counted
from twin.kept_layer import Taken, take_files
from twin.kept_tiles import Kind, plain, resumed, tile_kept
from twin.outcome import Outcome
from twin.settings import Settings

if TYPE_CHECKING:
    from ingest.readers.base import ReadOptions
    from models.twins import TwinDefinition
    from tiles.textured import MeshReport

LAYER: Final = "mesh"


def split(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """``files`` as textured meshes (OBJ, glTF, GLB) and all others."""
    found = mesh.group(files)
    return found, [path for path in files if path not in found]


def take(
    files: Sequence[Path],
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None = None,
    replace_all: bool = False,
) -> list[Outcome]:
    """Check each mesh and, where ``home`` is given, make it one of ``twin``'s; see
    :func:`twin.kept_layer.take_files`."""

    def read(path: Path, name: str) -> Taken:
        with mesh.read(path, given, twin, storage) as found:
            if home is not None and twin is not None:
                store_mesh(home, twin.id, found.folder, replace(found.passport, name=name))
        passport = DatumPassport(found.passport.horizontal, found.passport.vertical)
        files = tuple(dict.fromkeys(found.files))
        return Taken(found.total, found.refused, found.findings, passport, files)

    return take_files(files, LAYER, read, SHELF, home, twin, replace_all)


def tile_meshes(
    settings: Settings,
    url: str,
    twins: Iterable[TwinDefinition],
    profile: str | None = None,
    out: str | None = None,
    workers: int | None = None,
) -> list[tuple[str, MeshReport]]:
    """3D Tiles of the meshes of ``twins`` that have some; (twin, report) of each.

    Raises as :func:`twin.kept_tiles.tile_kept` and :func:`tiles.textured.build_meshes`.
    """
    kind = Kind(LAYER, SHELF, _build, _busy)
    return tile_kept(kind, settings, url, twins, profile, out, workers)


def report_dict(twin: str, report: MeshReport) -> dict[str, Any]:
    """Plain values of a report for JSON."""
    return plain(twin, LAYER, report)


def line(twin: str, report: MeshReport) -> str:
    """One line for a person."""
    return (
        f"{twin}/{LAYER}: {counted(report.triangles_in, '三角形', 'triangle')}, "
        f"{report.in_tiles} 入瓦片 in {counted(report.tiles, '瓦片', 'tile')}, "
        f"{report.refused} 未绘 not drawn, {report.bytes / 1e6:.2f} MB, "
        f"{report.seconds:.1f} s{resumed(report.resumed)}"
    )


def _build(*given: Any, **more: Any) -> MeshReport:
    from tiles.textured import build_meshes  # its libraries are slow to load

    return build_meshes(*given, **more)


def _busy(twin: str, process: str) -> MeshError:
    return MeshError(
        f"Process {process} is tiling the meshes of {twin} now. Wait until it has ended, "
        "then tile again.",
        f"进程 {process} 正在切片 {twin} 的三维网格。请待其结束后重试。",
    )
