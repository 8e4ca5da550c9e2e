"""What an IFC file says of itself before it is parsed: signature, schema, and whether it is whole.

Only the first and last kilobytes are read, so that a file which is not what its name says, is cut
off, or is of a schema that cannot be read is refused at once and with the right words.
"""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Final

from ingest.errors import RefusedError, refuse

SUFFIXES: Final = (".ifc", ".ifczip", ".ifcxml")

#: Header names that IfcOpenShell reads, and near names with the schema they are read as.
READABLE: Final = ("IFC2X3", "IFC4", "IFC4X3_ADD2")
READ_AS: Final = {
    **{name: name for name in READABLE},
    **dict.fromkeys(("IFC2X3_TC1", "IFC2X3_FINAL"), "IFC2X3"),
    **dict.fromkeys(("IFC4_ADD1", "IFC4_ADD2", "IFC4_ADD2_TC1"), "IFC4"),
    **dict.fromkeys(("IFC4X3", "IFC4X3_TC1", "IFC4X3_ADD1"), "IFC4X3_ADD2"),
}

_SIGNATURE: Final = b"ISO-10303-21"
_END: Final = b"END-ISO-10303-21"
_SCHEMA: Final = re.compile(rb"FILE_SCHEMA\s*\(\s*\(\s*'([^']*)'", re.IGNORECASE)
_PEEK: Final = 4096
_HEADER: Final = 1 << 20
#: An archive member may be this many times its packed size; STEP text packs about 5 to 15 times.
_RATIO: Final = 200


def is_step(path: Path) -> bool:
    """Whether the file at ``path`` begins as a STEP file of an IFC schema."""
    head = _head(path, _PEEK)
    return _begins(head) and b"'IFC" in head.upper().replace(b" ", b"")


def check(path: Path, file: str) -> str:
    """The schema name in the header of the STEP file at ``path``, called ``file`` in messages.

    Raises :class:`RefusedError` when it is no STEP file (IFC-01), is cut off (IFC-02), or has a
    schema that cannot be read (IFC-03).
    """
    head = _head(path, _HEADER)
    if not _begins(head):
        raise _not_ifc(file, head)
    if _END not in _tail(path):
        raise refuse(
            "IFC-02",
            file,
            found="no END-ISO-10303-21; at the end",
            expected="END-ISO-10303-21;",
            en=f"{file} is cut off: its last line is not END-ISO-10303-21;. "
            "Export or copy it again, and compare the sizes.",
            zh=f"{file} 不完整：文件末尾缺少 END-ISO-10303-21;。请重新导出或复制，并核对文件大小。",
        )
    match = _SCHEMA.search(head)
    written = match[1].decode("ascii", "replace").strip() if match else ""
    if written.upper() not in READ_AS:
        raise _schema_refused(file, written)
    return written


def _begins(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_SIGNATURE)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(size)


def _tail(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _PEEK))
        return stream.read()


def _not_ifc(file: str, head: bytes) -> RefusedError:
    if not head:
        return refuse(
            "IFC-01",
            file,
            found="0 B",
            expected="ISO-10303-21;",
            en=f"{file} is empty (0 bytes), expected a file that begins with ISO-10303-21;. "
            "Export or copy it again.",
            zh=f"{file} 是空文件（0 字节），应以 ISO-10303-21; 开头。请重新导出或复制。",
        )
    found = head[:24].decode("latin-1").encode("unicode_escape").decode()
    what = "an archive" if head.startswith(b"PK") else "XML" if b"<" in head[:64] else "other data"
    what_zh = {"an archive": "压缩包", "XML": "XML", "other data": "其他数据"}[what]
    return refuse(
        "IFC-01",
        file,
        found=found,
        expected="ISO-10303-21;",
        en=f"{file} is not an IFC file as its name says: it is {what} and begins with "
        f"'{found}', expected ISO-10303-21;. Export it as IFC in STEP form (.ifc).",
        zh=f"{file} 不是其名称所示的 IFC 文件：内容为{what_zh}，开头为“{found}”，"
        "应为 ISO-10303-21;。请导出为 STEP 格式的 IFC（.ifc）。",
    )


