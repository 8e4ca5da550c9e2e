"""Tiling ten thousand to a million features: ``python -m tests.benchmarks.growth [THOUSANDS …]``.

Time and memory of a feature are to stay the same, whatever the size of the table. Buildings and
pipes are made by a database of its own (:mod:`tests.benchmarks.city`), tiled on all cores in a
process of its own, and what comes out is counted by the linter of tilesets: N in = N out, or the
exit status is 1. Resident memory is that of the program and its workers together, without the
database server: once with what processes share counted in each, once (PSS) counted in all.
Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.benchmarks import city
from tests.benchmarks.process import machine, stage
from tests.benchmarks.served import head, new_home, row

LAYERS = ("buildings", "pipes")
LIMIT = 3600.0


def main() -> int:
    """Measure and print; 1 where features were lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth")
    parser.add_argument("thousands", nargs="*", type=int, default=[10, 100, 1000])
    parser.add_argument("--layer", choices=LAYERS, action="append", help="default: both")
    given = parser.parse_args()
    sys.stdout.write(f"{machine()}\n\n")
    head("layer", "features in", "counted in tiles", "tiles", "features/s", "bytes/feature",
         "seconds", "RSS MB", "PSS MB", "far view, requests", "findings")  # fmt: skip
    return max(
        _measure(layer, thousands * 1000)
        for layer in given.layer or LAYERS
        for thousands in given.thousands
    )


def _measure(layer: str, count: int) -> int:
    counts = {name: count if name == layer else 0 for name in LAYERS}
    with new_home() as (program, cluster):
        city.fill(cluster, **counts)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TWIN_")}
        environment = {**kept, **program.more, "TWIN_HOME": str(program.home)}
        folder = program.home
        tiled = stage("tile", environment, folder, layer, city.TWIN, limit=LIMIT)
        found = stage("check", environment, folder, layer, city.TWIN, limit=LIMIT)
    if tiled.value is None or found.value is None:
        row(layer, f"{count:,}", tiled.problem or found.problem)
        return 1
    made, seen = tiled.value, found.value
    row(
        layer,
        f"{made['features_in']:,}",
        f"{seen['features']:,}",
        f"{made['tiles']:,}",
        f"{count / made['seconds']:,.0f}",
        f"{made['rest'] / count:.1f}",
        f"{made['seconds']:.1f}",
        f"{made['resident'] / 1e6:.0f}",
        f"{made['proportional'] / 1e6:.0f}",
        seen["far_requests"],
        ", ".join(seen["findings"]) or "none",
    )
    return int(not count == made["features_in"] == seen["features"])


if __name__ == "__main__":
    sys.exit(main())
