"""The top of the octree: cells that are small enough to be built in memory, and those above."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tiles.points.morton import DEPTH, U64, bounds, cells_at, distinct

#: (run, first, last) of consecutive points of a run.
Slice = tuple[int, int, int]
#: Levels below a cell that its sample is looked for in, coarsened from there.
_BELOW = 12


@dataclass(frozen=True, slots=True)
class Unit:
    """A cell whose points are built together. ``before`` is the code of the point that precedes it,
    None where there is none; ``drawn`` are the depths of the grids of which the cells above draw a
    point a cell, from the root down. ``far`` is the depth of the grid that a view of the whole
    needs, 0 for none."""

    number: int
    depth: int
    prefix: int
    slices: tuple[Slice, ...]
    count: int
    before: int | None
    drawn: tuple[int, ...]
    far: int


@dataclass(slots=True)
class Top:
    """A cell above units: ``depth`` of the grid of which it and those above draw a point a cell."""

    number: int
    depth: int
    below: list[Top | Unit] = field(default_factory=list)

    def units(self) -> Iterator[Unit]:
        """All units below."""
        for cell in self.below:
            if isinstance(cell, Unit):
                yield cell
            else:
                yield from cell.units()

    def tops(self) -> Iterator[Top]:
        """This cell and all others above units."""
        yield self
        for cell in self.below:
            if isinstance(cell, Top):
                yield from cell.tops()


class Planner:
    """Cuts the cube into units of at most ``unit`` points under tiles of at most ``limit``; no tile
    below the root completes both the grid of depth ``far`` (0: none) and a finer one."""

    def __init__(self, folder: Path, runs: int, unit: int, limit: int, far: int) -> None:
        self._folder, self._unit, self._limit, self._far = folder, unit, limit, far
        self._codes = [open_codes(folder, number) for number in range(runs)]
        self._units = self._tops = 0

    def plan(self) -> Top | Unit | None:
        """The whole cube, None without points."""
        whole = tuple((run, 0, len(codes)) for run, codes in enumerate(self._codes) if len(codes))
        return self._cell(0, 0, whole, ()) if whole else None

    def _cell(
        self, depth: int, prefix: int, slices: tuple[Slice, ...], drawn: tuple[int, ...]
    ) -> Top | Unit:
        count = sum(last - first for _, first, last in slices)
        if count <= self._unit:
            return self._new_unit(depth, prefix, slices, drawn)
        finest = self._finest(depth, slices)
        if drawn and drawn[-1] < self._far:
            finest = min(finest, self._far)
        out = Top(self._tops, max(finest, *drawn[-1:], 0))
        self._tops += 1
        if depth == DEPTH:  # more coincident points than a unit may have
            out.below += [
                self._new_unit(depth, prefix, part, (*drawn, out.depth))
                for part in _parts(slices, self._unit)
            ]
            return out
        for child in range(8 * prefix, 8 * prefix + 8):
            low, high = (np.uint64(edge) for edge in bounds(child, depth + 1))
            cut = tuple(self._cut(slices, low, high))
            if cut:
                out.below.append(self._cell(depth + 1, child, cut, (*drawn, out.depth)))
        return out

    def _cut(self, slices: tuple[Slice, ...], low: np.uint64, high: np.uint64) -> Iterator[Slice]:
        for run, first, last in slices:
            codes = self._codes[run][first:last]
            start, end = (int(np.searchsorted(codes, edge)) for edge in (low, high))
            if start < end:
                yield run, first + start, first + end

    def _new_unit(
        self, depth: int, prefix: int, slices: tuple[Slice, ...], drawn: tuple[int, ...]
    ) -> Unit:
        start = np.uint64(bounds(prefix, depth)[0])
        found = []
        for codes in self._codes:
            at = int(np.searchsorted(codes, start))
            if at:
                found.append(int(codes[at - 1]))
        first = {run: first for run, first, _ in slices}
        # of a cell in several units, each follows the points before it in its own runs
        found += [int(self._codes[r][at - 1]) for r, at in first.items() if at]
        count = sum(last - first for _, first, last in slices)
        self._units += 1
        before = max(found) if found else None
        return Unit(self._units - 1, depth, prefix, slices, count, before, drawn, self._far)

    def _finest(self, depth: int, slices: tuple[Slice, ...]) -> int:
        """The depth of the finest grid of which at most ``limit`` cells hold points."""
        finest = min(DEPTH, depth + _BELOW)
        held, waiting = np.empty(0, np.uint64), []
        for number, (run, first, last) in enumerate(slices):
            # read, not mapped: pages that were looked at would stay in memory
            codes = read_codes(self._folder, (run, first, last))
            waiting.append(cells_at(codes, finest))
            full = sum(map(len, waiting)) > 8 * self._limit
            if full or number == len(slices) - 1:
                held, waiting = np.sort(np.concatenate([held, *waiting])), []
                held = distinct(held)
                while len(held) > self._limit:
                    held, finest = distinct(held >> np.uint64(3)), finest - 1
        return finest


def open_codes(folder: Path, run: int) -> U64:
    """The sorted codes of a run, mapped from disk."""
    path = codes_path(folder, run)
    if not path.stat().st_size:  # every point of it was refused
        return np.empty(0, np.uint64)
    return np.memmap(path, np.uint64, "r")


def read_codes(folder: Path, part: Slice) -> U64:
    """Some of the sorted codes of a run."""
    run, first, last = part
    return np.fromfile(codes_path(folder, run), np.uint64, last - first, offset=8 * first)


def codes_path(folder: Path, run: int) -> Path:
    """Where the codes of a run lie."""
    return folder / f"{run}.codes"


def points_path(folder: Path, run: int) -> Path:
    """Where its records lie, in the same order."""
    return folder / f"{run}.points"


def _parts(slices: tuple[Slice, ...], limit: int) -> Iterator[tuple[Slice, ...]]:
    """``slices`` in lots of at most ``limit`` points."""
    for run, first, last in slices:
        for start in range(first, last, limit):
            yield ((run, start, min(start + limit, last)),)
