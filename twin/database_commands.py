"""``twin db``: the embedded database, its schema, and backups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from twin.console import err, out
from twin.settings import Settings

#: What the keys of ``twin db status`` mean.
_KEYS: Final = {
    "embedded": "内置数据库",
    "running": "运行中",
    "pid": "进程号",
    "version": "PostgreSQL 版本",
    "data": "数据目录",
    "socket": "套接字目录",
    "log": "服务器日志",
    "schema": "现有结构",
    "schema_head": "程序所需结构",
    "storage_srid": "存储坐标系 EPSG",
}

app = typer.Typer(help="数据库 Embedded database: start, stop, state, schema, backup.")


@app.command()
def up() -> None:
    """启动数据库并保持运行。Start the embedded database, leave it running, migrate."""
    from twin import runtime

    settings = Settings()
    if settings.database_url is not None:
        err.print(
            "已设置 TWIN_DATABASE_URL，不使用内置数据库。"
            "TWIN_DATABASE_URL is set, so the embedded database is not used."
        )
        raise typer.Exit(2)
    database = runtime.keep_running(settings)
    runtime.migrate(settings, database.url)
    out.print(database.url, markup=False)


@app.command()
def down() -> None:
    """停止数据库。Stop the embedded database."""
    from twin import runtime

    ran = runtime.stop(Settings())
    out.print("已停止 stopped" if ran else "未在运行 was not running")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")] = False,
) -> None:
    """查看状态，不作改动。Show the state; changes nothing. Exit 1 where it does not run."""
    from twin import runtime

    settings = Settings()
    state: dict[str, Any]
    if settings.database_url is not None:
        url, state = settings.database_url, {"embedded": False, "running": True}
    else:
        cluster = runtime.embedded(settings)
        found = cluster.status()
        url = cluster.url if found.running else ""
        state = {
            "embedded": True,
            "running": found.running,
            "pid": found.pid,
            "version": found.version,
            "data": None if found.data is None else str(found.data),
            "socket": None if found.socket is None else str(found.socket),
            "log": None if found.data is None else str(cluster.log),
        }
    if state["running"]:
        from models.db import migrate
        from models.db.connection import connect

        with connect(url, read_only=True):
            schema = migrate.status(url)
        state |= {
            "schema": schema.revision,
            "schema_head": schema.head,
            "storage_srid": schema.storage_srid,
        }
    if as_json:
        out.print(json.dumps(state), markup=False)
    else:
        for key, value in state.items():
            out.print(f"{_KEYS[key]} {key}: {_shown(value)}", markup=False)
    if not state["running"]:
        raise typer.Exit(1)


@app.command()
def upgrade() -> None:
    """升级数据库版本、结构与孪生体定义。Move to the newest server, schema and twin definitions."""
    from models.db import migrate
    from twin import runtime

    settings = Settings()
    if settings.database_url is None:
        old, new = runtime.upgrade(settings)
        if old == new:
            out.print(
                f"PostgreSQL {new} 已是本机所装的最新版本，数据无需迁移。"
                f"PostgreSQL {new} is the newest installed here; the data stay where they are."
            )
        else:
            out.print(
                f"PostgreSQL {old} → {new}：数据已迁移，旧数据保留在旁。"
                f"The data were moved; the old ones stay beside them (data-{old})."
            )
    else:
        out.print(
            "TWIN_DATABASE_URL 的服务器版本由其管理员升级，此处只升级结构。"
            "The server of TWIN_DATABASE_URL is its administrator's; only the schema moves here."
        )
    with runtime.database(settings) as database:
        runtime.migrate(settings, database.url)
        out.print(f"结构 schema {migrate.status(database.url).revision}", markup=False)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="备份文件 File to write, e.g. twin.dump")],
) -> None:
    """备份数据库，不含瓦片和原始文件。Back up the database, not tiles nor original files."""
    from models.db import backup as backups
    from twin import deliveries, runtime

    settings = Settings()
    with runtime.database(settings) as database:
        size = backups.backup(database.url, file)
    out.print(f"{file}: {size / 1e6:.1f} MB", markup=False)
    kept = deliveries.store(settings).folder
    if kept.is_dir():
        err.print(
            f"原始文件不在备份内，请另行复制 {kept}。"
            f"Original files are not in it: copy {kept} too; files there never change.",
            markup=False,
        )


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="备份文件 File that `twin db backup` wrote")],
    yes: Annotated[bool, typer.Option("--yes", help="覆盖现有数据 Replace what is there")] = False,
) -> None:
    """从备份恢复。Restore a backup; --yes replaces data that is there."""
    from models.db import backup as backups
    from twin import runtime

    settings = Settings()
    with runtime.database(settings) as database:
        if not yes and runtime.holds_data(database.url):
            err.print(
                "数据库中已有数据集，恢复会将其全部替换。请先 twin db backup，再加 --yes。"
                "The database holds datasets, which a restore replaces. Back up, then add --yes."
            )
            raise typer.Exit(2)
        backups.restore(database.admin_url, file)
    out.print(f"{file} 已恢复 restored", markup=False)


def _shown(value: object) -> object:
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    return "无 none" if value is None else value
