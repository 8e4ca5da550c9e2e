"""Tiling the textured meshes of a twin: meshes → plan → tiles → tileset, counted throughout."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from models.crs import STORAGE, StorageCrs
from models.pointcloud import Extent
from models.texturedmesh import StoredMesh
from tiles.content import F64
from tiles.errors import ContentError, StoreError
from tiles.gltf import DEFAULT, Profile
from tiles.store.base import Sink, TileStore
from tiles.store.switch import switch
from tiles.textured.charts import Images, texel_size, textured
from tiles.textured.gltf import encode_patch
from tiles.textured.patch import Patch, joined, simplified
from tiles.textured.plan import Plan, Prepared, planned
from tiles.textured.split import Limits, Node
from tiles.tileset import Tile, Tileset, externalise
from tiles.volumes import union
from tiles.workers import Pool, cores, give_back

log = logging.getLogger(__name__)

JsonObject: TypeAlias = dict[str, Any]
Progress = Callable[[int, int], None]

#: Most texels across the image of a tile.
SIDE: Final = 2048
#: Metres of geometric error for each metre that a texel is wide: at the usual 16 pixels a tile is
#: refined before a texel of it covers two pixels.
_TEXEL_ERROR: Final = 8.0
#: Least geometric error of a tile that is refined, m.
_LEAST: Final = 0.05
#: Starting workers costs about a second, in which one process tiles so many triangles.
SMALL: Final = 60_000
#: Name of the class of meshes in the tileset's schema.
CLASS: Final = "textured_mesh"


@dataclass(frozen=True, slots=True)
class MeshReport:
    """What became of the triangles; ``triangles_in = in_tiles`` + ``refused`` (those with a corner
    that is no possible place). ``in_tiles`` counts leaves; what stands for them from afar is extra.

    ``bytes`` are those of the decoded GLBs, ``seconds`` wall clock, ``root`` the digest of the
    published tileset.
    """

    meshes: int
    triangles_in: int
    in_tiles: int
    refused: int
    tiles: int
    bytes: int
    seconds: float
    root: str


@dataclass(frozen=True, slots=True)
class _Job:
    """What every task needs; it goes to each worker once."""

    prepared: tuple[Prepared, ...]
    folder: Path
    store: TileStore
    profile: Profile
    limits: Limits
    lit: bool


@dataclass(slots=True)
class _Made:
    """A node's tile and what was counted below it."""

    number: int
    tile: Tile
    triangles: int = 0
    tiles: int = 0
    bytes: int = 0


