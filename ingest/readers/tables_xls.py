"""XLS (BIFF): cells by the workbook library, and the formula errors that it drops.

For the errors, only as much of the compound file and the record stream is read as they take: the
header, the allocation table, the ``Workbook`` stream, and of it sheet names, BOOLERR and FORMULA
records.
"""

from __future__ import annotations

import datetime as dt
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import python_calamine

from ingest import isolation
from ingest.errors import refuse
from ingest.isolation import Limits

#: A sheet's name, its rows, and its formula errors by (row, column) from 0.
Sheet = tuple[str, list[list[Any]], dict[tuple[int, int], str]]

_FREE: Final = 0xFFFFFFFA  # sector numbers from here on are marks, not sectors
_MAX_FILE: Final = 512 << 20
_STREAMS: Final = ("Workbook", "Book")
_BOF, _BOUNDSHEET, _BOOLERR, _FORMULA = 0x0809, 0x0085, 0x0205, 0x0006
_TEXT: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}


def is_workbook(path: Path) -> bool:
    """Whether a compound file has a workbook's stream (one that is too damaged counts as one)."""
    try:
        return _stream(path) is not None
    except (struct.error, IndexError, ValueError):
        return True


def read(path: Path, rows: int | None, limits: Limits) -> list[Sheet]:
    """Every worksheet with its rows (only the first ``rows``) and its formula errors.

    The workbook library allocates what a damaged header asks for and aborts when it cannot, so it
    runs in a process of its own. Raises :class:`ingest.errors.RefusedError` (STR-00) when the file
    is damaged, protected, or passes the limits.
    """
    try:
        answer = isolation.run(f"{__name__}:load", str(path), rows, limits=limits)
    except isolation.IsolationError as error:
        why = {
            isolation.Reason.TIME: (f"（超过 {limits.seconds:g} 秒）", f" in {limits.seconds:g} s"),
            isolation.Reason.MEMORY: ("（内存超限）", " within the memory limit"),
        }.get(error.reason, ("", ""))
        raise refuse(
            "STR-00",
            path.name,
            en=f"{path.name} cannot be read as a workbook{why[1]}; it may be damaged, half-written "
            "or protected by a password. Save it again and deliver it complete.",
            zh=f"无法作为工作簿读取 {path.name}{why[0]}，文件可能已损坏、未写完或设有密码。"
            "请打开后重新保存并完整提交。",
            found=str(error),
            expected="XLS",
        ) from error
    return [
        (
            name,
            [[_revive(value) for value in row] for row in cells],
            {(row, column): text for row, column, text in errors},
        )
        for name, cells, errors in answer
    ]


def load(path: str, rows: int | None) -> list[Any]:
    """What :func:`read` needs, as JSON can hold it. Raises what the workbook library raises, and
    :class:`ValueError` for a damaged compound file."""
    stream = _stream(Path(path))
    errors = {} if stream is None else _errors(stream)
    out = []
    with python_calamine.CalamineWorkbook.from_path(path) as book:
        for index, meta in enumerate(book.sheets_metadata):
            if meta.typ == python_calamine.SheetTypeEnum.WorkSheet:
                sheet = book.get_sheet_by_index(index)
                cells = sheet.to_python(skip_empty_area=False, nrows=rows)
                found = [[*place, text] for place, text in errors.get(meta.name, {}).items()]
                out.append([meta.name, [[_plain(v) for v in row] for row in cells], found])
    return out


def _plain(value: Any) -> Any:
    """Days and times as a list of kind and ISO text; the other values are JSON's own."""
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return [type(value).__name__, value.isoformat()]
    return value.total_seconds() / 86400 if isinstance(value, dt.timedelta) else value


def _revive(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, text = value
    kinds: dict[str, Any] = {"datetime": dt.datetime, "date": dt.date, "time": dt.time}
    return kinds[kind].fromisoformat(text)


def _stream(path: Path) -> bytes | None:
    """The workbook stream of a compound file. Raises :class:`ValueError`, :class:`IndexError` or
    :class:`struct.error` for a damaged one."""
    if path.stat().st_size > _MAX_FILE:
        raise ValueError(path.name)
    data = path.read_bytes()
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    if not 7 <= shift <= 16:
        raise ValueError("sector size")
    size = 1 << shift
    first_dir, cutoff, first_mini = struct.unpack_from("<I4xII", data, 48)
    first_difat, count_difat = struct.unpack_from("<II", data, 68)
    table = np.frombuffer(data, "<u4", 109, 76)
    sector = first_difat
    for _ in range(min(count_difat, len(data) // size)):
        block = np.frombuffer(data, "<u4", size // 4, (sector + 1) * size)
        table, sector = np.concatenate([table, block[:-1]]), int(block[-1])
    parts = [np.frombuffer(data, "<u4", size // 4, (int(s) + 1) * size) for s in table if s < _FREE]
    fat = np.concatenate(parts)

    def chain(start: int, links: np.ndarray[tuple[int], np.dtype[np.uint32]]) -> list[int]:
        out: list[int] = []
        while start < _FREE:
            out.append(start)
            if len(out) > len(links):
                raise ValueError("loop of sectors")
            start = int(links[start])
        return out

    def body(start: int) -> bytes:
        if any((s + 1) * size >= len(data) for s in chain(start, fat)):
            raise ValueError("sector beyond the end of the file")
        return b"".join(data[(s + 1) * size : (s + 2) * size] for s in chain(start, fat))

    directory = body(first_dir)
    root = directory[:128]
    for at in range(0, len(directory) - 127, 128):
        entry = directory[at : at + 128]
        length = struct.unpack_from("<H", entry, 64)[0]
        if entry[: max(length - 2, 0)].decode("utf-16-le", "replace") in _STREAMS:
            start, total = struct.unpack_from("<II", entry, 116)
            if total >= cutoff:
                return body(start)[:total]
            mini = body(struct.unpack_from("<I", root, 116)[0])
            links = np.frombuffer(body(first_mini), "<u4")
            step = 1 << mini_shift
            return b"".join(mini[s * step : (s + 1) * step] for s in chain(start, links))[:total]
    return None


def _errors(stream: bytes) -> dict[str, dict[tuple[int, int], str]]:
    names: dict[int, str] = {}
    out: dict[str, dict[tuple[int, int], str]] = {}
    current: dict[tuple[int, int], str] = {}
    at = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        start = at + 4
        if kind == _BOUNDSHEET:
            offset, flags = struct.unpack_from("<I2xH", stream, start)
            wide, chars = flags >> 8 & 1, flags & 0xFF
            raw = stream[start + 8 : start + 8 + chars * (1 + wide)]
            names[offset] = raw.decode("utf-16-le" if wide else "latin-1", "replace")
        elif kind == _BOF and at in names:
            current = out.setdefault(names[at], {})
        elif kind == _BOOLERR and length >= 8 and stream[start + 7] == 1:
            row, column = struct.unpack_from("<HH", stream, start)
            current[row, column] = _TEXT.get(stream[start + 6], "#ERROR")
        elif kind == _FORMULA and length >= 14 and _is_error(stream[start + 6 : start + 14]):
            row, column = struct.unpack_from("<HH", stream, start)
            current[row, column] = _TEXT.get(stream[start + 8], "#ERROR")
        at = start + length
    return out


def _is_error(result: bytes) -> bool:
    """Whether a formula's result is an error: its first byte is 2, its last two are 0xFFFF."""
    return result[0] == 2 and result[6:] == b"\xff\xff"
