"""The database that a command works with: an external one, or the embedded one while it is used."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from models.db.cluster_upgrade import upgrade_cluster
from models.db.connection import connect
from models.db.embedded import DATABASE, EmbeddedPostgres
from models.db.lock import unusable
from models.errors import DatabaseError, TwinError
from twin.console import err
from twin.settings import Settings

#: `twin db up` leaves the embedded server running; this file says so.
_KEEP = "pg.keep"
_USERS = "pg.users"
#: A service looks so often whether its database still runs.
WATCH_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Database:
    """URLs of the database in use: ``url`` may write, ``read_url`` may only select,
    ``admin_url`` may make extensions (an external database has one URL for all)."""

    url: str
    read_url: str
    admin_url: str


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded cluster of ``settings.home``; nothing is started yet."""
    return EmbeddedPostgres(settings.home)


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """The database for the time of a ``with`` block.

    ``TWIN_DATABASE_URL`` is used as it is. The embedded server is started where it does not run
    and stopped by the last command that uses it, unless ``twin db up`` keeps it. Users are counted
    by shared file locks, which the kernel drops when a process dies. Raises
    :class:`models.errors.DatabaseError`.
    """
    if settings.database_url is not None:
        yield Database(*[settings.database_url] * 3)
        return
    cluster = embedded(settings)
    users = _open(settings.home)
    try:
        fcntl.flock(users, fcntl.LOCK_SH)
        cluster.ensure()
        yield _urls(cluster)
    finally:
        if not (settings.home / _KEEP).exists() and _last(users):
            cluster.stop()
        users.close()


@contextmanager
def watched(settings: Settings) -> Iterator[Database]:
    """As :func:`database`, for a service: an embedded server that dies is started again."""
    with database(settings) as found:
        if settings.database_url is not None:
            yield found
            return
        over = threading.Event()
        watch = threading.Thread(target=_watch, args=(settings, over), daemon=True)
        watch.start()
        try:
            yield found
        finally:
            over.set()
            watch.join()  # so that it starts nothing that nobody would stop


def _watch(settings: Settings, over: threading.Event) -> None:
    cluster = embedded(settings)
    while not over.wait(WATCH_SECONDS):
        try:
            if not cluster.status().running:
                cluster.ensure()
                log.warning("the database had died and was started again")
        except TwinError as error:  # told at each request; perhaps it can be mended meanwhile
            log.error("the database cannot be started again: %s", error.en)


def keep_running(settings: Settings) -> Database:
    """Start the embedded server and leave it running until :func:`stop`."""
    cluster = embedded(settings)
    with _open(settings.home) as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # so that no command that ends now stops the server
        cluster.ensure()
        (settings.home / _KEEP).touch()
    return _urls(cluster)


def upgrade(settings: Settings) -> tuple[int, int]:
    """Move the embedded cluster to the newest installed PostgreSQL; (from, to) versions.

    Raises :class:`models.errors.DatabaseError` where a command or ``twin up`` uses it.
    """
    with _open(settings.home) as users:
        if not _last(users):
            raise _in_use()
        cluster = embedded(settings)
        versions = upgrade_cluster(cluster)
        if not (settings.home / _KEEP).exists():
            cluster.stop()
    return versions


def stop(settings: Settings) -> bool:
    """Stop the embedded server; whether it ran.

    Raises :class:`models.errors.DatabaseError` where a command or ``twin up`` uses it.
    """
    cluster = embedded(settings)
    with _open(settings.home) as users:
        if not _last(users):
            raise _in_use()
        (settings.home / _KEEP).unlink(missing_ok=True)
        if not cluster.status().running:
            return False
        cluster.stop()
    return True


def migrate(settings: Settings, url: str) -> None:
    """Bring schema and twin definitions of the database up to date."""
    from models.db import revision, twins
    from models.twins import load_twins

    if not revision.current(url, settings.storage_srid):
        from models.db import migrate as schema

        schema.upgrade(url, settings.storage_srid)
    with connect(url) as conn:
        twins.sync(conn, load_twins(settings.twins_dir).values())


def holds_data(url: str) -> bool:
    """Whether any twin of the database has a dataset."""
    from models.db import migrate as schema
    from models.db import read, twins

    if schema.status(url).revision is None:
        return False
    with connect(url, read_only=True) as conn:
        return any(read.datasets(conn, twin) for twin in twins.known(conn))


def _in_use() -> DatabaseError:
    return DatabaseError(
        "The database is in use. End `twin up` and other commands, then try again.",
        "数据库正在使用。请先结束 `twin up` 等命令，再重试。",
    )


def _urls(cluster: EmbeddedPostgres) -> Database:
    return Database(cluster.url, cluster.read_url, cluster.admin_url(DATABASE))


def _open(home: Path) -> IO[str]:
    new = not home.exists()
    try:
        home.mkdir(parents=True, exist_ok=True)
        users = (home / _USERS).open("a")
    except OSError as error:
        raise unusable(home, error) from error
    if new:  # a command run in another folder finds no data there, and should not seem to
        err.print(
            f"新建数据目录 {home.absolute()} a new home, without data "
            "(TWIN_HOME 指定其他目录 names another)",
            markup=False,
        )
    return users


def _last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
