"""Telling a living server from the remains of a killed one, and clearing the remains."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from pathlib import Path
from typing import Final

from models.errors import DatabaseError

LOG: Final = logging.getLogger(__name__)
PROC: Final = Path("/proc")


def running_pid(data: Path) -> int | None:
    """The pid of the server that works in ``data``, or None.

    The pid in ``postmaster.pid`` alone proves nothing: after a crash the number may belong to any
    other process, which in a container with few processes is common. A server process works in
    its data folder, so its working folder is asked too.
    """
    pid = _written_pid(data)
    return pid if pid is not None and _serves(PROC / str(pid), os.path.realpath(data)) else None


def server_processes(data: Path) -> set[int]:
    """Pids of all server processes, children too, whose working folder is ``data``."""
    target = os.path.realpath(data)
    return {
        int(entry.name)
        for entry in PROC.iterdir()
        if entry.name.isdigit() and _serves(entry, target)
    }


def clear_remains(data: Path, socket: Path) -> None:
    """After a killed server: end surviving children, remove its pid file and socket.

    Children that outlive their postmaster hold its shared memory, so that a new server would
    refuse to start. Must be called with the start lock held and no server running.
    """
    survivors = server_processes(data)
    # SIGQUIT is the server's own "stop at once"; KILL for what does not listen
    for sign, patience in ((signal.SIGQUIT, 2.0), (signal.SIGKILL, 10.0)):
        if not survivors:
            break
        LOG.warning("ending remains of a killed database server: %s", sorted(survivors))
        for pid in survivors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        until = time.monotonic() + patience
        while survivors and time.monotonic() < until:
            time.sleep(0.02)
            survivors = server_processes(data)
    if survivors:
        pids = ", ".join(map(str, sorted(survivors)))
        raise DatabaseError(
            f"Processes {pids} of a killed database server cannot be ended. End them, or restart "
            "the machine.",
            f"无法结束已终止的数据库服务器遗留的进程 {pids}。请手动结束,或重启机器。",
        )
    for remains in (data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
        remains.unlink(missing_ok=True)


def listening(data: Path) -> tuple[int, bool] | None:
    """(port, whether it listens on TCP) of the server running in ``data``, or None."""
    if running_pid(data) is None:
        return None
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
        return int(lines[3]), bool(lines[5].strip())
    except (OSError, ValueError, IndexError):
        return None


def _serves(process: Path, data: str) -> bool:
    try:
        if str((process / "cwd").readlink()) != data:
            return False
        program = (process / "exe").readlink().name.removesuffix(" (deleted)")
    except OSError:  # ended meanwhile, or not ours to look at
        return False
    return program in ("postgres", "postmaster")


def _written_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
