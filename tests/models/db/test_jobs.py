from __future__ import annotations

import pytest

from models.db import jobs
from models.db.connection import Connection
from models.errors import DatabaseError


def test_a_job_runs_reports_and_finishes(conn: Connection) -> None:
    job = jobs.start(conn, "tile", twin="test", detail={"layer": "pipes"})
    jobs.progress(conn, job, 0.5, "half")
    jobs.progress(conn, job, 7)
    running = jobs.get(conn, job)
    assert running is not None
    assert (running.state, running.fraction, running.message) == ("running", 1.0, "half")
    jobs.finish(conn, job, {"tiles": 3})
    done = jobs.get(conn, job)
    assert done is not None
    assert (done.state, done.result, done.detail) == ("finished", {"tiles": 3}, {"layer": "pipes"})
    assert done.finished is not None


def test_a_failure_keeps_our_sentences_and_hides_others(conn: Connection) -> None:
    ours, other = jobs.start(conn, "tile"), jobs.start(conn, "tile")
    jobs.fail(conn, ours, DatabaseError("It is full.", "已满。"))
    jobs.fail(conn, other, RuntimeError("secret"))
    first, second = jobs.get(conn, ours), jobs.get(conn, other)
    assert first is not None
    assert second is not None
    assert (first.state, first.error_en, first.error_zh) == ("failed", "It is full.", "已满。")
    assert second.error_en == "Internal error RuntimeError."


def test_a_cancelled_job_learns_it_at_its_next_report(conn: Connection) -> None:
    job = jobs.start(conn, "tile")
    jobs.cancel(conn, job)
    with pytest.raises(jobs.JobCancelledError):
        jobs.progress(conn, job, 0.1)
    stopped = jobs.get(conn, job)
    assert stopped is not None
    assert stopped.state == "cancelled"


def test_a_job_without_a_connection_is_handed_out_once(conn: Connection) -> None:
    lost, alive = jobs.start(conn, "tile"), jobs.start(conn, "tile")
    conn.execute("UPDATE job SET heartbeat = now() - interval '1 hour'")
    assert jobs.abandon(conn) == []  # silent, but its connection is there
    conn.execute("SELECT pg_advisory_unlock(hashtextextended('job/' || %s::text, 1))", (lost,))
    (found,) = jobs.abandon(conn)
    assert found.id == lost
    assert found.finished is not None
    assert "run the command again" in str(found.error_en)
    assert "重新运行" in str(found.error_zh)
    assert jobs.abandon(conn) == []
    assert [j.state for j in jobs.recent(conn)] == ["running", "abandoned"]
    assert jobs.recent(conn)[0].id == alive
    assert jobs.recent(conn, twin="test") == []
