"""Tiling one layer: index → tree → contents → store → tileset, counted at every step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tiles.content import F64, Content
from tiles.errors import ContentError
from tiles.gltf import DEFAULT, Profile, encode
from tiles.metadata import JsonObject, schema
from tiles.scheme import Limits, Node, build, leaves
from tiles.statistics import Statistics
from tiles.store.base import TileStore
from tiles.tilers.base import FeatureIndex, RefusedFeature, Tiler
from tiles.tileset import Tile, Tileset, externalise, parent, serialise
from tiles.volumes import content_box

log = logging.getLogger(__name__)

#: Called after each tile with tiles done and tiles in all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of a layer's features; ``features_in = in_tiles + len(refused)`` always holds.

    ``bytes`` are those of the decoded GLBs, ``seconds`` wall clock, ``root`` the digest of the
    published tileset.
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
class _Layer:
    """What grows while contents are written."""

    schema: JsonObject | None = None
    statistics: Statistics = field(default_factory=Statistics)
    bytes: int = 0
    done: int = 0


def build_layer(
    tiler: Tiler,
    store: TileStore,
    *,
    profile: Profile = DEFAULT,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Tile the layer of ``tiler`` into ``store`` and switch its root.

    The switch is the last step: a build that fails leaves the published tileset as it was. Raises
    :class:`tiles.errors.ContentError` where the tiler breaks its contract (two schemas in a layer,
    a feature that is neither in a tile nor refused) and :class:`tiles.errors.StoreError`.
    """
    start = time.perf_counter()
    index = tiler.index()
    features_in = len(index.ids) + len(tiler.refused)
    tree = build(index.boxes, index.bytes, index.triangles, limits)
    layer = _Layer()
    tile: Tile | None = None
    if tree.root is not None:
        total = sum(1 for _ in leaves(tree.root))

        def advance() -> None:
            layer.done += 1
            if progress is not None:
                progress(layer.done, total)

        tile = _tile(tree.root, tiler, index, store, profile, layer, advance)
    _check_count(tiler.layer, features_in, layer.statistics.features, tiler.refused)
    tileset = _tileset(tiler.frame, tile, tree.error, layer, store)
    root = store.publish(serialise(tileset))
    report = BuildReport(
        layer=tiler.layer,
        features_in=features_in,
        in_tiles=layer.statistics.features,
        refused=tuple(tiler.refused),
        tiles=layer.done,
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


def _tile(
    node: Node,
    tiler: Tiler,
    index: FeatureIndex,
    store: TileStore,
    profile: Profile,
    layer: _Layer,
    advance: Callable[[], None],
) -> Tile | None:
    """The tile of ``node``; None if every feature below it was refused."""
    if node.children:
        below = (_tile(c, tiler, index, store, profile, layer, advance) for c in node.children)
        children = tuple(child for child in below if child is not None)
        return parent(children, node.error) if children else None
    content = tiler.content(node.rows)
    advance()
    if not content.columns or not content.count:
        return None
    _check_content(content, [index.ids[row] for row in node.rows], layer)
    glb = encode(content, profile)
    layer.statistics.add(content)
    layer.bytes += len(glb)
    return Tile(content_box(content), node.error, store.put(glb, "glb"))


def _tileset(
    frame: F64, tile: Tile | None, error: float, layer: _Layer, store: TileStore
) -> Tileset:
    if tile is None:  # an empty layer is a valid tileset, so that old contents disappear
        return Tileset(Tile(np.zeros(6), 0.0), 0.0, frame)
    root = externalise(tile, lambda data: store.put(data, "json"))
    return Tileset(root, error, frame, layer.schema, layer.statistics.to_json())


def _check_content(content: Content, asked: list[str], layer: _Layer) -> None:
    found = schema(content.class_name, content.columns)
    if layer.schema is None:
        layer.schema = found
    elif found != layer.schema:
        raise ContentError(
            f"Class {content.class_name!r} has other columns than the layer's first tile; "
            "expected one schema in a layer. Correct the tiler.",
            f"类 {content.class_name!r} 的列与该图层首个瓦片不同；一个图层只能有一个模式。"
            "请修正切片器。",
        )
    ids = [str(value) for value in content.columns[0].values]
    strange = set(ids).difference(asked)
    if strange or len(set(ids)) != len(ids):
        example = min(strange) if strange else next(i for i in ids if ids.count(i) > 1)
        raise ContentError(
            f"The tile holds feature {example!r} twice or without being asked for it; "
            "expected each feature of the leaf once. Correct the tiler.",
            f"瓦片重复包含或多余包含要素 {example!r}；叶瓦片的每个要素应恰好出现一次。"
            "请修正切片器。",
        )


def _check_count(
    layer: str, features_in: int, in_tiles: int, refused: list[RefusedFeature]
) -> None:
    if features_in != in_tiles + len(refused):
        raise ContentError(
            f"Layer {layer}: {features_in} features in, but {in_tiles} in tiles and "
            f"{len(refused)} refused. A tiler must refuse what it leaves out; the published "
            "tileset stays as it was.",
            f"图层 {layer}：输入 {features_in} 个要素，瓦片中 {in_tiles} 个，"
            f"拒绝 {len(refused)} 个。切片器必须登记其舍弃的要素；未切换发布版本。",
        )
