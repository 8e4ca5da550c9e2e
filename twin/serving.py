"""Running the HTTP server: one process, or several behind one socket."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from models.errors import TwinError
from twin.api.address_length import MOST_BYTES
from twin.app import create_app
from twin.logs import configure
from twin.settings import Settings

#: The parent hands the read URL to its worker processes through the environment.
_READ_URL = "TWIN_SERVE_READ_URL"


class ListenError(TwinError):
    """The address cannot be listened on."""

    code = "SRV-01"


class StartError(TwinError):
    """The server ended before it could answer."""

    code = "SRV-02"

    def __init__(self) -> None:
        super().__init__(
            "The server could not start; the lines above say why. Mend that and start it again.",
            "服务未能启动，原因见上文。请排除后重新启动。",
        )


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP, which hands on another long address instead of one that it could not split,
    so that the application refuses it (:mod:`twin.api.address_length`)."""

    def on_url(self, url: bytes) -> None:
        """Called with each part of an address as it arrives."""
        super().on_url(url)
        if len(self.url) > MOST_BYTES:  # nothing of it may be answered, in whatever form it came
            self.url = b"/?" + b"x" * MOST_BYTES


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises :class:`ListenError`, which names a port that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise _cannot_listen(host, port, error) from error
    return sock


def serve(
    settings: Settings,
    read_url: str,
    sock: socket.socket,
    workers: int = 1,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve on ``sock`` until SIGINT or SIGTERM; ``ready`` gets the address once it answers.

    With several ``workers`` each is a process of its own; one that dies is replaced. Raises
    :class:`StartError`.
    """
    host, port = sock.getsockname()[:2]
    name = "localhost" if host in ("127.0.0.1", "::1") else f"[{host}]" if ":" in host else host
    address = f"http://{name}:{port}"
    configure(settings.log_level)
    options: dict[str, Any] = {
        "http": Protocol,
        "log_config": None,
        "access_log": False,
        "server_header": False,
    }
    if workers == 1:
        server = _Server(
            uvicorn.Config(create_app(settings, read_url), **options), lambda: ready(address)
        )
        with suppress(KeyboardInterrupt):  # how it is asked to end
            server.run(sockets=[sock])
        failed = not server.started
    else:
        os.environ[_READ_URL] = read_url
        config = uvicorn.Config(
            "twin.app:from_environment", factory=True, workers=workers, **options
        )
        supervisor = _Supervisor(config, [sock], lambda: ready(address))
        supervisor.run()
        failed = any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes)
    if failed:
        raise StartError


def worker_settings() -> tuple[Settings, str]:
    """Settings and read URL inside a worker process that :func:`serve` started."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = Settings()
    configure(settings.log_level)
    return settings, os.environ[_READ_URL]


def _end_with_parent() -> None:
    """End this process in order when its parent was killed, lest it hold the port for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _cannot_listen(host: str, port: int, error: OSError) -> ListenError:
    if error.errno == errno.EADDRINUSE:
        en = "Choose another port with --port, or end the program that uses it."
        zh = "请用 --port 换一个端口，或结束占用它的程序。"
    elif error.errno == errno.EACCES:
        en = "Choose a port of 1024 or above with --port."
        zh = "请用 --port 选择 1024 及以上的端口。"
    else:
        en = "Give an address of this machine with --host, such as 127.0.0.1 or 0.0.0.0."
        zh = "请用 --host 给出本机地址，如 127.0.0.1 或 0.0.0.0。"
    return ListenError(
        f"Cannot listen on {host}:{port}: {error.strerror}. {en}",
        f"无法监听 {host}:{port}：{error.strerror}。{zh}",
    )


class _Server(uvicorn.Server):
    """uvicorn that tells when it has started."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_start()


class _Supervisor(Multiprocess):
    """uvicorn's processes; tells once when all of them have started."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], started: Callable[[], None]
    ) -> None:
        super().__init__(config, sockets)
        self._on_start: Callable[[], None] | None = started

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if self._on_start and all(process.is_ready() for process in self.processes):
            self._on_start()
            self._on_start = None
