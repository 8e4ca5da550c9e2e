"""``twin serve --workers``: processes behind one socket, replaced when they die, all ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from models.db.embedded import EmbeddedPostgres
from models.testing import free_port
from twin.testing import Program, Service


def children(pid: int) -> list[int]:
    """Worker processes of ``pid``: Python ones that multiprocessing spawned."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in map(int, listed) if "spawn_main" in command_line(child)]


def command_line(pid: int) -> str:
    """Empty where the process has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until(true: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"not in a minute: {what}")


def announced(service: Service) -> bool:
    return "Ready" in service.log.read_text("utf-8")


def answers(service: Service, path: str = "/healthz") -> bool:
    return httpx.get(service.url + path, timeout=60).status_code == 200


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A worker that does not run for the time of a block; the parent replaces one that has been
    silent for some seconds, which is right of it."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    yield
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_each_worker_answers_and_a_dead_one_is_replaced(
    migrated_program: Callable[..., Program],
) -> None:
    program = migrated_program()
    with program.serving("serve", free_port(), "--workers", 2) as service:
        wait_until(lambda: announced(service), "the address is told")
        parent = service.process.pid
        first, second = children(parent)
        for halted in (first, second):
            with stopped(halted):
                assert answers(service)  # by the other one

        (first, *_) = children(parent)
        os.kill(first, signal.SIGKILL)
        assert answers(service)
        wait_until(lambda: len(set(children(parent)) - {first}) == 2, "the dead one is replaced")
        second, _ = children(parent)
        with stopped(second):
            assert answers(service)  # by the new one
        wait_until(lambda: len(children(parent)) == 2, "two are there again")
        workers = children(parent)

        assert program.here.run("tile").returncode == 2  # a user that comes and goes
        assert answers(service, "/readyz")
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0
        assert not any(command_line(pid) for pid in workers)
        assert "Traceback" not in service.log.read_text("utf-8")
    assert not EmbeddedPostgres(program.home).status().running


def test_workers_do_not_outlive_a_parent_that_was_killed(
    migrated_program: Callable[..., Program],
) -> None:
    program = migrated_program()
    port = free_port()
    with program.serving("serve", port, "--workers", 2) as service:
        wait_until(lambda: announced(service), "the address is told")
        workers = children(service.process.pid)
        assert len(workers) == 2
        service.process.kill()
        service.process.wait(60)
        wait_until(lambda: not any(map(command_line, workers)), "the workers end")
    assert EmbeddedPostgres(program.home).status().running  # nobody was left to stop it
    with program.serving("serve", port) as service:
        assert answers(service, "/readyz")
    assert service.process.returncode == 0
    assert not EmbeddedPostgres(program.home).status().running


def test_an_address_that_is_not_of_this_machine(new_program: Callable[..., Program]) -> None:
    ended = new_program().run("serve", "--host", "192.0.2.1", "--port", 0)
    assert ended.returncode == 2
    assert "192.0.2.1" in ended.stderr
    assert "--host" in ended.stderr
    assert "本机地址" in ended.stderr
