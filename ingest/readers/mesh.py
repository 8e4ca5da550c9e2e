"""Textured meshes: one OBJ, glTF or GLB, checked before a twin keeps it.

It is read in a process of its own, so that a damaged or hostile file can only end that. What passes
is stored as arrays and images by :func:`models.texturedmesh.store_mesh`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from ingest import isolation
from ingest.errors import refuse
from ingest.isolation import Limits
from ingest.readers.base import ReadOptions
from ingest.readers.las_datums import datums_of
from ingest.readers.mesh_about import about
from ingest.readers.mesh_findings import nowhere, remarks, require_usable, strays
from ingest.readers.mesh_inspect import Seen, inspect, is_gltf_json
from models.crs import STORAGE, StorageCrs
from models.features import DatumPassport
from models.findings import Finding
from models.pointcloud import Placement
from models.texturedmesh import Look, MeshPassport, StoredMesh
from models.twins import TwinDefinition

_HEAD: Final = 65_536
#: A line of an OBJ that nothing else starts a file with.
_OBJ: Final = re.compile(rb"^(v[ \t]+-?[\d.]|mtllib[ \t]+\S|usemtl[ \t]+\S)", re.MULTILINE)
#: Greatest coordinate that is taken for one without its constants, metres.
_LOCAL: Final = 50_000.0


@dataclass(frozen=True, slots=True)
class TexturedMesh:
    """A mesh that may be stored: the folder that it was read to, its passport, the files it is made
    of, how many triangles it has and how many are refused, and findings."""

    folder: Path
    passport: MeshPassport
    files: tuple[Path, ...]
    total: int
    refused: int
    findings: tuple[Finding, ...]


def group(paths: Sequence[Path]) -> list[Path]:
    """Those of ``paths`` that are OBJ, glTF or GLB by name and first bytes."""
    return [path for path in paths if _is_mesh(path)]


@contextmanager
def read(
    path: Path,
    options: ReadOptions,
    twin: TwinDefinition | None = None,
    storage: StorageCrs = STORAGE,
) -> Iterator[TexturedMesh]:
    """Check the mesh at ``path``, for ``twin`` where one is named; its folder is there within the
    block.

    Raises :class:`ingest.errors.RefusedError`: MET-01 datums, and as
    :func:`ingest.readers.mesh_findings.require_usable` and :func:`nowhere` say.
    """
    name = path.name
    beside = about(path)
    origin = (0.0, 0.0, 0.0) if beside is None else beside.origin
    if options.offset is not None:
        north, east, height = options.offset
        origin = (east, north, height)
    with TemporaryDirectory(prefix="mesh-") as made:
        try:
            seen: Seen = isolation.run(
                f"{inspect.__module__}:inspect",
                str(path),
                made,
                options.up,
                list(origin),
                limits=Limits(options.time_limit, options.memory_limit),
            )
        except isolation.IsolationError as error:
            raise refuse(
                "STR-00",
                name,
                zh=f"{name} 无法完整读取（{error}），可能已损坏或过大。请分块后重新导出。",
                en=f"{name} cannot be read in full ({error}); it may be damaged or too large. "
                "Export it again, in parts.",
                found=str(error),
                expected="OBJ, glTF",
            ) from error
        require_usable(name, seen, declared_up=options.up is not None)
        datums = datums_of(name, None if beside is None else beside.crs, seen["box"], options)
        about_it = () if beside is None else (beside.path,)
        files = (path, *(Path(file) for file in seen["beside"]), *about_it)
        digest = _digest(files, origin, seen["up"], datums)
        checked = _passport(name, digest, datums, seen, 0.0 if twin is None else twin.n_offset)
        extent = None if twin is None else twin.extent
        place = Placement(checked.horizontal, checked.vertical, storage, checked.n_offset, extent)
        lost = misplaced(StoredMesh(Path(made), checked), place)
        if lost == seen["triangles"]:
            raise nowhere(name, lost, seen, local=max(map(abs, seen["box"][:2])) < _LOCAL)
        found = [strays(name, lost, seen["total"])] if lost else []
        refused = lost + seen["infinite"] + seen["broken"]
        findings = (*found, *remarks(name, seen))
        yield TexturedMesh(Path(made), checked, files, seen["total"], refused, findings)


def misplaced(mesh: StoredMesh, place: Placement) -> int:
    """How many triangles have a corner that is no possible place."""
    if place.holds(mesh.passport.box):
        return 0
    arrays = mesh.arrays()
    elsewhere, height = place.refused(np.asarray(arrays.positions))
    return int((elsewhere | height)[arrays.faces].any(axis=1).sum())


def _passport(
    name: str, digest: str, datums: DatumPassport, seen: Seen, n_offset: float
) -> MeshPassport:
    assert datums.horizontal is not None
    assert datums.vertical is not None
    return MeshPassport(
        name,
        digest,
        datums.horizontal,
        datums.vertical,
        seen["triangles"],
        tuple(seen["box"]),
        tuple((r, g, b) for r, g, b in seen["colours"]),
        tuple(seen["textures"]),
        tuple(seen["images"]),
        n_offset,
        tuple(Look.of(look) for look in seen["looks"]),
    )


def _digest(
    files: Sequence[Path], origin: tuple[float, ...], up: str, datums: DatumPassport
) -> str:
    """SHA-256 over everything that the stored mesh depends on."""
    whole = hashlib.sha256(repr((origin, up, datums.horizontal, datums.vertical)).encode())
    for file in files:
        with file.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def _is_mesh(path: Path) -> bool:
    suffix = path.suffix.lower()
    try:
        if not path.is_file():  # a pipe or a device is not opened
            return False
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:  # told by whoever opens it
        return False
    if head.startswith(b"glTF"):
        return True
    if suffix == ".gltf":
        return is_gltf_json(path)
    return suffix == ".obj" and _OBJ.search(head) is not None
