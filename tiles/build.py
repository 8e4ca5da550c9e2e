"""Tiling one layer: index → tree → contents → store → tileset, counted at every step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tiles.content import F64
from tiles.contents import Context, Done, LeafTask, MassingTask, Stored, same_schema, work
from tiles.errors import ContentError
from tiles.gltf import DEFAULT, Profile
from tiles.mesh.ragged import I64
from tiles.metadata import JsonObject
from tiles.scheme import MIN_ERROR, Limits, Node, build, leaves
from tiles.statistics import Statistics
from tiles.store.base import TileStore
from tiles.tilers.base import RefusedFeature, Source, Tiler, Whole
from tiles.tileset import Tile, Tileset, externalise, parent, serialise
from tiles.volumes import union
from tiles.workers import Pool, give_back

log = logging.getLogger(__name__)

#: Called after each leaf with leaves done and leaves in all.
Progress = Callable[[int, int], None]

#: Features read at a time: they fill a worker's memory with some tens of megabytes.
BATCH: Final = 4000
#: How much greater a tile's geometric error is than its children's, at least.
_LADDER: Final = 1.5


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of a layer's features; ``features_in = in_tiles + len(refused)`` always holds.

    ``tiles`` are contents, massing included; ``bytes`` are those of the decoded GLBs, ``seconds``
    wall clock, ``root`` the digest of the published tileset.
    """

    layer: str
    features_in: int
    in_tiles: int
    refused: tuple[RefusedFeature, ...]
    tiles: int
    bytes: int
    seconds: float
    root: str


@dataclass(slots=True)
class _Knot:
    """A node of the tree on its way to a tile.

    ``waiting`` children have no tile yet; ``stored`` is its own content, a leaf's or massing.
    """

    above: int | None
    error: float
    children: list[int] = field(default_factory=list)
    waiting: int = 0
    stored: Stored | None = None
    tile: Tile | None = None


