"""Backup and restore of a database as one file."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from subprocess import DEVNULL
from typing import IO, Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from models.db.errors import DiskFullError
from models.db.place import LOG_NAME, base_of
from models.db.server import Binaries, choose
from models.errors import DatabaseError

LOG: Final = logging.getLogger(__name__)
#: First bytes of pg_dump's custom format (PostgreSQL's pg_backup_archiver.c).
MAGIC: Final = b"PGDMP"
#: What other files begin with, to name what was found.
_KNOWN: Final = {
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip",
    b"SQLite": "SQLite / GeoPackage",
    b"%PDF": "PDF",
    b"--\n": "SQL",
}
_FULL: Final = "No space left on device"


def backup(url: str, file: Path, binaries: Binaries | None = None) -> int:
    """Write a consistent copy of the database to ``file`` (pg_dump, custom format); its bytes.

    The file appears only when complete. Raises :class:`DiskFullError`, :class:`DatabaseError`.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            command = ["pg_dump", "-Fc", "-Z", "1", "-d", url]
            said = _run(binaries or choose(), command, stdout=out)
        if said is not None:
            # the server's disk may be full too (sorting spills there); its words name its file
            if _FULL in said and "ERROR:" not in said:
                raise DiskFullError(file.absolute().parent)
            raise _failed("pg_dump", url, said)
        part.replace(file)
        return file.stat().st_size
    except OSError as error:
        raise DatabaseError(
            f"The backup {file} cannot be written ({error.strerror}). Choose another place.",
            f"无法写入备份 {file}({error.strerror})。请另选位置。",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def restore(
    url: str, file: Path, binaries: Binaries | None = None, *, any_content: bool = False
) -> None:
    """Replace the content of the database by that of ``file``; all or nothing.

    ``url`` must be that of a role that owns the tables and may make extensions (for the embedded
    cluster its superuser). Raises :class:`DatabaseError` naming the file where it is missing, no
    backup, damaged or (unless ``any_content``) without our tables, else what the database ran into.
    """
    programs = binaries or choose()
    _require_backup(file, programs, any_content)
    command = ["pg_restore", "--clean", "--if-exists", "-1", "-d", url, str(file)]
    said = _run(programs, command)
    if said is None:
        return
    # reading it through to nowhere tells a damaged file from a database in trouble
    if _run(programs, ["pg_restore", "-f", "/dev/null", str(file)]) is not None:
        raise _no_backup(file, "a damaged or half-copied backup", "损坏或不完整的备份")
    raise _failed("pg_restore", url, said)


def _require_backup(file: Path, programs: Binaries, any_content: bool) -> None:
    """Raise where ``file`` has not a whole list of contents with our tables in it."""
    try:
        with file.open("rb") as stream:
            begin = stream.read(16)
    except FileNotFoundError:
        raise DatabaseError(
            f"There is no backup file {file}. Name a file that `twin db backup` wrote.",
            f"备份文件 {file} 不存在。请指定由 `twin db backup` 生成的文件。",
        ) from None
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise _no_backup(file, found, found) from error
    if not begin:
        raise _no_backup(file, "an empty file", "空文件")
    if not begin.startswith(MAGIC):
        name = next((name for head, name in _KNOWN.items() if begin.startswith(head)), None)
        shown = name or repr(begin.decode("ascii", "backslashreplace"))
        raise _no_backup(file, f"a file that begins as {shown}", f"开头为 {shown} 的文件")
    listed = subprocess.run(
        [programs.program("pg_restore"), "--list", str(file)],
        capture_output=True,
        check=False,
        env={"LC_ALL": "C.UTF-8"},
    )
    if listed.returncode != 0:
        said = listed.stderr.decode(errors="replace").strip()
        LOG.error("pg_restore: %s", said)
        if "unsupported version" in said:
            have = f"PostgreSQL {programs.major}"
            raise _no_backup(file, f"a backup newer than {have}", f"比 {have} 更新的版本所做的备份")
        raise _no_backup(file, "a damaged or half-copied backup", "损坏或不完整的备份")
    if not any_content and b"TABLE public dataset " not in listed.stdout:
        raise _no_backup(file, "a backup of another database", "其他数据库的备份")


def _run(binaries: Binaries, command: list[str], stdout: IO[bytes] | int = DEVNULL) -> str | None:
    """None where the program succeeds, else what it said."""
    password = None
    if "-d" in command:
        # a password on the command line would show in the machine's process list
        place = command.index("-d") + 1
        target = conninfo_to_dict(command[place])
        password = target.pop("password", None)
        command[place] = make_conninfo("", **target)
    done = subprocess.run(
        [binaries.program(command[0]), *command[1:]],
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        env={"LC_ALL": "C.UTF-8", **({"PGPASSWORD": str(password)} if password else {})},
    )
    if done.returncode == 0:
        return None
    said = done.stderr.decode(errors="replace").strip()
    LOG.error("%s: %s", command[0], said)
    return said


def _failed(program: str, url: str, said: str) -> DatabaseError:
    base = base_of(url)
    if base is not None and _FULL in said:
        return DiskFullError(base)
    en, zh = "", ""
    if base is not None:
        en, zh = f" (server log: {base / LOG_NAME})", f"（服务器日志：{base / LOG_NAME}）"
    return DatabaseError(
        f"`{program}` failed; its words are above. The database is as it was before.{en}",
        f"`{program}` 失败，其输出见上。数据库保持原状。{zh}",
    )


def _no_backup(file: Path, found: str, found_zh: str) -> DatabaseError:
    return DatabaseError(
        f"{file} cannot be restored: found {found}, expected a whole file that `twin db backup` "
        "wrote. The database is as it was before. Name such a file.",
        f"{file} 无法恢复：发现{found_zh}，应为由 `twin db backup` 生成的完整文件。"
        "数据库保持原状。请指定这样的文件。",
    )
