"""Questions about space and names over a million pipes: ``python -m tests.benchmarks.space``.

``--quick`` takes a tenth of the features. The service runs as ``twin serve`` with a database
cluster of its own; every request is about another place. Told are the median, the 95th percentile
and what was found on average. The aims on two cores: 30 ms (95 of 100) for a box of space and for
completing a name. Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote

import numpy as np

from models.db import places_store
from models.db.connection import connect
from tests.benchmarks.city import EAST, NORTH, SPAN, TWIN, fill
from tests.benchmarks.process import machine
from tests.benchmarks.served import head, new_home, one_by_one, percentiles, row, served

REPEATS = 100
#: Analysis (None: a search for names), title, and the request at a place.
Question = tuple[str | None, str, Callable[[float, float, Random], Any]]
PIPES = ["pipe-segments"]
QUESTIONS: tuple[Question, ...] = (
    ("within", "box 30 × 30 × 3 m, pipes",
     lambda x, y, r: {"box": [x, y, 0, x + 30, y + 30, 3], "layers": PIPES}),
    ("within", "box 100 × 100 × 5 m, pipes",
     lambda x, y, r: {"box": [x, y, 0, x + 100, y + 100, 5], "layers": PIPES}),
    ("within", "box 100 × 100 × 60 m, all layers",
     lambda x, y, r: {"box": [x, y, -5, x + 100, y + 100, 55]}),
    ("within", "sphere of 10 m, all layers",
     lambda x, y, r: {"sphere": {"centre": [x, y, 2], "radius": 10}}),
    ("within", "5 m around a line of 200 m",
     lambda x, y, r: {"around": {"line": [[x, y, 1], [x + 160, y + 120, 2]], "distance": 5}}),
    ("nearest", "10 nearest", lambda x, y, r: {"point": [x, y, 1], "count": 10}),
    ("line-of-sight", "line of sight of 500 m",
     lambda x, y, r: {"start": [x, y, 60], "end": [x + 400, y + 300, 5]}),
    ("column", "column of 1 m", lambda x, y, r: {"point": [x, y]}),
    (None, "complete a name, characters", lambda x, y, r: f"示例{r.randrange(100_000)}"),
    (None, "complete a name, initials", lambda x, y, r: f"sl{r.randrange(100_000)}"),
    (None, "an address in any order",
     lambda x, y, r: f"{r.randrange(100_000)}号 示例路{r.randrange(700)}弄"),
)  # fmt: skip


def main() -> int:
    """Make the city, serve it, ask, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.space")
    parser.add_argument("--quick", action="store_true", help="a tenth of the features")
    given = parser.parse_args()
    pipes, buildings = (100_000, 50_000) if given.quick else (1_000_000, 500_000)
    with new_home() as (program, cluster):
        url = fill(cluster, pipes, buildings)
        with connect(url) as conn:
            places_store.renew(conn, TWIN)
            conn.execute("VACUUM ANALYZE place")
        sys.stdout.write(
            f"{machine()}\n\n{pipes:,} pipes, {buildings:,} buildings with names and addresses.\n"
        )
        with served(program) as service:
            head("question", "p50 ms", "p95 ms", "found")
            for question in QUESTIONS:
                _measure(service.url, question)
    return 0


def _measure(url: str, question: Question) -> None:
    name, title, make = question
    random = Random(7)
    base = f"{url}/twins/{TWIN}"
    asked: list[Any] = []
    for _ in range(REPEATS + 3):
        x, y = (start + random.uniform(0, SPAN - 500) for start in (EAST, NORTH))
        wanted = make(x, y, random)
        if name is None:
            asked.append(f"{base}/places?q={quote(wanted)}")
        else:
            asked.append((f"{base}/analyses/{name}", json.dumps(wanted).encode(), {}))
    milliseconds, answers = one_by_one(asked)
    found = []
    for answer in map(json.loads, answers):
        told = answer.get("result", answer)
        lists = [told[key] for key in ("features", "hits", "places") if key in told]
        found.append(len(lists[0]))
    row(title, *percentiles(milliseconds[3:]), float(np.mean(found)))


if __name__ == "__main__":
    sys.exit(main())
