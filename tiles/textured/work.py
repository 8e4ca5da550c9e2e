"""The tiles of meshes on a pool of workers: subtrees first, then the tiles above them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from tiles.gltf import Profile
from tiles.journal import Journal, whole
from tiles.store.base import TileStore
from tiles.textured.charts import texel_size, textured
from tiles.textured.gltf import encode_patch
from tiles.textured.images import Images
from tiles.textured.patch import Patch, joined, simplified
from tiles.textured.plan import Plan, Prepared
from tiles.textured.split import Limits, Node
from tiles.tileset import Tile
from tiles.volumes import union
from tiles.workers import Pool, give_back

Progress = Callable[[int, int], None]

#: Most texels across the image of a tile.
SIDE: Final = 2048
#: Metres of geometric error for each metre that a texel is wide: at the usual 16 pixels a tile is
#: refined before a texel of it covers two pixels.
_TEXEL_ERROR: Final = 8.0
#: Least geometric error of a tile that is refined, m.
LEAST: Final = 0.05


@dataclass(frozen=True, slots=True)
class Job:
    """What every task needs; it goes to each worker once."""

    prepared: tuple[Prepared, ...]
    journal: Journal
    store: TileStore
    profile: Profile
    limits: Limits
    lit: bool


@dataclass(slots=True)
class Made:
    """A node's tile and what was counted below it."""

    number: int
    tile: Tile
    triangles: int = 0
    tiles: int = 0
    bytes: int = 0


def run(job: Job, plan: Plan, workers: int, total: int, progress: Progress | None) -> Made:
    """Units first, then each tile above them once all below it are made."""
    above = {child.number: node for node in plan.root.walk() for child in node.children}
    made: dict[int, Made] = {}
    pool: Pool[Job, tuple[Node, tuple[Tile, ...]], Made] = Pool(_do, job, workers)
    pool.tasks.extend((node, ()) for node in plan.root.walk() if node.unit)
    done = 0
    if progress is not None:
        progress(done, total)
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


def _do(job: Job, task: tuple[Node, tuple[Tile, ...]]) -> Made:
    node, tiles = task
    try:
        return job.journal.once(f"node-{node.number}", lambda: _done(job, node, tiles))
    finally:
        give_back()


def _done(job: Job, node: Node, tiles: tuple[Tile, ...]) -> Made:
    if node.unit:
        assert node.mesh is not None
        part = job.prepared[node.mesh]
        maker = _Maker(job, part, Images(part.mesh))
        patch, tile = maker.make(node)
    else:
        maker = _Maker(job, None, None)
        patches = [Patch.load(_kept(job, child)) for child in node.children]
        patch, tile = maker.above(node, patches, tiles)
    with whole(_kept(job, node)) as half:
        patch.save(half)
    return replace(maker.made, number=node.number, tile=tile)


def _kept(job: Job, node: Node) -> Path:
    return job.journal.folder / f"{node.number}.npz"


class _Maker:
    """Makes the tiles of a node, children first; their files go to the store at once."""

    def __init__(self, job: Job, part: Prepared | None, images: Images | None) -> None:
        self._job, self._part, self._images = job, part, images
        self.made = Made(0, Tile(np.zeros(6), 0.0))

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
        every = joined(patches, SIDE, self._job.limits.texels)
        patch = simplified(every, *node.leaves, self._job.limits.triangles)
        below = max(tile.geometric_error for tile in tiles)
        error = max(patch.error, _TEXEL_ERROR * patch.blur, 2 * below, LEAST)
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
