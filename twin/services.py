"""What the routers stand on: twin definitions, the read pool, and the tile store of each layer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import structlog

from models.crs import geoid_height
from models.db import pool as db
from models.db.features_items import connection
from models.db.features_state import read_state
from models.db.migrate import head
from models.errors import TwinError
from models.features import THEME_TABLES, Theme
from models.twins import TwinDefinition, find_twin
from tiles.errors import StoreError, TileNotFoundError
from tiles.store.base import ROOT, StoredFile
from tiles.terrain import TerrainStore
from twin.tile_stores import Places

if TYPE_CHECKING:
    from tiles.store.bucket import BucketStore

_log = structlog.get_logger("twin.tiles")

TITLES: Final = {
    Theme.BUILDINGS: {"zh": "建筑", "en": "Buildings"},
    Theme.BIM: {"zh": "建筑信息模型", "en": "BIM"},
    Theme.PIPES: {"zh": "地下管线", "en": "Underground pipes"},
}

#: Layers of files, not of features in the database.
FILES: Final = {
    "pointcloud": {"zh": "点云", "en": "Point cloud"},
    "mesh": {"zh": "实景三维", "en": "Textured mesh"},
}

#: Columns that mean nothing outside the database.
_HIDDEN: Final = {"placement", "mesh", "from_point_id", "to_point_id"}


class TilesAwayError(TwinError):
    """The store of the tiles does not answer."""

    code = "TILE-13"

    def __init__(self) -> None:
        super().__init__(
            "The store of the tiles does not answer now. Ask again in a few seconds; if that "
            "lasts, the service's log says why.",
            "瓦片存储暂时无法读取。请稍后重试；若持续如此，原因见服务日志。",
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """``count`` and ``extent`` of each feature table (:func:`models.db.pool.summary`), which stay
    true while ``stamp`` does."""

    stamp: str
    tables: Mapping[str, Mapping[str, Any]]


@dataclass
class Services:
    """Everything a request may need; one per application. ``tiles`` are the published layers,
    ``tiles_dir`` the folder with the terrain."""

    twins: Mapping[str, TwinDefinition]
    tiles_dir: Path
    pool: db.Pool
    tiles: Places
    _grounds: dict[str, float] = field(default_factory=dict)
    _editions: dict[str, str] = field(default_factory=dict)
    _summaries: dict[str, Summary] = field(default_factory=dict)
    _counting: dict[str, asyncio.Lock] = field(default_factory=dict)
    _buckets: dict[tuple[str, str], BucketStore | None] = field(default_factory=dict)

    def twin(self, twin: str) -> TwinDefinition:
        """The definition. Raises :class:`models.errors.UnknownTwinError`."""
        return find_twin(self.twins, twin)

    def ground(self, twin: str) -> float:
        """Ellipsoidal height in metres of the twin's ground at its centre."""
        if twin not in self._grounds:
            definition = self.twin(twin)
            lon, lat = definition.centre
            # not through the storage CRS: a twin outside its area is listed all the same
            geoid = float(geoid_height(np.array([lon]), np.array([lat]))[0])
            height = definition.ground_height + definition.n_offset + geoid
            self._grounds[twin] = round(height, 3)
        return self._grounds[twin]

    def bucket(self, twin: str, layer: str) -> BucketStore | None:
        """The store of a layer that is in a bucket. Raises as :meth:`tile`."""
        self._require(twin, layer)
        if (twin, layer) not in self._buckets:
            self._buckets[twin, layer] = self.tiles.bucket(twin, layer)
        return self._buckets[twin, layer]

    async def tile(self, twin: str, layer: str, name: str) -> StoredFile:
        """One file of a layer.

        Raises UnknownTwinError, TileNotFoundError, :class:`TilesAwayError`.
        """
        bucket = self.bucket(twin, layer)
        with self.told(twin, layer, name):
            if bucket is not None:
                return await asyncio.to_thread(bucket.get, name)
            return self.tiles.reader(twin, layer).get(name)

    @contextmanager
    def told(self, twin: str, layer: str, name: str) -> Iterator[None]:
        """Say of a layer's store what concerns a client: its own sentences name places of ours."""
        try:
            yield
        except TileNotFoundError:
            if name == ROOT:
                raise TileNotFoundError(
                    f"Layer '{layer}' of twin '{twin}' has no tiles yet: `twin ingest` what it is "
                    "made of, then `twin tile`.",
                    f"孪生体“{twin}”的图层“{layer}”尚无切片：请先 twin ingest 入库，再 twin tile。",
                ) from None
            raise TileNotFoundError(
                f"Layer '{layer}' of twin '{twin}' has no file '{name}'. "
                f"Start at {ROOT}, which names them all.",
                f"孪生体“{twin}”的图层“{layer}”没有文件“{name}”。"
                f"请从 {ROOT} 开始，其中列出全部文件。",
            ) from None
        except StoreError as error:
            _log.error("tiles away", error=error.en)
            raise TilesAwayError from error

    def _require(self, twin: str, layer: str) -> None:
        layers = self.twin(twin).layers
        if layer not in layers:
            raise TileNotFoundError(
                f"Twin '{twin}' has no layer '{layer}'; expected one of {', '.join(layers)}.",
                f"孪生体“{twin}”没有图层“{layer}”；应为 {'、'.join(layers)} 之一。",
            )

    def terrain(self, twin: str, name: str) -> StoredFile:
        """One file of a twin's terrain. Raises UnknownTwinError, TileNotFoundError."""
        try:
            return TerrainStore(self.tiles_dir / self.twin(twin).id / "terrain").get(name)
        except TileNotFoundError:  # its own sentence names a folder of this machine
            raise TileNotFoundError(
                f"Twin '{twin}' has no terrain file '{name}'. Start at layer.json; where there is "
                "none, ingest a DEM and run `twin tile --layer terrain`.",
                f"孪生体“{twin}”没有地形文件“{name}”。请从 layer.json 开始；"
                "如无，请先入库 DEM 并运行 `twin tile --layer terrain`。",
            ) from None

    def has_terrain(self, twin: str) -> bool:
        """Whether terrain of the twin was tiled."""
        try:
            self.terrain(twin, "layer.json")
        except TileNotFoundError:
            return False
        return True

    async def version(self, twin: str, layer: str) -> str | None:
        """Digest of the layer's root tileset, or None before it was tiled."""
        try:
            return (await self.tile(twin, layer, ROOT)).digest
        except TileNotFoundError:
            return None

    async def summary(self, twin: str) -> Summary:
        """What each table holds of the twin now. All rows are passed for it, so that is done when
        something was published, and once for all who ask meanwhile."""
        async with connection(self.pool) as conn:
            states = [await read_state(conn, twin, theme) for theme in Theme]
        stamp = " ".join(state.stamp for state in states)
        async with self._counting.setdefault(twin, asyncio.Lock()):
            kept = self._summaries.get(twin)
            if kept is None or kept.stamp != stamp:
                kept = Summary(stamp, await db.summary(self.pool, twin))
                self._summaries[twin] = kept
        return kept

    async def tiled(self, twin: str) -> dict[str, dict[str, str]]:
        """The titles of the layers that have a tileset, by layer. Asks no table."""
        titles = {str(one): title for one, title in [*TITLES.items(), *FILES.items()]}
        known = [layer for layer in self.twin(twin).layers if layer in titles]
        return {layer: titles[layer] for layer in known if await self.version(twin, layer)}

    async def layers(self, twin: str) -> list[dict[str, Any]]:
        """Each layer of a twin that this version can tile, with counts and addresses."""
        found = (await self.summary(twin)).tables
        out = []
        for layer in self.twin(twin).layers:
            if layer in FILES:
                out += await self._from_files(twin, layer)
            if layer not in TITLES:
                continue
            theme = Theme(layer)
            version = await self.version(twin, layer)
            counts = {table: found[table]["count"] for table in THEME_TABLES[theme]}
            out.append(
                {
                    "id": layer,
                    "title": TITLES[theme],
                    "tileset": f"/tiles/{twin}/{layer}/{ROOT}" if version else None,
                    "features": sum(counts.values()),
                    "tables": counts,
                    "version": version,
                }
            )
        return out

    async def _from_files(self, twin: str, layer: str) -> list[dict[str, Any]]:
        """A layer of files, once it is tiled; its features are points or meshes, in no table."""
        try:
            root = await self.tile(twin, layer, ROOT)
        except TileNotFoundError:
            return []
        return [
            {
                "id": layer,
                "title": FILES[layer],
                "tileset": f"/tiles/{twin}/{layer}/{ROOT}",
                "features": _counted(root),
                "tables": {},
                "version": root.digest,
            }
        ]

    async def feature(self, twin: str, feature_id: uuid.UUID) -> dict[str, Any] | None:
        """The current state of a feature, or None."""
        found = await db.fetch_feature(self.pool, twin, feature_id)
        if found is None:
            return None
        identity, table = found.pop("id"), found.pop("table")
        source = {
            "file": found.pop("file"),
            "sha256": found.pop("file_sha256"),
            "sheet": found.pop("source_sheet"),
            "row": found.pop("source_row"),
        }
        dataset = {"name": found.pop("dataset"), "revision": found.pop("revision")}
        times = {name: found.pop(name) for name in ("valid_from", "valid_to", "tx_from")}
        shown = {k: v for k, v in found.items() if v is not None and k not in _HIDDEN}
        return {
            "id": str(identity),
            "table": table,
            "attributes": shown,
            "dataset": dataset,
            "source": source,
            "times": times,
        }

    def edition(self, twin: str) -> str:
        """Changes when this program does, or what defines the twin: answers depend on both as they
        do on its data."""
        if twin not in self._editions:
            said = f"{metadata.version('cim-twin')} {self.twin(twin).model_dump_json()}"
            self._editions[twin] = blake2b(said.encode(), digest_size=8).hexdigest()
        return self._editions[twin]

    async def answers(self) -> bool:
        """Whether the database answers."""
        return await db.ping(self.pool)

    async def migrations(self) -> dict[str, str | None]:
        """Schema revision that the database has, and the one this program needs."""
        newest, current = await asyncio.gather(
            asyncio.to_thread(head), db.schema_revision(self.pool)
        )
        return {"current": current, "head": newest}

    async def tiles_state(self) -> dict[str, dict[str, Any]]:
        """For every layer with features: whether it has a tileset."""
        out = {}
        for twin, definition in self.twins.items():
            there = await db.filled(self.pool, twin)
            filled = {one for one in TITLES if there.intersection(THEME_TABLES[one])}
            for layer in definition.layers:
                known = layer in filled or layer in FILES
                version = await self.version(twin, layer) if known else None
                if layer in filled or version is not None:
                    out[f"{twin}/{layer}"] = {"ready": version is not None, "version": version}
        return out


def _counted(root: StoredFile) -> int:
    """How many points or meshes a tileset says it has."""
    classes = orjson.loads(root.decoded()).get("statistics", {}).get("classes", {})
    return sum(int(entry["count"]) for entry in classes.values())
