"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO


def write_whole(target: Path, data: bytes | BinaryIO) -> None:
    """Put ``data``, or the rest of a stream, at ``target`` in one step, on disk before any name
    shows it.

    Raises :class:`OSError` and then leaves ``target`` as it was.
    """
    handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
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
