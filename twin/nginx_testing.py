"""An nginx before a service, as its printed configuration has it; only tests import this."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from models.testing import free_port
from twin.nginx import configuration
from twin.settings import Settings

#: The one that the set-up of the tests has unpacked.
_UNPACKED: Final = Path(sys.prefix) / "nginx" / "usr" / "sbin" / "nginx"


@contextmanager
def nginx(folder: Path, settings: Settings) -> Iterator[str]:
    """Address of an nginx configured for ``settings`` while the block runs; ``folder`` is its own.

    Raises :class:`subprocess.CalledProcessError` where nginx does not take the configuration.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or str(_UNPACKED)
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    user = "user root;" if os.geteuid() == 0 else ""  # its own user may not enter the test's folder
    scratch = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configured = configuration(settings, address, f"{folder}/requests.log")
    (folder / "nginx.conf").write_text(
        f"{user} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{scratch}{configured} }}\n"
    )
    command = [program, "-p", str(folder), "-c", "nginx.conf", "-e", f"{folder}/log"]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    process = subprocess.Popen(command)
    try:
        _wait(f"http://{address}/", process)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - our own address on this machine
                return
        except HTTPError:
            return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    raise RuntimeError(f"{url} does not answer")
