"""Tiling what the database holds, as jobs that others can watch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from models.crs import StorageCrs
from models.db import jobs, read
from models.db import tiles as tiled
from models.db.connection import Connection, connect
from models.db.tiles import LayerKey
from models.db.tiles_changes import Watermark, changed, watermark
from models.features import THEME_TABLES, DatumPassport, Theme
from models.twins import TwinDefinition
from tiles.build import BuildReport, Options
from tiles.errors import StoreError
from tiles.implicit import write_implicit
from tiles.incremental import update_layer
from tiles.incremental_map import TileMap, signature
from tiles.workers import cores
from twin.console import Step, step
from twin.options import OptionError
from twin.runtime import migrate
from twin.settings import Settings
from twin.sources import frame_of as frame_of
from twin.sources import layer_source
from twin.tile_looks import Looks
from twin.tile_stores import Places, export, is_archive, is_bucket, places, remembered

if TYPE_CHECKING:
    from tiles.terrain import TerrainReport

#: The layer that comes from a twin's DEM, not from the database.
TERRAIN: Final = "terrain"
#: A running job that has told nothing for so long, and has no connection, lost its process.
SILENT = timedelta(minutes=5)
#: Starting workers costs about a second, in which one process tiles so many features.
SMALL = 10_000
#: Files that the published tileset no longer needs stay so long, for readers of an older one.
KEPT: Final = timedelta(days=1)


def tile(
    settings: Settings,
    url: str,
    twins: Iterable[TwinDefinition],
    layer: str | None = None,
    profile: str | None = None,
    out: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    anew: bool = False,
    outlines: bool | None = None,
) -> list[tuple[str, BuildReport]]:
    """Tile the layers of ``twins`` that hold features; (twin, report) of each.

    Only what changed since the last time is made again; with ``anew``, everything. ``out`` is as in
    :mod:`twin.tile_stores`. ``workers`` processes make the contents, by default one a core, or
    those of a ``scheduler``; a small layer takes just this process. Without ``profile`` or
    ``outlines``, a layer keeps what it has. A layer that became empty is tiled too, so that its old
    contents disappear. Raises :class:`OptionError` for an unknown layer or profile, or one that has
    no outlines.
    """
    if layer is not None and layer not in THEME_TABLES:
        known = [*(theme.value for theme in THEME_TABLES), TERRAIN, "pointcloud", "mesh"]
        raise _choice("--layer", layer, known)
    looks = Looks(profile, outlines)
    looks.require()
    migrate(settings, url)
    stores = places(settings, out)
    reports = []
    with connect(url, read_only=True) as conn:
        for twin in twins:
            for theme in [Theme(layer)] if layer else list(Theme):
                held = tiled.count(conn, twin.id, THEME_TABLES[theme], SMALL)
                key = LayerKey(twin.id, theme.value, stores.name)
                there = stores.there(twin.id, theme.value) or tiled.published(conn, key) is not None
                if theme not in twin.layers or not (held or there):
                    continue
                work = _Work(settings, url, twin, theme, stores, looks, anew)
                report = work.run(conn, _processes(workers, held), scheduler)
                reports.append((twin.id, report))
    if out is not None and is_archive(out):
        export(settings, out, [(twin, report.layer) for twin, report in reports])
    return reports


def implicit(
    settings: Settings, out: str | None, layers: Iterable[tuple[str, str]], to: Path
) -> int:
    """Write the published ``layers`` (twin, layer) of the store ``out`` once more below ``to``, as
    plain files with implicit tiling; how many files of contents they are."""
    stores = places(settings, out)
    return sum(
        write_implicit(stores.store(twin, layer), to / twin / layer).contents
        for twin, layer in layers
    )


def follow(settings: Settings, url: str, twin: TwinDefinition) -> list[tuple[str, BuildReport]]:
    """Tile what changed in those layers of ``twin`` that are tiled where they are served from."""
    own = places(settings, None).name
    with connect(url, read_only=True) as conn:
        stale = []
        for key in tiled.layers(conn, twin.id):
            mine = key.store == own and key.layer in THEME_TABLES
            state = tiled.published(conn, key) if mine else None
            if state is not None:
                since = Watermark(state.revision, state.seen)
                if any(changed(conn, twin.id, Theme(key.layer), since).values()):
                    stale.append(key.layer)
    return [one for layer in stale for one in tile(settings, url, [twin], layer)]


def collect(settings: Settings, url: str, twins: Iterable[TwinDefinition], age: timedelta) -> int:
    """Delete files that no published tileset of ``twins`` has reached for ``age``, those of builds
    that were killed too; how many they were.

    A store that cannot be cleared keeps no other from it. Raises :class:`StoreError` about all such
    when the others are done.
    """
    removed = 0
    failed: list[StoreError] = []
    with connect(url) as conn:
        for twin in twins:
            for key in tiled.layers(conn, twin.id):
                try:
                    with _job(url, "tile", twin.id, {"layer": key.layer, "collect": True}):
                        store = remembered(settings, key.store)
                        files = TileMap(conn, key, b"", store.store(twin.id, key.layer))
                        removed += files.collect(age, strays=True)
                except StoreError as error:
                    failed.append(error)
    if failed:
        raise StoreError(
            f"{removed} files deleted, but not everywhere. " + " ".join(e.en for e in failed),
            f"已删除 {removed} 个文件，但以下位置未能清理：" + "".join(e.zh for e in failed),
        )
    return removed


@dataclass(frozen=True, slots=True)
class _Work:
    """Tiling one layer into one store."""

    settings: Settings
    url: str
    twin: TwinDefinition
    theme: Theme
    stores: Places
    looks: Looks
    anew: bool

    def run(self, conn: Connection, workers: int, scheduler: str | None) -> BuildReport:
        """Bring the layer up to date, as ``conn`` sees it from now on."""
        twin, theme = self.twin, self.theme
        key = LayerKey(twin.id, theme.value, self.stores.name)
        asked = {} if self.looks.profile is None else {"profile": self.looks.profile}
        detail = {"layer": theme.value, **asked, "store": key.store}
        storage = StorageCrs(self.settings.storage_srid)
        store = self.stores.store(twin.id, theme.value)
        with (
            _job(self.url, "tile", twin.id, detail) as (told, own),
            step(f"切片 tile {twin.id}/{theme}") as shown,
            read.snapshot(conn),
        ):
            # only now: who had the layer before may have given it another profile
            state = tiled.published(conn, key)
            profile, kept = self.looks.over(theme, {} if state is None else state.options)
            now = watermark(conn, twin.id)
            source = layer_source(conn, self.url, theme, twin, storage)
            place = (source.frame, storage.srid, twin.n_offset)
            options = Options(profile, None, _both(told, shown), workers, scheduler)
            tiles = TileMap(
                own,
                key,
                signature(profile, None, *place),
                store,
                kept,
                trusted=not self.anew,
            )
            report = update_layer(source, store, tiles, now, options)
            tiles.collect(KEPT)
        return report


def tile_terrain(
    settings: Settings, twins: Iterable[TwinDefinition], out: str | None = None
) -> list[tuple[str, TerrainReport]]:
    """Quantized-mesh terrain of the ``twins`` that have a DEM; (twin, report) of each.

    Raises :class:`OptionError` where ``out`` is no folder.
    """
    if elsewhere(out):
        raise OptionError(
            f"--out {out}: terrain is tiled into a folder, not into a bucket or an archive. "
            "Name a folder, or leave --out away.",
            f"--out {out}：地形只能切片到文件夹，不能写入对象存储或归档。"
            "请指定文件夹，或去掉 --out。",
        )
    # imported here, since they take 30 MB that other layers do without
    from models.terrain import open_terrain
    from tiles.terrain import TerrainStore, build_terrain

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
                TerrainStore(Path(out or settings.tiles_dir) / twin.id / TERRAIN),
                n_offset=passport.n_offset,
                outside=twin.ground_height,
                progress=shown,
            )
        reports.append((twin.id, report))
    return reports


def elsewhere(out: str | None) -> bool:
    """Whether ``--out`` is none of this machine's folders, which terrain needs."""
    return out is not None and (is_archive(out) or is_bucket(out))


def report_dict(twin: str, report: BuildReport | TerrainReport) -> dict[str, Any]:
    """Plain values of a tiling report for JSON."""
    return {"twin": twin, "layer": TERRAIN, **asdict(report)}  # a build's report names its own


@contextmanager
def _job(
    url: str, kind: str, twin: str, detail: dict[str, Any]
) -> Iterator[tuple[Step, Connection]]:
    """A job in the database for the time of a block: what notes its progress twice a second, and
    its connection, which commits at once, so that others see how far it is.

    Two jobs on one layer queue, so that the later state is the one that stays. Raises
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
            yield progress, conn
        except BaseException as error:
            jobs.fail(conn, job, error)
            raise
        jobs.finish(conn, job)


def _both(one: Step, other: Step) -> Step:
    def progress(done: int, total: int) -> None:
        one(done, total)
        other(done, total)

    return progress


def _processes(asked: int | None, features: int) -> int:
    return asked or (cores() if features >= SMALL else 1)


def _choice(option: str, found: str, allowed: Sequence[str]) -> OptionError:
    return OptionError(
        f"{option}: found '{found}', expected one of {', '.join(allowed)}.",
        f"{option}：收到“{found}”，应为 {'、'.join(allowed)} 之一。",
    )
