"""``twin up``: one at a time, stops all of it, and comes back after a kill."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

import httpx

from models.db.embedded import EmbeddedPostgres
from models.db.testing import until
from models.testing import free_port
from twin.testing import Program


def test_up_from_nothing_to_stop(new_program: Callable[..., Program]) -> None:
    program = new_program()
    with program.serving("up", free_port()) as service:
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        second = program.here.run("up", "--port", free_port())
        assert second.returncode == 2
        assert str(service.process.pid) in second.stderr
        status = program.here.json("db", "status")
        assert status["running"]
        service.process.send_signal(signal.SIGINT)
        service.process.wait(60)
        assert "Traceback" not in service.log.read_text("utf-8")
    assert not EmbeddedPostgres(program.home).status().running


def test_a_taken_port_is_named(new_program: Callable[..., Program]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = new_program().here.run("up", "--port", port)
    assert ended.returncode == 2
    assert str(port) in ended.stderr
    assert "--port" in ended.stderr


def test_after_kill_9_up_works_again(migrated_program: Callable[..., Program]) -> None:
    program = migrated_program()
    with program.serving("up", free_port()) as service:
        service.process.kill()
        service.process.wait(60)
    with program.serving("up", free_port()) as service:
        assert httpx.get(f"{service.url}/readyz").status_code == 200
    assert not EmbeddedPostgres(program.home).status().running


def test_a_killed_database_comes_back_under_a_running_up(
    migrated_program: Callable[..., Program],
) -> None:
    program = migrated_program()
    with program.serving("up", free_port()) as service:
        first = EmbeddedPostgres(program.home).status().pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        until(lambda: EmbeddedPostgres(program.home).status().pid not in (None, first))
        until(lambda: httpx.get(f"{service.url}/twins", timeout=30).status_code == 200)
        refused = program.here.run("db", "down")
        assert refused.returncode == 2
        assert "twin up" in refused.stderr
        assert httpx.get(f"{service.url}/twins", timeout=30).status_code == 200
    assert not EmbeddedPostgres(program.home).status().running
