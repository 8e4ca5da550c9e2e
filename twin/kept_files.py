"""What of a delivery becomes files in the home folder, not features in the database: elevation
models, point clouds and textured meshes, wherever in it they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.pipeline import Held
from twin import mesh, pointcloud, terrain
from twin.outcome import Outcome

if TYPE_CHECKING:
    from ingest.readers.base import ReadOptions
    from models.crs import StorageCrs
    from models.twins import TwinDefinition


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of those files, and the rest of the delivery."""

    outcomes: list[Outcome]
    rest: Held


def take(
    held: Held,
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None = None,
    replace_all: bool = False,
) -> Kept:
    """Check those files of ``held`` and, where ``home`` is given, make them ``twin``'s."""
    rasters, rest = terrain.split(held.files, held.named)
    clouds, rest = pointcloud.split(rest)
    surfaces, rest = mesh.split(rest)
    outcomes = [
        *terrain.take(rasters, given, twin, storage, home),
        *pointcloud.take(clouds, given, twin, storage, home, replace_all),
    ]
    drawn = mesh.take(surfaces, given, twin, storage, home, replace_all)
    used = {path for outcome in drawn for path in outcome.handed}
    rest = _without(rest, used, materials=bool(surfaces))
    handed = [
        replace(one, handed=tuple(dict.fromkeys(held.origin(path) for path in one.handed)))
        for one in (*outcomes, *drawn)
    ]
    return Kept(handed, replace(held, files=tuple(rest)))


def _without(files: Sequence[Path], used: set[Path], *, materials: bool) -> list[Path]:
    """``files`` that no mesh was read with; no other reader takes its materials."""
    return [
        path
        for path in files
        if path not in used and not (materials and path.suffix.lower() == ".mtl")
    ]
