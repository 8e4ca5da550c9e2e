"""The ``twin`` program as a user runs it, and a running service; only tests import this."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.error import URLError
from urllib.request import urlopen

import uvicorn

from twin import cli
from twin.app import create_app
from twin.serving import Protocol, listen
from twin.settings import Settings

TWIN = Path(sys.executable).with_name("twin")


@dataclass(frozen=True, slots=True)
class Service:
    """A running server: its address, process and log file."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True, slots=True)
class Program:
    """The ``twin`` command with the home folder ``home`` and ``more`` environment variables."""

    home: Path
    more: Mapping[str, str] = field(default_factory=dict)

    def run(self, *args: object, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [str(TWIN), *map(str, args)]
        return subprocess.run(
            command,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @property
    def here(self) -> Command:
        """The same command, run by this process."""
        return Command(self.home, self.more)

    def start(self, *args: object) -> subprocess.Popen[str]:
        """A command that runs on by itself; the caller waits for its end."""
        return subprocess.Popen(
            [str(TWIN), *map(str, args)],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *args: object, status: int = 0) -> Any:
        """What ``--json`` prints of a command that must end with ``status``."""
        ended = self.run(*args, "--json")
        if ended.returncode != status:
            raise RuntimeError(
                f"status {ended.returncode}: {ended.stdout[:2000]}{ended.stderr[-2000:]}"
            )
        return json.loads(ended.stdout)

    @contextmanager
    def serving(self, verb: str, port: int, *more: object) -> Iterator[Service]:
        """``twin up`` or ``twin serve`` on ``port`` while the block runs, then SIGTERM."""
        self.home.mkdir(parents=True, exist_ok=True)
        log = self.home / f"{verb}-{port}.log"  # several may run over one home
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [str(TWIN), verb, "--port", str(port), *map(str, more)],
                env=self._environment(),
                stdout=stream,
                stderr=stream,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"{url}/healthz", process, log)
            yield Service(url, process, log)
        finally:
            process.terminate()
            process.wait(60)

    def _environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TWIN_")}
        return {**inherited, "TWIN_HOME": str(self.home), "COLUMNS": "200", **self.more}


class Command(Program):
    """The ``twin`` command run by this process, which spares its start: about a second each.

    For what a command says and does; not for what is about processes, such as signals.
    """

    def run(self, *args: object, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; ``timeout`` is left to the caller's own."""
        words = [str(TWIN), *map(str, args)]
        out, err = io.StringIO(), io.StringIO()
        before = signal.getsignal(signal.SIGTERM)
        try:
            with (
                patch.dict(os.environ, self._environment(), clear=True),
                patch.object(sys, "argv", words),
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                cli.main()
        except SystemExit as ended:
            status = ended.code or 0
        finally:
            signal.signal(signal.SIGTERM, before)
        assert isinstance(status, int)
        return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


@contextmanager
def application(settings: Settings, read_url: str) -> Iterator[str]:
    """Address of the application, served by uvicorn in a thread on a port of its own choice."""
    sock = listen("127.0.0.1", 0)
    app = create_app(settings, read_url)
    server = uvicorn.Server(uvicorn.Config(app, http=Protocol, log_config=None))
    thread = threading.Thread(target=server.run, args=([sock],))
    thread.start()
    try:
        until = time.monotonic() + 30
        while not server.started:
            if time.monotonic() > until or not thread.is_alive():
                raise RuntimeError("the application did not start")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        sock.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - our own address on this machine
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text()}")
