"""Tiling what the database holds, as jobs that others can watch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from models.crs import StorageCrs
from models.db import read
from models.db import tiles as tiled
from models.db.connection import Connection, connect
from models.db.tiles import LayerKey
from models.db.tiles_changes import Watermark, changed, watermark
from models.features import THEME_TABLES, Theme
from models.twins import TwinDefinition
from tiles.build import BuildReport, Options, build_layer
from tiles.errors import StoreError
from tiles.implicit import write_implicit
from tiles.incremental import update_layer
from tiles.incremental_map import TileMap, signature
from tiles.store.archived import ArchiveStore
from tiles.workers import cores
from twin.console import step
from twin.options import OptionError
from twin.runtime import migrate
from twin.settings import Settings
from twin.sources import frame_of as frame_of
from twin.sources import layer_source
from twin.tile_job import KEPT, both, job
from twin.tile_looks import Looks
from twin.tile_stores import Places, archiving, is_archive, places, remembered, require_one

#: Starting workers costs about a second, in which one process tiles so many features.
SMALL = 10_000


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

    Only what changed since the last time is made again; with ``anew`` or for an archive,
    everything. ``out`` is as in :mod:`twin.tile_stores`; an archive leaves what is served as it is.
    ``workers`` processes make the contents, by default one a core, or those of a ``scheduler``; a
    small layer takes just this process. Without ``profile`` or ``outlines``, a layer keeps what it
    has, and an archive is as what is served. A layer that became empty is tiled too, so that its
    old contents disappear. Raises :class:`OptionError` for an unknown layer or profile, one that
    has no outlines, and, before anything is tiled, for more layers than an archive holds.
    """
    if layer is not None and layer not in THEME_TABLES:
        known = [*(theme.value for theme in THEME_TABLES), "terrain", "pointcloud", "mesh"]
        raise _choice("--layer", layer, known)
    looks = Looks(profile, outlines)
    looks.require()
    migrate(settings, url)
    stores = places(settings, out)
    archive = out if out is not None and is_archive(out) else None
    work = []
    with connect(url, read_only=True) as conn:
        for twin in twins:
            for theme in [Theme(layer)] if layer else list(Theme):
                held = tiled.count(conn, twin.id, THEME_TABLES[theme], SMALL)
                key = LayerKey(twin.id, theme.value, stores.name)
                there = archive is None and (
                    stores.there(twin.id, theme.value) or tiled.published(conn, key) is not None
                )
                if theme in twin.layers and (held or there):
                    own = _Work(settings, url, twin, theme, stores, looks, anew, archive)
                    work.append((own, _processes(workers, held)))
        require_one(archive, [(one.twin.id, one.theme.value) for one, _ in work])
        return [(one.twin.id, one.run(conn, count, scheduler)) for one, count in work]


def implicit(
    settings: Settings, out: str | None, layers: Iterable[tuple[str, str]], to: Path
) -> int:
    """Write the published ``layers`` (twin, layer) of the store, or the one of the archive, ``out``
    once more below ``to``, as gzipped files with implicit tiling; how many files of contents they
    are. Raises :class:`StoreError`."""
    stores = places(settings, out)
    archive = ArchiveStore(Path(out)) if out is not None and is_archive(out) else None
    return sum(
        write_implicit(archive or stores.store(twin, layer), to / twin / layer).contents
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
                    with job(url, "tile", twin.id, {"layer": key.layer, "collect": True}):
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
    """Tiling one layer into one store, or with its looks into an ``archive``."""

    settings: Settings
    url: str
    twin: TwinDefinition
    theme: Theme
    stores: Places
    looks: Looks
    anew: bool
    archive: str | None

    def run(self, conn: Connection, workers: int, scheduler: str | None) -> BuildReport:
        """Bring the layer up to date, as ``conn`` sees it from now on."""
        twin, theme = self.twin, self.theme
        key = LayerKey(twin.id, theme.value, self.stores.name)
        asked = {} if self.looks.profile is None else {"profile": self.looks.profile}
        detail = {"layer": theme.value, **asked, "store": self.archive or key.store}
        storage = StorageCrs(self.settings.storage_srid)
        store = self.stores.store(twin.id, theme.value)
        with (
            job(self.url, "tile", twin.id, detail) as (told, own),
            step(f"切片 tile {twin.id}/{theme}") as shown,
            read.snapshot(conn),
        ):
            # only now: who had the layer before may have given it another profile
            state = tiled.published(conn, key)
            profile, kept = self.looks.over(theme, {} if state is None else state.options)
            now = watermark(conn, twin.id)
            source = layer_source(conn, self.url, theme, twin, storage)
            place = (source.frame, storage.srid, twin.n_offset)
            options = Options(profile, None, both(told, shown), workers, scheduler)
            if self.archive is not None:
                with archiving(self.archive) as made:
                    return build_layer(
                        source,
                        made,
                        profile=profile,
                        progress=options.progress,
                        workers=workers,
                        scheduler=scheduler,
                    )
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


def report_dict(twin: str, report: BuildReport) -> dict[str, Any]:
    """Plain values of a tiling report for JSON."""
    return {"twin": twin, **asdict(report)}


def _processes(asked: int | None, features: int) -> int:
    return asked or (cores() if features >= SMALL else 1)


def _choice(option: str, found: str, allowed: Sequence[str]) -> OptionError:
    return OptionError(
        f"{option}: found '{found}', expected one of {', '.join(allowed)}.",
        f"{option}：收到“{found}”，应为 {'、'.join(allowed)} 之一。",
    )
