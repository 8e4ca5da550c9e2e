"""Vector tiles over a million pipes: ``python -m tests.benchmarks.vector_tiles [--quick]``.

The service runs as ``twin serve`` with a database cluster of its own. Every tile is asked for once,
so that it is made anew, then the same ones again, from memory. Told for each level: how many, the
median and the 95th percentile of both, and the largest tile (uncompressed). The aims on two cores:
30 ms (95 of 100) at any level, 500 kB for low levels. Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import http.client
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import perf_counter
from urllib.parse import urlsplit

import httpx
import numpy as np

from models.db import mvt_overviews
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.testing import free_port
from tests.benchmarks.city import TWIN, fill
from tests.benchmarks.process import machine
from twin.testing import Program

#: Tiles of each level.
TILES = 40
HEAD = ("level", "tiles", "made p50 ms", "made p95 ms", "kept p50 ms", "kept p95 ms", "largest kB")


def main() -> int:
    """Make the city, its overviews, serve it, ask, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.vector_tiles")
    parser.add_argument("--quick", action="store_true", help="a tenth of the features")
    given = parser.parse_args()
    pipes, buildings = (100_000, 50_000) if given.quick else (1_000_000, 500_000)
    folder = Path(tempfile.mkdtemp(prefix="twin-"))
    folder.chmod(0o755)  # the database server's account must get in
    program = Program(folder / "home", {"TWIN_LOG_LEVEL": "WARNING"})
    cluster = EmbeddedPostgres(program.home)
    try:
        url = fill(cluster, pipes, buildings)
        started = perf_counter()
        with connect(url) as conn:
            mvt_overviews.renew(conn, TWIN)
        seconds = perf_counter() - started
        sys.stdout.write(
            f"{machine()}\n\n{pipes:,} pipes and {buildings:,} buildings; overviews of both in two "
            f"tile matrix sets in {seconds:.0f} s.\n"
        )
        with program.serving("serve", free_port()) as service:
            for tms in ("WebMercatorQuad", "EPSG4549Quad"):
                for collection in ("pipe-segments", "buildings"):
                    _measure(service.url, collection, tms)
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _measure(url: str, collection: str, tms: str) -> None:
    base = f"/ogc/{TWIN}/collections/{collection}/tiles/{tms}"
    told = httpx.get(f"{url}{base}", timeout=60).json()
    sys.stdout.write(f"\n{collection}, {tms}\n\n| {' | '.join(HEAD)} |\n{'|--:' * len(HEAD)}|\n")
    random = Random(1)
    for limits in told["tileMatrixSetLimits"]:
        places = [
            (row, col)
            for row in range(limits["minTileRow"], limits["maxTileRow"] + 1)
            for col in range(limits["minTileCol"], limits["maxTileCol"] + 1)
        ]
        chosen = random.sample(places, min(TILES, len(places)))
        paths = [f"{base}/{limits['tileMatrix']}/{row}/{col}" for row, col in chosen]
        made, size = _ask(url, paths)
        kept, _ = _ask(url, paths)
        cells = [limits["tileMatrix"], str(len(paths))]
        cells += [f"{v:.1f}" for ms in (made, kept) for v in np.percentile(ms, [50, 95])]
        sys.stdout.write(f"| {' | '.join([*cells, f'{size / 1000:.0f}'])} |\n")
        sys.stdout.flush()


def _ask(url: str, paths: Sequence[str]) -> tuple[list[float], int]:
    """Milliseconds of each answer, and bytes of the largest."""
    client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    milliseconds, largest = [], 0
    for path in paths:
        started = perf_counter()
        client.request("GET", path)
        largest = max(largest, len(client.getresponse().read()))
        milliseconds.append((perf_counter() - started) * 1000)
    client.close()
    return milliseconds, largest


if __name__ == "__main__":
    sys.exit(main())
