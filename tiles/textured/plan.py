"""What is to be made of which triangles: places in the tileset's frame and the tree over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.crs import StorageCrs
from models.pointcloud import Extent, Placement
from models.texturedmesh import I32, StoredMesh
from tiles.content import F64
from tiles.errors import ContentError
from tiles.textured.charts import texels_of
from tiles.textured.split import Limits, Node, Splitter, leaf_spans

I64 = npt.NDArray[np.int64]

#: Points that are transformed at once.
_STEP: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mesh with what the plan wrote of it to ``folder``."""

    mesh: StoredMesh
    folder: Path
    number: int

    def positions(self) -> F64:
        """(n, 3) ENU metres, mapped from disk; NaN where a place is impossible."""
        positions: F64 = self._loaded("positions")
        return positions

    def order(self) -> I64:
        """The numbers of its triangles in the order of the tree."""
        order: I64 = self._loaded("order")
        return order

    def leaves(self) -> I32:
        """(n, 2) first and last leaf at each place."""
        leaves: I32 = self._loaded("leaves")
        return leaves

    def save(self, name: str, values: npt.NDArray[np.generic]) -> None:
        """Write one array. Raises OSError."""
        np.save(self._path(name), values, allow_pickle=False)

    def _loaded(self, name: str) -> Any:
        return np.load(self._path(name), mmap_mode="r", allow_pickle=False)

    def _path(self, name: str) -> Path:
        return self.folder / f"{self.number}.{name}.npy"


@dataclass(frozen=True, slots=True)
class Plan:
    """The tree over all meshes; ``refused`` triangles are in none of it."""

    prepared: tuple[Prepared, ...]
    root: Node
    refused: int


def planned(
    meshes: Sequence[StoredMesh],
    frame: F64,
    folder: Path,
    extent: Extent | None,
    storage: StorageCrs,
    limits: Limits,
) -> Plan:
    """The plan for ``meshes``. Raises :class:`ContentError` where no triangle is left, OSError."""
    splitter = Splitter(limits)
    out: list[Prepared] = []
    roots: list[Node] = []
    middles: list[F64] = []
    refused = 0
    for mesh in meshes:
        part = Prepared(mesh, folder, len(out))
        root, middle, lost = _one(part, splitter, frame, extent, storage)
        refused += lost
        if root is not None:
            out.append(part)
            roots.append(root)
            middles.append(middle)
    if not roots:
        raise ContentError(
            "No triangle of the meshes lies near the twin. Ingest them again with the right CRS.",
            "网格中没有位于孪生体周边的三角形。请以正确的坐标系重新入库。",
        )
    return Plan(tuple(out), splitter.over(roots, np.array(middles)), refused)


def _one(
    part: Prepared, splitter: Splitter, frame: F64, extent: Extent | None, storage: StorageCrs
) -> tuple[Node | None, F64, int]:
    """The tree of a mesh (None where none of it is left), its middle, triangles refused."""
    mesh, arrays = part.mesh, part.mesh.arrays()
    passport = mesh.passport
    place = Placement(passport.horizontal, passport.vertical, storage, passport.n_offset, extent)
    positions = _enu(np.asarray(arrays.positions), frame, place, certain=place.holds(passport.box))
    faces = np.asarray(arrays.faces)
    kept = np.flatnonzero(np.isfinite(positions[:, 0])[faces].all(axis=1))
    if not len(kept):
        return None, np.zeros(3), len(faces)
    centres = positions[faces[kept]].mean(axis=1)
    texels = texels_of(mesh, arrays, _sizes(mesh))[kept]
    root, order = splitter.mesh(part.number, centres, texels)
    part.save("positions", positions)
    part.save("order", kept[order])
    part.save("leaves", leaf_spans(root, order, faces[kept], len(positions)))
    return root, centres.mean(axis=0), len(faces) - len(kept)


def _enu(points: F64, frame: F64, place: Placement, *, certain: bool) -> F64:
    """``points`` in the frame; NaN where they are refused."""
    out = np.full(points.shape, np.nan)
    turn = np.ascontiguousarray(frame[:3, :3])
    for start in range(0, len(points), _STEP):
        part = points[start : start + _STEP]
        good = np.ones(len(part), np.bool_)
        if not certain:
            elsewhere, height = place.refused(part)
            good = ~(elsewhere | height)
        if good.any():
            out[start : start + _STEP][good] = (place.ecef(part[good]) - frame[:3, 3]) @ turn
    return out


def _sizes(mesh: StoredMesh) -> npt.NDArray[np.int64]:
    """Width and height (images, 2) of each image. Raises OSError."""
    Image.MAX_IMAGE_PIXELS = None  # the check has limited it
    out = np.zeros((len(mesh.passport.images), 2), np.int64)
    for number in range(len(out)):
        with Image.open(mesh.image(number)) as image:
            out[number] = image.size
    return out
