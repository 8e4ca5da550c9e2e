"""OGC API – Features over a million pipe segments: ``python -m tests.benchmarks.features``.

``--quick`` takes a tenth of the segments. The service runs as ``twin serve`` with a database
cluster of its own; clients are threads of this process, which read whole answers and look at their
size only. Nothing is asserted about time. The aims on two cores: 100 answers/s of 1,000 features by
place, 50 ms (95 of 100) for a first page, page 1,000 and deep filters, and 100,000 features/s as a
stream in constant memory. ``--against`` names the address of another server's items of the same
table, so that it is asked the same.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from urllib.parse import quote, urlsplit

import psutil

from models.crs import storage_to_geodetic
from models.db import migrate, twins
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.testing import free_port
from models.twins import load_twins
from tests.benchmarks.process import machine
from twin.testing import Program

TWIN = "songjiang-hub"
EAST, NORTH, STEP = 600_000.0, 3_415_000.0, 30.0
ACROSS = 1_000
#: Threads that ask at once, and seconds of each throughput.
CLIENTS, SECONDS = 4, 8.0
MADE = f"""
INSERT INTO dataset (twin_id, name, theme, horizontal, vertical)
VALUES ('{TWIN}', 'city', 'pipes', 'EPSG:4549', '1985');
INSERT INTO revision (dataset_id, number, valid_from, recorded, complete, counts)
VALUES (1, 1, '2020-01-01', now(), true, '{{}}');
INSERT INTO source_file (revision_id, name, sha256, size, features_in, horizontal, vertical)
VALUES (1, 'made', 'made', 1, 1, 'EPSG:4549', '1985');
INSERT INTO pipe_segment (
  id, key, source_row, attrs, lno, class_code, from_point, to_point, shape, width_mm, from_depth,
  to_depth, from_top_h, to_top_h, depth_ref, material, embed, flow, owner, built, status, road,
  geom, dataset_id, revision_id, file_id, content_sha, valid_from, tx_from)
SELECT
  gen_random_uuid(), 'L' || i, i, '{{}}', 'L' || i, (array['YS', 'WS', 'JS', 'RQ'])[1 + i % 4],
  'P' || i, 'P' || i + 1, 'round', 100 * (1 + i % 10), 1.2, 1.3, 2.1, 2.0, 'top',
  (array['混凝土', 'PE', '铸铁'])[1 + i % 3], '直埋', 1, '示例权属单位',
  date '2010-01-01' + i % 4000, '在用', '示例路' || i % 500,
  ST_SetSRID(ST_MakeLine(ST_MakePoint(x, y, 2), ST_MakePoint(x + 25, y + 10, 1.9)), 4549),
  1, 1, 1, '\\x00', '2020-01-01', now()
FROM generate_series(0, {{count}} - 1) AS i,
  LATERAL (
    SELECT {EAST} + (i % {ACROSS}) * {STEP} AS x, {NORTH} + (i / {ACROSS}) * {STEP} AS y
  ) AS place;
"""
DEEP = (
    "(class_code IN ('YS','WS') AND (width_mm > 300 OR casei(material) LIKE casei('p%')) "
    "AND NOT (built < DATE('2012-01-01') OR road LIKE '%7')) AND S_INTERSECTS(geometry,{})"
)


def main() -> int:
    """Make the city, serve it, ask, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.features")
    parser.add_argument("--quick", action="store_true", help="a tenth of the segments")
    parser.add_argument("--against", help="address of the items of another server")
    given = parser.parse_args()
    if given.against:
        _head()
        _throughput(given.against, 1_000_000)
        return 0
    count = 100_000 if given.quick else 1_000_000
    sys.stdout.write(f"{machine()}\n\n{count:,} pipe segments.\n\n")
    folder = Path(tempfile.mkdtemp(prefix="twin-"))
    folder.chmod(0o755)  # the database server's account must get in
    program = Program(folder / "home", {"TWIN_LOG_LEVEL": "WARNING"})
    cluster = EmbeddedPostgres(program.home)
    try:
        url = cluster.ensure()
        migrate.upgrade(url)
        with connect(url) as conn:
            twins.sync(conn, load_twins(None).values())
            conn.execute(MADE.replace("{count}", str(count)).encode())
            conn.execute("VACUUM ANALYZE pipe_segment")
        with program.serving("serve", free_port()) as service:
            items = f"{service.url}/ogc/{TWIN}/collections/pipe-segments/items"
            _head()
            _throughput(items, count)
            _latencies(items, count)
            _stream(items, service.process.pid)
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _head() -> None:
    sys.stdout.write("| question | answers/s | median ms | p95 ms | KB |\n|---|--:|--:|--:|--:|\n")


