"""The private PostgreSQL + PostGIS cluster that the program makes, starts, stops and upgrades."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from models.db import configuration, provision
from models.db.failures import require_port, require_same_port, start_failure
from models.db.location import SOCKET_NAME, data_base, require_space, socket_folder
from models.db.lock import ProcessLock, unusable
from models.db.place import LOG_NAME, MIN_FREE, mark, unmark
from models.db.postmaster import clear_remains, listening, running_pid, server_processes
from models.db.server import Account, Binaries, choose
from models.errors import DatabaseError

DATABASE: Final = "twin"
START_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What there is of an embedded cluster: ``data`` None means that none was made yet."""

    running: bool
    pid: int | None
    data: Path | None
    socket: Path | None
    port: int | None
    version: int | None


class EmbeddedPostgres:
    """A PostgreSQL cluster of our own for the home folder ``home``.

    It listens on a Unix socket in a folder that only its owner may enter, and, where ``port`` is
    given, also on 127.0.0.1 with a generated password. It never touches any other cluster. As root
    the server runs as user ``postgres``; data then live elsewhere if that user may not enter
    ``home`` (see :func:`models.db.location.data_base`). All methods may be called from several
    processes at once. ``extra`` overrides server settings, ``elsewhere`` is that other place,
    ``min_free`` bytes must be free on the disk. Every failure is a
    :class:`models.errors.DatabaseError`.
    """

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        extra: Mapping[str, str] | None = None,
        elsewhere: Path | None = None,
        min_free: int = MIN_FREE,
    ) -> None:
        self.home = home.absolute()
        self.port = port
        self.started = False
        self._extra = dict(extra or {})
        self._elsewhere = elsewhere
        self._min_free = min_free
        self._lock = ProcessLock(self.home / "pg.lock", wait=START_SECONDS)
        self._account: Account | None = None
        self._base: Path | None = None
        self._socket: Path | None = None

    def ensure(self) -> str:
        """Make and start the cluster where needed; returns the owner's URL.

        Clears what a killed server left behind. ``started`` tells whether this call started it, so
        that whoever started it stops it.
        """
        with self._lock:
            base, account = self._place()
            if running_pid(self.data) is not None:
                require_same_port(self.home, self.data, self.port)
            else:
                require_space(base, self._min_free)
                binaries = choose(self._data_version())
                if not (self.data / "PG_VERSION").exists():
                    self._create(binaries, account)
                self._start(binaries, account)
                self.started = True
            provision.provision(self.admin_url(), DATABASE, self._password())
        return self.url

    def stop(self) -> None:
        """Stop the server if it runs; open transactions are rolled back."""
        with self._lock:
            self._place()
            self._stop()

    def status(self) -> ClusterStatus:
        """What is there, without making or starting anything."""
        pointer = self.home / "pg.location"
        base = self.home / "pg"
        try:
            if pointer.exists():
                base = Path(pointer.read_text(encoding="utf-8").strip())
            made = (base / "data" / "PG_VERSION").exists()
        except OSError as error:
            raise unusable(base, error) from error
        if not made:
            return ClusterStatus(False, None, None, None, None, None)
        self._place()
        pid = running_pid(self.data)
        return ClusterStatus(
            pid is not None, pid, self.data, self.socket, self.port, self._data_version()
        )

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self._place()[0] / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._place()[0] / LOG_NAME

    @property
    def socket(self) -> Path:
        """The folder of the socket."""
        self._place()
        assert self._socket is not None
        return self._socket

    @property
    def url(self) -> str:
        """URL of the owner role ``twin``, who may write."""
        return self._url("twin", DATABASE)

    @property
    def read_url(self) -> str:
        """URL of the role ``twin_read``, who may only select."""
        return self._url(provision.READ_ROLE, DATABASE)

    def admin_url(self, database: str = "postgres") -> str:
        """URL of the cluster's superuser; always over the socket."""
        return self._socket_url("postgres", database)

    def database_url(self, database: str) -> str:
        """The owner's URL of another database of this cluster."""
        return self._url("twin", database)

    def _url(self, role: str, database: str) -> str:
        if self.port is None:
            return self._socket_url(role, database)
        return f"postgresql://{role}:{self._password()}@127.0.0.1:{self.port}/{database}"

    def _socket_url(self, role: str, database: str) -> str:
        folder = quote(str(self.socket), safe="")
        port = (listening(self.data) or (self.port or 5432, False))[0]
        return f"postgresql://{role}@/{database}?host={folder}&port={port}"

    def _place(self) -> tuple[Path, Account]:
        if self._base is None or self._account is None:
            self._account = Account.ours()
            places = {} if self._elsewhere is None else {"elsewhere": self._elsewhere}
            self._base = data_base(self.home, self._account, **places)
            self._socket = socket_folder(self._base, self._account)
        return self._base, self._account

    def _data_version(self) -> int | None:
        try:
            return int((self.data / "PG_VERSION").read_text().strip())
        except (OSError, ValueError):
            return None

    def _password(self) -> str | None:
        """The generated password of the loopback roles; readable by the owner only."""
        if self.port is None:
            return None
        file = self._place()[0] / "password"
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(24))
        return file.read_text()

    def _create(self, binaries: Binaries, account: Account) -> None:
        """Run initdb beside ``data`` and move it there when complete: no half-made cluster."""
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        done = account.run(
            [
                binaries.program("initdb"),
                *("-D", str(fresh), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"),
                *("-A", "trust", "--no-instructions", "--no-sync"),
            ]
        )
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise start_failure(done.stderr, self._place()[0], self.port)
        fresh.rename(self.data)

    def _start(self, binaries: Binaries, account: Account) -> None:
        base = self._place()[0]
        clear_remains(self.data, self.socket / SOCKET_NAME.replace("5432", str(self.port or 5432)))
        if self.port is not None:
            require_port(self.port)
        if self.data.stat().st_uid == account.uid:
            self.data.chmod(0o700)  # the server refuses a data folder that others may read
        values = configuration.settings(self.socket, self.port, self._extra)
        try:
            mark(self.socket, base)
            configuration.write(self.data, values, account)
            if self.log.exists() and self.log.stat().st_size > 16 << 20:
                self.log.replace(self.log.with_suffix(".log.1"))
            before = self.log.stat().st_size if self.log.exists() else 0
        except OSError as error:
            raise start_failure(str(error), base, self.port) from error
        command = ["-D", str(self.data), "-l", str(self.log), "-s", "-w", "-t", str(START_SECONDS)]
        done = account.run([binaries.program("pg_ctl"), *command, "start"], timeout=START_SECONDS)
        if done.returncode != 0:
            said = ""
            if self.log.exists():
                with self.log.open(encoding="utf-8", errors="replace") as stream:
                    stream.seek(before)
                    said = stream.read()
            raise start_failure(said + done.stderr, base, self.port)

    def _stop(self) -> None:
        pid = running_pid(self.data)
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)  # the server's fast shutdown
        until = time.monotonic() + START_SECONDS
        while pid in server_processes(self.data):  # its pid file goes first
            if time.monotonic() > until:
                raise DatabaseError(
                    f"The database server (process {pid}) did not stop within {START_SECONDS} s.",
                    f"数据库服务器(进程 {pid})未能在 {START_SECONDS} 秒内停止。",
                )
            time.sleep(0.02)
        self.started = False
        if self.socket.parent != self.data.parent:
            with contextlib.suppress(OSError):
                unmark(self.socket)
                self.socket.rmdir()
        self._base = None  # the next start finds its places anew