def _schema_refused(file: str, written: str) -> RefusedError:
    candidate = re.search(r"_RC\d", written.upper()) is not None
    why = f"the draft schema {written}" if candidate else f"schema '{written}'"
    why_zh = f"草案版模式 {written}" if candidate else f"模式“{written}”"
    names = ", ".join(READABLE)
    hint = "Drafts differ from the published standard. " if candidate else ""
    hint_zh = "草案与正式标准不同。" if candidate else ""
    target = "IFC4X3_ADD2" if "4X3" in written.upper() or not written else "IFC4 or IFC4X3_ADD2"
    target_zh = target.replace(" or ", " 或 ")
    return refuse(
        "IFC-03",
        file,
        found=written or "no FILE_SCHEMA",
        expected=names,
        en=f"{file} has {why} in its header, which cannot be read; expected one of {names}. "
        f"{hint}Export the model again as {target}; then it opens.",
        zh=f"{file} 的文件头声明{why_zh}，无法读取；应为 {names} 之一。"
        f"{hint_zh}请重新导出为 {target_zh}，即可打开。",
    )


def with_schema(path: Path, written: str, folder: Path) -> Path:
    """``path``, or where its schema goes by another name, a copy in ``folder`` with the name that
    the library knows."""
    known = READ_AS[written.upper()]
    if written == known:
        return path
    copy = folder / "renamed.ifc"
    with path.open("rb") as source, copy.open("wb") as target:
        head = source.read(_HEADER)
        match = _SCHEMA.search(head)
        assert match is not None  # check() has found it
        target.write(head[: match.start(1)] + known.encode() + head[match.end(1) :])
        shutil.copyfileobj(source, target, 1 << 20)
    return copy


def unpack(path: Path, file: str, folder: Path, limit: int) -> Path:
    """The one STEP file in the archive at ``path``, unpacked into ``folder`` with ``limit`` bytes
    at most.

    Raises :class:`RefusedError` (IFC-01) for anything else that an archive can hold.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".ifc")]
            if len(members) != 1:
                raise _archive_refused(
                    file, f"{len(members)} .ifc files", f"含 {len(members)} 个 .ifc 的压缩包"
                )
            size, packed = members[0].file_size, max(1, members[0].compress_size)
            if size > limit or size / packed > _RATIO:
                raise _archive_refused(
                    file,
                    f"{size} bytes out of {packed}",
                    f"由 {packed} 字节解压出 {size} 字节",
                )
            target = folder / "unpacked.ifc"
            with archive.open(members[0]) as source, target.open("wb") as out:
                # zipfile stops at file_size whatever the stream holds, so the limit is kept.
                shutil.copyfileobj(source, out, 1 << 20)
            return target
    except RuntimeError as error:  # what zipfile raises for a password
        raise _archive_refused(file, "an encrypted archive", "加密的压缩包") from error
    except NotImplementedError as error:
        raise _archive_refused(
            file, "a packing method that is not known", "不支持的压缩方法"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _archive_refused(
            file, "a damaged archive, or none", "损坏的压缩包或并非压缩包"
        ) from error


def _archive_refused(file: str, found: str, found_zh: str) -> RefusedError:
    return refuse(
        "IFC-01",
        file,
        found=found,
        expected="a zip archive with one .ifc file",
        en=f"{file} cannot be unpacked: found {found}, expected a zip archive with exactly one "
        ".ifc file that is not encrypted. Pack it again or deliver the .ifc itself.",
        zh=f"{file} 无法解压：实际为{found_zh}，应为仅含一个 .ifc 文件且未加密的 zip 压缩包。"
        "请重新打包，或直接提交 .ifc 文件。",
    )