def build_layer(
    tiler: Tiler | Source,
    store: TileStore,
    *,
    profile: Profile = DEFAULT,
    limits: Limits | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> BuildReport:
    """Tile the layer of ``tiler`` into ``store`` and switch its root.

    The switch is the last step: a build that fails leaves the published tileset as it was. With
    more than one of ``workers``, that many processes make the contents; the files are the same.
    Memory depends on the number of features only by about 100 bytes each, if a
    :class:`tiles.tilers.base.Source` reads them when needed. Raises
    :class:`tiles.errors.ContentError` where the tiler breaks its contract (two schemas in a layer,
    a feature that is neither in a tile nor refused), :class:`tiles.errors.StoreError`, and
    :class:`tiles.errors.WorkerError`.
    """
    start = time.perf_counter()
    source = tiler if isinstance(tiler, Source) else Whole(tiler)
    index = source.index()
    features_in = len(index.keys) + len(source.refused)
    tree = build(index.boxes, index.bytes, index.triangles, limits)
    error = tree.error
    layer = _Layer(tree.root, index.keys, Context(source.loader(), store, profile), workers)
    del index, tree  # the largest arrays of all
    give_back()
    layer.run(progress)
    refused = (*source.refused, *layer.refused())
    _check_count(source.layer, features_in, layer.statistics.features, len(refused))
    tileset = _tileset(source.frame, error, layer, store)
    root = store.publish(serialise(tileset))
    report = BuildReport(
        layer=source.layer,
        features_in=features_in,
        in_tiles=layer.statistics.features,
        refused=refused,
        tiles=layer.tiles,
        bytes=layer.bytes,
        seconds=time.perf_counter() - start,
        root=root,
    )
    log.info(
        "tiled %s: %d features in, %d in %d tiles, %d refused, %d bytes, %.1f s",
        report.layer,
        report.features_in,
        report.in_tiles,
        report.tiles,
        len(report.refused),
        report.bytes,
        report.seconds,
    )
    return report


class _Layer:
    """The tree with its contents as they come, in any order, and what is counted over them."""

    def __init__(self, root: Node | None, keys: I64, context: Context, workers: int) -> None:
        self.schema: JsonObject | None = None
        self.statistics = Statistics()
        self.bytes = 0
        self.tiles = 0
        self._knots: list[_Knot] = []
        self._leaves: list[int] = []  # their knots
        self._refused: dict[int, list[RefusedFeature]] = {}
        self._pool: Pool[Context, LeafTask | MassingTask, Done] = Pool(work, context, workers)
        if root is not None:
            self._add(root, None)
            self._pool.tasks.extend(self._tasks(leaves(root), keys))

    @property
    def tile(self) -> Tile | None:
        """The root tile; None if every feature was refused."""
        return self._knots[0].tile if self._knots else None

    def refused(self) -> Iterator[RefusedFeature]:
        """What the contents refused, in the order of the leaves."""
        for first in sorted(self._refused):
            yield from self._refused[first]

    def run(self, progress: Progress | None) -> None:
        """Make all contents."""
        leaves_done = 0
        with closing(self._pool.results()) as results:
            for done in results:
                self._take(done)
                self.tiles += len(done.contents)
                for _ in done.contents if isinstance(done.task, LeafTask) else ():
                    leaves_done += 1
                    if progress is not None:
                        progress(leaves_done, len(self._leaves))

    def _add(self, node: Node, above: int | None) -> int:
        number = len(self._knots)
        knot = _Knot(above, node.error)
        self._knots.append(knot)
        if not node.children:
            self._leaves.append(number)
        knot.children = [self._add(child, number) for child in node.children]
        knot.waiting = len(knot.children)
        return number

    def _tasks(self, nodes: Iterator[Node], keys: I64) -> Iterator[LeafTask]:
        """Neighbouring leaves together, so that each reads enough at once; ``keys`` (n,) are those
        of the index."""
        first, held, size = 0, [], 0
        for number, node in enumerate(nodes):
            held.append(keys[node.rows])
            size += len(node.rows)
            if size >= BATCH or number == len(self._leaves) - 1:
                yield LeafTask(first, held)
                first, held, size = number + 1, [], 0

    def _take(self, done: Done) -> None:
        self.schema = same_schema(self.schema, done.schema)
        self.statistics.merge(done.statistics)
        self.bytes += sum(stored.size for stored in done.contents if stored is not None)
        if isinstance(done.task, MassingTask):
            self._finish(done.task.number, done.contents[0])
            return
        if done.refused:
            self._refused[done.task.first] = done.refused
        for leaf, stored in enumerate(done.contents, done.task.first):
            self._finish(self._leaves[leaf], stored)

    def _finish(self, number: int, stored: Stored | None) -> None:
        """Make the tile of a knot, and see whether its parent's turn has come."""
        knot = self._knots[number]
        knot.stored = stored
        knot.tile = self._tile(knot)
        if knot.above is None:
            return
        above = self._knots[knot.above]
        above.waiting -= 1
        if above.waiting:
            return
        parts = [
            child.stored.massing
            for child in (self._knots[c] for c in above.children)
            if child.stored is not None and child.stored.massing is not None
        ]
        if parts:
            self._pool.tasks.appendleft(MassingTask(knot.above, parts))
            for child in above.children:  # it is in the task now
                self._knots[child].stored = None
        else:
            self._finish(knot.above, None)

    def _tile(self, knot: _Knot) -> Tile | None:
        stored = knot.stored
        if not knot.children:
            return None if stored is None else Tile(stored.box, knot.error, stored.uri)
        below = (self._knots[child].tile for child in knot.children)
        children = tuple(tile for tile in below if tile is not None)
        if not children or stored is None or stored.massing is None:
            return parent(children, knot.error) if children else None
        error = max(
            MIN_ERROR,
            float(stored.massing.error.max()),
            *(_LADDER * child.geometric_error for child in children),
        )
        box = union([stored.box, *(child.box for child in children)])
        rounded = float(np.ceil(error * 100) / 100)
        return Tile(box, rounded, stored.uri, children, replaced=True)


def _tileset(frame: F64, error: float, layer: _Layer, store: TileStore) -> Tileset:
    tile = layer.tile
    if tile is None:  # an empty layer is a valid tileset, so that old contents disappear
        return Tileset(Tile(np.zeros(6), 0.0), 0.0, frame)
    root = externalise(tile, lambda data: store.put(data, "json"))
    error = max(error, float(np.ceil(2 * root.geometric_error * 100) / 100))
    return Tileset(root, error, frame, layer.schema, layer.statistics.to_json())


def _check_count(layer: str, features_in: int, in_tiles: int, refused: int) -> None:
    if features_in != in_tiles + refused:
        raise ContentError(
            f"Layer {layer}: {features_in} features in, but {in_tiles} in tiles and "
            f"{refused} refused. A tiler must refuse what it leaves out; the published "
            "tileset stays as it was.",
            f"图层 {layer}：输入 {features_in} 个要素，瓦片中 {in_tiles} 个，"
            f"拒绝 {refused} 个。切片器必须登记其舍弃的要素；未切换发布版本。",
        )
