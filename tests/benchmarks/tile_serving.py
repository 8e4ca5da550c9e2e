"""How many tiles of 60 kB are served in a second: ``python -m tests.benchmarks.tile_serving``.

A layer of 500 made-up tiles, as they lie gzipped in the home folder, is asked for by the service
itself (one process, ``--workers`` for more) and by nginx, where it is installed, with the
configuration that ``twin nginx`` writes. The aims on two cores: 3,000 and 10,000 answers/s. Clients
are :mod:`tests.benchmarks.load`; threads, which are taken where wrk is missing, cannot ask for as
many. Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from time import sleep
from urllib.error import URLError
from urllib.request import urlopen

from models.testing import free_port
from tests.benchmarks.load import WRK, Spent, load
from tests.benchmarks.process import machine
from tests.benchmarks.served import head, new_database, new_home, served
from tiles.store.directory import DirectoryStore
from twin.nginx import configuration
from twin.settings import Settings

TWIN, LAYER = "songjiang-hub", "buildings"
TILES, BYTES = 500, 60_000
CLIENTS, SECONDS = 16, 8.0
NGINX = which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or str(
    Path(sys.prefix) / "nginx" / "usr" / "sbin" / "nginx"  # where .ci/setup unpacks it
)


def main() -> int:
    """Make the tiles, serve them twice, ask, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.tile_serving")
    parser.add_argument("--workers", type=int, default=1, help="processes of our server")
    workers = parser.parse_args().workers
    sys.stdout.write(f"{machine()}; clients: {'wrk' if WRK else 'threads, as wrk is missing'}.\n")
    with new_home() as (program, cluster):
        new_database(cluster)
        settings = Settings(home=program.home, port=free_port())
        store = DirectoryStore(settings.tiles_dir / TWIN / LAYER)
        names = [store.put(b"glTF" + os.urandom(BYTES), "glb") for _ in range(TILES)]
        store.publish(b"{}")
        head("tiles by", "answers/s", "p50 ms", "p95 ms", "kB", "CPU ms of an answer")
        with served(program, "--workers", workers) as service:
            spent = Spent(service, cluster)
            found = load(
                _addresses(service.url, names), CLIENTS, SECONDS, {"Accept-Encoding": "gzip"}
            )
            found.told(f"the service, {workers} process", spent.each(found.answers)[0])
        if not Path(NGINX).exists():
            sys.stdout.write("\nnginx is not installed.\n")
            return 0
        with _nginx(settings, program.home) as url:
            load(_addresses(url, names), CLIENTS, SECONDS, {"Accept-Encoding": "gzip"}).told(
                "nginx", ""
            )
    return 0


def _addresses(url: str, names: list[str]) -> list[str]:
    return [f"{url}/tiles/{TWIN}/{LAYER}/{name}" for name in names]


@contextmanager
def _nginx(settings: Settings, folder: Path) -> Iterator[str]:
    """Its address while it serves the tiles below ``settings``."""
    address = f"127.0.0.1:{free_port()}"
    user = "user root;" if os.geteuid() == 0 else ""  # its own user may not enter the folder
    places = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{user} worker_processes auto; daemon off; pid {folder}/nginx.pid;\n"
        f"error_log {folder}/nginx.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{places}{configuration(settings, address)} }}\n"
    )
    process = subprocess.Popen(
        [NGINX, "-p", folder, "-c", "nginx.conf", "-e", folder / "nginx.log"]
    )
    try:
        _answers(f"http://{address}/tiles/{TWIN}/{LAYER}/")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> None:
    for _ in range(100):
        try:
            with urlopen(url, timeout=5):
                return
        except ConnectionError:
            sleep(0.05)
        except URLError as error:
            if not isinstance(error.reason, ConnectionError):
                return  # it answers, though there is nothing
            sleep(0.05)
    raise RuntimeError(f"{url} does not answer")


if __name__ == "__main__":
    sys.exit(main())
