"""A cache on disk of bounded size that several processes share, with what was used last in memory.

A file is named by a digest of its entry's name, so no name can lead out of the folder, and begins
with a digest of name and content under a key that lies elsewhere: what is cut, mixed up or changed
by somebody else is taken for missing. A full disk only means that less is kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import logging
import os
import stat
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Final

log = logging.getLogger(__name__)

_DIGEST: Final = 32
#: Part of the room that a process may fill before it looks what all of them have filled together.
_SHARE: Final = 1 / 16
#: Part of the room that is in use after that.
_FILLED: Final = 7 / 8
#: Seconds until a use is noted anew.
_NOTED: Final = 60.0
#: Seconds after which a file that nobody finished is litter.
_LITTER: Final = 600.0


class DiskCache:
    """Bytes by name in ``folder``, about ``room`` bytes in all; what was not used for longest goes.

    Up to ``front`` bytes are in memory, too. ``key`` (32 bytes) is the same for all who share the
    folder. Nothing here raises: what cannot be read is missing, what cannot be written is not kept.
    All methods may be called by several threads.
    """

    def __init__(self, folder: Path, room: int, key: bytes, front: int = 64 << 20) -> None:
        self._folder, self._room, self._key = folder, room, key
        self._memory = _Memory(front)
        self._unseen = room * _SHARE  # the first write looks at what others left
        self._lock = Lock()

    def get(self, name: str) -> bytes | None:
        """The bytes of ``name``, None where they are missing."""
        kept = self._memory.get(name)
        if kept is not None:
            return kept
        path = self._path(name)
        data = _read(path)
        if data is None:
            return None
        found = data[_DIGEST:]
        if not hmac.compare_digest(data[:_DIGEST], self._mark(name, found)):
            log.warning("a damaged file in the cache of tiles is left out: %s", path)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        self._memory.put(name, found)
        return found

    def put(self, name: str, data: bytes) -> None:
        """Keep ``data`` under ``name``; whoever reads it meanwhile sees it whole or not at all."""
        self._memory.put(name, data)
        size = _DIGEST + len(data)
        if size > self._room * _SHARE:
            return
        try:
            _write(self._path(name), self._mark(name, data) + data)
            with self._lock:
                self._unseen += size
                due = self._unseen > self._room * _SHARE
                if due:
                    self._unseen = 0
            if due:
                self._sweep()
        except OSError as error:
            log.warning("the cache of tiles cannot be written: %s", error.strerror)

    def has(self, name: str) -> bool:
        """Whether ``name`` is there; this is a use of it."""
        return name in self._memory or _used(self._path(name))

    def _path(self, name: str) -> Path:
        named = hashlib.blake2b(name.encode(), key=self._key, digest_size=16).hexdigest()
        return self._folder / named[:2] / named

    def _mark(self, name: str, data: bytes) -> bytes:
        out = hashlib.blake2b(key=self._key, digest_size=_DIGEST)
        out.update(len(name).to_bytes(8, "little") + name.encode())
        out.update(data)
        return out.digest()

    def _sweep(self) -> None:
        """Delete what was not used for longest, unless another process is at it."""
        with open(self._folder / "lock", "wb") as lock:  # noqa: PTH123 - for its descriptor
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            found = sorted(self._files())
            used = sum(size for _, size, _ in found)
            if used <= self._room * (1 - _SHARE):
                return
            for _, size, path in found:
                if used <= self._room * _FILLED:
                    break
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
                used -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Last use, size and path of each file; those that nobody finished are deleted."""
        now = time.time()
        for shard in self._folder.iterdir():
            if len(shard.name) != 2 or not shard.is_dir():
                continue
            for entry in os.scandir(shard):
                with contextlib.suppress(FileNotFoundError):
                    told = entry.stat(follow_symlinks=False)
                    if entry.name.startswith(".") and told.st_mtime < now - _LITTER:
                        Path(entry).unlink()
                    else:
                        yield told.st_mtime, told.st_size, Path(entry)


def shared_key(path: Path) -> bytes:
    """The key (32 bytes) in the file ``path``, made by whoever asks first; its owner alone reads
    it. Raises :class:`OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with contextlib.suppress(FileNotFoundError):
            key = path.read_bytes()
            if len(key) == _DIGEST:
                return key
            path.unlink()
        handle, fresh = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(os.urandom(_DIGEST))
            with contextlib.suppress(FileExistsError):  # others were quicker: theirs it is
                os.link(fresh, path)
        finally:
            Path(fresh).unlink()


class _Memory:
    """The values used last, together at most ``room`` bytes, and always the very last."""

    def __init__(self, room: int) -> None:
        self._room, self._used = room, 0
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def get(self, name: str) -> bytes | None:
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
            return self._held.get(name)

    def put(self, name: str, data: bytes) -> None:
        with self._lock:
            self._used += len(data) - len(self._held.pop(name, b""))
            self._held[name] = data
            while self._used > self._room and len(self._held) > 1:
                _, gone = self._held.popitem(last=False)
                self._used -= len(gone)


def _read(path: Path) -> bytes | None:
    """The bytes of a plain file, None where there is none; this is a use of it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            told = os.fstat(stream.fileno())
            if not stat.S_ISREG(told.st_mode):
                return None
            _note(path, told)
            return stream.read()
    except OSError:
        return None


def _used(path: Path) -> bool:
    """Whether there is a plain file at ``path``; this is a use of it."""
    try:
        told = path.lstat()
    except OSError:
        return False
    _note(path, told)
    return stat.S_ISREG(told.st_mode)


def _note(path: Path, told: os.stat_result) -> None:
    if told.st_mtime < time.time() - _NOTED:
        with contextlib.suppress(OSError):
            os.utime(path, follow_symlinks=False)


def _write(path: Path, data: bytes) -> None:
    """Not through :func:`models.files.write_whole`: a cache need not outlive a power cut."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, fresh = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(fresh).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(fresh).unlink()
        raise
