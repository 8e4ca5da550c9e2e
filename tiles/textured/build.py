"""Tiling the textured meshes of a twin: meshes → plan → tiles → tileset, counted throughout."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from models.crs import STORAGE, StorageCrs
from models.pointcloud import Extent
from models.texturedmesh import StoredMesh
from tiles.content import F64
from tiles.errors import ContentError, StoreError
from tiles.gltf import DEFAULT, Profile
from tiles.journal import Journal
from tiles.store.base import Sink, TileStore
from tiles.store.switch import contents, switch
from tiles.textured.plan import Plan, planned
from tiles.textured.split import Limits
from tiles.textured.work import LEAST, Job, Made, Progress, run
from tiles.tileset import Tileset, externalise
from tiles.workers import cores

log = logging.getLogger(__name__)

JsonObject: TypeAlias = dict[str, Any]
#: Starting workers costs about a second, in which one process tiles so many triangles.
SMALL: Final = 60_000
#: Name of the class of meshes in the tileset's schema.
CLASS: Final = "textured_mesh"


@dataclass(frozen=True, slots=True)
class MeshReport:
    """What became of the triangles; ``triangles_in = in_tiles`` + ``refused`` (those with a corner
    that is no possible place). ``in_tiles`` counts leaves; what stands for them from afar is extra.

    ``bytes`` are those of the decoded GLBs, ``seconds`` wall clock, ``root`` the digest of the
    published tileset, which reaches ``files``. ``resumed`` pieces of work were done before by a run
    that was killed: the plan, and subtrees of some 250,000 triangles or tiles above them.
    """

    meshes: int
    triangles_in: int
    in_tiles: int
    refused: int
    tiles: int
    bytes: int
    seconds: float
    root: str
    resumed: int
    files: frozenset[str] = field(repr=False)


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
    for files of about 60 bytes a triangle; what a run that was killed left there is taken up,
    anything else deleted, and whoever calls empties it. What the store held before stays there.
    Planning needs about 150 bytes a triangle
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
        told = [(str(mesh.path), mesh.passport) for mesh in meshes]
        place = (frame.tolist(), extent, storage)
        journal = Journal.open(folder, str(folder), told, place, profile, limits)
        resumed = journal.keep(partial(_is_whole, store.names()))
        plan = journal.once(
            "plan", lambda: planned(meshes, frame, journal.folder, extent, storage, limits)
        )
        lit = not any(mesh.passport.images for mesh in meshes)
        job = Job(plan.prepared, journal, store, profile, limits, lit)
        kept = [len(part.order()) for part in plan.prepared]
        total = sum(kept)
        made = run(job, plan, workers or (cores() if total > SMALL else 1), total, progress)
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
    published = switch(store, made.tile, lambda sink: _tileset(made, frame, kept, sink))
    report = MeshReport(
        len(meshes),
        counted,
        made.triangles,
        plan.refused,
        made.tiles,
        made.bytes,
        time.perf_counter() - start,
        published.root,
        resumed,
        published.files,
    )
    log.info("tiled meshes: %s", report)
    return report


def _is_whole(names: set[str], result: Plan | Made) -> bool:
    """Whether all that a piece of work put into the store is among its ``names``."""
    return isinstance(result, Plan) or contents(result.tile) <= names


def _tileset(made: Made, frame: F64, kept: Sequence[int], sink: Sink) -> Tileset:
    """The tileset, with a group for each mesh, of which ``kept`` triangles are in tiles."""
    schema: JsonObject = {
        "id": CLASS,
        "classes": {
            CLASS: {"properties": {"triangles": {"type": "SCALAR", "componentType": "UINT32"}}}
        },
    }
    groups = tuple({"class": CLASS, "properties": {"triangles": count}} for count in kept)
    found = {"count": len(groups), "properties": {"triangles": {"sum": made.triangles}}}
    box = made.tile.box
    whole = float(np.linalg.norm(box[3:] - box[:3]))
    error = float(np.ceil(max(whole, 2 * made.tile.geometric_error, LEAST) * 100) / 100)
    root = externalise(made.tile, lambda data: sink.put(data, "json"))
    return Tileset(root, error, frame, schema, {"classes": {CLASS: found}}, groups)
