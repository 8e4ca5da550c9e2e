"""Vector tiles over a million pipes: ``python -m tests.benchmarks.vector_tiles [--quick]``.

The service runs as ``twin serve`` with a database cluster of its own. Every tile is asked for once,
so that it is made anew, then the same ones again, from memory. Told for each level: how many, the
median and the 95th percentile of both, and the largest tile (uncompressed). The aims on two cores:
30 ms (95 of 100) at any level, 500 kB for low levels. Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import json
import sys
from random import Random
from time import perf_counter

from models.db import mvt_overviews
from models.db.connection import connect
from models.testing import free_port
from tests.benchmarks import peers
from tests.benchmarks.city import TWIN, fill
from tests.benchmarks.process import machine
from tests.benchmarks.served import Client, head, new_home, one_by_one, percentiles, row, served

#: Tiles of each level.
TILES = 40
#: Of these, so many for other servers, which need long for some.
PEERS = 3
HEAD = ("tiles", "made p50 ms", "made p95 ms", "kept p50 ms", "kept p95 ms", "largest kB")
Place = tuple[int, int, int]


def main() -> int:
    """Make the city, its overviews, serve it, ask, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.vector_tiles")
    parser.add_argument("--quick", action="store_true", help="a tenth of the features")
    parser.add_argument("--peers", choices=("installed", "none"), default="installed")
    given = parser.parse_args()
    pipes, buildings = (100_000, 50_000) if given.quick else (1_000_000, 500_000)
    with new_home(free_port()) as (program, cluster):
        url = fill(cluster, pipes, buildings)
        started = perf_counter()
        with connect(url) as conn:
            mvt_overviews.renew(conn, TWIN)
        seconds = perf_counter() - started
        sys.stdout.write(
            f"{machine()}\n\n{pipes:,} pipes and {buildings:,} buildings; overviews of both in two "
            f"tile matrix sets in {seconds:.0f} s.\n"
        )
        with served(program, url=url) as service:
            for tms in ("EPSG4549Quad", "WebMercatorQuad"):
                for collection in ("buildings", "pipe-segments"):
                    places = _measure(service.url, collection, tms)
        if given.peers == "installed":
            peers.tiles(url, places)
    return 0


def _measure(url: str, collection: str, tms: str) -> list[Place]:
    """Print the table; some of the tiles of each level."""
    base = f"{url}/ogc/{TWIN}/collections/{collection}/tiles/{tms}"
    with Client(url) as client:
        told = json.loads(client.get(base))
    head(f"{collection}, {tms}: level", *HEAD)
    random, some = Random(1), []
    for limits in told["tileMatrixSetLimits"]:
        places = [
            (int(limits["tileMatrix"]), row, col)
            for row in range(limits["minTileRow"], limits["maxTileRow"] + 1)
            for col in range(limits["minTileCol"], limits["maxTileCol"] + 1)
        ]
        chosen = random.sample(places, min(TILES, len(places)))
        addresses = [f"{base}/{level}/{row}/{col}" for level, row, col in chosen]
        made, answers = one_by_one(addresses)
        kept, _ = one_by_one(addresses)
        largest = max(map(len, answers)) / 1e3
        row(limits["tileMatrix"], len(chosen), *percentiles(made), *percentiles(kept), largest)
        some += chosen[:PEERS]
    return some


if __name__ == "__main__":
    sys.exit(main())
