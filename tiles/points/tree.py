"""A unit's points → a subtree of tiles; the points that cells above it draw are set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.content import F64
from tiles.gltf import Profile
from tiles.journal import whole
from tiles.points.gltf import encode_points
from tiles.points.morton import DEPTH, NEVER, U8, U64, Cube, bounds, first_depths
from tiles.points.plan import Unit, points_path, read_codes
from tiles.points.record import RECORD, Attributes, Records
from tiles.store.base import TileStore
from tiles.tileset import Tile
from tiles.volumes import union

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Writer:
    """How a tile's points become a file in the store."""

    store: TileStore
    layer: Attributes
    schema: Mapping[str, Any]
    profile: Profile

    def put(self, points: Records) -> tuple[str, F64, int]:
        """Name, box (6,) and bytes of the decoded GLB."""
        glb = encode_points(points, self.layer, self.schema, self.profile)
        xyz = points["xyz"]
        return self.store.put(glb, "glb"), np.concatenate([xyz.min(0), xyz.max(0)]), len(glb)


@dataclass(slots=True)
class Written:
    """What was written of a unit, or of a cell above units (``top``). ``raised`` counts the points
    that a unit sets aside for each cell above it."""

    number: int
    tile: Tile | None = None
    points: int = 0
    tiles: int = 0
    bytes: int = 0
    raised: tuple[int, ...] = ()
    top: bool = False


@dataclass(slots=True)
class _Draft:
    """A tile: ``rows`` of its own points, ``depth`` of the grid that it completes."""

    rows: I64
    depth: int = 0
    children: list[_Draft] = field(default_factory=list)


def raised_path(folder: Path, unit: int, above: int) -> Path:
    """The file of points that ``unit`` sets aside for the ``above``-th cell from the root."""
    return folder / f"{unit}.{above}.raised"


def write_unit(unit: Unit, folder: Path, cube: Cube, limit: int, writer: Writer) -> Written:
    """Build and store the tiles of ``unit``, whose runs lie in ``folder``, of at most ``limit``
    points each. Raises OSError and :class:`tiles.errors.StoreError`."""
    codes: U64 = np.concatenate([read_codes(folder, part) for part in unit.slices])
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    points = read_points(
        [(points_path(folder, run), first, last - first) for run, first, last in unit.slices]
    ).take(order)
    depths = first_depths(codes, unit.before)
    above = unit.drawn[-1] if unit.drawn else -1
    out = Written(unit.number)
    if unit.drawn:
        raised = depths <= above
        owner = np.searchsorted(np.array(unit.drawn), depths[raised])
        mine = points[raised]
        for at in range(len(unit.drawn)):
            with whole(raised_path(folder, unit.number, at)) as half:
                mine[owner == at].tofile(half)
        out.raised = tuple(np.bincount(owner, minlength=len(unit.drawn)).tolist())
        codes, points, depths = codes[~raised], points[~raised], depths[~raised]
    dealt = _Drafts(codes, depths, limit, unit.far)
    drafts = dealt.cell(0, len(codes), unit.depth, unit.prefix, above)
    tiles = [_store(draft, points, cube, writer, out) for draft in drafts]
    if tiles:
        out.tile = tiles[0] if len(tiles) == 1 else _around(tiles, cube.diagonal(max(above, 0)))
    return out


def read_points(parts: Sequence[tuple[Path, int, int]]) -> Records:
    """Records of (file, first, count), one after the other."""
    return np.concatenate(
        [
            np.fromfile(path, RECORD, count, offset=first * RECORD.itemsize)
            for path, first, count in parts
        ]
    )


class _Drafts:
    """Deals points to tiles: an inner one completes a grid, a leaf takes what is left.

    What a view of the whole needs, the grid of depth ``far`` (0: none), is apart from finer points
    below the root, so that the view costs no more than it shows.
    """

    def __init__(self, codes: U64, depths: U8, limit: int, far: int) -> None:
        self._codes, self._depths, self._limit, self._far = codes, depths, limit, far

    def cell(self, first: int, last: int, depth: int, prefix: int, above: int) -> list[_Draft]:
        """The tiles of the points ``first`` to ``last``, all of one cell, that are no first of a
        cell at depth ``above`` or less: one, or leaves side by side, or none."""
        depths = self._depths[first:last]
        counts = np.bincount(depths, minlength=NEVER + 1)
        counts[: above + 1] = 0
        rest = int(counts.sum())
        parted = self._parted(counts, above)
        if depth == DEPTH or (rest <= self._limit and not parted):
            rows = first + np.flatnonzero(depths.astype(np.int16) > above)
            return [
                _Draft(part)
                for part in np.split(rows, range(self._limit, rest, self._limit))
                if len(part)
            ]
        own = self._own_depth(counts, rest, above)
        if parted:
            own = min(own, self._far)
        mine = (depths.astype(np.int16) > above) & (depths <= own)
        rows = first + np.flatnonzero(mine)
        children: list[_Draft] = []
        for child in range(8 * prefix, 8 * prefix + 8):
            low, high = (np.uint64(edge) for edge in bounds(child, depth + 1))
            start, end = np.searchsorted(self._codes[first:last], [low, high])
            if start < end:
                children += self.cell(first + int(start), first + int(end), depth + 1, child, own)
        children = self._joined(children)
        return [_Draft(rows, own, children)] if len(rows) else children

    def _parted(self, counts: I64, above: int) -> bool:
        """Whether points of the far grid, and not just a few finer ones, are to be dealt."""
        far = self._far
        finer = int(counts[far + 1 :].sum()) >= self._limit // 4
        return 0 <= above < far and finer and bool(counts[above + 1 : far + 1].any())

    def _own_depth(self, counts: I64, rest: int, above: int) -> int:
        """The depth of the finest grid whose points fit a tile; a coarser one where that would
        leave next to nothing to the children. ``above`` where none fits."""
        totals = np.cumsum(counts)
        fitting = np.flatnonzero((totals > 0) & (totals <= self._limit))
        fitting = fitting[fitting <= DEPTH]
        if not len(fitting):
            return above
        own = int(fitting[-1])
        if rest - totals[own] < self._limit // 4 and totals[own - 1] > 0:
            own -= 1
        return own

    def _joined(self, children: list[_Draft]) -> list[_Draft]:
        """Neighbouring leaves put together as long as they fit a tile."""
        out: list[_Draft] = []
        for child in children:
            leaf = not child.children and bool(out) and not out[-1].children
            if leaf and len(out[-1].rows) + len(child.rows) <= self._limit:
                out[-1].rows = np.concatenate([out[-1].rows, child.rows])
            else:
                out.append(child)
        return out


def _store(draft: _Draft, points: Records, cube: Cube, writer: Writer, out: Written) -> Tile:
    children = tuple(_store(child, points, cube, writer, out) for child in draft.children)
    uri, box, size = writer.put(points[draft.rows])
    out.points += len(draft.rows)
    out.tiles += 1
    out.bytes += size
    if not children:
        return Tile(box, 0.0, uri)
    around = union([box, *(child.box for child in children)])
    return Tile(around, cube.diagonal(draft.depth), uri, children)


def _around(tiles: Sequence[Tile], error: float) -> Tile:
    return Tile(union(tile.box for tile in tiles), error, None, tuple(tiles))
