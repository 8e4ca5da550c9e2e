"""Errors of LAS and LAZ files, what the libraries that read them raise, and the first check."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import laspy
import lazrs

from models.errors import TwinError

#: What laspy, lazrs and the record layout raise on a broken file.
BROKEN: Final = (
    laspy.errors.LaspyException,
    lazrs.LazrsError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    UnicodeDecodeError,
    struct.error,
)
#: Bytes of the oldest header, and of the head of a variable length record.
HEAD: Final = 227
_RECORD_HEAD: Final = 54


class LasError(TwinError):
    """A file cannot be read as LAS or LAZ."""

    code = "PTC-00"


def cut(path: Path, found: int, need: int) -> LasError:
    """A file of ``found`` bytes where ``need`` are needed."""
    return broken(
        path,
        f"{found} bytes, {need} needed for the points stated",
        f"{found} 字节，所述点数需 {need} 字节",
    )


def told(path: Path, error: BaseException) -> LasError:
    """What a library says of a broken file."""
    text = " ".join(str(error).split())[:120] or type(error).__name__
    return broken(path, text, text)


def broken(path: Path, en: str, zh: str) -> LasError:
    """A file with a fault, told in both languages."""
    return LasError(
        f"{path.name} cannot be read as LAS or LAZ ({en}): it may be damaged or half-written. "
        "Export it again.",
        f"{path.name} 无法按 LAS/LAZ 读取（{zh}），可能已损坏或未写完。请重新导出。",
    )


def require_room(path: Path, head: bytes) -> None:
    """Refuse a header whose numbers cannot be true, before they are allocated and looped over.

    ``head`` are the file's first :data:`HEAD` bytes.
    """
    if len(head) < HEAD or not head.startswith(b"LASF"):
        raise cut(path, len(head), HEAD)
    size, start, records = struct.unpack_from("<HII", head, 94)  # LAS 1.4 R15, table 3
    room = path.stat().st_size
    if start > room or records * _RECORD_HEAD > start - size:
        text = f"{records}, {start}/{room}"
        raise broken(path, f"records and points at {text} bytes", f"记录数与点数据位置为 {text}")
