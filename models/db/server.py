"""The PostgreSQL programs of this machine, and the account that may run them."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.errors import DatabaseError

#: Where Debian, and where the makers' own RPMs, put the programs of each major version.
PLACES: Final = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
#: Oldest major version whose server we start: what trims bytes in pages of features is of it.
OLDEST: Final = 14
SERVER_ACCOUNT: Final = "postgres"
_ENVIRONMENT: Final = {
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    # A page of features is one value of a megabyte, copied a few times on its way. glibc would give
    # that memory back after each answer and take it anew, page fault by page fault: a quarter of
    # the time. So a connection keeps up to 16 MB (mallopt(3)).
    "MALLOC_MMAP_THRESHOLD_": f"{8 << 20}",
    "MALLOC_TRIM_THRESHOLD_": f"{16 << 20}",
}


@dataclass(frozen=True, slots=True)
class Binaries:
    """``bin`` folder of one PostgreSQL major version that has PostGIS."""

    major: int
    bin: Path

    def program(self, name: str) -> str:
        """Full path of a program such as ``pg_ctl``."""
        return str(self.bin / name)


def installed() -> list[Binaries]:
    """All usable server versions, newest first: those with initdb and the PostGIS extension."""
    folders = [p for pattern in PLACES for p in Path("/").glob(pattern.lstrip("/"))]
    which = shutil.which("initdb")
    if which:
        folders.append(Path(which).resolve().parent)
    found: dict[int, Binaries] = {}
    for folder in folders:
        if not (folder / "initdb").exists() or not (folder / "pg_config").exists():
            continue
        version = _output(folder / "pg_config", "--version")
        match = re.search(r"(\d+)", version)
        share = Path(_output(folder / "pg_config", "--sharedir"))
        if match and (share / "extension" / "postgis.control").exists():
            found.setdefault(int(match[1]), Binaries(int(match[1]), folder))
    return [found[v] for v in sorted(found, reverse=True) if v >= OLDEST]


def choose(major: int | None = None) -> Binaries:
    """The newest installed version, or exactly ``major``. Raises :class:`DatabaseError`."""
    versions = installed()
    for binaries in versions:
        if major in (None, binaries.major):
            return binaries
    want = major or 15
    packages = f"postgresql-{want} postgresql-{want}-postgis-3"
    if versions:
        have = ", ".join(str(b.major) for b in versions)
        raise DatabaseError(
            f"The data were made by PostgreSQL {major}, but only {have} is installed. Install it "
            f"with `apt-get install {packages}`, then run `twin db upgrade` to move to {have}.",
            f"数据由 PostgreSQL {major} 创建,但本机只安装了 {have}。请先执行 "
            f"`apt-get install {packages}`,再运行 `twin db upgrade` 升级到 {have}。",
        )
    raise DatabaseError(
        "No PostgreSQL server with PostGIS is installed. Run `apt-get install "
        f"{packages}` as root, or set TWIN_DATABASE_URL to another PostGIS 3.3 or newer.",
        f"本机没有安装带 PostGIS 的 PostgreSQL 服务器。请以 root 执行 `apt-get install {packages}`,"
        "或将 TWIN_DATABASE_URL 指向其他 PostGIS 3.3 及以上的数据库。",
    )


def _output(program: Path, *arguments: str) -> str:
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class Account:
    """The account that runs the server; PostgreSQL refuses to run as root.

    ``steps_down`` is true where we are root and the server runs as ``postgres``.
    """

    uid: int
    gid: int
    steps_down: bool

    @classmethod
    def ours(cls) -> Account:
        """The present user, or ``postgres`` where that is root. Raises :class:`DatabaseError`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), False)
        try:
            entry = pwd.getpwnam(SERVER_ACCOUNT)
        except KeyError:
            raise DatabaseError(
                f"The database cannot run as root and there is no user `{SERVER_ACCOUNT}`. Run "
                "`apt-get install postgresql-15 postgresql-15-postgis-3`, or run as a normal user.",
                f"数据库不能以 root 运行,而本机没有用户 `{SERVER_ACCOUNT}`。请执行 "
                "`apt-get install postgresql-15 postgresql-15-postgis-3`,或以普通用户运行。",
            ) from None
        return cls(entry.pw_uid, entry.pw_gid, True)

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path = Path("/"),
        timeout: float = 120.0,
        text_in: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` as this account in a session of its own.

        A session of its own keeps a terminal's Ctrl-C away from the server, which is stopped in
        order. Messages come in English, so that :mod:`models.db.embedded` can read them.
        """
        try:
            return subprocess.run(
                list(command),
                cwd=cwd,
                input=text_in,
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
                start_new_session=True,
                user=self.uid if self.steps_down else None,
                group=self.gid if self.steps_down else None,
                extra_groups=[self.gid] if self.steps_down else None,
                env=_ENVIRONMENT,
                umask=0o077,
            )
        except PermissionError as error:
            raise DatabaseError(
                f"`{command[0]}` may not be run as user {self.uid} here ({error.strerror}).",
                f"无法以用户 {self.uid} 运行 `{command[0]}`({error.strerror})。",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise DatabaseError(
                f"`{Path(command[0]).name}` did not finish within {timeout:.0f} s. See the log "
                "beside the database.",
                f"`{Path(command[0]).name}` 在 {timeout:.0f} 秒内没有完成。请查看数据库旁的日志。",
            ) from error

    def may_work_in(self, folder: Path) -> bool:
        """Whether this account can enter and write ``folder``: asked of the system, not guessed."""
        if not self.steps_down:
            return os.access(folder, os.W_OK | os.X_OK)
        done = self.run(["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", str(folder)], timeout=10)
        return done.returncode == 0
