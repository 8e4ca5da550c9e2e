"""Other servers of the same table: ``python -m tests.benchmarks.peers --install`` fetches them.

They live in environments of their own below ``~/.cache/cim-twin/peers`` (or ``TWIN_BENCH_PEERS``)
and belong to no requirement of ours. Each runs with one process on a free loopback port over the
very rows that our own service answers, with the same columns. What they are asked differs so:

- They know no history and never ask which content of a feature is true; numbers come as stored.
- tipg reads a view of the table itself. It counts all that matches for every page.
- pygeoapi (0.21) mistakes the axes of EPSG:4549 in a bbox, so it gets a copy in degrees with an
  index of its own and transforms nothing; it counts, too.
- Both page by offset, ours by key.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import numpy as np

from models.db.connection import connect
from models.features import TABLES
from models.testing import free_port
from tests.benchmarks.load import load
from tests.benchmarks.served import at_once, head, one_by_one, percentiles, row

VIEW, COPY = "pipes", "pipes_degrees"
_PLAIN = [
    name for name, kind in TABLES["pipe_segment"].items()
    if name not in ("id", "source_geom") and not kind.startswith("geometry")
]  # fmt: skip
MADE = f"""
CREATE SCHEMA IF NOT EXISTS bench;
CREATE OR REPLACE VIEW bench.{VIEW} AS
SELECT row_id AS gid, id, {", ".join(_PLAIN)}, valid_from, tx_from, geom FROM pipe_segment
WHERE tx_to = 'infinity';
CREATE MATERIALIZED VIEW IF NOT EXISTS bench.{COPY} AS
SELECT gid, id, {", ".join(_PLAIN)}, valid_from, tx_from,
  ST_SetSRID(ST_Force2D(ST_Transform(geom, 4490)), 4326)::geometry(LineString, 4326) AS geom
