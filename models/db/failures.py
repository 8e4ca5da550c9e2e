"""Why the embedded server does not start, in one clear sentence."""

from __future__ import annotations

import socket
from pathlib import Path

from models.db.errors import DiskFullError, NotPermittedError, PortTakenError
from models.db.place import LOG_NAME
from models.db.postmaster import listening
from models.errors import DatabaseError


def start_failure(said: str, base: Path, port: int | None) -> DatabaseError:
    """The sentence for what the server's programs ``said`` while they worked in ``base``."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return DiskFullError(base)
    if "Address already in use" in said and port is not None:
        return PortTakenError(port)
    if "ermission denied" in said or "wrong ownership" in said:
        return NotPermittedError(base)
    lines = [s for s in said.splitlines() if "FATAL" in s or "rror" in s or "PANIC" in s]
    reason = (lines or said.splitlines() or ["?"])[-1].strip()
    return DatabaseError(
        f"The database server in {base} did not start: {reason} (log: {base / LOG_NAME})",
        f"{base} 中的数据库服务器未能启动:{reason}(日志:{base / LOG_NAME})",
    )


def require_port(port: int) -> None:
    """Raise :class:`PortTakenError` where another program listens on 127.0.0.1:``port``."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTakenError(port) from error


def require_same_port(home: Path, data: Path, port: int | None) -> None:
    """Raise :class:`DatabaseError` where the running server does not listen on ``port``."""
    live = listening(data)
    if port is None or live is None or live == (port, True):
        return
    where = f"127.0.0.1:{live[0]}" if live[1] else "socket"
    raise DatabaseError(
        f"The database of {home} already runs, but listens on {where}, not on 127.0.0.1:{port}. "
        "Stop it first (`twin db down`), or leave the port out.",
        f"{home} 的数据库已在运行,但监听的是 {where},而非 127.0.0.1:{port}。"
        "请先停止它(`twin db down`),或不要指定端口。",
    )
