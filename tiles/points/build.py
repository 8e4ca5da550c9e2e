"""Tiling the point clouds of a twin: files → runs → plan → tiles → tileset, counted throughout."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from models.crs import STORAGE, StorageCrs
from models.pointcloud import Cloud, Extent
from tiles.content import F64
from tiles.errors import ContentError, StoreError
from tiles.gltf import DEFAULT, Profile
from tiles.points.assemble import assembled, tileset_of
from tiles.points.metadata import schema
from tiles.points.morton import Cube
from tiles.points.plan import Planner, Top, Unit
from tiles.points.reach import box_of
from tiles.points.record import Attributes
from tiles.points.runs import REASONS, RunTask, Source, Tally, pieces, write_run
from tiles.points.tree import Writer, Written, raised_path, read_points, write_unit
from tiles.store.base import Sink, TileStore
from tiles.store.switch import switch
from tiles.tilers.base import RefusedFeature
from tiles.tileset import Tile, Tileset
from tiles.workers import Pool, cores, give_back

log = logging.getLogger(__name__)

#: Called with steps done and steps in all; each point counts when it is read and when it is drawn.
Progress = Callable[[int, int], None]
#: Most points of a tile; some 450 kB with all attributes.
LIMIT: Final = 48_000
#: Most points that are sorted and dealt to tiles at once, by one worker.
UNIT: Final = 500_000
#: Starting workers costs about a second, in which one process tiles so many points.
SMALL: Final = 300_000


@dataclass(frozen=True, slots=True)
class PointReport:
    """What became of the points; ``points_in = in_tiles`` + what ``refused`` counts by reason.

    ``bytes`` are those of the decoded GLBs, ``seconds`` wall clock, ``root`` the digest of the
    published tileset.
    """

    clouds: int
    points_in: int
    in_tiles: int
    refused: dict[str, int]
    tiles: int
    bytes: int
    seconds: float
    root: str

    def reasons(self) -> list[RefusedFeature]:
        """A record for every reason for which points were refused."""
        return [
            RefusedFeature(
                f"{number} points", code, f"{number} 个点{zh}。", f"{number} points {en}."
            )
            for code, number in self.refused.items()
            for zh, en in [REASONS[code]]
        ]


@dataclass(frozen=True, slots=True)
class _Job:
    """What every task needs; it goes to each worker once."""

    sources: tuple[Source, ...]
    frame: F64
    cube: Cube
    layer: Attributes
    folder: Path
    limit: int
    writer: Writer


@dataclass(frozen=True, slots=True)
class _TopTask:
    """The content of cell ``number`` above the units: records of these files."""

    number: int
    files: tuple[tuple[Path, int, int], ...]


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
    limit: int = LIMIT,
    unit: int = UNIT,
    progress: Progress | None = None,
) -> PointReport:
    """Tile ``clouds`` (one or more) into ``store`` and switch its root, which is the last step.

    ``frame`` (4, 4) takes ENU metres to ECEF; ``extent`` is the twin's, in degrees. ``folder`` is
    an empty one for files that are larger than the clouds themselves (about 50 bytes a point).
    Memory does not grow with the clouds: about 250 MB a worker. ``workers`` is by default one a
    core, or just this process for a small cloud; any number of them gives the same bytes.

    Raises :class:`models.las.LasError` for a damaged cloud, :class:`models.errors.DatumError`,
    :class:`tiles.errors.StoreError` where a disk is full, and :class:`tiles.errors.ContentError`
    where points were lost on the way; the published tileset then stays as it was.
    """
    start = time.perf_counter()
    passports = [cloud.passport for cloud in clouds]
    points_in = sum(passport.count for passport in passports)
    sources = tuple(Source.of(cloud, storage, extent) for cloud in clouds)
    layer = Attributes.of(passports)
    writer = Writer(store, layer, schema(layer), profile)
    cube = Cube.around(box_of(sources, frame, extent, storage))
    job = _Job(sources, frame, cube, layer, folder, limit, writer)
    work = _Work(job, unit, _counter(2 * points_in, progress))
    try:
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

    root = switch(store, tile, tileset)
    report = PointReport(
        len(clouds),
        points_in,
        in_tiles,
        tally.refused,
        sum(part.tiles for part in everything),
        sum(part.bytes for part in everything),
        time.perf_counter() - start,
        root,
    )
    log.info("tiled point clouds: %s", report)
    return report


_Task: TypeAlias = RunTask | Unit | _TopTask


class _Work:
    """One pool of workers through all three steps, and what they came to."""

    def __init__(self, job: _Job, unit: int, advance: Callable[[int], None]) -> None:
        self._job, self._unit, self._advance = job, unit, advance
        self.tally = Tally()
        self.plan: Top | Unit | None = None
        self.written: dict[int, Written] = {}
        self.tops: dict[int, Written] = {}

    def run(self, workers: int) -> None:
        """Do it all. Raises what tasks raise."""
        runs = list(pieces(self._job.sources))
        pool: Pool[_Job, _Task, Tally | Written] = Pool(_do, self._job, workers)
        pool.tasks.extend(runs)
        units, left = 0, len(runs)
        with closing(pool.results()) as results:
            for done in results:
                if isinstance(done, Tally):
                    self.tally.add(done)
                    self._advance(done.kept + sum(done.refused.values()))
                    left -= 1
                    if not left:
                        units = self._add_units(pool, len(runs))
                    continue
                (self.tops if done.top else self.written)[done.number] = done
                self._advance(done.points)
                if not done.top and len(self.written) == units and isinstance(self.plan, Top):
                    pool.tasks.extend(_top_tasks(self._job, self.plan, self.written, 0))
        refused = self.tally.refused
        self.tally.refused = {code: refused[code] for code in REASONS if code in refused}

    def _add_units(self, pool: Pool[_Job, _Task, Tally | Written], runs: int) -> int:
        self.plan = Planner(self._job.folder, runs, self._unit, self._job.limit).plan()
        if self.plan is None:
            return 0
        units = [self.plan] if isinstance(self.plan, Unit) else list(self.plan.units())
        pool.tasks.extend(units)
        return len(units)


def _top_tasks(job: _Job, top: Top, written: dict[int, Written], level: int) -> Iterable[_TopTask]:
    found = [(u.number, written[u.number].raised[level]) for u in top.units()]
    files = tuple((raised_path(job.folder, u, level), 0, count) for u, count in found if count)
    yield _TopTask(top.number, files)
    for cell in top.below:
        if isinstance(cell, Top):
            yield from _top_tasks(job, cell, written, level + 1)


def _do(job: _Job, task: _Task) -> Tally | Written:
    try:
        return _done(job, task)
    finally:
        give_back()


def _done(job: _Job, task: _Task) -> Tally | Written:
    if isinstance(task, RunTask):
        source = job.sources[task.source]
        return write_run(task, source, job.frame, job.cube, job.layer, job.folder)
    if isinstance(task, Unit):
        return write_unit(task, job.folder, job.cube, job.limit, job.writer)
    if not task.files:
        return Written(task.number, top=True)
    points = read_points(task.files)
    uri, box, size = job.writer.put(points)
    return Written(task.number, Tile(box, 0.0, uri), len(points), 1, size, top=True)


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
