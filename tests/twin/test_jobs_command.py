"""Long work, listed and cancelled from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

from models.db import jobs
from models.db.connection import connect
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
