"""Running the HTTP server: one process, or several behind one socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import uvicorn

from models.errors import TwinError
from twin.app import create_app
from twin.logs import configure
from twin.settings import Settings

#: The parent hands the read URL to its worker processes through the environment.
_READ_URL = "TWIN_SERVE_READ_URL"


class PortInUseError(TwinError):
    """Another program listens on the address."""

    code = "SRV-01"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises :class:`PortInUseError` naming the port that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise PortInUseError(
            f"Cannot listen on {host}:{port}: {error.strerror}. "
            "Choose another port with --port, or end the program that uses it.",
            f"无法监听 {host}:{port}：{error.strerror}。"
            "请用 --port 换一个端口，或结束占用它的程序。",
        ) from error
    return sock


def serve(
    settings: Settings,
    read_url: str,
    sock: socket.socket,
    workers: int = 1,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve on ``sock`` until interrupted; ``ready`` gets the address when the server answers."""
    host, port = sock.getsockname()[:2]
    address = f"http://{'localhost' if host in ('127.0.0.1', '::1') else host}:{port}"
    configure(settings.log_level)
    options = {"log_config": None, "access_log": False, "server_header": False}
    if workers == 1:
        server = _Server(
            uvicorn.Config(create_app(settings, read_url), **options),  # type: ignore[arg-type]
            lambda: ready(address) if ready else None,
        )
        server.run(sockets=[sock])
        return
    os.environ[_READ_URL] = read_url
    config = uvicorn.Config(
        "twin.app:from_environment",
        factory=True,
        workers=workers,
        **options,  # type: ignore[arg-type]
    )
    if ready:
        ready(address)
    from uvicorn.supervisors import Multiprocess

    Multiprocess(config, sockets=[sock]).run()


def worker_settings() -> tuple[Settings, str]:
    """Settings and read URL inside a worker process that :func:`serve` started."""
    settings = Settings()
    configure(settings.log_level)
    return settings, os.environ[_READ_URL]


class _Server(uvicorn.Server):
    """uvicorn that tells when it has started."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_start()
