"""One holder per home folder: a lock that lives and dies with its process."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from models.db.errors import DiskFullError, RunningError
from models.errors import DatabaseError


class ProcessLock:
    """An exclusive lock on ``path``, in which the holder's pid stands.

    The kernel frees it when the holder ends, however it ends, so a killed process leaves nothing
    to clear away. ``twin up`` holds ``<home>/twin.lock`` for its whole life; a second one gets
    :class:`RunningError`. ``wait`` seconds may pass until the lock is free.
    """

    def __init__(self, path: Path, *, wait: float = 0.0) -> None:
        self.path = path
        self.wait = wait
        self._file: IO[bytes] | None = None

    def acquire(self) -> Self:
        """Take the lock. Raises :class:`RunningError`, :class:`DatabaseError` if unwritable."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # pathlib has no mode that creates, keeps and reads; the descriptor is not inherited
            file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0)
        except OSError as error:
            raise unusable(self.path.parent, error) from error
        until = time.monotonic() + self.wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(0.05)
                    continue
                pid = holder(self.path)
                file.close()
                raise RunningError(str(self.path.parent), pid) from None
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same, nameless
            file.truncate(0)
            file.write(b"%d\n" % os.getpid())
        self._file = file
        return self

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would race with a new holder."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.truncate(0)
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def home_lock(home: Path) -> ProcessLock:
    """The lock that ``twin up`` holds while it runs in ``home``."""
    return ProcessLock(home / "twin.lock")


def holder(path: Path) -> int | None:
    """The pid written in a lock file, or None."""
    try:
        return int(path.read_text().strip())
    except (OSError, ValueError):
        return None


def unusable(folder: Path, error: OSError) -> DatabaseError:
    """The sentence for a folder that cannot be made or written."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return DatabaseError(
            f"{folder} should be a folder, but a file of that name is in the way. Move the file "
            "or choose another home folder (TWIN_HOME).",
            f"{folder} 应为目录,但该位置已有同名文件。请移走该文件,或改用其他主目录(TWIN_HOME)。",
        )
    if error.errno == errno.ENOSPC:
        return DiskFullError(folder)
    return DatabaseError(
        f"{folder} cannot be written ({error.strerror}). Give this user the right to write there "
        "or choose another home folder (TWIN_HOME).",
        f"无法写入 {folder}({error.strerror})。"
        "请为当前用户授予写权限,或改用其他主目录(TWIN_HOME)。",
    )
