"""Vector tiles over a million buildings and a million pipes:
``python -m tests.benchmarks.vector_tiles [--features N]``.

The service runs as ``twin serve`` with a database cluster of its own; the city has a centre that is
four times as dense as on average. Of every level up to 40 tiles are asked for over HTTP, half of
them in the centre, each once, so that it is made anew, then the same ones again, from memory; as
browsers do, gzipped. Told for each level: the median and the 95th percentile of both, and the
largest tile, as it is sent and uncompressed. Then one building changes: how long until overviews
follow, and tiles of the moment before. The aims on two cores: 30 ms (95 of 100) at any level,
500 kB for every tile; a larger one is a failure. Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from math import hypot
from random import Random
from time import perf_counter

from models.db import bulk, mvt_overviews
from models.db.connection import connect
from models.db.publish import publish
from models.db.tiles_changes import versions
from models.features import TABLES, Theme
from models.testing import delivery, free_port
from tests.benchmarks import peers
from tests.benchmarks.city import TWIN, put
from tests.benchmarks.process import machine
from tests.benchmarks.served import (
    Client,
    head,
    new_database,
    new_home,
    one_by_one,
    percentiles,
    row,
    served,
)

#: Tiles of each level; of a moment in the past.
TILES, PAST = 40, 6
#: Of these, so many for other servers, which need long for some.
PEERS = 3
#: Most bytes of a tile.
LIMIT = 500_000
#: How dense the centre is along either axis.
DENSITY = 2.0
#: Between the date of what was made first and the change.
MOMENT = "2021-01-01T00:00:00Z"
GZIP = {"Accept-Encoding": "gzip"}
SETS = ("EPSG4549Quad", "WebMercatorQuad")
HEAD = ("tiles", "made p50 ms", "made p95 ms", "kept p50 ms", "kept p95 ms", "largest kB",
        "gzipped kB")  # fmt: skip
Place = tuple[int, int, int]


def main() -> int:
    """Make the city, its overviews, serve it, ask, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.vector_tiles")
    parser.add_argument("--quick", action="store_true", help="a tenth of the features")
    parser.add_argument("--features", type=int, default=1_000_000, help="buildings, and pipes")
    parser.add_argument("--peers", choices=("installed", "none"), default="installed")
    given = parser.parse_args()
    count = given.features // 10 if given.quick else given.features
    _tell(machine())
    with new_home(free_port()) as (program, cluster):
        started = perf_counter()
        url = new_database(cluster)
        put(url, count, count, density=DENSITY, span=10.0 * count**0.5)
        _tell(f"\n{count:,} buildings and {count:,} pipes, made in {_since(started)}.")
        _overviews(url)
        places: list[Place] = []
        with served(program, url=url) as service:
            base = f"{service.url}/ogc/{TWIN}/collections"
            largest = [
                _measure(f"{base}/{collection}/tiles/{tms}", TILES, "", places)
                for tms in SETS
                for collection in ("buildings", "pipe-segments")
            ]
            _change(url)
            _overviews(url)
            for tms in SETS:
                asked = f"?datetime={MOMENT}"
                largest.append(_measure(f"{base}/buildings/tiles/{tms}", PAST, asked, []))
        if given.peers == "installed":
            peers.tiles(url, places)
    return int(max(largest) > LIMIT)


def _overviews(url: str) -> None:
    started = perf_counter()
    with connect(url) as conn:
        made, seconds = mvt_overviews.renew(conn, TWIN), _since(started)
        (rows,) = conn.execute("SELECT count(*) FROM mvt_drawn").fetchone() or (0,)
    _tell(f"{made} overviews of two tile matrix sets in {seconds}; {rows:,} rows in all.")


def _change(url: str) -> None:
    """Make a building a storey higher, from now on."""
    with connect(url) as conn:
        found = conn.execute("SELECT id FROM building WHERE key = 'B4321'").fetchall()
        rows = versions(conn, "building", [one for (one,) in found])
        columns = [column for column in TABLES["building"] if column != "source_geom"]
        table = bulk.read_rows(conn, "building", rows.rows[rows.current], columns)
        table["height"] += 3.1
        made = delivery(Theme.BUILDINGS, {"building": table})
        publish(conn, twin=TWIN, dataset="buildings", deliveries=[made], complete=False)
    _tell("\nOne building has changed.")


def _measure(base: str, number: int, asked: str, places: list[Place]) -> int:
    """Print the table, and add some tiles of WebMercatorQuad to ``places``; the most bytes of a
    tile."""
    with Client(base) as client:
        told = json.loads(client.get(f"{base}{asked}"))
    *_, collection, _, tms = base.split("/")
    head(f"{collection}{asked}, {tms}: level", *HEAD)
    most = 0
    for limits in told["tileMatrixSetLimits"]:
        chosen = _chosen(limits, number)
        questions = [(f"{base}/{z}/{y}/{x}{asked}", None, GZIP) for z, y, x in chosen]
        made, answers = one_by_one(questions)
        kept, _ = one_by_one(questions)
        largest = max(len(gzip.decompress(one)) for one in answers)
        sent = max(map(len, answers)) / 1e3
        times = *percentiles(made), *percentiles(kept)
        row(limits["tileMatrix"], len(chosen), *times, largest / 1e3, sent)
        most = max(most, largest)
        if tms == SETS[-1] and collection == "pipe-segments":  # what other servers have
            places += chosen[:PEERS]
    return most


def _chosen(limits: dict[str, str | int], number: int) -> list[Place]:
    """So many tiles of a level, half of them in its middle."""
    level, *ends = (int(limits[name]) for name in ("tileMatrix", "minTileRow", "maxTileRow",
                                                   "minTileCol", "maxTileCol"))  # fmt: skip
    top, bottom, left, right = ends
    if (bottom - top + 1) * (right - left + 1) <= number:
        return [(level, y, x) for y in range(top, bottom + 1) for x in range(left, right + 1)]
    y, x, random = (top + bottom) // 2, (left + right) // 2, Random(1)
    near = [(level, y + i, x + j) for i in range(-9, 10) for j in range(-9, 10)
            if top <= y + i <= bottom and left <= x + j <= right]  # fmt: skip
    near.sort(key=lambda place: hypot(place[1] - y, place[2] - x))
    chosen = dict.fromkeys(near[: number // 2])
    while len(chosen) < number:
        chosen[level, random.randint(top, bottom), random.randint(left, right)] = None
    return list(chosen)


def _since(started: float) -> str:
    return f"{perf_counter() - started:.1f} s"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
