"""Backup and restore of a database as one file."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from subprocess import DEVNULL
from typing import IO, Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from models.db.server import Binaries, choose
from models.errors import DatabaseError

LOG: Final = logging.getLogger(__name__)


def backup(url: str, file: Path, binaries: Binaries | None = None) -> int:
    """Write a consistent copy of the database to ``file`` (pg_dump, custom format); its bytes.

    The file appears only when complete. Raises :class:`DatabaseError`.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            _run(binaries or choose(), ["pg_dump", "-Fc", "-Z", "1", "-d", url], stdout=out)
        part.replace(file)
        return file.stat().st_size
    except OSError as error:
        raise DatabaseError(
            f"The backup {file} cannot be written ({error.strerror}). Choose another place.",
            f"无法写入备份 {file}({error.strerror})。请另选位置。",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def restore(url: str, file: Path, binaries: Binaries | None = None) -> None:
    """Replace the content of the database by that of ``file``; all or nothing.

    ``url`` must be that of a role that owns the tables and may make extensions (for the embedded
    cluster its superuser). Raises :class:`DatabaseError`.
    """
    if not file.is_file():
        raise DatabaseError(
            f"There is no backup file {file}. Name a file that `twin db backup` wrote.",
            f"备份文件 {file} 不存在。请指定由 `twin db backup` 生成的文件。",
        )
    command = ["pg_restore", "--clean", "--if-exists", "-1", "-d", url, str(file)]
    _run(binaries or choose(), command)


def _run(binaries: Binaries, command: list[str], stdout: IO[bytes] | int = DEVNULL) -> None:
    # a password on the command line would show in the machine's process list
    target = conninfo_to_dict(command.pop(command.index("-d") + 1))
    password = target.pop("password", None)
    command.insert(command.index("-d") + 1, make_conninfo("", **target))
    done = subprocess.run(
        [binaries.program(command[0]), *command[1:]],
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        env={"LC_ALL": "C.UTF-8", **({"PGPASSWORD": str(password)} if password else {})},
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        LOG.error("%s: %s", command[0], said)
        full = "No space left on device" in said
        raise DatabaseError(
            f"`{command[0]}` failed{': the disk is full' if full else ''}. The database is as it "
            "was before; the log has the details.",
            f"`{command[0]}` 失败{':磁盘已满' if full else ''}。数据库保持原状;详见日志。",
        )
