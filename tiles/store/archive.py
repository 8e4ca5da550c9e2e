"""A published layer as one file: the 3D Tiles Archive format 1.3 (``.3tz``).

A zip file whose last entry, ``@3dtilesIndex1@``, lists the MD5 of every path with the offset of its
local header, sorted, so that a client finds a tile without reading the zip's own directory
(3D Tiles Archive Format 1.3, sections "Reading and writing the index file"). Entries are in order
of name and carry no time of their own: equal input gives equal bytes.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import posixpath
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import orjson

from tiles.errors import StoreError, TileNotFoundError, TilesetError
from tiles.store.base import ROOT

INDEX: Final = "@3dtilesIndex1@"
#: An index entry: the MD5 as two little-endian integers, which is also the sort order.
_ENTRY: Final = np.dtype([("high", "<u8"), ("low", "<u8"), ("offset", "<u8")])
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
#: Local headers carry 32-bit sizes (the format's own limit for a file).
_MAX_FILE: Final = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What :func:`export_archive` wrote: files (the index not counted), their bytes, the file's."""

    files: int
    content_bytes: int
    archive_bytes: int


def export_archive(folder: Path, target: Path, *, deflate: bool = True) -> ArchiveReport:
    """Write what ``tileset.json`` of ``folder`` reaches into ``target`` (``….3tz``).

    ``folder`` is a layer's directory store, files gzipped at rest (``name.gz``) or plain. Files of
    older versions that the root no longer reaches stay out; with implicit tiling, whose names are
    templates, every file goes in. ``deflate`` makes the archive small, without it reading is
    fastest. The target is replaced in one step, or left as it was. Raises
    :class:`tiles.errors.TileNotFoundError` for a file that is missing and
    :class:`tiles.errors.StoreError`.
    """
    if target.suffix != ".3tz":
        raise StoreError(
            f"The archive is named {target.name}; expected a name that ends in .3tz.",
            f"归档文件名为 {target.name}；应以 .3tz 结尾。",
        )
    names = sorted(_reached(folder))
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=".new-", suffix=".3tz", delete=False
        ) as stream:
            fresh = Path(stream.name)
            try:
                total = _write(folder, names, stream, method)
                stream.close()
                fresh.chmod(0o644)
                fresh.replace(target)
            except BaseException:
                with contextlib.suppress(OSError):
                    fresh.unlink()
                raise
        return ArchiveReport(len(names), total, target.stat().st_size)
    except OSError as error:
        raise unwritable(target, error) from error


def unwritable(target: Path, error: OSError) -> StoreError:
    """The sentence for a place where no archive can be written."""
    return StoreError(
        f"The archive {target} cannot be written: {error.strerror or error}. "
        "Check that its folder exists, has room and may be written to.",
        f"归档 {target} 无法写入：{error.strerror or error}。请检查目录、磁盘空间和写入权限。",
    )


class Archive:
    """A ``.3tz`` open for reading by its index; close it, or use it in a ``with`` statement.

    Raises :class:`tiles.errors.TilesetError` for a file that is no archive of version 1.3: no zip,
    no index as its last entry, an index out of order or at odds with the zip's directory.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise _broken(path, f"{error}", "a zip file", "应为 zip 文件，但无法打开") from error
        try:
            self.infos = {info.filename: info for info in self._zip.infolist()}
            check_index(path, self._zip)
        except BaseException:
            self._zip.close()
            raise
        self.infos.pop(INDEX)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str, limit: int = _MAX_FILE) -> bytes:
        """The bytes of a file, at most ``limit`` of them decompressed.

        Raises :class:`tiles.errors.TileNotFoundError`, and :class:`tiles.errors.TilesetError` for
        a larger or damaged file.
        """
        info = self.infos.get(name)
        if info is None:
            raise _missing(name, str(self._zip.filename))
        try:
            with self._zip.open(info) as stream:
                data = stream.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as e:
            raise _broken(Path(name), str(e), "a whole file", "文件已损坏，应完整") from e
        if len(data) > limit:
            raise _broken(
                Path(name),
                "a larger file",
                f"at most {limit} bytes",
                f"文件超过 {limit} 字节的上限",
            )
        return data


def index_bytes(offsets: dict[str, int]) -> bytes:
    """The index file of local header ``offsets`` by path."""
    keys = b"".join(hashlib.md5(n.encode(), usedforsecurity=False).digest() for n in offsets)
    entries = np.zeros(len(offsets), _ENTRY)
    halves = np.frombuffer(keys, "<u8").reshape(-1, 2)
    entries["high"], entries["low"] = halves[:, 0], halves[:, 1]
    entries["offset"] = list(offsets.values())
    return _ordered(entries).tobytes()


def check_index(path: Path, archive: zipfile.ZipFile) -> None:
    """Compare an archive's index with its zip directory. Raises TilesetError."""
    infos = archive.infolist()
    if not infos or infos[-1].filename != INDEX or infos[-1].compress_type != zipfile.ZIP_STORED:
        raise _broken(
            path,
            "no such entry there",
            f"{INDEX} last and uncompressed",
            f"缺少索引，应以未压缩的 {INDEX} 结尾",
        )
    files = {i.filename: i.header_offset for i in infos[:-1] if not i.is_dir()}
    expected = index_bytes(files)
    if infos[-1].file_size != len(expected) or archive.read(INDEX) != expected:
        raise _broken(
            path,
            "another index",
            "one that lists every file, sorted",
            "索引与内容不符，应按序列出全部文件",
        )


