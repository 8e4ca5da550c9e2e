"""Tiling what the database holds, as jobs that others can watch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from models.crs import StorageCrs, enu_frame, storage_to_geodetic, to_storage
from models.db import jobs, read
from models.db.connection import Connection, connect
from models.features import THEME_TABLES, DatumPassport, Theme
from models.terrain import open_terrain
from models.twins import TwinDefinition
from tiles.build import BuildReport, build_layer
from tiles.content import F64
from tiles.gltf import COMPAT, DEFAULT
from tiles.store.directory import DirectoryStore
from tiles.terrain import TerrainReport, TerrainStore, build_terrain
from tiles.tilers.base import Source, Tiler
from tiles.tilers.bim import BimTiler
from tiles.tilers.pipes import PipeTiler
from tiles.tilers.stored_buildings import Place, StoredBuildings
from tiles.workers import cores
from twin.console import Step, step
from twin.options import OptionError
from twin.runtime import migrate
from twin.settings import Settings

#: The layer that comes from a twin's DEM, not from the database.
TERRAIN: Final = "terrain"
PROFILES = {"default": DEFAULT, "compat": COMPAT}
#: A running job that has told nothing for so long lost its process.
SILENT = timedelta(minutes=5)
#: Starting workers costs about a second, in which one process tiles so many features.
SMALL = 10_000


def tile(
    settings: Settings,
    url: str,
    twins: Iterable[TwinDefinition],
    layer: str | None = None,
    profile: str = "default",
    out: Path | None = None,
    workers: int | None = None,
) -> list[tuple[str, BuildReport]]:
    """Tile the layers of ``twins`` that hold features; (twin, report) of each.

    ``workers`` processes make the contents, by default one a core; a small layer takes just this
    process. A layer that became empty is tiled too, so that its old contents disappear. Raises
    :class:`OptionError` for an unknown layer or profile.
    """
    if layer is not None and layer not in THEME_TABLES:
        raise _choice("--layer", layer, [*(theme.value for theme in THEME_TABLES), TERRAIN])
    if profile not in PROFILES:
        raise _choice("--profile", profile, list(PROFILES))
    migrate(settings, url)
    reports = []
    with connect(url, read_only=True) as conn:
        for twin in twins:
            extents = read.extents(conn, twin.id)
            for theme in [Theme(layer)] if layer else list(Theme):
                store = DirectoryStore((out or settings.tiles_dir) / twin.id / theme)
                held = sum(extents[table].count for table in THEME_TABLES[theme])
                if theme not in twin.layers or not (held or store.path.exists()):
                    continue
                detail = {"layer": theme.value, "profile": profile}
                with (
                    _job(url, "tile", twin.id, detail) as told,
                    step(f"切片 tile {twin.id}/{theme}") as shown,
                    read.snapshot(conn),
                ):
                    source = _source(conn, url, theme, twin, StorageCrs(settings.storage_srid))
                    report = build_layer(
                        source,
                        store,
                        profile=PROFILES[profile],
                        progress=_both(told, shown),
                        workers=_processes(workers, theme, held),
                    )
                reports.append((twin.id, report))
    return reports


def tile_terrain(
    settings: Settings, twins: Iterable[TwinDefinition], out: Path | None = None
) -> list[tuple[str, TerrainReport]]:
    """Quantized-mesh terrain of the ``twins`` that have a DEM; (twin, report) of each."""
    storage = StorageCrs(settings.storage_srid)
    reports = []
    for twin in twins:
        ground = open_terrain(settings.home, twin.id, storage)
        if ground is None:
            continue
        passport = ground.passport
        with step(f"切片 tile {twin.id}/{TERRAIN}") as shown:
            report = build_terrain(
                ground.path,
                DatumPassport(passport.horizontal, passport.vertical),
                TerrainStore((out or settings.tiles_dir) / twin.id / TERRAIN),
                n_offset=passport.n_offset,
                outside=twin.ground_height,
                progress=shown,
            )
        reports.append((twin.id, report))
    return reports


def report_dict(twin: str, report: BuildReport | TerrainReport) -> dict[str, Any]:
    """Plain values of a tiling report for JSON."""
    return {"twin": twin, "layer": TERRAIN, **asdict(report)}  # a build's report names its own


def frame_of(twin: TwinDefinition, storage: StorageCrs) -> F64:
    """ENU → ECEF at the twin's centre on its ground: the frame of all its tilesets."""
    lon, lat = twin.centre
    e, n, h = to_storage([lon], [lat], [twin.ground_height], "OGC:CRS84", "1985", storage)
    _, _, height = storage_to_geodetic(e, n, h, storage, twin.n_offset)
    return enu_frame(lon, lat, float(height[0]))


@contextmanager
def _job(url: str, kind: str, twin: str, detail: dict[str, Any]) -> Iterator[Step]:
    """A job in the database for the time of a block; what is yielded notes progress twice a second.

    It has a connection of its own, so that others see how far it is; two jobs on one layer queue,
    so that the later state is the one that stays. Raises
    :class:`models.db.jobs.JobCancelledError` where somebody asked it to stop.
    """
    with connect(url) as conn:
        jobs.abandon(conn, SILENT)
        jobs.wait_turn(conn, f"{kind}/{twin}/{detail.get('layer')}")
        job = jobs.start(conn, kind, twin=twin, detail=detail)
        told = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > 0.5:
                told = time.monotonic()
                jobs.progress(conn, job, done / max(total, 1))

        try:
            yield progress
        except BaseException as error:
            jobs.fail(conn, job, error)
            raise
        jobs.finish(conn, job)


def _both(one: Step, other: Step) -> Step:
    def progress(done: int, total: int) -> None:
        one(done, total)
        other(done, total)

    return progress


def _processes(asked: int | None, theme: Theme, features: int) -> int:
    if theme is not Theme.BUILDINGS:  # these are held in memory whole, in this process
        return 1
    return asked or (cores() if features >= SMALL else 1)


def _source(
    conn: Connection, url: str, theme: Theme, twin: TwinDefinition, storage: StorageCrs
) -> Tiler | Source:
    frame = frame_of(twin, storage)
    if theme is Theme.BUILDINGS:
        return StoredBuildings(conn, url, Place(twin.id, frame, storage, twin.n_offset))
    own, *rest = THEME_TABLES[theme]
    first = read.read_table(conn, own, twin.id)
    if theme is Theme.BIM:
        meshes = read.read_meshes(conn, list(first["mesh"].dropna().unique()))
        return BimTiler(frame, first, meshes, storage=storage, n_offset=twin.n_offset)
    second = read.read_table(conn, rest[0], twin.id)
    return PipeTiler(frame, second, first, storage=storage, n_offset=twin.n_offset)


def _choice(option: str, found: str, allowed: Sequence[str]) -> OptionError:
    return OptionError(
        f"{option}: found '{found}', expected one of {', '.join(allowed)}.",
        f"{option}：收到“{found}”，应为 {'、'.join(allowed)} 之一。",
    )
