"""OGC API – Features over a million pipe segments: ``python -m tests.benchmarks.features``.

``--quick`` takes a tenth of the segments, ``--workers`` so many server processes. The service runs
as ``twin serve`` (one process by default) with a database cluster of its own. Throughput is what
:mod:`tests.benchmarks.load` gets with four connections; the other questions are asked one after the
other. Nothing is asserted about time. The aims on two
cores: 100 answers/s of 1,000 features by place, 50 ms (95 of 100) for a first page, page 1,000,
sorted pages and deep filters, and 100,000 features/s as a stream in constant memory.

Peers that are installed (:mod:`tests.benchmarks.peers`) are asked the same of the same table, after
our own service has ended; ``--peers none`` leaves them out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from time import perf_counter
from urllib.parse import quote

import numpy as np

from models.crs import storage_to_geodetic
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.testing import free_port
from tests.benchmarks import peers
from tests.benchmarks.load import Spent, load, resident
from tests.benchmarks.process import machine
from tests.benchmarks.served import (
    Client,
    at_once,
    head,
    new_database,
    new_home,
    percentiles,
    row,
    served,
)
from twin.testing import Service

TWIN = "songjiang-hub"
EAST, NORTH, STEP = 600_000.0, 3_415_000.0, 30.0
ACROSS = 1_000
#: Connections that ask at once, and seconds of each throughput and each latency.
CLIENTS, SECONDS, BRIEFLY = 4, 8.0, 2.0
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


@dataclass(frozen=True)
class Places:
    """Somewhere among the ``count`` segments."""

    count: int

    def box(self, random: Random, side: float) -> str:
        """A square of ``side`` metres, as west,south,east,north in degrees."""
        x = EAST + random.uniform(0, ACROSS * STEP - side)
        y = NORTH + random.uniform(0, max(self.count / ACROSS * STEP - side, 1))
        lon, lat, _ = storage_to_geodetic([x, x + side], [y, y + side], [0, 0])
        return f"{lon[0]:.7f},{lat[0]:.7f},{lon[1]:.7f},{lat[1]:.7f}"

    def thousands(self) -> list[str]:
        """Boxes of 35 × 35 segments: a little more than 1,000."""
        random = Random(3)
        return [self.box(random, 35 * STEP) for _ in range(200)]


def main() -> int:
    """Make the city, serve it, ask, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.features")
    parser.add_argument("--quick", action="store_true", help="a tenth of the segments")
    parser.add_argument("--workers", type=int, default=1, help="processes of our server")
    parser.add_argument("--peers", choices=("installed", "none"), default="installed")
    given = parser.parse_args()
    places = Places(100_000 if given.quick else 1_000_000)
    sys.stdout.write(f"{machine()}\n\n{places.count:,} pipe segments.\n")
    with new_home(free_port()) as (program, cluster):
        url = _fill(cluster, places.count)
        with served(program, "--workers", given.workers, url=url) as service:
            items = f"{service.url}/ogc/{TWIN}/collections/pipe-segments/items"
            boxes = places.thousands()
            _by_place(items, boxes, service, cluster)
            _latencies(items, places)
            _streams(items, service)
        if given.peers == "installed":
            peers.compare(url, boxes, by_place)
    return 0


def _fill(cluster: EmbeddedPostgres, count: int) -> str:
    url = new_database(cluster)
    with connect(url) as conn:
        conn.execute(MADE.replace("{count}", str(count)).encode())
        conn.execute("VACUUM ANALYZE")
    return url


def _by_place(items: str, boxes: list[str], service: Service, cluster: EmbeddedPostgres) -> None:
    head("1,000 features by place", "answers/s", "p50 ms", "p95 ms", "kB sent",
         "CPU ms of an answer: service", "database")  # fmt: skip
    addresses = [by_place(items, box) for box in boxes]
    load(addresses, CLIENTS, BRIEFLY)  # connections and caches are there when it counts
    for coding in ("identity", "gzip", "zstd"):
        spent = Spent(service, cluster)
        found = load(addresses, CLIENTS, SECONDS, {"Accept-Encoding": coding})
        found.told(f"sent as {coding}", *spent.each(found.answers))


