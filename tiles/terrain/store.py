"""Terrain of a twin on disk: immutable versions under one ``layer.json`` that is switched.

``<version>/<z>/<x>/<y>.terrain.gz`` and ``layer.json.gz``, as :mod:`tiles.store.directory` names
its files: gzipped at rest. The version is a digest of all tiles, so equal input gives equal names.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from models.files import write_whole
from tiles.errors import StoreError, TileNotFoundError
from tiles.store.base import StoredFile
from tiles.store.directory import digest, pack
from tiles.terrain.quantized import MEDIA_TYPE

LAYER: Final = "layer.json"
_TILE: Final = re.compile(r"[0-9a-f]{32}/\d{1,2}/\d{1,8}/\d{1,8}\.terrain")


class TerrainStore:
    """Terrain in ``path``; readers see the old version or the new one whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> StoredFile:
        """``layer.json`` or a tile ``<version>/<z>/<x>/<y>.terrain``.

        Any other name is not found, never opened. Raises
        :class:`tiles.errors.TileNotFoundError` and :class:`tiles.errors.StoreError`.
        """
        tile = _TILE.fullmatch(name) is not None
        if not tile and name != LAYER:
            raise _missing(name, self.path)
        try:
            data = (self.path / f"{name}.gz").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise _missing(name, self.path) from None
        except OSError as error:
            raise _unusable(self.path / name, error) from error
        media = MEDIA_TYPE if tile else "application/json"
        return StoredFile(name, data, "gzip", media, digest(gzip.decompress(data)), immutable=tile)


class Version:
    """A version being written; a context manager that leaves nothing behind on failure."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = sha256()
        self._folder = Path()

    def __enter__(self) -> Version:
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=".new-", dir=self._path))
        except OSError as error:
            raise _unusable(self._path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def put(self, level: int, x: int, y: int, data: bytes) -> int:
        """Write a tile; gives its bytes at rest. Tiles come in a fixed order."""
        packed = pack(data)
        target = self._folder / str(level) / str(x) / f"{y}.terrain.gz"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(packed)
        except OSError as error:
            raise _unusable(target, error) from error
        self._digest.update(f"{level}/{x}/{y}:{digest(data)};".encode())
        return len(packed)

    def publish(self, layer: dict[str, Any]) -> str:
        """Switch to this version; ``layer`` is layer.json without its tile template."""
        version = self._digest.hexdigest()[:32]
        target = self._path / version
        body = orjson.dumps(layer | {"tiles": [f"{version}/{{z}}/{{x}}/{{y}}.terrain"]})
        try:
            if not target.is_dir():
                self._folder.chmod(0o755)
                self._folder.replace(target)
            write_whole(self._path / f"{LAYER}.gz", pack(body))
        except OSError as error:
            raise _unusable(target, error) from error
        return version


def _missing(name: str, path: Path) -> TileNotFoundError:
    return TileNotFoundError(
        f"No terrain file {name!r} in {path}; expected {LAYER} or a tile that it lists. "
        "If the terrain was never built, run `twin tile --layer terrain`.",
        f"{path} 中没有地形文件 {name!r}；应为 {LAYER} 或其列出的瓦片。"
        "若尚未生成地形，请运行 `twin tile --layer terrain`。",
    )


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The terrain store cannot be used at {path}: {error.strerror or error}. "
        "Check that the disk has room and that this user may write there.",
        f"地形存储 {path} 无法使用：{error.strerror or error}。请检查磁盘空间和写入权限。",
    )
