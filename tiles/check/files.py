"""The files of a tileset, in a folder or in a ``.3tz``; nothing outside is ever opened."""

from __future__ import annotations

import posixpath
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from tiles.errors import TileNotFoundError, TilesetError
from tiles.store.archive import Archive
from tiles.store.base import ROOT


class TooLargeError(TilesetError):
    """A file is larger, decompressed, than the check may read."""

    code = "TILE-11"


class OutsideError(TilesetError):
    """A URI leaves the folder of its tileset."""

    code = "TILE-12"


class Files(Protocol):
    """Read access to the files of one tileset by their names relative to its folder."""

    root: str

    def read(self, name: str, limit: int) -> bytes:
        """A file decoded (no gzip). Raises TileNotFoundError, TooLargeError, OutsideError."""
        ...

    def size(self, name: str) -> int:
        """Bytes at rest; 0 for a file that is not there."""
        ...

    def names(self) -> Iterator[str]:
        """Every file there is."""
        ...

    def age(self) -> float | None:
        """Seconds since the root was written, None where nobody knows."""
        ...


def open_files(path: Path) -> Files:
    """The files of a folder with ``tileset.json``, of a tileset file, or of a ``.3tz``.

    Raises :class:`tiles.errors.TileNotFoundError` and :class:`tiles.errors.TilesetError`.
    """
    if path.suffix == ".3tz" and path.is_file():
        archive = ArchiveFiles(path)
        if ROOT in archive.names():
            return archive
        raise TileNotFoundError(
            f"{path} holds no {ROOT} at its top; expected a tileset in the archive. Pack the "
            "folder in which that file lies.",
            f"{path} 顶层没有 {ROOT}；归档中应为一个瓦片集。请将该文件所在目录重新打包。",
        )
    folder = path.is_dir()
    root = path / ROOT if folder else path
    if root.is_file() or root.with_name(f"{root.name}.gz").is_file():
        return FolderFiles(root.parent, root.name.removesuffix(".gz"))
    near = [found.parent for at in ("*", "*/*") for found in sorted(path.glob(f"{at}/{ROOT}*"))]
    named = ", ".join(map(str, near[:3])) if near else ""
    raise TileNotFoundError(
        f"There is no tileset at {path}; expected a folder with {ROOT}, a tileset's JSON or a "
        f".3tz. {f'Check one of these: {named}.' if near else 'Name the place of one.'}",
        f"{path} 处没有瓦片集；应为含 {ROOT} 的目录、瓦片集 JSON 或 .3tz 文件。"
        f"{f'可检查：{named}。' if near else '请给出正确位置。'}",
    )


def resolve(base: str, uri: str) -> str:
    """The name that ``uri`` in file ``base`` means. Raises :class:`OutsideError`.

    A URI with a scheme, a host, an absolute path or more ``..`` than folders leaves the tileset.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise _outside(uri) from None
    path = unquote(parts.path)
    if parts.scheme or parts.netloc or path.startswith("/") or "\\" in path or "\0" in path:
        raise _outside(uri)
    name = posixpath.normpath(posixpath.join(posixpath.dirname(base), path))
    if name == ".." or name.startswith("../"):
        raise _outside(uri)
    return name


class FolderFiles:
    """See :class:`Files`. ``name`` is read from ``name`` or from ``name.gz`` beside it."""

    def __init__(self, folder: Path, root: str) -> None:
        self.root = root
        self._folder = folder.resolve()

    def read(self, name: str, limit: int) -> bytes:
        """See :meth:`Files.read`."""
        path = self._path(name)
        if path is None:
            raise _missing(name)
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
        return decoded(name, data, limit)

    def size(self, name: str) -> int:
        """See :meth:`Files.size`."""
        path = self._path(name)
        return 0 if path is None else path.stat().st_size

    def names(self) -> Iterator[str]:
        """See :meth:`Files.names`; hidden files are passed over."""
        for path in self._folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path.relative_to(self._folder).as_posix().removesuffix(".gz")

    def age(self) -> float | None:
        """See :meth:`Files.age`."""
        path = self._path(self.root)
        return None if path is None else time.time() - path.stat().st_mtime

    def _path(self, name: str) -> Path | None:
        for candidate in (self._folder / name, self._folder / f"{name}.gz"):
            try:
                real = candidate.resolve()
                there = real.is_file()
            except (OSError, RuntimeError, ValueError):
                continue
            if there:
                if not real.is_relative_to(self._folder):  # a symbolic link out of the folder
                    raise _outside(name)
                return real
        return None


class ArchiveFiles:
    """See :class:`Files`."""

    def __init__(self, path: Path) -> None:
        self.root = ROOT
        self._archive = Archive(path)

    def read(self, name: str, limit: int) -> bytes:
        """See :meth:`Files.read`."""
        if name in self._archive.infos and self._archive.infos[name].file_size > limit:
            raise _too_large(name, limit)
        return decoded(name, self._archive.read(name, limit), limit)

    def size(self, name: str) -> int:
        """See :meth:`Files.size`."""
        info = self._archive.infos.get(name)
        return 0 if info is None else info.compress_size

    def names(self) -> Iterator[str]:
        """See :meth:`Files.names`."""
        return iter(self._archive.infos)

    def age(self) -> float | None:
        """See :meth:`Files.age`; an archive holds one version only."""
        return None


def decoded(name: str, data: bytes, limit: int) -> bytes:
    """``data`` without its gzip coding, if it has one. Raises TooLargeError and TilesetError."""
    if data[:2] == b"\x1f\x8b":
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            data = unpack.decompress(data, limit + 1)
        except zlib.error as error:
            raise _damaged(name, str(error)) from error
        if not unpack.eof and len(data) <= limit:
            raise _damaged(name, "an incomplete gzip file")
    if len(data) > limit:
        raise _too_large(name, limit)
    return data


def _missing(name: str) -> TileNotFoundError:
    return TileNotFoundError(f"No file {name!r} in the tileset.", f"瓦片集中没有文件 {name!r}。")


def _outside(uri: str) -> OutsideError:
    return OutsideError(f"{uri!r} leaves the tileset's folder.", f"{uri!r} 越出瓦片集目录。")


def _too_large(name: str, limit: int) -> TooLargeError:
    return TooLargeError(f"{name} has more than {limit} bytes.", f"{name} 超过 {limit} 字节。")


def _damaged(name: str, found: str) -> TilesetError:
    return TilesetError(f"{name} is damaged: {found}.", f"{name} 已损坏，gzip 数据不完整或有误。")
