"""Whole deliveries: folders, and ZIP archives unpacked within limits to a temporary folder.

An archive is judged by its directory before anything is written, and every fault of it is told at
once. Names that leave the folder, links, encrypted members and bombs refuse the archive; so does
what cannot be unpacked faithfully (two members of one name). An archive inside is left out, with a
finding. Names without the UTF-8 flag are UTF-8 or, as Chinese programs write them, GB18030.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from ingest.archive_faults import fault
from ingest.errors import RefusedError
from ingest.faults import nothing_in
from models.findings import Finding


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may unpack to: ``size`` bytes in all, ``count`` members, ``depth`` folders,
    and ``ratio`` to 1 for members that are larger than ``ratio_from`` bytes."""

    size: int = 4 << 30
    count: int = 5000
    depth: int = 8
    ratio: int = 250
    ratio_from: int = 8 << 20


LIMITS: Final = ArchiveLimits()
#: Faults of one archive that are told one by one.
_TOLD: Final = 20
_BLOCK: Final = 1 << 20
#: Bytes of central directory that a member may take: its record, name, extra fields and comment.
_RECORD: Final = 2048
_ARCHIVES: Final = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
_JUNK: Final = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, KeyError)


@contextmanager
def opened(
    paths: Sequence[Path],
    limits: ArchiveLimits = LIMITS,
    origins: dict[Path, Path] | None = None,
) -> Iterator[tuple[list[Path], list[Finding]]]:
    """The files of a delivery, and findings on archives that were refused or left out.

    Folders stand for all files in and below them (links are not followed), ZIP archives for what
    they hold, which lies in a temporary folder while the block runs; other paths, also those that
    do not exist, stand for themselves. ``origins`` takes the archive of each file out of one.
    """
    files: list[Path] = []
    findings = [nothing_in(p) for p in paths if p.is_dir() and next(walked([p]), None) is None]
    with tempfile.TemporaryDirectory(prefix="delivery-") as folder:
        for number, path in enumerate(walked(paths)):
            if not is_archive(path):
                files.append(path)
                continue
            try:
                held, left_out = extract(path, Path(folder, str(number), path.stem), limits)
            except RefusedError as error:
                findings += error.findings
            else:
                files += held
                if origins is not None:
                    origins.update(dict.fromkeys(held, path))
                findings += left_out if held or left_out else [nothing_in(path)]
        yield files, findings


def is_archive(path: Path) -> bool:
    """Whether ``path`` is a ZIP that is no document (XLSX, DOCX … are ZIPs too)."""
    try:
        if not path.is_file():  # a pipe or a device is not opened
            return False
        with path.open("rb") as stream:
            if stream.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
                return False
            _require_directory(stream, path.name, LIMITS)
            with zipfile.ZipFile(stream) as archive:
                names = set(archive.namelist())
    except (*_DAMAGED, NotImplementedError, RefusedError):
        return path.suffix.lower() == ".zip"
    except OSError:
        return False
    return "[Content_Types].xml" not in names and "mimetype" not in names


def extract(
    path: Path, folder: Path, limits: ArchiveLimits = LIMITS
) -> tuple[list[Path], list[Finding]]:
    """Unpack the ZIP at ``path`` below ``folder``; the files, and a finding for each archive inside
    that was left out (ARC-05).

    Raises :class:`ingest.errors.RefusedError`: ARC-01 damaged, ARC-02 over the limits, ARC-03 a
    name or link that is not safe, ARC-04 encrypted, ARC-06 names twice, ARC-07 unknown compression.
    """
    try:
        with path.open("rb") as stream:
            _require_directory(stream, path.name, limits)
            with zipfile.ZipFile(stream) as archive:
                return _unpack(archive, path.name, folder, limits)
    except (*_DAMAGED, NotImplementedError, RuntimeError, OSError) as error:
        raise RefusedError([fault("ARC-01", path.name, found=str(error))]) from error


def member_name(info: zipfile.ZipInfo) -> str:
    """The name of a member, with ``/`` between folders."""
    if info.flag_bits & 0x800 or info.orig_filename.isascii():
        name = info.orig_filename
    else:
        raw = info.orig_filename.encode("cp437")  # what zipfile took it for, byte by byte
        name = next((t for t in (_decoded(raw, e) for e in ("utf-8", "gb18030")) if t), None) or (
            info.orig_filename
        )
    return name.replace("\\", "/")


