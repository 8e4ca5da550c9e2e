"""Tiling the point clouds of a twin: files → runs → plan → tiles → tileset, counted throughout."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from models.crs import STORAGE, StorageCrs
from models.pointcloud import Cloud, Extent
from tiles.content import F64
from tiles.errors import ContentError, StoreError
from tiles.gltf import DEFAULT, Profile
from tiles.journal import Journal
from tiles.points.assemble import assembled, tileset_of
from tiles.points.metadata import schema
from tiles.points.morton import Cube
from tiles.points.reach import box_of
from tiles.points.record import Attributes
from tiles.points.runs import REASONS, Source, Tally
from tiles.points.tree import Writer, Written
from tiles.points.work import Job, Work
from tiles.store.base import Sink, TileStore
from tiles.store.switch import contents, switch
from tiles.tilers.base import RefusedFeature
from tiles.tileset import Tileset
from tiles.workers import cores

log = logging.getLogger(__name__)

#: Called with steps done and steps in all; each point counts when it is read and when it is drawn.
Progress = Callable[[int, int], None]
#: Most points of a tile, compressed and not: some 450 kB with all attributes; those that are not
#: compressed are no larger where nothing in them repeats.
LIMIT, PLAIN_LIMIT = 48_000, 20_000
#: Most points that are sorted and dealt to tiles at once, by one worker.
UNIT: Final = 500_000
#: Starting workers costs about a second, in which one process tiles so many points.
SMALL: Final = 300_000


@dataclass(frozen=True, slots=True)
class PointReport:
    """What became of the points; ``points_in = in_tiles`` + what ``refused`` counts by reason.

    ``bytes`` are those of the decoded GLBs, ``seconds`` wall clock, ``root`` the digest of the
    published tileset, which reaches ``files``. ``resumed`` pieces of work were done before by a run
    that was killed, of which each reads, builds or draws some 400,000 points.
    """

    clouds: int
    points_in: int
    in_tiles: int
    refused: dict[str, int]
    tiles: int
    bytes: int
    seconds: float
    root: str
    resumed: int
    files: frozenset[str] = field(repr=False)

    def reasons(self) -> list[RefusedFeature]:
        """A record for every reason for which points were refused."""
        return [
            RefusedFeature(
                f"{number} points", code, f"{number} 个点{zh}。", f"{number} points {en}."
            )
            for code, number in self.refused.items()
            for zh, en in [REASONS[code]]
        ]


def build_points(
    clouds: Sequence[Cloud],
    store: TileStore,
    frame: F64,
    folder: Path,
    *,
    extent: Extent,
    storage: StorageCrs = STORAGE,
    profile: Profile = DEFAULT,
    workers: int | None = None,
    limit: int | None = None,
    unit: int = UNIT,
    progress: Progress | None = None,
) -> PointReport:
    """Tile ``clouds`` (one or more) into ``store`` and switch its root, which is the last step.

    ``frame`` (4, 4) takes ENU metres to ECEF; ``extent`` is the twin's, in degrees. ``folder`` is
    for files that are larger than the clouds themselves (about 50 bytes a point); what a run that
    was killed left there is taken up, anything else deleted, and whoever calls empties it. What
    the store held before stays there. Memory does not grow with the clouds: about 250 MB a worker.
    ``limit`` is the most points of a tile, by default what a tile of ``profile`` should have.
    ``workers`` is by default one a core, or just this process for a small cloud; any number of them
    gives the same bytes.

    Raises :class:`models.las.LasError` for a damaged cloud, :class:`models.errors.DatumError`,
    :class:`tiles.errors.StoreError` where a disk is full, and :class:`tiles.errors.ContentError`
    where points were lost on the way; the published tileset then stays as it was.
    """
    start = time.perf_counter()
    limit = limit or (LIMIT if profile.meshopt else PLAIN_LIMIT)
    passports = [cloud.passport for cloud in clouds]
    points_in = sum(passport.count for passport in passports)
    sources = tuple(Source.of(cloud, storage, extent) for cloud in clouds)
    layer = Attributes.of(passports)
    writer = Writer(store, layer, schema(layer), profile)
    cube = Cube.around(box_of(sources, frame, extent, storage))
    told = [(str(cloud.path), cloud.passport) for cloud in clouds]
    try:
        journal = Journal.open(
            folder, told, frame.tolist(), extent, storage, profile, (limit, unit)
        )
        resumed = journal.keep(partial(_is_whole, store.names()))
        job = Job(sources, frame, cube, layer, journal, limit, writer)
        work = Work(job, unit, _counter(2 * points_in, progress))
        work.run(workers or (cores() if points_in > SMALL else 1))
    except OSError as error:
        raise StoreError(
            f"Point clouds cannot be tiled in {folder}: {error.strerror or error}. Free about "
            f"{points_in * 50 / 1e9:.1f} GB there and tile again.",
            f"无法在 {folder} 中切片点云：{error.strerror or error}。"
            f"请腾出约 {points_in * 50 / 1e9:.1f} GB 空间后重新切片。",
        ) from error
    everything = [*work.written.values(), *work.tops.values()]
    in_tiles = sum(part.points for part in everything)
    _check_count(points_in, in_tiles, work.tally)
    plan, tally = work.plan, work.tally
    tile = None if plan is None else assembled(plan, work.written, work.tops, cube)

    def tileset(sink: Sink) -> Tileset:
        return tileset_of(tile, frame, writer.schema, tally, sink)

    published = switch(store, tile, tileset)
    report = PointReport(
        len(clouds),
        points_in,
        in_tiles,
        tally.refused,
        sum(part.tiles for part in everything),
        sum(part.bytes for part in everything),
        time.perf_counter() - start,
        published.root,
        resumed,
        published.files,
    )
    log.info("tiled point clouds: %s", report)
    return report


def _is_whole(names: set[str], result: Tally | Written) -> bool:
    """Whether all that a piece of work put into the store is among its ``names``."""
    tile = result.tile if isinstance(result, Written) else None
    return tile is None or contents(tile) <= names


def _counter(total: int, progress: Progress | None) -> Callable[[int], None]:
    done = 0

    def advance(points: int) -> None:
        nonlocal done
        done += points
        if progress is not None:
            progress(done, total)

    return advance


def _check_count(points_in: int, in_tiles: int, tally: Tally) -> None:
    refused = sum(tally.refused.values())
    if points_in != in_tiles + refused or tally.kept != in_tiles:
        raise ContentError(
            f"{points_in} points in, but {in_tiles} in tiles and {refused} refused; the published "
            "tileset stays as it was. Ingest the clouds again, or report the fault.",
            f"输入 {points_in} 个点，瓦片中 {in_tiles} 个，拒绝 {refused} 个；未切换发布版本。"
            "请重新入库点云，或报告此问题。",
        )
