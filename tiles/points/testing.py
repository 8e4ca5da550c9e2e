"""Clouds as the check passes them on, and layers of them read back; only tests import this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.crs import StorageCrs, ecef_to_geodetic, storage_to_ecef
from models.geocentric import enu_frame
from models.las import LasFile
from models.pointcloud import Cloud, CloudPassport, Extent, Placement
from tiles.content import F64
from tiles.inspect import Glb
from tiles.inspect_tileset import TileEntry, walk
from tiles.points import PointReport
from tiles.store.directory import DirectoryStore

EXTENT: Final = (121.2054, 30.9689, 121.2474, 31.0049)
FRAME: Final[F64] = np.asarray(enu_frame(121.2264, 30.9869, 15.0), dtype=np.float64)


def passport(path: Path, **more: Any) -> Cloud:
    """The cloud at ``path`` with the passport that its check would give, except for ``more``."""
    points = [LasFile(path).read(piece) for piece in LasFile(path).pieces()]
    xyz = np.concatenate([p.xyz for p in points])
    box = (*xyz.min(axis=0).tolist(), *xyz.max(axis=0).tolist())
    codes = np.unique(np.concatenate([p.classification for p in points]))
    times = [p.time for p in points if p.time is not None]
    spans = np.concatenate(times) if times else np.zeros(1)
    top = max(int(p.rgb.max()) if p.rgb is not None else 0 for p in points)
    values: dict[str, Any] = {
        "classes": {str(code): 1 for code in codes},
        "colour_bits": 0 if not top else 8 if top < 256 else 16,
        "intensity": max(int(p.intensity.max()) for p in points),
        "returns": max(int(p.returns.max()) for p in points),
        "times": (float(spans.min()), float(spans.max())) if np.ptp(spans) else None,
    }
    values |= {"count": len(xyz), "box": box, "stated": box}
    values |= {"horizontal": "EPSG:4549", "vertical": "1985"} | more
    return Cloud(path, CloudPassport(name=path.name, sha256=path.name, **values))


def frame_around(cloud: Cloud, srid: int) -> tuple[F64, Extent, StorageCrs]:
    """Frame, extent and storage CRS of a twin where ``cloud`` lies, wherever that is."""
    storage = StorageCrs(srid)
    passed = cloud.passport
    place = Placement(passed.horizontal, passed.vertical, storage)
    middle = np.reshape(passed.box, (2, 3)).mean(axis=0)
    lon, lat, h = (float(v[0]) for v in ecef_to_geodetic(place.ecef(middle[None])))
    extent = (lon - 0.05, lat - 0.05, lon + 0.05, lat + 0.05)
    return np.asarray(enu_frame(lon, lat, h), np.float64), extent, storage


@dataclass(frozen=True)
class Tile:
    """A tile as a client gets it: its entry, decoded file and points in tile coordinates."""

    entry: TileEntry
    glb: Glb
    xyz: F64

    def values(self, name: str) -> Any:
        """Attribute ``name`` (n,) or (n, k) of its points."""
        primitive = self.glb.json["meshes"][0]["primitives"][0]
        found = self.glb.accessor(primitive["attributes"][name])
        return found[:, 0] if found.shape[1] == 1 else found


@dataclass(frozen=True)
class Built:
    """A layer in ``store`` and what was reported of it."""

    store: DirectoryStore
    report: PointReport

    def tiles(self) -> list[Tile]:
        """Every tile with a content, in the tileset's order."""
        return list(self._tiles())

    def _tiles(self) -> Iterator[Tile]:
        for entry in walk(lambda uri: self.store.get(uri).decoded()):
            if entry.uri is not None:
                glb = Glb(self.store.get(entry.uri).decoded())
                yield Tile(entry, glb, positions(glb))

    def all(self, name: str) -> Any:
        """An attribute of all points."""
        return np.concatenate([tile.values(name) for tile in self.tiles()])


def positions(glb: Glb) -> F64:
    """(n, 3) points in tile coordinates by the glTF's own matrices (3D Tiles 1.1, 6.7.1.6)."""
    outer, inner = glb.json["nodes"]
    primitive = glb.json["meshes"][0]["primitives"][0]
    assert primitive["mode"] == 0
    raw = glb.accessor(primitive["attributes"]["POSITION"]).astype(np.float64)
    placed = raw * inner.get("scale", [1, 1, 1]) + inner["translation"]
    matrix = np.array(outer["matrix"], np.float64).reshape(4, 4).T
    upright = placed @ matrix[:3, :3].T
    return np.column_stack([upright[:, 0], -upright[:, 2], upright[:, 1]])


def enu(xyz: F64) -> F64:
    """Where points of the storage CRS belong in the tileset's frame."""
    ecef = storage_to_ecef(*np.ascontiguousarray(xyz.T))
    return np.asarray((ecef - FRAME[:3, 3]) @ FRAME[:3, :3])
