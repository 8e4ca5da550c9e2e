"""Run a function in a process of its own, with limits, so that a bad file cannot harm ours.

Native readers can hang, eat all memory or crash on a malformed file. Here the function runs in a
fresh interpreter; when it passes a limit, that process is killed with everything it started.
Arguments and answer are JSON and nothing is pickled, so that a reader which a file has taken over
cannot hand us code. Large results travel as files in a folder that the caller names.

Limits are kept with Linux's own means: the memory that is really used (resident set, the whole
family of processes) is watched from outside, and ``RLIMIT_AS`` stops a single absurd request.
"""

from __future__ import annotations

import ctypes
import enum
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: Seconds between two looks at the process.
_TICK: Final = 0.05
#: Address space beyond the memory limit: libraries are mapped, thread stacks reserved, not used.
_RESERVE: Final = 4 << 30
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PR_SET_PDEATHSIG: Final = 1


class Reason(enum.StrEnum):
    """Why an isolated call gave no answer."""

    TIME = "time"  # took longer than the limit and was killed
    MEMORY = "memory"  # used more than the limit, or could not get what it asked for
    CRASH = "crash"  # the process died by itself, such as by a segmentation fault
    ERROR = "error"  # the function raised an exception


@dataclass(frozen=True, slots=True)
class Limits:
    """Wall-clock ``seconds`` and resident ``memory`` in bytes, for all its processes together."""

    seconds: float
    memory: int


class IsolationError(Exception):
    """An isolated call gave no answer; ``reason`` says why, ``detail`` what is known of it."""

    def __init__(self, reason: Reason, detail: str, limits: Limits) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.limits = limits


def run(function: str, *arguments: Any, limits: Limits) -> Any:
    """Call ``function``, named ``module:name``, in a new process and return its answer.

    ``arguments`` and the answer are what JSON can hold. Starting costs about 0.1 s and whatever
    the module imports. Raises :class:`IsolationError` when there is no answer; whatever happens,
    no process is left when this returns.
    """
    with tempfile.TemporaryDirectory(prefix="isolated-") as name:
        folder = Path(name)
        request = {
            "function": function,
            "arguments": arguments,
            "memory": limits.memory,
            "parent": os.getpid(),
        }
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-X", "faulthandler", "-m", "ingest.isolation", name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )
        try:
            stopped = _watch(process.pid, limits)
        finally:
            _kill_family(process.pid)
            status = process.wait()
        if stopped is not None:
            raise stopped
        return _answer(folder, status, limits)


def _environment() -> dict[str, str]:
    # One thread each for BLAS: its arenas would count against the address space.
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    path = os.pathsep.join(part for part in sys.path if part)
    return {**os.environ, **single, "PYTHONPATH": path}


def _watch(pid: int, limits: Limits) -> IsolationError | None:
    """Wait for the process to end; the error when it passes a limit first. It is not reaped."""
    end = time.monotonic() + limits.seconds
    pause = 0.005
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > end:
            return IsolationError(Reason.TIME, f"more than {limits.seconds:g} s", limits)
        used = sum(map(_resident, _family(pid)))
        if used > limits.memory:
            return IsolationError(Reason.MEMORY, f"{used / (1 << 20):.0f} MiB in use", limits)
        time.sleep(pause)
        pause = min(_TICK, pause * 2)
    return None


def _family(pid: int) -> list[int]:
    """``pid`` and its descendants, also those that left its process group."""
    found = [pid]
    for member in found:  # grows while it is walked
        for path in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                found += map(int, path.read_text().split())
            except OSError:  # ended meanwhile
                continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _kill_family(pid: int) -> None:
    # Our own child is not reaped yet, so neither its id nor its group's can be another's.
    for member in reversed(_family(pid)):
        _send(os.kill, member)
    _send(os.killpg, pid)


def _send(kill: Any, pid: int) -> None:
    try:
        kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _answer(folder: Path, status: int, limits: Limits) -> Any:
    log = (folder / "log").read_bytes()[-4000:].decode("utf-8", "replace").strip()
    try:
        answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        if "bad_alloc" in log or "MemoryError" in log:
            raise IsolationError(Reason.MEMORY, "an allocation failed", limits) from None
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        last = log.splitlines()[-1] if log and status >= 0 else ""
        raise IsolationError(Reason.CRASH, f"{how} {last}".strip(), limits) from None
    if "error" in answer:
        raise IsolationError(Reason(answer["reason"]), answer["error"], limits)
    return answer["value"]


def _main(folder: Path) -> None:
    """The isolated side: keep the limits, call the function, write its answer."""
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != request["parent"]:
        return  # the parent died before it could be watched
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, request["memory"] + _RESERVE)
    _limit(resource.RLIMIT_FSIZE, request["memory"])  # and no endless file either
    try:
        module, _, name = request["function"].partition(":")
        value = getattr(importlib.import_module(module), name)(*request["arguments"])
        text = json.dumps({"value": value})
    except MemoryError:
        text = json.dumps({"reason": Reason.MEMORY, "error": "an allocation failed"})
    except Exception as error:  # noqa: BLE001 - told to the parent, whatever it is
        text = json.dumps({"reason": Reason.ERROR, "error": f"{type(error).__name__}: {error}"})
    written = folder / "answer.part"
    written.write_text(text, encoding="utf-8")
    written.replace(folder / "answer.json")


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