def _box(random: Random, count: int, side: float) -> str:
    """A square of ``side`` metres somewhere in the city, as west,south,east,north in degrees."""
    x = EAST + random.uniform(0, ACROSS * STEP - side)
    y = NORTH + random.uniform(0, max(count / ACROSS * STEP - side, 1))
    lon, lat, _ = storage_to_geodetic([x, x + side], [y, y + side], [0, 0])
    return f"{lon[0]:.7f},{lat[0]:.7f},{lon[1]:.7f},{lat[1]:.7f}"


def _throughput(items: str, count: int) -> None:
    random = Random(3)
    # 35 x 35 segments: a little more than 1,000
    boxes = [f"{items}?limit=1000&bbox={_box(random, count, 35 * STEP)}" for _ in range(200)]
    _told("1,000 features by place", lambda: random.choice(boxes), CLIENTS)


def _latencies(items: str, count: int) -> None:
    random = Random(4)
    _told("first page of 10", lambda: f"{items}?limit=10", 1)
    place, pages = f"{items}?limit=10", []
    with _Client(items) as client:
        for _ in range(1_010):
            found = json.loads(client.get(place))
            (place,) = [one["href"] for one in found["links"] if one["rel"] == "next"]
            pages.append(place)
    _told("page 1,000 of 10", lambda: random.choice(pages[-10:]), 1)

    def deep() -> str:
        west, south, east, north = _box(random, count, 600.0).split(",")
        ring = f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {south}))"
        return f"{items}?limit=10&filter={quote(DEEP.format(ring))}"

    _told("deep filter with a polygon", deep, 1)
    _told(
        "box with heights, sorted",
        lambda: f"{items}?limit=10&sortby=-width_mm&bbox={_box(random, count, 300.0)}",
        1,
    )


def _told(name: str, address: Callable[[], str], clients: int) -> None:
    """Print how often and how fast ``address()`` is answered to so many clients at once."""
    seconds: list[float] = []
    sizes: list[int] = []
    until = perf_counter() + SECONDS / (1 if clients > 1 else 4)

    def ask() -> None:
        with _Client(address()) as client:
            while (start := perf_counter()) < until:
                sizes.append(len(client.get(address())))
                seconds.append(perf_counter() - start)

    started = perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(seconds) / (perf_counter() - started)
    p95 = sorted(seconds)[int(0.95 * (len(seconds) - 1))] * 1000
    cells = f"{rate:,.0f} | {median(seconds) * 1000:,.1f} | {p95:,.1f} | {median(sizes) / 1e3:,.0f}"
    sys.stdout.write(f"| {name} | {cells} |\n")
    sys.stdout.flush()


def _stream(items: str, server: int) -> None:
    """Print how fast all features come in each streamed format, and what memory that takes."""
    sys.stdout.write("\n| stream of all | features/s | MB | peak RSS of the server MB |\n"
                     "|---|--:|--:|--:|\n")  # fmt: skip
    process = psutil.Process(server)
    for name, limit in (("geojsonseq", 0), ("csv", 0), ("fgb", 0), ("parquet", 0)):
        size, peak, features, started = 0, 0, 0, perf_counter()
        with _Client(items) as client:
            answer = client.open(f"{items}?f={name}" + (f"&limit={limit}" if limit else ""))
            while part := answer.read(1 << 20):
                size += len(part)
                features += part.count(b"\x1e" if name == "geojsonseq" else b"\n")
                peak = max(peak, process.memory_info().rss)
        seconds = perf_counter() - started
        rate = f"{(features or 0) / seconds:,.0f}" if name in ("geojsonseq", "csv") else ""
        cells = f"{rate or f'in {seconds:.0f} s'} | {size / 1e6:,.0f} | {peak / 1e6:,.0f}"
        sys.stdout.write(f"| {name} | {cells} |\n")
        sys.stdout.flush()


class _Client:
    """One connection that is kept open."""

    def __init__(self, address: str) -> None:
        where = urlsplit(address)
        self.connection = http.client.HTTPConnection(where.netloc, timeout=120)

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def open(self, address: str) -> http.client.HTTPResponse:
        where = urlsplit(address)
        self.connection.request("GET", f"{where.path}?{where.query}")
        answer = self.connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{address}: {answer.status} {answer.read(500)!r}")
        return answer

    def get(self, address: str) -> bytes:
        return self.open(address).read()


if __name__ == "__main__":
    sys.exit(main())
