"""``twin jobs``: what long work does and did, and asking it to stop."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.table import Table

from models.errors import TwinError
from twin.console import err, out
from twin.options import AsJson, MaybeTwin
from twin.settings import Settings

_STATES: Final = {
    "running": "运行 running",
    "finished": "完成 finished",
    "failed": "失败 failed",
    "cancelled": "已取消 cancelled",
    "abandoned": "中断 abandoned",
}


class NoJobError(TwinError):
    """There is no running job of that number."""

    code = "JOB-02"


def jobs(
    twin: MaybeTwin = None,
    cancel: Annotated[
        int | None, typer.Option(metavar="ID", help="请求停止该任务 Ask this job to stop")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """列出或取消任务。List long work, newest first, or cancel one."""
    from models.db import jobs as stored
    from models.db.connection import connect
    from twin import runtime

    settings = Settings()
    with runtime.database(settings) as database:
        runtime.migrate(settings, database.url)
        with connect(database.url) as conn:
            stored.abandon(conn)
            if cancel is not None:
                job = stored.get(conn, cancel)
                if job is None or job.state != "running":
                    raise _none(cancel, None if job is None else job.state)
                stored.cancel(conn, cancel)
                err.print(f"任务 {cancel} 将在下次报告进度时停止。Job {cancel} stops shortly.")
                return
            found = stored.recent(conn, twin=twin)
    if as_json:
        text = json.dumps([asdict(job) for job in found], ensure_ascii=False, default=str)
        out.print(text, markup=False, soft_wrap=True)
        return
    table = Table()
    for title in ("ID", "任务 Job", "状态 State", "进度 Done", "开始 Started"):
        table.add_column(title, no_wrap=True)
    table.add_column("说明 Message", overflow="fold")
    for job in found:
        what = "/".join(filter(None, (job.kind, job.twin, job.detail.get("layer"))))
        told = "\n".join(filter(None, (job.error_zh, job.error_en))) or job.message or ""
        started = job.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(str(job.id), what, _STATES[job.state], f"{job.fraction:.0%}", started, told)
    out.print(table)


def _none(job: int, state: str | None) -> NoJobError:
    zh, en = "编号不存在", "there is none of that number"
    if state is not None:
        zh, word = _STATES[state].split()
        zh, en = f"其状态为“{zh}”，没有进程可停止", f"it is {word}, no process is there to stop"
    return NoJobError(
        f"Job {job} cannot be cancelled: {en}. `twin jobs` lists what runs.",
        f"任务 {job} 无法取消：{zh}。用 `twin jobs` 查看正在运行的任务。",
    )
