"""Schema of the database: which version there is, and moving to another (Alembic, in code)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, cast

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from models.crs import StorageCrs
from models.db.connection import Connection as Driver
from models.db.connection import connect
from models.db.errors import translate, translated
from models.db.place import base_of
from models.db.provision import EXTENSIONS, LOCK, create_extension, grant_read, readable
from models.errors import DatabaseError

OLDEST_SERVER: Final = 14
OLDEST_POSTGIS: Final = (3, 3)


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """``revision`` the database has, ``head`` this program has, and the storage SRID (or None)."""

    revision: str | None
    head: str
    storage_srid: int | None

    @property
    def current(self) -> bool:
        """Whether the database has the schema of this program."""
        return self.revision == self.head


def check_server(conn: Driver) -> tuple[int, int]:
    """(major, minor) of PostGIS; makes missing extensions where allowed.

    Raises :class:`DatabaseError` where the server is older than PostgreSQL 13 or PostGIS 3.3, lacks
    an extension, or does not store UTF-8.
    """
    server = conn.info.server_version // 10000
    if server < OLDEST_SERVER:
        raise _too_old("PostgreSQL", str(server), str(OLDEST_SERVER))
    encoding = conn.execute("SHOW server_encoding").fetchone()
    if encoding != ("UTF8",):
        raise DatabaseError(
            f"The database stores text as {encoding and encoding[0]}; UTF8 is needed. Make a "
            "database with ENCODING 'UTF8'.",
            f"数据库的文本编码是 {encoding and encoding[0]},需要 UTF8。"
            "请以 ENCODING 'UTF8' 新建数据库。",
        )
    for name in EXTENSIONS:
        _extension(conn, name)
    found = conn.execute("SELECT extversion FROM pg_extension WHERE extname = 'postgis'").fetchone()
    version = str(found[0]) if found else "0.0"
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < OLDEST_POSTGIS:
        raise _too_old("PostGIS", version, "3.3")
    return major, minor


@translated
def upgrade(url: str, storage_srid: int = 4549) -> SchemaStatus:
    """Bring the schema to this program's version; the first time with ``storage_srid``.

    The SRID is remembered: another one is refused, since all stored heights and plans are in it.
    Two upgrades at once queue. All or nothing. Raises :class:`DatabaseError`, and
    :class:`models.errors.StorageCrsError` for an SRID that nothing can be stored in.
    """
    StorageCrs(storage_srid)
    with connect(url) as conn:
        check_server(conn)
    with _alembic(url) as (config, sa):
        have = _stored_srid(sa)
        if have is not None and have != storage_srid:
            raise DatabaseError(
                f"This database stores coordinates in EPSG:{have}, not in EPSG:{storage_srid}. "
                f"Use EPSG:{have}, or a new database for EPSG:{storage_srid}.",
                f"该数据库以 EPSG:{have} 存储坐标,而非 EPSG:{storage_srid}。请使用 EPSG:{have},"
                f"或为 EPSG:{storage_srid} 新建数据库。",
            )
        _require_srid(sa, storage_srid)
        config.attributes["storage_srid"] = storage_srid
        command.upgrade(config, "head")
        driver = cast("Driver", sa.connection.driver_connection)
        if not readable(driver):
            grant_read(driver)
        return _status(config, sa)


@translated
def downgrade(url: str, revision: str) -> SchemaStatus:
    """Go back to ``revision`` (``base`` drops all tables and their data)."""
    with _alembic(url) as (config, sa):
        command.downgrade(config, revision)
        return _status(config, sa)


@translated
def status(url: str) -> SchemaStatus:
    """Which schema the database has; changes nothing."""
    with _alembic(url) as (config, sa):
        return _status(config, sa)


def head() -> str:
    """The newest revision that this program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("models.db") / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _alembic(url: str) -> Iterator[tuple[Config, Connection]]:
    """Alembic's configuration and a connection in one transaction under the migration lock."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, connect_timeout=10),
        poolclass=NullPool,
    )
    config = _config()
    try:
        with engine.begin() as sa:
            sa.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            config.attributes["connection"] = sa
            yield config, sa
    except DBAPIError as error:  # SQLAlchemy's wrapping of the driver's own
        raise translate(error.orig or error, base_of(url)) from error
    except CommandError as error:
        raise DatabaseError(
            f"The database's schema cannot be moved: {error}. It may be newer than this program: "
            "install the newer program, or restore a backup.",
            f"无法迁移数据库结构:{error}。数据库可能比本程序新:请安装较新的程序,或恢复备份。",
        ) from error
    finally:
        engine.dispose()


def _status(config: Config, sa: Connection) -> SchemaStatus:
    context = MigrationContext.configure(sa)
    top = ScriptDirectory.from_config(config).get_current_head() or ""
    return SchemaStatus(context.get_current_revision(), top, _stored_srid(sa))


def _stored_srid(sa: Connection) -> int | None:
    if sa.exec_driver_sql("SELECT to_regclass('storage')").scalar() is None:
        return None
    value = sa.exec_driver_sql("SELECT value FROM storage WHERE name = 'srid'").scalar()
    return None if value is None else int(value)


def _require_srid(sa: Connection, srid: int) -> None:
    query = "SELECT 1 FROM spatial_ref_sys WHERE srid = %s"
    if sa.exec_driver_sql(query, (srid,)).scalar() is None:
        raise DatabaseError(
            f"PostGIS does not know EPSG:{srid}; it cannot be the storage CRS. Choose a projected "
            "CRS in metres such as EPSG:4549.",
            f"PostGIS 中没有 EPSG:{srid},不能作为存储坐标系。"
            "请选择以米为单位的投影坐标系,如 EPSG:4549。",
        )


def _extension(conn: Driver, name: str) -> None:
    if conn.execute("SELECT 1 FROM pg_extension WHERE extname = %s", (name,)).fetchone():
        return
    available = conn.execute(
        "SELECT 1 FROM pg_available_extensions WHERE name = %s", (name,)
    ).fetchone()
    if available is None:
        raise DatabaseError(
            f"The database server lacks the extension {name}. On the server, run `apt-get install "
            "postgresql-15-postgis-3` (or the package of its version).",
            f"数据库服务器缺少扩展 {name}。请在服务器上执行 `apt-get install "
            "postgresql-15-postgis-3`(或对应版本的包)。",
        )
    try:
        create_extension(conn, name)
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"The extension {name} is missing and this role may not make it. Ask the server's "
            f"administrator to run `CREATE EXTENSION {name}` in this database.",
            f"缺少扩展 {name},且当前角色无权创建。"
            f"请让管理员在该数据库中执行 `CREATE EXTENSION {name}`。",
        ) from error


def _too_old(what: str, found: str, needed: str) -> DatabaseError:
    return DatabaseError(
        f"The server has {what} {found}; {needed} or newer is needed.",
        f"服务器的 {what} 版本是 {found},需要 {needed} 或更新版本。",
    )
