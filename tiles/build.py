"""Tiling one layer: index → tree → contents → store → tileset, counted at every step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tiles.content import F64
from tiles.contents import Context, Done, Task, instead, work
from tiles.errors import ContentError
from tiles.gltf import DEFAULT, Profile
from tiles.large import LargeFeature, listed
from tiles.layer import Layer, Progress
from tiles.layer_tree import Branch, Memory, branches
from tiles.metadata import JsonObject
from tiles.scheme import MIN_ERROR, Limits, build
from tiles.store.base import Sink, TileStore
from tiles.tilers.base import RefusedFeature, Source, Tiler, Whole
from tiles.tileset import Tile, Tileset, externalise, serialise
from tiles.workers import Pool, Runner, give_back

__all__ = ["BuildReport", "Built", "Options", "Plan", "Progress", "build_layer", "make", "publish"]

log = logging.getLogger(__name__)
_Runner: TypeAlias = Runner[Context, Task, Done]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of a layer's features; ``features_in = in_tiles + len(refused)`` always holds.

    ``tiles`` are contents, massing included; ``bytes`` are those of the decoded GLBs, ``seconds``
    wall clock, ``root`` the digest of the published tileset. ``written`` contents were made now,
    the others taken over; ``mode`` is ``full``, ``incremental`` or ``unchanged``. ``large`` are
    features in tiles that are too much for one.
    """

    layer: str
    features_in: int
    in_tiles: int
    refused: tuple[RefusedFeature, ...]
    tiles: int
    bytes: int
    seconds: float
    root: str
    written: int = 0
    mode: str = "full"
    large: tuple[LargeFeature, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How contents are made; see :func:`build_layer`."""

    profile: Profile = DEFAULT
    limits: Limits | None = None
    progress: Progress | None = None
    workers: int = 1
    scheduler: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made of the layer ``name`` in ``frame``.

    ``features_in`` counts those of ``root`` and those ``refused`` already; ``schema`` is known
    where some contents are.
    """

    name: str
    frame: F64
    root: Branch | None
    features_in: int
    refused: tuple[RefusedFeature, ...]
    schema: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A layer whose contents and external tilesets are in the store, and its ``root`` still is not.

    ``files`` are all names that ``root`` reaches.
    """

    plan: Plan
    layer: Layer
    root: bytes
    files: tuple[str, ...]


def build_layer(
    tiler: Tiler | Source,
    store: TileStore,
    *,
    profile: Profile = DEFAULT,
    limits: Limits | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> BuildReport:
    """Tile the layer of ``tiler`` into ``store`` and switch its root.

    The switch is the last step: a build that fails leaves the published tileset as it was. With
    more than one of ``workers``, that many processes make the contents, with a ``scheduler`` (see
    :mod:`tiles.cluster`) those of a cluster; the files are the same.
    Memory depends on the number of features only by about 100 bytes each, if a
    :class:`tiles.tilers.base.Source` reads them when needed. Raises
    :class:`tiles.errors.ContentError` where the tiler breaks its contract (two schemas in a layer,
    a feature that is neither in a tile nor refused), :class:`tiles.errors.StoreError`, and
    :class:`tiles.errors.WorkerError`.
    """
    start = time.perf_counter()
    options = Options(profile, limits, progress, workers, scheduler)
    source = tiler if isinstance(tiler, Source) else Whole(tiler)
    return publish(make_layer(source, store, options), store, start)


def make_layer(
    source: Source, store: Sink, options: Options, memory: Memory | None = None
) -> Built:
    """As :func:`build_layer`, but the root stays as it was; work that ``memory`` knows is not done
    again."""
    with closing(_runner(options)) as runner:
        runner.begin()
        index = source.index()
        features_in = len(index.keys) + len(source.refused)
        sizes = options.profile.sizes(index.bytes, index.triangles)
        tree = build(index.boxes, sizes, index.triangles, options.limits)
        root = None if tree.root is None else branches(tree.root, index.keys)
        context = Context(source.loader(), store, options.profile)
        plan = Plan(source.layer, source.frame, root, features_in, tuple(source.refused))
        del index, sizes, tree  # the largest arrays of all
        give_back()
        return make(plan, context, options, memory, runner)


def make(
    plan: Plan,
    context: Context,
    options: Options,
    memory: Memory | None = None,
    runner: _Runner | None = None,
) -> Built:
    """Make the contents of ``plan`` and all tileset files but the root, and count.

    ``runner`` is one that has begun, by default one made here.
    """
    runner = runner or _runner(options)
    runner.context = context
    layer = Layer(plan.root, context, runner, memory, plan.schema)
    try:
        layer.run(options.progress)
    finally:  # what a loader has open in this process
        getattr(context.loader, "close", lambda: None)()
    late = sum(1 for _ in layer.refused())
    features = layer.statistics().features
    _check_count(plan.name, plan.features_in, features, len(plan.refused) + late)
    files: list[str] = []

    def put(data: bytes) -> str:
        files.append(context.store.put(data, "json"))
        return files[-1]

    root = serialise(_tileset(plan.frame, layer, put))
    return Built(plan, layer, root, (*files, *layer.files()))


def publish(built: Built, store: TileStore, start: float, mode: str = "full") -> BuildReport:
    """Switch the root of ``store`` to what was ``built`` since ``start`` (time.perf_counter)."""
    layer = built.layer
    root = store.publish(built.root)
    plan, refused = built.plan, (*built.plan.refused, *layer.refused())
    report = BuildReport(
        layer=plan.name,
        features_in=plan.features_in,
        in_tiles=plan.features_in - len(refused),
        refused=refused,
        tiles=layer.tiles,
        bytes=layer.bytes,
        seconds=time.perf_counter() - start,
        root=root,
        written=layer.written,
        mode=mode,
        large=listed(layer.statistics().large),
    )
    log.info(
        "tiled %s: %d features in, %d in %d tiles (%d written), %d refused, %d bytes, %.1f s",
        report.layer,
        report.features_in,
        report.in_tiles,
        report.tiles,
        report.written,
        len(report.refused),
        report.bytes,
        report.seconds,
    )
    return report


def _runner(options: Options) -> _Runner:
    if options.scheduler is None:
        return Pool(work, None, options.workers, instead)
    from tiles.cluster import Cluster  # its library is an extra

    return Cluster(work, None, options.scheduler, instead)


def _tileset(frame: F64, layer: Layer, put: Callable[[bytes], str]) -> Tileset:
    tile = layer.tile
    if tile is None:  # an empty layer is a valid tileset, so that old contents disappear
        return Tileset(Tile(np.zeros(6), 0.0), MIN_ERROR, frame)
    root = externalise(tile, put)
    # the error of drawing nothing: a small tileset, too, shows from as far as it is seen
    whole = float(np.linalg.norm(tile.box[3:] - tile.box[:3]))
    error = float(np.ceil(max(whole, MIN_ERROR, 2 * root.geometric_error) * 100) / 100)
    return Tileset(root, error, frame, layer.schema, layer.statistics().to_json())


def _check_count(layer: str, features_in: int, in_tiles: int, refused: int) -> None:
    if features_in != in_tiles + refused:
        raise ContentError(
            f"Layer {layer}: {features_in} features in, but {in_tiles} in tiles and "
            f"{refused} refused. A tiler must refuse what it leaves out; the published "
            "tileset stays as it was.",
            f"图层 {layer}：输入 {features_in} 个要素，瓦片中 {in_tiles} 个，"
            f"拒绝 {refused} 个。切片器必须登记其舍弃的要素；未切换发布版本。",
        )