def by_place(items: str, box: str) -> str:
    """The address of 1,000 features in ``box``."""
    return f"{items}?limit=1000&bbox={box}"


def told(name: str, address: Callable[[], str]) -> None:
    """Print how often and how fast ``address()`` is answered to one client."""
    milliseconds, sizes, seconds = at_once(address, 1, BRIEFLY)
    kilobytes = float(np.median(sizes)) / 1e3
    row(name, len(sizes) / seconds, *percentiles(milliseconds), kilobytes)


def _latencies(items: str, places: Places) -> None:
    head("question", "answers/s", "p50 ms", "p95 ms", "kB")
    random = Random(4)
    told("first page of 10", lambda: f"{items}?limit=10")
    pages = _pages(items)
    told("page 1,000 of 10", lambda: random.choice(pages[-10:]))

    def deep() -> str:
        west, south, east, north = places.box(random, 600.0).split(",")
        ring = f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {south}))"
        return f"{items}?limit=10&filter={quote(DEEP.format(ring))}"

    told("deep filter with a polygon", deep)
    told("box, sorted", lambda: f"{items}?sortby=-width_mm&bbox={places.box(random, 300.0)}")
    for name in ("key", "class_code", "width_mm", "built", "road"):
        falling = f"{items}?sortby=-{name}"
        told(f"all, sorted by {name}, falling", partial(str, falling))
    pages = _pages(f"{items}?sortby=-width_mm")
    told("page 1,000 of 10, sorted", lambda: random.choice(pages[-10:]))
    key = f"{items}?filter={quote('key = ')}"
    told("by key", lambda: f"{key}%27L{random.randrange(places.count)}%27")


def _pages(items: str) -> list[str]:
    """Addresses of the first 1,010 pages after the first."""
    place, pages = f"{items}{'&' if '?' in items else '?'}limit=10", []
    with Client(items) as client:
        for _ in range(1_010):
            found = json.loads(client.get(place))
            (place,) = [one["href"] for one in found["links"] if one["rel"] == "next"]
            pages.append(place)
    return pages


def _streams(items: str, service: Service) -> None:
    """Print how fast features come in each format, and what memory of the server that takes."""
    head("stream of all", "features/s", "MB", "RSS before MB", "peak at a tenth MB", "peak MB")
    tenth = f"&filter={quote('source_row < ')}"
    with Client(items) as client:
        count = json.loads(client.get(f"{items}?limit=1&counts=true"))["numberMatched"]
        for name in ("geojsonseq", "csv", "fgb", "parquet"):
            before = _memory(service)
            _, _, part = _read(client, f"{items}?f={name}{tenth}{count // 10}", service)
            seconds, size, peak = _read(client, f"{items}?f={name}", service)
            row(name, count / seconds, size / 1e6, before, part, peak)
        before, started, size, found = _memory(service), perf_counter(), 0, 0
        place: str | None = f"{items}?limit=10000"
        while place is not None:
            body = client.get(place)
            size += len(body)
            place = _following(body)
            found += 1
        peak = _memory(service)
        row(f"GeoJSON, {found} pages", count / (perf_counter() - started), size / 1e6, before,
            "", peak)  # fmt: skip


def _following(body: bytes) -> str | None:
    """The address of the next page; only the end of the text is read."""
    links = json.loads(b"{" + body[body.rindex(b'"links"') :])["links"]
    return next((link["href"] for link in links if link["rel"] == "next"), None)


def _read(client: Client, address: str, service: Service) -> tuple[float, int, float]:
    """Seconds, bytes, and the greatest memory of the server in MB meanwhile."""
    size, peak, started = 0, 0.0, perf_counter()
    answer = client.open(address)
    while part := answer.read(1 << 20):
        size += len(part)
        peak = max(peak, _memory(service))
    return perf_counter() - started, size, peak


def _memory(service: Service) -> float:
    """What the server's processes hold, in MB."""
    return resident(service.process.pid) / 1e6


if __name__ == "__main__":
    sys.exit(main())
