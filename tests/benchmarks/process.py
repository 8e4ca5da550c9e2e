"""Running one stage in a process of its own, with its time and its greatest memory."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Measured:
    """``value`` is what the stage printed as JSON (None if it failed or ran out of time);
    ``peak`` is the greatest resident memory, in bytes, of it or of any process it waited for,
    ``cpu`` the seconds that a core worked for all of them."""

    value: Any
    seconds: float
    peak: int
    problem: str | None = None
    cpu: float = 0.0


def run(
    command: list[str], environment: dict[str, str], folder: Path, limit: float = 300.0
) -> Measured:
    """Run ``command`` and wait for it; the last line of its output is read as JSON if it can be.

    What it says on standard error goes to a file in ``folder``.
    This process must stay small: Linux counts what it holds at the start as the child's peak.
    """
    late = threading.Event()
    with (folder / "stage.log").open("a+b") as log:
        start = perf_counter()
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )

        def stop() -> None:
            late.set()
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(limit, stop)
        timer.start()
        try:
            assert child.stdout is not None
            output = child.stdout.read().decode()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            child.kill()
            raise
        finally:
            timer.cancel()
        seconds = perf_counter() - start
        peak, cpu = usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime
        if late.is_set():
            return Measured(None, seconds, peak, f"stopped after {limit:.0f} s", cpu)
        if child.returncode:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines() or ["?"]
            return Measured(None, seconds, peak, f"failed: {lines[-1][:120]}", cpu)
    try:
        return Measured(json.loads(output.splitlines()[-1]), seconds, peak, cpu=cpu)
    except (ValueError, IndexError):
        return Measured(None, seconds, peak, cpu=cpu)


@dataclass(slots=True)
class Memory:
    """Greatest memory, in bytes: ``resident`` counts what processes share in each of them,
    ``proportional`` once in all."""

    resident: int = 0
    proportional: int = 0


@contextmanager
def watched() -> Iterator[Memory]:
    """What this process and its children hold together during the block, looked at ten times a
    second; what they share, for which the system walks through all of it, once a second."""
    peak, ended = Memory(), threading.Event()

    def look() -> None:
        for number in count():
            if ended.wait(0.1):
                return
            pids = ["self", *_children()]
            peak.resident = max(peak.resident, sum(map(_resident, pids)))
            if number % 10 == 0:
                peak.proportional = max(peak.proportional, sum(map(_proportional, pids)))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def worked() -> float:
    """Seconds that a core worked for this process and for those it has waited for."""
    user, system, others, others_system, _ = os.times()
    return user + system + others + others_system


def _children() -> list[str]:
    out: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            out += (task / "children").read_text().split()
    return out


def _resident(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):  # it has ended
        return 0


def _proportional(pid: str) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0
    said = {line.split(":")[0]: line.split()[1] for line in text.splitlines()[1:]}
    return int(said.get("Pss", 0)) * 1024


def stage(
    name: str,
    environment: dict[str, str],
    folder: Path,
    *arguments: object,
    limit: float = 300.0,
) -> Measured:
    """Run a function of :mod:`tests.benchmarks.stages` by its name."""
    command = [sys.executable, "-m", "tests.benchmarks.stages", name, *map(str, arguments)]
    return run(command, environment, folder, limit)


def machine() -> str:
    """Cores, processor, memory, system and Python, in one line."""
    facts = Path("/proc/cpuinfo")
    text = facts.read_text() if facts.exists() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    model = models[0] if models else platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores of {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start"
    )
