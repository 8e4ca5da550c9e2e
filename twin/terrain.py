"""Delivered elevation models: checked beside the features, kept in the twin's home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest import misnamed
from ingest.readers import dem
from ingest.readers.base import ReadOptions
from models.crs import StorageCrs
from models.features import DatumPassport
from models.terrain import store_terrain
from models.twins import TwinDefinition
from twin.kept_layer import Taken, outcome
from twin.outcome import Outcome

THEME = "terrain"


def split(files: Sequence[Path], named: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """``files`` as elevation models (GeoTIFF) and all others.

    What is not ``named`` itself, but lies in a folder or an archive, may be a photograph: of these
    only TIFF files with one band and a place are elevation models.
    """
    rasters = [path for path in dem.group(files) if path in named or dem.has_place(path)]
    return rasters, [path for path in files if path not in rasters]


def take(
    rasters: Sequence[Path],
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None = None,
) -> list[Outcome]:
    """Check each DEM and, where ``home`` is given, make it the terrain of ``twin``."""
    return [_take(path, given, twin, storage, home) for path in rasters]


def _take(
    path: Path,
    given: ReadOptions,
    twin: TwinDefinition | None,
    storage: StorageCrs,
    home: Path | None,
) -> Outcome:
    def work() -> Taken:
        found = dem.read(path, given, twin, storage)
        if home is not None and twin is not None:
            store_terrain(home, twin.id, path, found.passport)
        passport = DatumPassport(found.passport.horizontal, found.passport.vertical)
        return Taken(1, 0, (*found.findings, *misnamed.tell([path])), passport, (path,))

    return outcome(path, THEME, work)
