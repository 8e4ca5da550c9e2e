"""Long work, listed and cancelled from the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable

from models.db import jobs
from models.db.connection import connect
from models.db.testing import until
from twin.testing import Program


def test_jobs_are_listed_and_cancelled(new_program: Callable[..., Program], database: str) -> None:
    program = new_program(TWIN_DATABASE_URL=database)
    assert program.json("jobs") == []
    with connect(database) as conn:
        done = jobs.start(conn, "tile", detail={"layer": "pipes"})
        jobs.finish(conn, done)
        running = jobs.start(conn, "tile", detail={"layer": "buildings"})
        jobs.progress(conn, running, 0.25)
        shown = program.run("jobs").stdout
        assert "tile/buildings" in shown
        assert "25%" in shown
        assert program.run("jobs", "--cancel", running).returncode == 0
        found = conn.execute("SELECT cancel FROM job ORDER BY id").fetchall()
        assert found == [(False,), (True,)]
    refused = program.run("jobs", "--cancel", done)
    assert refused.returncode == 2
    assert "finished" in refused.stderr
    listed = json.loads(program.run("jobs", "--json").stdout)
    assert [job["id"] for job in listed] == [running, done]


DYING = """
import os, signal, sys
from twin.tile_job import job
with job(sys.argv[1], "tile", None, {"layer": "pipes"}):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_job_whose_process_was_killed_is_told_as_ended(
    new_program: Callable[..., Program], database: str
) -> None:
    program = new_program(TWIN_DATABASE_URL=database)
    killed = subprocess.run([sys.executable, "-c", DYING, database], check=False)
    assert killed.returncode == -signal.SIGKILL
    with connect(database) as conn:
        others = (
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        until(lambda: not conn.execute(others).fetchall())
    (job,) = program.json("jobs")
    assert (job["state"], job["twin"]) == ("abandoned", None)
    shown = program.run("jobs").stdout
    assert "中断 abandoned" in shown
    refused = program.run("jobs", "--cancel", job["id"])
    assert refused.returncode == 2
    assert "abandoned" in refused.stderr
    assert "没有进程可停止" in refused.stderr
