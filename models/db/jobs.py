"""Long work as rows of the database: progress, cancelling, and noticing a dead worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from models.db.connection import Connection
from models.db.errors import translated
from models.db.statements import statement
from models.errors import DatabaseError, TwinError


class JobCancelledError(DatabaseError):
    """Somebody asked the job to stop; its worker leaves at the next progress report."""

    code = "JOB-01"


@dataclass(frozen=True, slots=True)
class Job:
    """``state`` is running, finished, failed, cancelled or abandoned; ``fraction`` 0..1."""

    id: int
    kind: str
    twin: str | None
    state: str
    fraction: float
    message: str | None
    detail: dict[str, Any]
    result: dict[str, Any] | None
    error_zh: str | None
    error_en: str | None
    started: datetime
    heartbeat: datetime
    finished: datetime | None


COLUMNS: Final = sql.SQL(
    "id, kind, twin_id, state, fraction, message, detail, result, error_zh, error_en,"
    " started, heartbeat, finished"
)


@translated
def start(
    conn: Connection, kind: str, *, twin: str | None = None, detail: dict[str, Any] | None = None
) -> int:
    """A new running job; returns its id. ``detail`` is what a retry needs to know.

    The job is alive as long as ``conn``, which holds a lock for it: see :func:`abandon`.
    """
    with conn.transaction():  # nobody sees the job without its lock
        row = conn.execute(
            "INSERT INTO job (kind, twin_id, detail) VALUES (%s, %s, %s) RETURNING id",
            (kind, twin, Jsonb(detail or {})),
        ).fetchone()
        assert row is not None
        conn.execute("SELECT pg_advisory_lock(hashtextextended('job/' || %s::text, 1))", row)
    return int(row[0])


@translated
def wait_turn(conn: Connection, name: str) -> None:
    """Wait until no other connection works on ``name``; ours does until it is closed."""
    conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 1))", (name,))


@translated
def progress(conn: Connection, job: int, fraction: float, message: str | None = None) -> None:
    """Report how far the job is; also its sign of life. Raises :class:`JobCancelledError`."""
    row = conn.execute(
        "UPDATE job SET fraction = greatest(0, least(1, %s)), message = coalesce(%s, message),"
        " heartbeat = clock_timestamp() WHERE id = %s AND state = 'running' RETURNING cancel",
        (fraction, message, job),
    ).fetchone()
    if row is None or row[0]:
        _end(conn, job, "cancelled")
        raise JobCancelledError(
            f"Job {job} was cancelled.",
            f"任务 {job} 已被取消。",
        )


@translated
def finish(conn: Connection, job: int, result: dict[str, Any] | None = None) -> None:
    """The job is done."""
    conn.execute("UPDATE job SET fraction = 1, result = %s WHERE id = %s", (Jsonb(result), job))
    _end(conn, job, "finished")


@translated
def fail(conn: Connection, job: int, error: BaseException) -> None:
    """The job has failed; errors of ours keep both sentences, others only their type."""
    en = error.en if isinstance(error, TwinError) else f"Internal error {type(error).__name__}."
    zh = error.zh if isinstance(error, TwinError) else f"内部错误 {type(error).__name__}。"
    conn.execute("UPDATE job SET error_en = %s, error_zh = %s WHERE id = %s", (en, zh, job))
    _end(conn, job, "failed")


@translated
def cancel(conn: Connection, job: int) -> None:
    """Ask a running job to stop at its next progress report."""
    conn.execute("UPDATE job SET cancel = true WHERE id = %s AND state = 'running'", (job,))


@translated
def abandon(conn: Connection) -> list[Job]:
    """Mark running jobs whose process has ended as abandoned, and return them.

    A job that is silent in a long step is none of them: its connection is still there. Each is
    returned to one caller only, who may take the work up again.
    """
    told = {
        "en": "Its process ended before it did (it was killed, or the machine stopped). Nothing "
        "half made is served; run the command again.",
        "zh": "其进程在完成前已结束（被终止或停机）。未完成的结果不会发布，请重新运行该命令。",
    }
    rows = conn.execute(statement("jobs_abandon", columns=COLUMNS), told).fetchall()
    return [Job(*row) for row in rows]


@translated
def get(conn: Connection, job: int) -> Job | None:
    """One job, or None."""
    row = conn.execute(
        sql.SQL("SELECT {} FROM job WHERE id = %s").format(COLUMNS), (job,)
    ).fetchone()
    return None if row is None else Job(*row)


@translated
def recent(conn: Connection, *, twin: str | None = None, limit: int = 50) -> list[Job]:
    """Newest jobs first."""
    rows = conn.execute(
        sql.SQL(
            "SELECT {} FROM job WHERE %(twin)s::text IS NULL OR twin_id = %(twin)s"
            " ORDER BY id DESC LIMIT %(limit)s"
        ).format(COLUMNS),
        {"twin": twin, "limit": limit},
    ).fetchall()
    return [Job(*row) for row in rows]


def _end(conn: Connection, job: int, state: str) -> None:
    conn.execute(
        "UPDATE job SET state = %s, finished = clock_timestamp(), heartbeat = clock_timestamp()"
        " WHERE id = %s AND state = 'running'",
        (state, job),
    )
