"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, Final

_NEW: Final = ".new-"


def write_whole(target: Path, data: bytes | BinaryIO) -> None:
    """Put ``data``, or the rest of a stream, at ``target`` in one step, on disk before any name
    shows it.

    Raises :class:`OSError` and then leaves ``target`` as it was.
    """
    handle, name = tempfile.mkstemp(prefix=_NEW, dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            if isinstance(data, bytes):
                stream.write(data)
            else:
                shutil.copyfileobj(data, stream, 1 << 20)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)  # mkstemp's 0600 would hide tiles from a web server
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def sweep(folder: Path, age: float) -> None:
    """Delete what killed writers of :func:`write_whole` left in ``folder`` ``age`` seconds ago.

    Raises :class:`OSError`; a folder that is not there has none.
    """
    last = time.time() - age
    for left in folder.glob(f"{_NEW}*"):
        with contextlib.suppress(FileNotFoundError):  # another process was first
            if left.stat().st_mtime <= last and left.is_file():
                left.unlink()