FROM bench.{VIEW};
CREATE INDEX IF NOT EXISTS pipes_degrees_geom ON bench.{COPY} USING gist (geom);
CREATE UNIQUE INDEX IF NOT EXISTS pipes_degrees_gid ON bench.{COPY} (gid);
ANALYZE bench.{COPY};
"""
FILTER = "class_code = 'YS' AND width_mm > 300"
CLIENTS, SECONDS, BRIEFLY = 4, 8.0, 2.0
#: Seconds that a server may take to begin, or for one tile.
PATIENCE = 30.0

Command = Callable[[Path, Path, str, int], tuple[list[str], dict[str, str]]]


@dataclass(frozen=True)
class Peer:
    """A server: what pip installs for it, how it is started (environment, empty folder, database,
    port), its collection, where its tiles are, and how it takes a filter."""

    name: str
    packages: tuple[str, ...]
    command: Command
    collection: str
    tiles: str
    language: str

    @property
    def place(self) -> Path:
        """Its environment."""
        base = os.environ.get("TWIN_BENCH_PEERS") or Path.home() / ".cache" / "cim-twin" / "peers"
        return Path(base) / self.name

    @property
    def installed(self) -> bool:
        """Whether it can be started."""
        return (self.place / "bin" / "python").exists()

    def install(self) -> None:
        """Make its environment."""
        subprocess.run([sys.executable, "-m", "venv", self.place], check=True)
        pip = self.place / "bin" / "pip"
        subprocess.run([pip, "install", "--quiet", *self.packages], check=True)

    @contextmanager
    def serving(self, url: str) -> Iterator[str]:
        """Its address while it serves the view of the database at ``url``."""
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            words, more = self.command(self.place / "bin", Path(folder), url, port)
            log = Path(folder) / "log"
            with log.open("wb") as stream:
                environment = {**os.environ, **more}
                process = subprocess.Popen(words, env=environment, cwd=folder,
                                           stdout=stream, stderr=stream)  # fmt: skip
            address = f"http://127.0.0.1:{port}"
            try:
                _wait(f"{address}/collections/{self.collection}", process, log)
                yield address
            finally:
                process.terminate()
                process.wait(30)


def _tipg(programs: Path, _: Path, url: str, port: int) -> tuple[list[str], dict[str, str]]:
    words = [str(programs / "uvicorn"), "tipg.main:app", "--port", str(port), "--no-access-log"]
    return words, {
        "DATABASE_URL": url,
        "TIPG_DB_SCHEMAS": '["bench"]',
        "TIPG_DB_SPATIAL_EXTENT": "false",
        "TIPG_CATALOG_TTL": "86400",
    }


def _pygeoapi(
    programs: Path, folder: Path, url: str, port: int
) -> tuple[list[str], dict[str, str]]:
    where = urlsplit(url)
    data = {
        "host": where.hostname,
        "port": where.port,
        "dbname": where.path.strip("/"),
        "user": where.username,
        "password": where.password,
        "search_path": ["bench", "public"],
    }
    common = {"data": data, "id_field": "gid", "table": COPY, "geom_field": "geom"}
    address = f"http://127.0.0.1:{port}"
    configuration = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port}, "url": address,
            "mimetype": "application/json", "encoding": "utf-8", "language": "en-US",
            "limits": {"default_items": 10, "max_items": 10000},
            "map": {"url": "http://localhost/{z}/{x}/{y}.png", "attribution": ""},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "peer", "description": "peer", "keywords": ["peer"],
                "terms_of_service": "none", "url": address,
            },
            "license": {"name": "none", "url": address},
            "provider": {"name": "peer", "url": address},
            "contact": {"name": "peer"},
        },
        "resources": {
            COPY: {
                "type": "collection", "title": COPY, "description": COPY, "keywords": ["peer"],
                "links": [],
                "extents": {"spatial": {"bbox": [-180, -90, 180, 90]}},
                "providers": [
                    {"type": "feature", "name": "PostgreSQL", **common},
                    {"type": "tile", "name": "MVT-postgresql", **common, "layer": COPY,
                     "options": {"zoom": {"min": 0, "max": 20}},
                     "format": {"name": "pbf", "mimetype": "application/vnd.mapbox-vector-tile"}},
                ],
            }
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(configuration))  # JSON is YAML
    environment = {
        "PYGEOAPI_CONFIG": str(folder / "config.json"),
        "PYGEOAPI_OPENAPI": str(folder / "openapi.json"),
    }
    made = subprocess.run(
        [programs / "pygeoapi", "openapi", "generate", folder / "config.json", "--format", "json",
         "--output-file", folder / "openapi.json"],
        env={**os.environ, **environment}, capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError(made.stderr.decode()[-300:])
    words = [str(programs / "gunicorn"), "-b", f"127.0.0.1:{port}", "--threads", str(CLIENTS),
             "--timeout", "600", "pygeoapi.flask_app:APP"]  # fmt: skip
    return words, environment


PEERS = (
    Peer("tipg", ("tipg", "uvicorn"), _tipg, f"bench.{VIEW}",
         "tiles/WebMercatorQuad/{z}/{x}/{y}", "cql2-text"),
    Peer("pygeoapi", ("pygeoapi", "geoalchemy2", "psycopg2-binary", "gunicorn"), _pygeoapi, COPY,
         "tiles/WebMercatorQuad/{z}/{y}/{x}?f=mvt", "cql-text"),
)  # fmt: skip


def compare(url: str, boxes: Sequence[str], by_place: Callable[[str, str], str]) -> None:
    """Ask every peer that is installed for the features of the database at ``url``."""
    with connect(url) as conn:
        conn.execute(MADE.encode())
    for peer in PEERS:
        if not peer.installed:
            sys.stdout.write(f"\n{peer.name} is not installed.\n")
            continue
        head(f"{peer.name}, {_version(peer)}", "answers/s", "p50 ms", "p95 ms", "kB")
        with peer.serving(url) as address:
            _asked(peer, f"{address}/collections/{peer.collection}/items", boxes, by_place)


def _asked(
    peer: Peer, items: str, boxes: Sequence[str], by_place: Callable[[str, str], str]
) -> None:
    random = Random(5)
    try:
        addresses = [by_place(items, box) for box in boxes]
        load(addresses, CLIENTS, BRIEFLY)
        found = load(addresses, CLIENTS, SECONDS)
    except RuntimeError as error:
        row("1,000 features by place", f"failed: {str(error)[:80]}", "", "", "")
    else:
        found.told("1,000 features by place")
    _told("first page of 10", lambda: f"{items}?limit=10")
    _told("page 1,000 of 10, by offset", lambda: f"{items}?limit=10&offset=9990")
    asked = f"limit=10&filter-lang={peer.language}&filter={quote(FILTER)}"
    _told("filter within a box", lambda: f"{items}?{asked}&bbox={random.choice(boxes)}")


def tiles(url: str, places: Sequence[tuple[int, int, int]]) -> None:
    """Ask every peer for vector tiles (level, row, column), each once."""
    with connect(url) as conn:
        conn.execute(MADE.encode())
    for peer in PEERS:
        if not peer.installed:
            continue
        levels = sorted({level for level, _, _ in places})
        head(f"{peer.name}, {_version(peer)}: level", "tiles", "p50 ms", "p95 ms", "largest kB")
        with peer.serving(url) as address:
            base = f"{address}/collections/{peer.collection}/{peer.tiles}"
            for level in levels:
                own = [base.format(z=z, y=y, x=x) for z, y, x in places if z == level]
                _tiles(str(level), own)


def _tiles(name: str, addresses: Sequence[str]) -> None:
    try:
        milliseconds, answers = one_by_one(addresses, PATIENCE)
    except (OSError, RuntimeError) as error:
        row(name, len(addresses), f"failed: {str(error)[:60]}", "", "")
        return
    row(name, len(addresses), *percentiles(milliseconds), max(map(len, answers)) / 1e3)


def _told(name: str, address: Callable[[], str]) -> None:
    try:
        found = at_once(address, 1, BRIEFLY)
    except RuntimeError as error:
        row(name, f"failed: {str(error)[:80]}", "", "", "")
        return
    milliseconds, sizes, seconds = found
    row(name, len(sizes) / seconds, *percentiles(milliseconds), float(np.median(sizes)) / 1e3)


def _version(peer: Peer) -> str:
    code = f"import importlib.metadata as m; print(m.version('{peer.name}'))"
    words: list[Any] = [peer.place / "bin" / "python", "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + PATIENCE
    while monotonic() < until and process.poll() is None:
        try:
            with urlopen(address, timeout=PATIENCE):
                return
        except (URLError, ConnectionError, TimeoutError):
            sleep(0.2)
    raise RuntimeError(f"{address} does not answer:\n{log.read_text()[-2000:]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers")
    parser.add_argument("--install", action="store_true", help="make the environments")
    if parser.parse_args().install:
        for one in PEERS:
            if not one.installed:
                one.install()
    for one in PEERS:
        sys.stdout.write(f"{one.name}: {_version(one) if one.installed else 'not installed'}\n")