def _write(folder: Path, names: list[str], stream: Any, method: int) -> int:
    offsets, total = {}, 0
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name in names:
            data = _stored(folder, name)
            offsets[name] = stream.tell()
            archive.writestr(_info(name, method), data)
            total += len(data)
        archive.writestr(_info(INDEX, zipfile.ZIP_STORED), index_bytes(offsets))
    return total


def _info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system, info.external_attr = 3, 0o100644 << 16
    info.compress_type = method
    return info


def _reached(folder: Path) -> set[str]:
    """Names of all files below the root tileset, itself included."""
    found, pending = {ROOT}, [ROOT]
    while pending:
        base = pending.pop()
        try:
            document = orjson.loads(_stored(folder, base))
        except orjson.JSONDecodeError as error:
            raise _broken(Path(base), str(error), "JSON", "应为有效的 JSON") from error
        for uri in _uris(document):
            if "{" in uri:
                return {ROOT, *_all_files(folder)}
            name = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(uri)))
            if name.startswith(("../", "/")) or "://" in uri:
                raise _broken(
                    Path(base),
                    f"the URI {uri}",
                    "one within the folder",
                    f"引用 {uri} 越出目录，应在目录之内",
                )
            if name not in found:
                found.add(name)
                if name.endswith(".json"):
                    pending.append(name)
    return found


def _uris(value: Any) -> Iterator[str]:
    """Every ``uri`` of tile contents, subtrees and schemas in a tileset's JSON."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            for key, inner in node.items():
                if key in ("uri", "url", "schemaUri") and isinstance(inner, str):
                    if not inner.startswith("data:"):
                        yield inner
                elif key not in ("schema", "statistics", "extras"):
                    stack.append(inner)
        elif isinstance(node, list):
            stack.extend(node)


def _all_files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield path.relative_to(folder).as_posix().removesuffix(".gz")


def _stored(folder: Path, name: str) -> bytes:
    try:
        return gzip.decompress((folder / f"{name}.gz").read_bytes())
    except FileNotFoundError:
        pass
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken(
            Path(name), str(error), "a whole gzip file", "gzip 文件已损坏，应完整"
        ) from error
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise _missing(name, str(folder)) from error


def _ordered(entries: npt.NDArray[Any]) -> npt.NDArray[Any]:
    ordered: npt.NDArray[Any] = entries[np.lexsort((entries["low"], entries["high"]))]
    return ordered


def _missing(name: str, where: str) -> TileNotFoundError:
    return TileNotFoundError(
        f"No file {name!r} in {where}; expected every file that the tileset names. "
        "Tile the layer again.",
        f"{where} 中没有文件 {name!r}；瓦片集引用的文件应全部存在。请重新切片该图层。",
    )


def _broken(path: Path, found: str, expected: str, zh: str) -> TilesetError:
    return TilesetError(
        f"{path} cannot be used: found {found}, expected {expected}. Export or tile it again.",
        f"{path} 无法使用：{zh}。请重新导出或切片。",
    )
