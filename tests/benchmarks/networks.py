"""Networks of a million segments: how long building one takes, and asking it once it is warm.

``python -m tests.benchmarks.networks [SEGMENTS]`` prints a table. A town's water mains are a grid
of streets with points every 20 m and a valve at most junctions' branches; its storm sewers a forest
that runs to outfalls. Point numbers are shuffled, as in real tables.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import shapely

from models.network import Network, flow_directions, isolate, path, runs, trace, valve_segments
from tests.benchmarks.process import machine

LIMIT_MS = 300
REPEATS = 7
PIECES = 4


def tables(
    a: np.ndarray, b: np.ndarray, xyz: np.ndarray, code: str, words: np.ndarray, flow: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Canonical segments and points, rows of the points shuffled."""
    order = np.random.default_rng(1).permutation(len(xyz))
    keys = np.char.add(code, np.arange(len(xyz)).astype(str)).astype(object)
    points = pd.DataFrame(
        {
            "key": keys,
            "class_code": code,
            "appurtenance": words,
            "sigma_z": 0.04,
            "geom": shapely.points(xyz),
        }
    ).iloc[order]
    lines = np.stack([xyz[a], xyz[b]], axis=1)
    segments = pd.DataFrame(
        {
            "class_code": code,
            "from_point": keys[a],
            "to_point": keys[b],
            "from_invert_h": xyz[a, 2],
            "to_invert_h": xyz[b, 2],
            "flow": flow,
            "geom": shapely.linestrings(lines),
        }
    )
    return segments, points.reset_index(drop=True)


def mains(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Water mains: streets of a grid, each of PIECES segments, with valves and a waterworks."""
    rng = np.random.default_rng(0)
    side = int(np.sqrt(count / (2 * PIECES)))
    at = np.arange(side * side).reshape(side, side)
    a = np.concatenate([at[:-1].ravel(), at[:, :-1].ravel()])
    b = np.concatenate([at[1:].ravel(), at[:, 1:].ravel()])
    place = (
        np.column_stack([*np.divmod(np.arange(side * side), side), np.zeros(side * side)]) * 80.0
    )
    mids = side * side + np.arange(len(a) * (PIECES - 1)).reshape(len(a), PIECES - 1)
    chain = np.column_stack([a, mids, b])
    share = (np.arange(1, PIECES) / PIECES)[None, :, None]
    between = place[a][:, None] * (1 - share) + place[b][:, None] * share
    xyz = np.concatenate([place, between.reshape(-1, 3)])
    words = np.full(len(xyz), None, object)
    words[mids[rng.random(len(a)) < 0.7, 0]] = "阀门"
    words[mids[rng.random(len(a)) < 0.2, 1]] = "水表"
    words[[0, side * side - 1]] = "水厂出水"
    return tables(chain[:, :-1].ravel(), chain[:, 1:].ravel(), xyz, "JS", words, 0)


def sewers(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One forest of storm sewers: every manhole drains to one of the three before it."""
    rng = np.random.default_rng(0)
    n = np.arange(count + 1)
    down = np.maximum(0, n - 1 - rng.integers(0, 3, count + 1))
    xyz = np.column_stack([n * 10.0, rng.uniform(0, 9, count + 1), n * 0.001])
    words = np.full(count + 1, None, object)
    words[0] = "出水口"
    return tables(n[1:], down[1:], xyz, "YS", words, 1)


def main() -> int:
    """Measure and print; 1 when a trace or an isolation is over the limit."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sys.stdout.write(f"{machine()}\n\n| network | query | answer | ms |\n|---|---|--:|--:|\n")
    slow = _water(count) + _storm(count)
    return 1 if slow else 0


def _water(count: int) -> int:
    segments, points = mains(count)
    network = _built("water mains", segments, points)
    valves = _told("water mains", "valve segments", lambda: valve_segments(network), 1)
    burst = len(segments) // 5 * 2
    middle = int(network.tail[burst])
    stuck = np.zeros(network.nodes, bool)
    stuck[isolate(network, [burst], segments=valves).close[:1]] = True
    _told("water mains", "path across", lambda: path(network, [middle], [int(network.tail[0])]))
    return sum(
        _told("water mains", name, query) is None
        for name, query in (
            ("isolation", lambda: isolate(network, [burst], segments=valves)),
            ("isolation, a valve stuck", lambda: isolate(
                network, [burst], segments=valves, inoperable=stuck)),
            ("isolation from nothing", lambda: isolate(network, [burst])),
            ("trace of unknown flow, everything", lambda: trace(
                network, "downstream", nodes=[middle])),
            ("trace of unknown flow, 2 km", lambda: trace(
                network, "downstream", nodes=[middle], limit=2000.0)),
        )
    )  # fmt: skip


def _storm(count: int) -> int:
    segments, points = sewers(count)
    network = _built("storm sewers", segments, points)
    _told("storm sewers", "runs", lambda: runs(network), 1)
    _told("storm sewers", "flow directions", lambda: flow_directions(network), 1)
    outfall, top = int(network.head[0]), int(network.tail[-1])
    return sum(
        _told("storm sewers", name, query) is None
        for name, query in (
            ("upstream of the outfall, everything", lambda: trace(
                network, "upstream", nodes=[outfall])),
            ("downstream to the outfall", lambda: trace(network, "downstream", nodes=[top])),
        )
    )  # fmt: skip


def _built(name: str, segments: pd.DataFrame, points: pd.DataFrame) -> Network:
    built: list[Network] = []

    def build() -> Network:
        built[:] = [Network.of(segments, points)]
        built[0].adjacency  # noqa: B018 made on first use
        return built[0]

    _told(name, f"build from {len(segments):,} segments", build, 1)
    return built[0]


def _told(name: str, query: str, ask: Callable[[], Any], repeats: int = REPEATS) -> Any:
    """Print the median time of ``ask``; its answer, or None when it was to be quick and was not."""
    seconds = []
    for _ in range(repeats + (repeats > 1)):
        start = perf_counter()
        answer = ask()
        seconds.append(perf_counter() - start)
    ms = median(seconds[-repeats:]) * 1000
    sys.stdout.write(f"| {name} | {query} | {_size(answer)} | {ms:,.0f} |\n")
    sys.stdout.flush()
    return answer if repeats == 1 or ms <= LIMIT_MS else None


def _size(answer: Any) -> str:
    for field, unit in (("close", "valves"), ("chainage", "steps"), ("nodes", "nodes")):
        value = getattr(answer, field, None)
        if value is not None:
            return f"{value if isinstance(value, int) else len(value):,} {unit}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
