"""Where the embedded server behind a connection keeps its files: a failure names the place."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

#: Bytes that must be free before the server starts: WAL of one bulk load does not fit in less.
MIN_FREE: Final = 256 << 20
LOG_NAME: Final = "server.log"
_LINK: Final = "base"


def mark(socket: Path, base: Path) -> None:
    """Leave in the socket's folder a link to ``base``, by which :func:`base_of` finds it."""
    link = socket / _LINK
    if not link.is_symlink() or link.readlink() != base:  # the home may have been moved
        link.unlink(missing_ok=True)
        link.symlink_to(base)


def unmark(socket: Path) -> None:
    """Take the link away, so that the folder can be removed."""
    (socket / _LINK).unlink(missing_ok=True)


def base_of(source: object) -> Path | None:
    """The folder (with ``data`` and ``server.log``) of the embedded server behind ``source``.

    ``source`` is a psycopg connection or a URL; None for every server that is not ours.
    """
    host: Any = None
    with suppress(psycopg.Error):  # a connection already closed, or no URL at all
        if isinstance(source, psycopg.Connection):
            host = source.info.host
        elif isinstance(source, str):
            host = conninfo_to_dict(source).get("host")
    link = Path(host or "/") / _LINK
    with suppress(OSError):  # not ours to look at
        return link.resolve(strict=True) if link.is_symlink() else None
    return None


def free_bytes(place: Path) -> int:
    """Bytes that are free on the disk of ``place``, or of its nearest folder that exists."""
    here = next(folder for folder in (place, *place.parents) if folder.exists())
    return shutil.disk_usage(here).free
