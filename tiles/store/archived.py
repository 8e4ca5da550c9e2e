"""A published layer read from the archive that it was exported into (``.3tz``)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tiles.errors import TileNotFoundError
from tiles.store.archive import Archive
from tiles.store.base import ROOT, StoredFile
from tiles.store.directory import MEDIA, NAME, digest

#: Archives that stay open.
_OPEN = 64


class ArchiveStore:
    """Reads what :func:`tiles.store.archive.export_archive` wrote to ``path``.

    One that is replaced is opened anew; its index is checked then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> StoredFile:
        """See :meth:`tiles.store.base.TileStore.get`; files come without a coding.

        Raises :class:`tiles.errors.TileNotFoundError` and :class:`tiles.errors.TilesetError`.
        """
        match = NAME.fullmatch(name)
        if match is None and name != ROOT:
            raise TileNotFoundError(
                f"No tile file {name!r} in {self.path}; expected {ROOT} or a name listed in it.",
                f"{self.path} 中没有瓦片文件 {name!r}；应为 {ROOT} 或其中列出的名称。",
            )
        told = self.path.stat()
        data = _opened(self.path, told.st_mtime_ns, told.st_ino).read(name)
        if match is None:
            return StoredFile(name, data, "", MEDIA["json"], digest(data), immutable=False)
        return StoredFile(name, data, "", MEDIA[match["suffix"]], match["digest"], immutable=True)


@lru_cache(_OPEN)
def _opened(path: Path, changed: int, file: int) -> Archive:
    return Archive(path)
