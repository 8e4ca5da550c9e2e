"""Tiling layers of delivered files: each as a job, taken up after a kill, older versions kept.

What is published, how it was asked for, and since when older files are not needed is remembered in
the database, as of layers of features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from models.crs import StorageCrs
from models.db import tiles as tiled
from models.db.connection import Connection
from models.db.tiles import LayerKey, TiledLayer
from models.errors import TwinError
from models.kept import Shelf
from tiles.errors import StoreError
from tiles.incremental_map import TileMap
from tiles.profile import PROFILES
from tiles.store.base import ROOT, TileStore
from tiles.store.switch import Published, published
from twin.console import step
from twin.kept_layer import scratch
from twin.runtime import migrate
from twin.settings import Settings
from twin.sources import frame_of
from twin.tile_job import KEPT, both, job
from twin.tile_looks import Looks
from twin.tile_stores import Places, archiving, is_archive, places, require_one

if TYPE_CHECKING:
    from models.twins import TwinDefinition


class Report(Protocol):
    """What a layer came to: the digest of its root tileset and the files that this reaches."""

    @property
    def root(self) -> str:
        """The digest."""
        ...

    @property
    def files(self) -> frozenset[str]:
        """The names."""
        ...


ReportT = TypeVar("ReportT", bound=Report)


@dataclass(frozen=True, slots=True)
class Kind(Generic[ReportT]):
    """A kind of layer of files: where they are kept, and what tiles them, called as
    :func:`tiles.points.build_points` is. ``busy`` makes the error about a twin whose layer the
    process of a number is tiling."""

    layer: str
    shelf: Shelf[Any, Any]
    build: Callable[..., ReportT]
    busy: Callable[[str, str], TwinError]


def tile_kept(
    kind: Kind[ReportT],
    settings: Settings,
    url: str,
    twins: Iterable[TwinDefinition],
    profile: str | None = None,
    out: str | None = None,
    workers: int | None = None,
) -> list[tuple[str, ReportT]]:
    """3D Tiles of the layer of ``twins`` that have such files; (twin, report) of each.

    ``out`` is as in :mod:`twin.tile_stores`. Without ``profile``, a layer keeps the one it has
    there; an archive has that of what is served, which stays as it is. Two runs on one layer queue.
    Raises :class:`twin.options.OptionError` for an unknown profile or more layers than an archive
    holds, :class:`models.db.jobs.JobCancelledError` where somebody asked the job to stop, what
    ``kind.busy`` makes where a process with another database tiles the same files, and as
    ``kind.build``.
    """
    Looks(profile).require()
    migrate(settings, url)
    stores = places(settings, out)
    archive = out if out is not None and is_archive(out) else None
    some = [t for t in twins if kind.layer in t.layers and kind.shelf.entries(settings.home, t.id)]
    require_one(archive, [(twin.id, kind.layer) for twin in some])
    return [
        (twin.id, _tile(kind, settings, url, twin, profile, stores, archive, workers))
        for twin in some
    ]


def plain(twin: str, layer: str, report: Any) -> dict[str, Any]:
    """Plain values of a report, a dataclass, for JSON; its files are the store's affair."""
    values = asdict(report)
    del values["files"]
    return {"twin": twin, "layer": layer, **values}


def resumed(pieces: int) -> str:
    """What is said of work that a run that was killed had done."""
    return f", 接续中断的运行 resumed: {pieces}" if pieces else ""


def _tile(
    kind: Kind[ReportT],
    settings: Settings,
    url: str,
    twin: TwinDefinition,
    profile: str | None,
    stores: Places,
    archive: str | None,
    workers: int | None,
) -> ReportT:
    storage = StorageCrs(settings.storage_srid)
    key = LayerKey(twin.id, kind.layer, stores.name)
    store = stores.store(twin.id, kind.layer)
    asked = {} if profile is None else {"profile": profile}
    detail = {"layer": kind.layer, **asked, "store": archive or key.store}
    with (
        job(url, "tile", twin.id, detail) as (told, conn),
        scratch(kind.shelf.folder(settings.home, twin.id), partial(kind.busy, twin.id)) as made,
        step(f"切片 tile {twin.id}/{kind.layer}") as shown,
    ):
        # only now: who had the layer before may have given it another profile
        state = tiled.published(conn, key)
        before = {} if state is None else state.options
        used = PROFILES[profile or before.get("profile", "default")]
        files = kind.shelf.entries(settings.home, twin.id)

        def build(into: TileStore) -> ReportT:
            return kind.build(
                files,
                into,
                frame_of(twin, storage),
                made,
                extent=twin.extent,
                storage=storage,
                profile=used,
                workers=workers,
                progress=both(told, shown),
            )

        if archive is not None:
            with archiving(archive) as apart:
                return build(apart)
        _adopt(conn, key, state, store)
        report = build(store)
        options = {"profile": used.name}
        now = Published(report.root, report.files)
        tiled.switch(conn, key, _state(now, options, len(files)))
        TileMap(conn, key, b"", store, options).collect(KEPT)
    return report


def _adopt(conn: Connection, key: LayerKey, state: TiledLayer | None, store: TileStore) -> None:
    """Remember what is published where the database does not know it, as after a run that was
    killed just then, so that its readers keep its files, too."""
    try:
        root = store.get(ROOT).digest
    except StoreError:  # there is none, or nobody can read it
        return
    if state is not None and state.root == root:
        return
    found = published(store)
    if found is not None:
        options = {} if state is None else state.options
        tiled.switch(conn, key, _state(found, options, 0))


def _state(now: Published, options: dict[str, str], files: int) -> TiledLayer:
    """What is remembered of a layer that is made whole each time."""
    seen = datetime.now(UTC)
    return TiledLayer(options, b"", 0, seen, now.root, files, 0, [], None, {}, sorted(now.files))
