"""Delimited text: encoding and delimiter found strictly, or the file refused with advice."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ingest.errors import RefusedError, refuse
from ingest.mapping.text import Objects, trimmed
from ingest.readers.tables_xlsx import MAX_BYTES, MAX_CELLS, MAX_COLUMNS, too_big

Counts = npt.NDArray[np.int64]

_PEEK: Final = 64 << 10
_DELIMITERS: Final = (",", "\t", ";")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Characters that Chinese survey tables cannot do without: in text that was decoded with the
#: wrong table, almost none of them comes out by chance.
_COMMON: Final = re.compile(
    r"[点号地面高程坐标管线起终埋深材质径特征附属物类种方式权单位建设道路名称井备注图物探]"
)
_HAN: Final = re.compile(r"[㐀-鿿豈-﫿]")


def read(
    path: Path, encoding: str | None = None, delimiter: str | None = None
) -> tuple[Objects, Counts]:
    """The whole file as cells, and how many fields each row has; the delimiter is found where it is
    not given.

    Raises :class:`ingest.errors.RefusedError` (STR-00) when the declared encoding does not fit,
    none of UTF-8, UTF-16 with its mark and GB18030 does, or the limits are passed.
    """
    size = path.stat().st_size
    if size > MAX_BYTES // 2:
        raise refuse(
            "STR-00",
            path.name,
            en=f"{path.name} has {size >> 20} MiB; at most {MAX_BYTES >> 21} are read. Split it.",
            zh=f"{path.name} 大小为 {size >> 20} MiB，上限 {MAX_BYTES >> 21} MiB。请拆分后提交。",
            found=f"{size >> 20} MiB",
            expected=f"≤ {MAX_BYTES >> 21} MiB",
        )
    return _cells(_decode(path.read_bytes(), path, encoding), path, None, delimiter)


def peek(path: Path, rows: int) -> tuple[Objects, Counts]:
    """The first rows, from the first 64 KiB. Raises as :func:`read`."""
    with path.open("rb") as stream:
        data = stream.read(_PEEK)
    if len(data) == _PEEK and b"\n" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data[: data.rindex(b"\n")]
    return _cells(_decode(data, path, None), path, rows)


def _decode(data: bytes, path: Path, declared: str | None) -> str:
    if declared is not None:
        try:
            return data.decode(declared)
        except (UnicodeDecodeError, LookupError) as error:
            raise _encoding(path, declared, error) from error
    for mark, name in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(name)
            except UnicodeDecodeError as error:
                raise _encoding(path, name, error) from error
    for name in ("utf-8", "gb18030"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if name == "utf-8" or plausible(text):
            return text
    raise _encoding(path, None, None)


def plausible(text: str) -> bool:
    """Whether the top of a table decoded as GB18030 reads like a survey's header."""
    head = text[:4000]
    han = len(_HAN.findall(head))
    return han > 0 and len(_COMMON.findall(head)) >= max(3, han * 0.2)


def _encoding(path: Path, name: str | None, error: Exception | None) -> RefusedError:
    """The refusal of text that is not in ``name`` (declared, or by its mark), or in no encoding
    that is tried without a declaration."""
    found = "? (≠ UTF-8, ≠ GB18030)"
    why_zh, why_en = "既非 UTF-8 也非 GB18030", "neither UTF-8 nor GB18030"
    if isinstance(error, UnicodeDecodeError):
        bad = error.object[error.start : error.start + 4].hex(" ")
        found = f"{bad} @ {error.start}"
        why_zh = f"第 {error.start + 1} 个字节起（{bad}）不是 {name}"
        why_en = f"not {name} from byte {error.start + 1} on ({bad})"
    elif error is not None:
        found, why_zh, why_en = str(name), f"没有名为 {name} 的编码", f"no encoding is named {name}"
    return refuse(
        "STR-00",
        path.name,
        en=f"The encoding of {path.name} is not right: {why_en}. Save it as UTF-8, or declare the "
        "encoding it really has.",
        zh=f"{path.name} 的文字编码不符：{why_zh}。请另存为 UTF-8，或声明其实际编码。",
        found=found,
        expected=name if isinstance(error, UnicodeDecodeError) else "UTF-8 / GB18030",
    )


def _cells(
    text: str, path: Path, rows: int | None, delimiter: str | None = None
) -> tuple[Objects, Counts]:
    text = text.removeprefix("\ufeff")
    delimiter = delimiter or _delimiter(text)
    out: list[list[str]] = []
    width = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            out.append(row)
            width = max(width, len(row))
            if width > MAX_COLUMNS or len(out) * width > MAX_CELLS:
                raise too_big(path, None, len(out), width)
            if rows is not None and len(out) >= rows:
                break
    except csv.Error as error:
        raise refuse(
            "STR-00",
            path.name,
            row=len(out) + 1,
            en=f"{path.name} cannot be read as delimited text from row {len(out) + 1} on. Check "
            "whether a quotation mark is left open there, and save it again.",
            zh=f"{path.name} 自第 {len(out) + 1} 行起无法按分隔文本读取。"
            "请检查该处引号是否成对，并重新保存。",
            found=str(error),
            expected="RFC 4180",
        ) from error
    cells = np.full((len(out), width), None, object)
    if width and all(len(row) == width for row in out):
        cells[:] = out
    else:
        for index, row in enumerate(out):
            cells[index, : len(row)] = row
    cells[cells == ""] = None
    cells = trimmed(cells)
    return cells, np.fromiter(map(len, out[: len(cells)]), np.int64, len(cells))


def _delimiter(text: str) -> str:
    """The candidate that most often splits the first lines into the same, largest number."""
    lines = [line for line in text[:_PEEK].splitlines()[:30] if line.strip()]
    return max(_DELIMITERS, key=lambda mark: sum(line.count(mark) for line in lines))
