"""The text of a GeoJSON file before GDAL sees it: UTF-8, whole, and the CRS that it names."""

from __future__ import annotations

import codecs
import mmap
import re
from pathlib import Path
from typing import Final

import orjson

from ingest.errors import RefusedError, refuse

_CRS_MEMBER: Final = re.compile(
    rb'"crs"\s*:\s*(\{\s*"(?:type|properties)"\s*:[^{}]*(?:\{[^{}]*\})?[^{}]*\})'
)

#: Whoever reads GeoJSON holds the whole document in memory, several times over.
MAX_BYTES: Final = 2 << 30


def stated_crs(path: Path) -> str | None:
    """The CRS in the ``crs`` member (GeoJSON 2008), None where there is none.

    Raises :class:`RefusedError` for text that is not UTF-8 to the last byte (ENC-01), that breaks
    off or is larger than :data:`MAX_BYTES` (STR-00), or whose member names no CRS (MET-01).
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise _too_large(path, size)
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        _check_utf8(path, text)
        if not _closed(text):
            raise _broken_off(path, text)
        match = _CRS_MEMBER.search(text)
        return None if match is None else _crs_name(path, match[1])


def require_closed(path: Path) -> None:
    """Raise :class:`RefusedError` (STR-00) for JSON that does not end in a closing bracket."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        if not _closed(text):
            raise _broken_off(path, text)


def broken_off(path: Path) -> RefusedError:
    """The refusal of a GeoJSON that ends before its brackets are closed, with its last words."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return _broken_off(path, text)


def _closed(text: mmap.mmap) -> bool:
    return text[-64:].rstrip().endswith((b"}", b"]"))


def _too_large(path: Path, size: int) -> RefusedError:
    return refuse(
        "STR-00",
        path.name,
        en=f"{path.name} has {size >> 20:,} MiB; GeoJSON is read up to {MAX_BYTES >> 20:,} MiB. "
        "Convert it to GeoPackage or FlatGeobuf, or deliver it in parts.",
        zh=f"{path.name} 大小为 {size >> 20:,} MiB，GeoJSON 上限为 {MAX_BYTES >> 20:,} MiB。"
        "请转换为 GeoPackage 或 FlatGeobuf，或拆分后提交。",
        found=f"{size >> 20} MiB",
        expected=f"≤ {MAX_BYTES >> 20} MiB",
    )


def _broken_off(path: Path, text: mmap.mmap) -> RefusedError:
    line = 1 + sum(text[at : at + (1 << 22)].count(b"\n") for at in range(0, len(text), 1 << 22))
    end = " ".join(text[-40:].decode("utf-8", "ignore").split())
    return refuse(
        "STR-00",
        path.name,
        en=f"{path.name} breaks off in line {line}: found {end!r} at its end, with brackets still "
        "open; expected the '}' that closes the GeoJSON object. It was cut short when it was "
        "written or copied: export it again and compare the file sizes.",
        zh=f"{path.name} 在第 {line} 行中断：文件末尾为“{end}”，仍有括号未闭合，应以 GeoJSON 对象的"
        "右花括号“}}”结束。文件在导出或复制时被截断，请重新导出并核对文件大小。",
        found=end,
        expected="}",
        row=line,
    )


def _check_utf8(path: Path, text: mmap.mmap) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    done, lines = 0, 1
    try:
        while block := text[done : done + (1 << 22)]:
            decoder.decode(block)
            done += len(block)
            lines += block.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line = lines + block[: max(error.start, 0)].count(b"\n")
        raise refuse(
            "ENC-01",
            path.name,
            en=f"{path.name}, line {line}: found bytes that are not UTF-8, expected UTF-8 "
            "(RFC 8259). Save the file as UTF-8.",
            zh=f"{path.name} 第 {line} 行：存在非 UTF-8 字节，应为 UTF-8（RFC 8259）。"
            "请另存为 UTF-8 编码。",
            found=error.object[error.start : error.start + 8].hex(" "),
            expected="UTF-8",
            row=line,
        ) from None


def _crs_name(path: Path, member: bytes) -> str:
    """The name in a ``crs`` member; a link is never followed."""
    try:
        document = orjson.loads(member)
        name = document["properties"]["name"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        name = None
    if isinstance(name, str) and name.strip():
        # Its axes are east first, whatever a URN of the registry says.
        return name.strip()
    raise refuse(
        "MET-01",
        path.name,
        en=f"{path.name}: the crs member names no CRS: found {member[:80].decode('utf-8')}, "
        'expected {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}. '
        "Correct or remove it.",
        zh=f"{path.name}：crs 成员未给出坐标系名称：{member[:80].decode('utf-8')}。"
        "请更正，或删除该成员并另行声明坐标系。",
        found=member[:80].decode("utf-8"),
        expected="crs name",
    )