def _unpack(
    archive: zipfile.ZipFile, name: str, folder: Path, limits: ArchiveLimits
) -> tuple[list[Path], list[Finding]]:
    members = [(member_name(info), info) for info in archive.infolist()]
    wrong = _too_much([info for _, info in members], name, limits)
    wrong += [f for member, info in members for f in _unsafe(member, info, name, limits)]
    members = [(m, i) for m, i in members if not m.endswith("/") and not _is_junk(PurePosixPath(m))]
    wrong += _repeated([member for member, _ in members], name)
    if wrong:
        raise RefusedError(wrong[:_TOLD])
    total = sum(info.file_size for _, info in members)
    folder.mkdir(parents=True)
    if total > (free := shutil.disk_usage(folder).free):
        room = f"≤ {free >> 20} MiB (磁盘可用空间 free disk)"
        raise RefusedError([_over(name, f"{total >> 20} MiB", room)])
    files: list[Path] = []
    findings: list[Finding] = []
    for member, info in members:
        if member.lower().endswith(_ARCHIVES):
            findings.append(fault("ARC-05", name, member))
            continue
        to = folder / member
        to.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as source, to.open("xb") as target:
            shutil.copyfileobj(source, target, _BLOCK)  # never more than the size that is declared
        files.append(to)
    return sorted(files), findings


def _too_much(
    members: Sequence[zipfile.ZipInfo], name: str, limits: ArchiveLimits
) -> list[Finding]:
    out = []
    total = sum(info.file_size for info in members)
    if total > limits.size:
        out.append(_over(name, f"{total >> 20} MiB", f"≤ {limits.size >> 20} MiB"))
    if len(members) > limits.count:
        out.append(_over(name, f"{len(members)} files", f"≤ {limits.count} files"))
    for info in members:
        ratio = info.file_size / max(info.compress_size, 1)
        if info.file_size > limits.ratio_from and ratio > limits.ratio:
            found = f"{info.file_size >> 20} MiB, {ratio:.0f}:1"
            out.append(_over(name, found, f"≤ {limits.ratio}:1", member_name(info)))
    return out


def _unsafe(
    member: str, info: zipfile.ZipInfo, name: str, limits: ArchiveLimits
) -> Iterator[Finding]:
    parts = member.removesuffix("/").split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if (
        member.startswith("/")
        or any(part in ("", ".", "..") for part in parts)
        or (len(parts[0]) > 1 and parts[0][1] == ":")
        or any(unicodedata.category(mark) in ("Cc", "Cs") for mark in member)
        or any(len(part.encode("utf-8", "replace")) > 255 for part in parts)
        or kind not in (0, stat.S_IFREG, stat.S_IFDIR)
    ):
        yield fault("ARC-03", name, member, "link" if stat.S_ISLNK(kind) else None)
    if len(parts) > limits.depth + 1:
        yield _over(name, f"{len(parts) - 1} folders", f"≤ {limits.depth} folders", member)
    if info.flag_bits & 0x1:
        yield fault("ARC-04", name, member)
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield fault("ARC-07", name, member, str(info.compress_type))


def _repeated(members: Sequence[str], name: str) -> list[Finding]:
    """Names that some file system cannot tell apart, and files that are folders too."""
    out, seen = [], set[str]()
    keys = [unicodedata.normalize("NFC", member).casefold() for member in members]
    folders = {str(above) for key in keys for above in PurePosixPath(key).parents}
    for member, key in zip(members, keys, strict=True):
        if key in seen or key in folders:
            out.append(fault("ARC-06", name, member))
        seen.add(key)
    return out


def _require_directory(stream: BinaryIO, name: str, limits: ArchiveLimits) -> None:
    """Refuse a central directory (APPNOTE 4.3.12) that is too long to be read into memory."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - 65_557 - 76))
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(b"PK\x05\x06")  # end of central directory, 4.3.16
    size = struct.unpack_from("<I", tail, at + 12)[0] if 0 <= at <= len(tail) - 22 else 0
    if at >= 76 and tail[at - 76 : at - 72] == b"PK\x06\x06":  # ZIP64, 4.3.14
        size = max(size, struct.unpack_from("<Q", tail, at - 76 + 40)[0])
    if size > limits.count * _RECORD and size != 0xFFFFFFFF:
        expected = f"≤ {limits.count} files"
        raise RefusedError([_over(name, f"directory {size >> 20} MiB", expected)])


def walked(paths: Sequence[Path]) -> Iterator[Path]:
    """The files of a delivery as they were handed over, archives unopened."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for here, folders, names in os.walk(path):
            folders[:] = sorted(f for f in folders if not _is_junk(PurePosixPath(f)))
            inside = [Path(here, name) for name in sorted(names)]
            yield from (p for p in inside if not p.is_symlink() and not _is_junk(PurePosixPath(p)))


def _is_junk(member: PurePosixPath) -> bool:
    """What systems leave behind and nobody delivers: ``__MACOSX``, lock files of open documents."""
    return any(part in _JUNK for part in member.parts) or member.name.startswith(("~$", "._"))


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _over(name: str, found: str, expected: str, member: str | None = None) -> Finding:
    return fault("ARC-02", name, member, found, expected)
