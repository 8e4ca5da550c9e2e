"""Access databases (MDB, ACCDB) by mdbtools, which runs as a program of its own.

mdbtools is C that meets bytes nobody has checked, so it runs below :mod:`ingest.isolation`, whose
limits of time, memory and file size hold for it too. It writes each table as CSV, which is read as
delimited text.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from ingest import isolation
from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.mapping.text import Objects
from ingest.readers import tables_text
from ingest.readers.tables_grid import Grid

MAX_TABLES: Final = 500
_MAX_FILE: Final = 2 << 30  # what Access itself can hold
_FORMAT: Final = ("-b", "strip", "-D", "%Y-%m-%d", "-T", "%Y-%m-%d %H:%M:%S")
_LONG: Final = re.compile(r"-?\d+\.\d+")
_PROGRAMS: Final = ("mdb-tables", "mdb-export")
#: Jet 3 (Access 97) holds bytes of the system's code page, which here is the Chinese one; later
#: versions hold UTF-16. Names and values come out as UTF-8.
_ENVIRONMENT: Final = {"MDB_JET3_CHARSET": "GB18030", "MDBICONV": "UTF-8", "LC_ALL": "C.UTF-8"}


def read(path: Path, limits: Limits) -> list[Grid]:
    """Every user table with its column names as row 0; records count from 1.

    Raises :class:`ingest.errors.RefusedError` (STR-00) where mdbtools is not installed, the
    database is damaged or protected, or the limits are passed.
    """
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        raise _refused(
            path,
            "缺少读取 Access 数据库的 mdbtools。请安装 Debian 软件包 mdbtools，或在 Access 中将各表"
            "导出为 XLSX 后提交。",
            "mdbtools, which reads Access databases, is not installed. Install the Debian package "
            "mdbtools, or export the tables as XLSX from Access and deliver that.",
            f"无 no {', '.join(missing)}",
        )
    with tempfile.TemporaryDirectory(prefix="access-") as name:
        folder = Path(name)
        try:
            answer = isolation.run(f"{__name__}:export", str(path), name, limits=limits)
        except isolation.IsolationError as error:
            raise _stopped(path, error, limits) from error
        return [
            Grid(path.name, table, _cells(folder / file, path, table), first=0)
            for table, file in answer
        ]


def export(path: str, folder: str) -> list[Any]:
    """Export every table below ``folder``; (table, file) pairs. Runs isolated.

    Raises :class:`RuntimeError` with what mdbtools says when it fails.
    """
    environment = {**os.environ, **_ENVIRONMENT}
    # Under a plain name, which cannot be taken for an option.
    source = Path(folder, "source.mdb")
    source.symlink_to(Path(path).resolve())
    if source.stat().st_size > _MAX_FILE:
        raise RuntimeError(f"{source.stat().st_size >> 20} MiB > {_MAX_FILE >> 20} MiB")
    listed = _run(["mdb-tables", "-1", str(source)], environment)
    names = [name for name in listed.decode("utf-8", "replace").splitlines() if name]
    if len(names) > MAX_TABLES:
        raise RuntimeError(f"{len(names)} tables > {MAX_TABLES}")
    out = []
    for number, name in enumerate(names):
        file = Path(folder, f"{number}.csv")
        with file.open("wb") as stream:
            _run(
                ["mdb-export", *_FORMAT, str(source), name],
                environment,
                stream,
            )
        out.append([name, file.name])
    return out


def _run(command: list[str], environment: dict[str, str], stdout: Any = subprocess.PIPE) -> bytes:
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RuntimeError(f"{command[0]}: {said[-1] if said else f'exit {done.returncode}'}"[:300])
    return bytes(done.stdout or b"")


def _cells(file: Path, path: Path, table: str) -> Objects:
    """The cells of an exported table; of numbers with 16 digits the last is noise."""
    try:
        cells, _ = tables_text.read(file, "utf-8", ",")
    except RefusedError as error:
        found = error.findings[0].found or ""
        raise _refused(
            path,
            f"表 {table} 无法读取（{found}）。请拆分该表，或导出为 XLSX 后提交。",
            f"the table {table} cannot be read ({found}). Split it, or export it as XLSX.",
            found,
        ) from error
    flat = cells.ravel()
    for index, text in enumerate(flat):
        if text is not None and len(text) > 16 and _LONG.fullmatch(text):
            flat[index] = f"{float(text):.15g}"
    return flat.reshape(cells.shape)


def _stopped(path: Path, error: isolation.IsolationError, limits: Limits) -> RefusedError:
    zh, en = {
        isolation.Reason.TIME: (
            f"读取超过 {limits.seconds:g} 秒，已中止",
            f"took longer than {limits.seconds:g} s and was stopped",
        ),
        isolation.Reason.MEMORY: ("读取时内存超限，已中止", "needed too much memory"),
    }.get(error.reason, ("无法读取，可能已损坏或设有密码", "is damaged or has a password"))
    return _refused(
        path,
        f"{zh}。请在 Access 中压缩修复、去除密码后提交，或将各表导出为 XLSX。",
        f"{en}. Compact and repair it in Access, remove its password, or export its tables as "
        "XLSX.",
        error.detail,
    )


def _refused(path: Path, zh: str, en: str, found: str) -> RefusedError:
    return refuse(
        "STR-00",
        path.name,
        zh=f"{path.name}：{zh}",
        en=f"{path.name}: {en}",
        found=found,
        expected="可读的 Access 数据库 a readable Access database",
    )
