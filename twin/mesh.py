"""Delivered textured meshes: checked beside the features, kept in the twin's home, tiled there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest.readers import mesh
from models.crs import StorageCrs
from models.features import DatumPassport
from models.texturedmesh import MeshError, drop_mesh, folder, meshes, store_mesh
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
from twin.tile_stores import export, is_archive, places

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
    """Check each mesh and, where ``home`` is given, make it one of ``twin``'s.

    Meshes of one name in different folders are told apart by these. With ``replace_all``, what is
    not delivered again is dropped, unless a file was refused.
    """
    names = names_of(files)
    outcomes = [
        _take(path, name, given, twin, storage, home)
        for path, name in zip(files, names, strict=True)
    ]
    whole = outcomes and all(outcome.accepted for outcome in outcomes)
    if replace_all and whole and home is not None and twin is not None:
        for kept in meshes(home, twin.id):
            if kept.passport.name not in names:
                drop_mesh(kept)
    return outcomes


def tile_meshes(
    settings: Settings,
    twins: Iterable[TwinDefinition],
    profile: str | None = None,
    out: str | None = None,
    workers: int | None = None,
) -> list[tuple[str, MeshReport]]:
    """3D Tiles of the meshes of ``twins`` that have some; (twin, report) of each.

    ``out`` is as in :mod:`twin.tile_stores`. Without ``profile``, a layer keeps the one it has
    there. Raises :class:`twin.options.OptionError` for an
    unknown profile, :class:`MeshError` where another process tiles the same meshes, and as
    :func:`tiles.textured.build_meshes`.
    """
    require_profile(profile)
    reports = []
    storage = StorageCrs(settings.storage_srid)
    stores = places(settings, out)
    for twin in twins:
        if LAYER not in twin.layers or not meshes(settings.home, twin.id):
            continue
        from tiles.textured import build_meshes  # its libraries are slow to load

        place = folder(settings.home, twin.id)
        with (
            scratch(place, partial(_busy, twin.id)) as made,
            step(f"切片 tile {twin.id}/{LAYER}") as shown,
        ):
            used = profile_of(place, stores.name, profile)
            report = build_meshes(
                meshes(settings.home, twin.id),
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
        reports.append((twin.id, report))
    if out is not None and is_archive(out) and reports:
        export(settings, out, [(name, LAYER) for name, _ in reports])
    return reports


def report_dict(twin: str, report: MeshReport) -> dict[str, Any]:
    """Plain values of a report for JSON."""
    return {"twin": twin, "layer": LAYER, **asdict(report)}


def line(twin: str, report: MeshReport) -> str:
    """One line for a person."""
    return (
        f"{twin}/{LAYER}: {counted(report.triangles_in, '三角形', 'triangle')}, "
        f"{report.in_tiles} 入瓦片 in {counted(report.tiles, '瓦片', 'tile')}, "
        f"{report.refused} 未绘 not drawn, {report.bytes / 1e6:.2f} MB, {report.seconds:.1f} s"
    )


def _take(
    path: Path,
    name: str,
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None,
) -> Outcome:
    def work() -> Taken:
        with mesh.read(path, given, twin, storage) as found:
            if home is not None and twin is not None:
                store_mesh(home, twin.id, found.folder, replace(found.passport, name=name))
        passport = DatumPassport(found.passport.horizontal, found.passport.vertical)
        files = tuple(dict.fromkeys(found.files))
        return Taken(found.total, found.refused, found.findings, passport, files)

    return outcome(path, LAYER, work, name)


def _busy(twin: str, process: str) -> MeshError:
    return MeshError(
        f"Process {process} is tiling the meshes of {twin} now. Wait until it has ended, "
        "then tile again.",
        f"进程 {process} 正在切片 {twin} 的三维网格。请待其结束后重试。",
    )
