"""Delivered files as they came, each content once: ``{folder}/{first two digits}/{sha256}``.

A file has its name only when it is whole and on disk. What nobody may read lies here too, so the
folder is closed to other accounts. Names, deliveries and rights are the database's affair.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.errors import TwinError
from models.features import SourceFile

#: Bytes that stay free beside what is stored: the database writes to the same disk.
RESERVE: Final = 256 << 20
_BLOCK: Final = 1 << 20
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
#: Seconds after which an unfinished copy is nobody's any more.
_STALE: Final = 24 * 3600


class OriginalsError(TwinError):
    """A delivered file cannot be kept."""

    code = "ORG-01"


@dataclass(frozen=True, slots=True)
class Originals:
    """The store in ``folder``, which is made when something is put there."""

    folder: Path

    def require_room(self, paths: Iterable[Path], reserve: int = RESERVE) -> None:
        """Raise :class:`OriginalsError` unless all of ``paths`` fit beside ``reserve`` bytes."""
        try:
            needed = sum(path.stat().st_size for path in paths if path.is_file())
            there = next(p for p in (self.folder, *self.folder.absolute().parents) if p.exists())
            free = shutil.disk_usage(there).free
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        if needed + reserve > free:
            raise OriginalsError(
                f"The delivered files need {needed >> 20} MiB in {self.folder}, and "
                f"{reserve >> 20} MiB must stay free; {free >> 20} MiB are. Nothing was stored. "
                "Free some room, run `twin datasets prune`, or add --no-originals.",
                f"保存原始文件需 {needed >> 20} MiB（{self.folder}），另须留 {reserve >> 20} MiB，"
                f"现仅余 {free >> 20} MiB，未入库。请清理磁盘、运行 `twin datasets prune`，"
                "或加 --no-originals。",
            )

    def put(self, path: Path, held: Sequence[Path] = ()) -> SourceFile:
        """Keep the file at ``path``; its name, hash and size as they were copied.

        ``held`` are files of our own that may have the same content under their hash as a name:
        then nothing is copied. Raises :class:`OriginalsError`.
        """
        try:
            found = SourceFile.of(path)
            if self.has(found.sha256):
                return found
            own = next((h for h in held if h.stem == found.sha256 and h.is_file()), None)
            return self._linked(own, found) if own is not None else self._copied(path)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def has(self, sha256: str) -> bool:
        """Whether the content is here."""
        return self.path(sha256).is_file()

    def path(self, sha256: str) -> Path:
        """Where the content is, or would be. Raises :class:`ValueError` for what is no digest."""
        if _DIGEST.fullmatch(sha256) is None:
            raise ValueError(f"{sha256!r} is no SHA-256 in lower-case hexadecimal digits")
        return self.folder / sha256[:2] / sha256

    def remove(self, sha256: str) -> bool:
        """Delete the content; whether it was here."""
        try:
            self.path(sha256).unlink()
        except FileNotFoundError:
            return False
        return True

    def contents(self) -> Iterator[str]:
        """The hash of every content that is here."""
        for path in self.folder.glob("??/*"):
            if _DIGEST.fullmatch(path.name):
                yield path.name

    def sweep(self) -> int:
        """Delete copies that a killed process left unfinished a day ago; how many."""
        old = [p for p in self.folder.glob("??/.new-*") if time.time() - p.stat().st_mtime > _STALE]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _place(self, sha256: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        place = self.path(sha256)
        place.parent.mkdir(exist_ok=True)
        return place

    def _linked(self, own: Path, found: SourceFile) -> SourceFile:
        place = self._place(found.sha256)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(own, place)
        except OSError:  # another file system, or one without links
            return self._copied(own, found.name)
        return found

    def _copied(self, path: Path, name: str | None = None) -> SourceFile:
        """Copy under the hash of what was really copied, should the file change meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(prefix=".new-", dir=self._place("0" * 64).parent)
        part = Path(made)
        try:
            digest, size = hashlib.sha256(), 0
            with os.fdopen(handle, "wb") as to, path.open("rb") as source:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    size += len(block)
                    to.write(block)
                to.flush()
                os.fsync(to.fileno())
            part.replace(self._place(digest.hexdigest()))
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return SourceFile(name or path.name, digest.hexdigest(), size)


def _unwritable(folder: Path, error: OSError) -> OriginalsError:
    reason = error.strerror or type(error).__name__
    where = f" ({error.filename})" if error.filename else ""
    return OriginalsError(
        f"A delivered file cannot be kept in {folder}: {reason}{where}. Nothing half-written was "
        "left. Free room or correct the permissions, or add --no-originals.",
        f"原始文件无法保存到 {folder}：{reason}{where}，未留下残缺文件。"
        "请清理磁盘或更正权限，或加 --no-originals。",
    )
