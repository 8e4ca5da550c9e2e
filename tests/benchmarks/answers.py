"""Analyses over HTTP once they are warm: ``python -m tests.benchmarks.answers [STREETS [MAINS]]``.

A city of streets (:mod:`tests.benchmarks.streets`) is stored as the pipes of one twin, water mains
(:mod:`tests.benchmarks.networks`) as those of another, 100,000 segments each by default, in a
database cluster of its own; ``twin serve`` answers. Every request is about another place, so that
nothing but the pipes is warm. Told are the first answer, which reads the pipes, and of the rest the
median and the 95th percentile with what went over the wire. The aim on two cores: 150 ms for
section and profile, 300 ms for a trace or isolation over 1,000,000 segments. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import shapely

from models.db.connection import connect
from models.db.publish import publish
from models.features import DatumPassport, Delivery, SourceFile, Theme, feature_id
from tests.benchmarks.networks import PIECES, mains
from tests.benchmarks.process import machine
from tests.benchmarks.served import (
    head,
    new_database,
    new_home,
    one_by_one,
    percentiles,
    row,
    served,
)
from tests.benchmarks.streets import BLOCK, ORIGIN, SPAN, streets

CITY, TOWN = "songjiang-hub", "qianwan"
REPEATS = 40
MEDIA = {"JSON": "application/json", "SVG": "image/svg+xml"}


def main() -> int:
    """Store, serve, ask and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.answers")
    parser.add_argument("streets", nargs="?", type=int, default=100_000)
    parser.add_argument("mains", nargs="?", type=int, default=100_000)
    given = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    with new_home() as (program, cluster):
        counts = _store(new_database(cluster), given.streets, given.mains)
        with served(program) as service:
            _measure(service.url, counts, int(np.sqrt(given.mains / (2 * PIECES))) ** 2)
    return 0


def _store(url: str, city: int, town: int) -> dict[str, int]:
    """Store both twins' pipes; how many segments each has."""
    counts = {}
    for twin, (segments, points) in ((CITY, streets(city)), (TOWN, _moved(*mains(town)))):
        counts[twin] = len(segments)
        made = _delivery(twin, segments, points)
        with connect(url) as conn, conn.transaction():
            publish(conn, twin=twin, dataset="made", deliveries=[made])
    return counts


def _moved(segments: pd.DataFrame, points: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The mains at the streets' origin and not at that of the CRS."""
    shift = np.array([*ORIGIN, 0.0])
    moved = [
        table.assign(
            geom=shapely.transform(table["geom"].to_numpy(), shift.__add__, include_z=True)
        )
        for table in (segments, points)
    ]
    return moved[0], moved[1]


def _delivery(twin: str, segments: pd.DataFrame, points: pd.DataFrame) -> Delivery:
    """The tables as a delivery in the storage CRS."""
    points = points.assign(key=points.get("key", points.get("exp_no")))
    points["exp_no"] = points["key"]
    points["ground_h"] = 4.2
    points["id"] = points["key"].map(lambda key: feature_id(twin, "made", "pipe_point", key))
    ids = dict(zip(points["key"], points["id"], strict=True))
    segments = segments.assign(key=segments["from_point"] + "~" + segments["to_point"])
    segments["id"] = segments["key"].map(lambda key: feature_id(twin, "made", "pipe_segment", key))
    for end in ("from", "to"):
        segments[f"{end}_point_id"] = segments[f"{end}_point"].map(ids)
    return Delivery(
        Theme.PIPES,
        SourceFile("made", "0" * 64, 0),
        DatumPassport("EPSG:4549", "1985"),
        {"pipe_segment": segments, "pipe_point": points},
    )


def _measure(url: str, counts: dict[str, int], junctions: int) -> None:
    side = max(2, round((counts[CITY] * SPAN / BLOCK / 16) ** 0.5))
    steps = int(side * BLOCK / SPAN)
    questions: list[tuple[str, str, str, str, Callable[[np.random.Generator], dict[str, Any]]]] = [
        (CITY, "section", "JSON", "one street, 40 m", lambda r: _section(r, side, 40.0)),
        (CITY, "section", "SVG", "one street, 40 m", lambda r: _section(r, side, 40.0)),
        (CITY, "section", "JSON", "four streets, 500 m", lambda r: _section(r, side, 500.0)),
        (CITY, "profile", "JSON", "20 segments, 600 m", lambda r: _profile(r, side, steps, 20)),
        (CITY, "profile", "SVG", "20 segments, 600 m", lambda r: _profile(r, side, steps, 20)),
        (CITY, "profile", "JSON", "100 segments, 3 km", lambda r: _profile(r, side, steps, 100)),
        (TOWN, "trace", "JSON", "all the network", lambda r: _trace(r, junctions)),
        (TOWN, "isolation", "JSON", "one burst", lambda r: _burst(r, junctions)),
    ]
    head("analysis", "of", "answer", "segments in the twin", "first s", "p50 ms", "p95 ms", "kB")
    for twin, name, medium, about, make in questions:
        random = np.random.default_rng(5)
        address = f"{url}/twins/{twin}/analyses/{name}"
        headers = {"Content-Type": "application/json", "Accept": MEDIA[medium]}
        bodies = (json.dumps(make(random)).encode() for _ in range(REPEATS + 1))
        milliseconds, answers = one_by_one([(address, body, headers) for body in bodies])
        kilobytes = float(np.median([len(answer) for answer in answers[1:]])) / 1e3
        first, times = milliseconds[0] / 1e3, percentiles(milliseconds[1:])
        row(name, about, medium, f"{counts[twin]:,}", first, *times, kilobytes)


def _section(random: np.random.Generator, side: int, length: float) -> dict[str, Any]:
    """A line across streets that run north, in the middle of a block."""
    street, block = random.integers(0, side, 2)
    east = ORIGIN[0] + street * BLOCK - 18.0
    north = ORIGIN[1] + block * BLOCK + 37.0 + random.random()
    return {"line": [[east, north], [east + length, north + 5.0]]}


def _profile(random: np.random.Generator, side: int, steps: int, many: int) -> dict[str, Any]:
    """A run of storm sewer along a street."""
    many = min(many, steps)
    first = int(random.integers(0, side)) * (steps + 1) + int(random.integers(0, steps - many + 1))
    return {"nodes": [f"YS04-{first}", f"YS04-{first + many}"]}


def _trace(random: np.random.Generator, junctions: int) -> dict[str, Any]:
    """Down from a junction; where no flow is known that leads everywhere."""
    return {"direction": "downstream", "nodes": [f"JS{int(random.integers(0, junctions))}"]}


def _burst(random: np.random.Generator, junctions: int) -> dict[str, Any]:
    """The first piece of the main that leaves a junction eastwards."""
    at = int(random.integers(0, junctions // 2))
    return {"segments": [f"JS{at}~JS{junctions + at * (PIECES - 1)}"]}


if __name__ == "__main__":
    sys.exit(main())
