"""How fast tiles are encoded on demand: ``python -m tests.benchmarks.dynamic [--features N]``.

Generated buildings are put into a database cluster of their own and served over HTTP on this
machine; a client asks for the tileset of squares that hold about 500 of them, and for its content.
*Cold*: a square that nobody has asked for; *warm*: the same again. Nothing is left behind.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter
from urllib.parse import urljoin

import httpx
import numpy as np

from models.db.connection import connect
from models.testing import free_port
from models.twins import load_twins
from tests.benchmarks.incremental import TWIN, fill, own_home
from tests.benchmarks.process import machine
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from twin import runtime
from twin.testing import Program

PATH = f"/tiles/{TWIN}/buildings/tileset.json"
QUESTIONS, AGAIN = 60, 10
#: Half the side of a square of about 500 buildings on a 25 m grid, degrees east and north.
HALF = (0.00293, 0.00252)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.dynamic")
    parser.add_argument("--features", type=int, default=50_000)
    features = parser.parse_args().features
    sys.stdout.write(f"{machine()}\n\n")
    with own_home() as settings, runtime.database(settings) as database:
        runtime.migrate(settings, database.url)
        with connect(database.url) as conn:
            fill(conn, features, load_twins()[TWIN], settings.home.parent)
            conn.execute("ANALYZE")
        program = Program(settings.home, {"TWIN_LOG_LEVEL": "WARNING"})
        with program.serving("serve", free_port()) as service:
            _measure(service.url, features)
    return 0


def _measure(address: str, features: int) -> None:
    times: dict[str, list[float]] = {}
    counts, sizes = [], []
    lon, lat = load_twins()[TWIN].centre
    reach = 25.0 * np.sqrt(features) / 2 - 400
    random = np.random.default_rng(3)
    with httpx.Client(base_url=address) as client:

        def get(title: str, path: str, **params: str) -> bytes:
            start = perf_counter()
            answer = client.get(path, params=params or None)
            times.setdefault(title, []).append(1000 * (perf_counter() - start))
            answer.raise_for_status()
            sizes.append(len(answer.content))
            return answer.content

        for _ in range(QUESTIONS + 1):
            east, north = random.uniform(-reach, reach, 2) / (95_600, 110_850) + (lon, lat)
            west, south, east, north = (
                *(east - HALF[0], north - HALF[1]),
                *(east + HALF[0], north + HALF[1]),
            )
            box = f"S_INTERSECTS(geometry, BBOX({west:.6f},{south:.6f},{east:.6f},{north:.6f}))"
            root = get("tileset.json, cold", PATH, filter=box)
            uris = [urljoin(PATH, tile.uri or "") for tile in walk(lambda _, r=root: r)]
            glbs = [get("content, cold", uri) for uri in uris]
            counts.append(sum(len(Glb(glb).table()["id"]) for glb in glbs))
            for _ in range(AGAIN):
                get("tileset.json, warm", PATH, filter=box)
                for uri in uris:
                    get("content, warm", uri)
    sys.stdout.write(f"{QUESTIONS} questions, {np.mean(counts):.0f} features each\n\n")
    sys.stdout.write("| request | times | p50 ms | p95 ms |\n|---|--:|--:|--:|\n")
    for title, spent in times.items():
        rest = np.array(spent[1:])  # the first one loads modules
        p50, p95 = np.percentile(rest, [50, 95])
        sys.stdout.write(f"| {title} | {len(rest)} | {p50:.1f} | {p95:.1f} |\n")


if __name__ == "__main__":
    sys.exit(main())
