"""The three steps of tiling clouds on one pool of workers: runs, units, the tiles above them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tiles.content import F64
from tiles.journal import Journal
from tiles.points.far import far_depth
from tiles.points.morton import Cube
from tiles.points.plan import Planner, Top, Unit
from tiles.points.record import Attributes
from tiles.points.runs import REASONS, RunTask, Source, Tally, pieces, write_run
from tiles.points.tree import Writer, Written, raised_path, read_points, write_unit
from tiles.tileset import Tile
from tiles.workers import Pool, give_back


@dataclass(frozen=True, slots=True)
class Job:
    """What every task needs; it goes to each worker once."""

    sources: tuple[Source, ...]
    frame: F64
    cube: Cube
    layer: Attributes
    journal: Journal
    limit: int
    writer: Writer

    @property
    def folder(self) -> Path:
        """Where runs and what units set aside lie."""
        return self.journal.folder


@dataclass(frozen=True, slots=True)
class _TopTask:
    """The content of cell ``number`` above the units: records of these files."""

    number: int
    files: tuple[tuple[Path, int, int], ...]


Task: TypeAlias = RunTask | Unit | _TopTask


class Work:
    """One pool of workers through all three steps, and what they came to."""

    def __init__(self, job: Job, unit: int, advance: Callable[[int], None]) -> None:
        self._job, self._unit, self._advance = job, unit, advance
        self.tally = Tally()
        self.plan: Top | Unit | None = None
        self.written: dict[int, Written] = {}
        self.tops: dict[int, Written] = {}

    def run(self, workers: int) -> None:
        """Do it all. Raises what tasks raise."""
        runs = list(pieces(self._job.sources))
        pool: Pool[Job, Task, Tally | Written] = Pool(_do, self._job, workers)
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

    def _add_units(self, pool: Pool[Job, Task, Tally | Written], runs: int) -> int:
        job, tally = self._job, self.tally
        far = far_depth(tally.box, job.cube) if tally.kept > 2 * job.limit else 0
        self.plan = Planner(job.folder, runs, self._unit, job.limit, far).plan()
        if self.plan is None:
            return 0
        units = [self.plan] if isinstance(self.plan, Unit) else list(self.plan.units())
        pool.tasks.extend(units)
        return len(units)


def _top_tasks(job: Job, top: Top, written: dict[int, Written], level: int) -> Iterable[_TopTask]:
    found = [(u.number, written[u.number].raised[level]) for u in top.units()]
    files = tuple((raised_path(job.folder, u, level), 0, count) for u, count in found if count)
    yield _TopTask(top.number, files)
    for cell in top.below:
        if isinstance(cell, Top):
            yield from _top_tasks(job, cell, written, level + 1)


def _do(job: Job, task: Task) -> Tally | Written:
    try:
        name = f"{type(task).__name__}-{task.number}"
        return job.journal.once(name, lambda: _done(job, task))
    finally:
        give_back()


def _done(job: Job, task: Task) -> Tally | Written:
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
