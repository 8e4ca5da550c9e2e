"""The terrain of a twin, and where it keeps its elevation model: ``{home}/terrain/{twin}/``.

The raster lies there under its SHA-256, ``current.json`` is the passport of the one in use. A new
one is copied in full before that file is switched, atomically; a reader sees the old or the new.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from models.crs import STORAGE, StorageCrs
from models.elevation import Terrain, TerrainError, TerrainPassport
from models.files import write_whole

__all__ = ["Terrain", "TerrainError", "TerrainPassport", "open_terrain", "store_terrain"]


def store_terrain(home: Path, twin: str, source: Path, passport: TerrainPassport) -> Path:
    """Copy the DEM ``source`` (checked before, its hash in ``passport``) and make it the twin's.

    The raster that was in use before is deleted; whoever has it open keeps it. Returns the new
    one's path. Raises :class:`OSError` where the folder cannot be written.
    """
    folder = home / "terrain" / twin
    folder.mkdir(parents=True, exist_ok=True)
    raster = folder / f"{passport.sha256}.tif"
    if not raster.exists():
        with source.open("rb") as stream:
            write_whole(raster, stream)
    text = json.dumps(asdict(passport), ensure_ascii=False, indent=1)
    write_whole(folder / "current.json", text.encode())
    for other in folder.glob("*.tif"):
        if other != raster:
            other.unlink(missing_ok=True)
    return raster


def open_terrain(home: Path, twin: str, storage: StorageCrs = STORAGE) -> Terrain | None:
    """The terrain of ``twin``, ``None`` where no DEM was ingested; opened once a process.

    Raises :class:`TerrainError` where the stored files are damaged.
    """
    folder = home / "terrain" / twin
    for _ in range(2):  # the raster may be replaced between the two readings
        try:
            passport = TerrainPassport(**json.loads((folder / "current.json").read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise _damaged(folder) from error
        raster = folder / f"{passport.sha256}.tif"
        if raster.is_file():
            return _opened(raster.resolve(), passport, storage)
    raise _damaged(folder)


@lru_cache(maxsize=8)
def _opened(raster: Path, passport: TerrainPassport, storage: StorageCrs) -> Terrain:
    return Terrain(raster, passport, storage)


def _damaged(folder: Path) -> TerrainError:
    return TerrainError(
        f"The elevation model kept in {folder} is damaged. Ingest the DEM again.",
        f"{folder} 中保存的地形数据已损坏。请重新入库该 DEM。",
    )