def build_meshes(
    meshes: Sequence[StoredMesh],
    store: TileStore,
    frame: F64,
    folder: Path,
    *,
    extent: Extent | None,
    storage: StorageCrs = STORAGE,
    profile: Profile = DEFAULT,
    workers: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> MeshReport:
    """Tile ``meshes`` (one or more) into ``store`` and switch its root, which is the last step.

    ``frame`` (4, 4) takes ENU metres to ECEF; ``extent`` is the twin's, in degrees. ``folder`` is
    an empty one for files of about 60 bytes a triangle. Planning needs about 150 bytes a triangle
    of the largest mesh; a worker needs two of a mesh's images and some 300 MB. Any number of
    workers gives the same bytes. A profile without meshopt has JPEG or PNG images and, as Draco is
    not used for meshes, plain floats.

    Raises :class:`models.texturedmesh.MeshError` for a damaged mesh,
    :class:`models.errors.DatumError`, :class:`tiles.errors.StoreError` where a disk is full, and
    :class:`tiles.errors.ContentError` where triangles were lost on the way or none is left; the
    published tileset then stays as it was.
    """
    start = time.perf_counter()
    limits = limits or Limits()
    try:
        plan = planned(meshes, frame, folder, extent, storage, limits)
        lit = not any(mesh.passport.images for mesh in meshes)
        job = _Job(plan.prepared, folder, store, profile, limits, lit)
        total = sum(len(part.order()) for part in plan.prepared)
        made = _run(job, plan, workers or (cores() if total > SMALL else 1), total, progress)
    except OSError as error:
        raise StoreError(
            f"Meshes cannot be tiled in {folder}: {error.strerror or error}. Free some space there "
            "and tile again.",
            f"无法在 {folder} 中切片三维网格：{error.strerror or error}。请腾出空间后重新切片。",
        ) from error
    counted = sum(mesh.passport.triangles for mesh in meshes)
    if counted != made.triangles + plan.refused:
        raise ContentError(
            f"{counted} triangles in, but {made.triangles} in tiles and {plan.refused} refused; "
            "the published tileset stays as it was. Ingest the meshes again, or report the fault.",
            f"输入 {counted} 个三角形，瓦片中 {made.triangles} 个，拒绝 {plan.refused} 个；"
            "未切换发布版本。请重新入库网格，或报告此问题。",
        )
    root = switch(store, made.tile, lambda sink: _tileset(made, frame, len(meshes), sink))
    report = MeshReport(
        len(meshes),
        counted,
        made.triangles,
        plan.refused,
        made.tiles,
        made.bytes,
        time.perf_counter() - start,
        root,
    )
    log.info("tiled meshes: %s", report)
    return report


def _run(job: _Job, plan: Plan, workers: int, total: int, progress: Progress | None) -> _Made:
    """Units first, then each tile above them once all below it are made."""
    above = {child.number: node for node in plan.root.walk() for child in node.children}
    made: dict[int, _Made] = {}
    pool: Pool[_Job, tuple[Node, tuple[Tile, ...]], _Made] = Pool(_do, job, workers)
    pool.tasks.extend((node, ()) for node in plan.root.walk() if node.unit)
    done = 0
    with closing(pool.results()) as results:
        for one in results:
            made[one.number] = one
            done += one.triangles
            if progress is not None:
                progress(done, total)
            node = above.get(one.number)
            below = [made.get(child.number) for child in node.children] if node else []
            if node is not None and all(below):
                pool.tasks.append((node, tuple(part.tile for part in below if part)))
    out = made[plan.root.number]
    for name in ("triangles", "tiles", "bytes"):
        setattr(out, name, sum(getattr(one, name) for one in made.values()))
    return out


def _do(job: _Job, task: tuple[Node, tuple[Tile, ...]]) -> _Made:
    node, tiles = task
    try:
        if node.unit:
            assert node.mesh is not None
            part = job.prepared[node.mesh]
            maker = _Maker(job, part, Images(part.mesh))
            patch, tile = maker.make(node)
        else:
            maker = _Maker(job, None, None)
            patches = [Patch.load(_kept(job, child)) for child in node.children]
            patch, tile = maker.above(node, patches, tiles)
        patch.save(_kept(job, node))
        return replace(maker.made, number=node.number, tile=tile)
    finally:
        give_back()


def _kept(job: _Job, node: Node) -> Path:
    return job.folder / f"{node.number}.npz"


class _Maker:
    """Makes the tiles of a node, children first; their files go to the store at once."""

    def __init__(self, job: _Job, part: Prepared | None, images: Images | None) -> None:
        self._job, self._part, self._images = job, part, images
        self.made = _Made(0, Tile(np.zeros(6), 0.0))

    def make(self, node: Node) -> tuple[Patch, Tile]:
        """The node's own surface and its tile."""
        if not node.children:
            patch = self._leaf(node)
            self.made.triangles += len(patch.faces)
            return patch, self._put(patch, (), 0.0)
        parts = [self.make(child) for child in node.children]
        return self.above(node, [patch for patch, _ in parts], [tile for _, tile in parts])

    def above(
        self, node: Node, patches: Sequence[Patch], tiles: Sequence[Tile]
    ) -> tuple[Patch, Tile]:
        """The surface and tile that stand for ``tiles`` from afar."""
        whole = joined(patches, SIDE)
        patch = simplified(whole, *node.leaves, self._job.limits.triangles)
        below = max(tile.geometric_error for tile in tiles)
        error = max(patch.error, _TEXEL_ERROR * patch.texel, 2 * below, _LEAST)
        return patch, self._put(patch, tuple(tiles), float(np.ceil(error * 1000) / 1000))

    def _leaf(self, node: Node) -> Patch:
        assert self._part is not None and self._images is not None
        part = self._part
        rows = np.sort(part.order()[node.first : node.last])
        shown = textured(part.mesh, part.mesh.arrays(), rows, self._images, SIDE)
        positions = part.positions()[shown.source]
        width, height = shown.image.size
        texel = texel_size(positions, shown.faces, shown.uv, width * height)
        leaves = part.leaves()[shown.source]
        return Patch(positions, shown.uv, shown.faces, leaves, shown.image, 0.0, texel)

    def _put(self, patch: Patch, children: tuple[Tile, ...], error: float) -> Tile:
        glb = encode_patch(patch, self._job.profile, lit=self._job.lit)
        low, high = patch.positions.min(axis=0), patch.positions.max(axis=0)
        box = union([np.concatenate([low, high]), *(child.box for child in children)])
        self.made.tiles += 1
        self.made.bytes += len(glb)
        return Tile(box, error, self._job.store.put(glb, "glb"), children, replaced=True)


def _tileset(made: _Made, frame: F64, meshes: int, sink: Sink) -> Tileset:
    schema: JsonObject = {
        "id": CLASS,
        "classes": {
            CLASS: {"properties": {"triangles": {"type": "SCALAR", "componentType": "UINT32"}}}
        },
    }
    found = {"count": meshes, "properties": {"triangles": {"sum": made.triangles}}}
    box = made.tile.box
    whole = float(np.linalg.norm(box[3:] - box[:3]))
    error = float(np.ceil(max(whole, 2 * made.tile.geometric_error, _LEAST) * 100) / 100)
    root = externalise(made.tile, lambda data: sink.put(data, "json"))
    return Tileset(root, error, frame, schema, {"classes": {CLASS: found}})
