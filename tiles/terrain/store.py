"""Terrain of a twin on disk: immutable versions under one ``layer.json`` that is switched.

``<version>/<z>/<x>/<y>.terrain.gz`` and ``layer.json.gz``, as :mod:`tiles.store.directory` names
its files: gzipped at rest. The version is a digest of all tiles, so equal input gives equal names.
One process writes at a time. A version that another took the place of stays for a day.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import time
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson

from models.db.errors import RunningError
from models.db.lock import ProcessLock
from models.files import write_whole
from tiles.errors import StoreError, TileNotFoundError
from tiles.store.base import StoredFile
from tiles.store.directory import digest, pack
from tiles.terrain.quantized import MEDIA_TYPE

LAYER: Final = "layer.json"
#: Seconds that a version stays for its readers after another took its place.
KEPT: Final = 86_400.0
_LOCK: Final = "tiling.lock"
#: What reading a file raises that is not there or not whole.
_CUT: Final = (OSError, EOFError, zlib.error)
_NEW: Final = ".new-"
_VERSION: Final = re.compile(r"[0-9a-f]{32}")
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
        try:
            named = digest(gzip.decompress(data))
        except _CUT as error:
            raise _damaged(self.path / f"{name}.gz") from error
        return StoredFile(name, data, "gzip", media, named, immutable=tile)


class Version:
    """A version being written; a context manager that leaves nothing behind on failure, and takes
    away what a killed process left, unless it was writing the same: what ``key`` names, if given.

    Entering raises :class:`tiles.errors.StoreError` where another process writes there, and
    :class:`models.errors.DatabaseError` where nobody can.
    """

    def __init__(self, path: Path, key: str | None = None) -> None:
        self._path = path
        self._key = key
        self._digest = sha256()
        self._folder = Path()
        self._lock = ProcessLock(path / _LOCK)

    def __enter__(self) -> Version:
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._folder = self._path / f"{_NEW}{self._key or uuid4().hex}"
            for left in self._path.glob(f"{_NEW}*"):
                if left != self._folder:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            self._folder.mkdir(exist_ok=True)
        except RunningError as error:
            raise _busy(self._path, error) from error
        except OSError as error:
            self._lock.release()
            raise _unusable(self._path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()

    def held(self, level: int, x: int, y: int) -> bytes | None:
        """A tile that a killed process wrote, None where it did not."""
        try:
            return gzip.decompress(self._at(level, x, y).read_bytes())
        except _CUT:
            return None

    def put(self, level: int, x: int, y: int, data: bytes) -> int:
        """Write a tile, on disk; gives its bytes at rest. Tiles come in a fixed order."""
        packed = pack(data)
        target = self._at(level, x, y)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not (target.is_file() and target.read_bytes() == packed):
                write_whole(target, packed)
        except OSError as error:
            raise _unusable(target, error) from error
        self._digest.update(f"{level}/{x}/{y}:{digest(data)};".encode())
        return len(packed)

    def publish(self, layer: dict[str, Any]) -> str:
        """Switch to this version; ``layer`` is layer.json without its tile template.

        Where it is there already, tiles of it that were lost or damaged are put back.
        """
        version = self._digest.hexdigest()[:32]
        target = self._path / version
        body = orjson.dumps(layer | {"tiles": [f"{version}/{{z}}/{{x}}/{{y}}.terrain"]})
        try:
            if target.is_dir():
                self._mend(target)
            else:
                self._folder.chmod(0o755)
                self._folder.replace(target)
            before = self._published()
            write_whole(self._path / f"{LAYER}.gz", pack(body))
            self._retire(version, before)
        except OSError as error:
            raise _unusable(target, error) from error
        return version

    def _at(self, level: int, x: int, y: int) -> Path:
        return self._folder / str(level) / str(x) / f"{y}.terrain.gz"

    def _mend(self, target: Path) -> None:
        """Replace tiles one by one, so that readers see each whole."""
        for made in self._folder.rglob("*.terrain.gz"):
            kept = target / made.relative_to(self._folder)
            if not (kept.is_file() and kept.read_bytes() == made.read_bytes()):
                kept.parent.mkdir(parents=True, exist_ok=True)
                made.replace(kept)

    def _published(self) -> str | None:
        """The version that layer.json names, None where it names none."""
        try:
            layer = orjson.loads(gzip.decompress((self._path / f"{LAYER}.gz").read_bytes()))
            return str(layer["tiles"][0]).partition("/")[0]
        except (*_CUT, ValueError, LookupError, TypeError):
            return None

    def _retire(self, version: str, before: str | None) -> None:
        """Delete versions that another took the place of long ago; that of ``before`` was replaced
        now, and so was any where that is not known."""
        for folder in self._path.iterdir():
            if folder.name == version or not _VERSION.fullmatch(folder.name):
                continue
            if before in (None, folder.name):
                os.utime(folder)
            elif folder.stat().st_mtime < time.time() - KEPT:
                shutil.rmtree(folder)


def _missing(name: str, path: Path) -> TileNotFoundError:
    return TileNotFoundError(
        f"No terrain file {name!r} in {path}; expected {LAYER} or a tile that it lists. "
        "If the terrain was never built, run `twin tile --layer terrain`.",
        f"{path} 中没有地形文件 {name!r}；应为 {LAYER} 或其列出的瓦片。"
        "若尚未生成地形，请运行 `twin tile --layer terrain`。",
    )


def _busy(path: Path, error: RunningError) -> StoreError:
    return StoreError(
        f"Process {error.pid or '?'} is tiling the terrain in {path} now. Wait until it has ended, "
        "then tile again.",
        f"进程 {error.pid or '?'} 正在 {path} 中切片地形。请待其结束后重试。",
    )


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"The terrain file {path} is damaged: it is no whole gzip file. Run `twin tile --layer "
        "terrain` again.",
        f"地形文件 {path} 已损坏：不是完整的 gzip 文件。请重新运行 `twin tile --layer terrain`。",
    )


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The terrain store cannot be used at {path}: {error.strerror or error}. "
        "Check that the disk has room and that this user may write there.",
        f"地形存储 {path} 无法使用：{error.strerror or error}。请检查磁盘空间和写入权限。",
    )
