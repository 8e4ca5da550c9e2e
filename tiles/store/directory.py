"""A tile store in a directory: ``<digest>.glb.gz``, ``<digest>.json.gz`` and ``tileset.json.gz``.

The names are those that ``gzip_static`` of a plain web server understands, so a directory can be
served without this package. The root is replaced by a rename, which readers see whole.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import time
import zlib
from collections.abc import Iterable
from pathlib import Path

import deflate

from models.files import sweep, write_whole
from tiles.errors import StoreError, TileNotFoundError
from tiles.store.base import ROOT, StoredFile

NAME = re.compile(r"(?P<digest>[0-9a-f]{32})\.(?P<suffix>glb|json)")
MEDIA = {"glb": "model/gltf-binary", "json": "application/json"}
#: No write of a file takes so long.
_WRITE_SECONDS = 3600.0
_GZIP_LEVEL = 6  # level 7 takes a third longer and saves 1 %


def digest(data: bytes) -> str:
    """First 32 hex digits of the SHA-256 of ``data``: 128 bits, enough to name files for ever."""
    return hashlib.sha256(data).hexdigest()[:32]


class DirectoryStore:
    """:class:`tiles.store.base.TileStore` in ``path``, which is made when something is put."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, data: bytes, suffix: str) -> str:
        """See :meth:`tiles.store.base.TileStore.put`. Raises :class:`tiles.errors.StoreError`."""
        name = f"{digest(data)}.{suffix}"
        if NAME.fullmatch(name) is None:
            raise StoreError(
                f"Cannot store a file of kind {suffix!r}; expected glb or json.",
                f"无法存储类型为 {suffix!r} 的文件；应为 glb 或 json。",
            )
        target, packed = self._at(name), pack(data)
        if not _holds(target, packed):
            self._write(target, packed)
        return name

    def publish(self, root: bytes) -> str:
        """See :meth:`tiles.store.base.TileStore.publish`. Raises StoreError."""
        self._write(self._at(ROOT), pack(root))
        return digest(root)

    def get(self, name: str) -> StoredFile:
        """See :meth:`tiles.store.base.TileStore.get`; any other name is not found, never opened."""
        match = NAME.fullmatch(name)
        if match is None and name != ROOT:
            raise _missing(name, self.path)
        try:
            data = self._at(name).read_bytes()
        except FileNotFoundError:
            raise _missing(name, self.path) from None
        except OSError as error:
            raise _unusable(self._at(name), error) from error
        if match is None:
            try:
                key = digest(gzip.decompress(data))
            except (OSError, EOFError, zlib.error) as error:
                raise _damaged(self._at(name)) from error
            return StoredFile(name, data, "gzip", MEDIA["json"], key, immutable=False)
        media = MEDIA[match["suffix"]]
        return StoredFile(name, data, "gzip", media, match["digest"], immutable=True)

    def names(self, older: float = 0.0) -> set[str]:
        """See :meth:`tiles.store.base.TileStore.names`. Raises StoreError."""
        last = time.time() - older
        try:
            with os.scandir(self.path) as found:
                entries = ((entry, entry.name.removesuffix(".gz")) for entry in found)
                return {
                    name
                    for entry, name in entries
                    if NAME.fullmatch(name) and (not older or entry.stat().st_mtime <= last)
                }
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise _unusable(self.path, error) from error

    def remove(self, names: Iterable[str]) -> None:
        """See :meth:`tiles.store.base.TileStore.remove`; what killed writes left goes with them.
        Raises StoreError."""
        for name in names:
            try:
                if NAME.fullmatch(name):
                    self._at(name).unlink(missing_ok=True)
            except OSError as error:
                raise _unusable(self._at(name), error) from error
        try:
            sweep(self.path, _WRITE_SECONDS)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _at(self, name: str) -> Path:
        return self.path / f"{name}.gz"

    def _write(self, target: Path, packed: bytes) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_whole(target, packed)
        except OSError as error:
            raise _unusable(target, error) from error


def pack(data: bytes) -> bytes:
    """``data`` as it lies in a store: the same bytes for the same input."""
    return bytes(deflate.gzip_compress(data, _GZIP_LEVEL))  # without a time


def _holds(target: Path, packed: bytes) -> bool:
    """Whether the file is there whole: one that a crash or a full disk cut is written again."""
    try:
        return target.read_bytes() == packed
    except OSError:
        return False


def _missing(name: str, path: Path) -> TileNotFoundError:
    return TileNotFoundError(
        f"No tile file {name!r} in {path}; expected {ROOT} or a name listed in it. "
        "If the layer was never built, run `twin tile`.",
        f"{path} 中没有瓦片文件 {name!r}；应为 {ROOT} 或其中列出的名称。"
        "若该图层尚未生成，请运行 `twin tile`。",
    )


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The tile store cannot be used at {path}: {error.strerror or error}. "
        "Check that the disk has room and that this user may write there.",
        f"瓦片存储 {path} 无法使用：{error.strerror or error}。请检查磁盘空间和写入权限。",
    )


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"The root tileset {path} is damaged: it is no whole gzip file. Run `twin tile` again.",
        f"根瓦片集 {path} 已损坏：不是完整的 gzip 文件。请重新运行 `twin tile`。",
    )
