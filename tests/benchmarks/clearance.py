"""Clash and clearance over a city's pipes: ``python -m tests.benchmarks.clearance [--quick]``.

The work runs in a process of its own, so that its peak memory is its own. Nothing is asserted about
time. The aim on two cores: 100,000 segments in 30 s.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.benchmarks.process import machine, run

HEAD = ("segments", "bodies s", "clearance s", "clash s", "together s", "peak RSS MB",
        "clearance findings", "clash findings")  # fmt: skip


def main() -> int:
    """Measure and print, or with ``--child`` do the work and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.clearance")
    parser.add_argument("--quick", action="store_true", help="a tenth of the segments")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        sys.stdout.write(json.dumps(measure(given.child)) + "\n")
        return 0
    sys.stdout.write(f"{machine()}\n\n| {' | '.join(HEAD)} |\n{'|--:' * len(HEAD)}|\n")
    count = 10_000 if given.quick else 100_000
    command = [sys.executable, "-m", "tests.benchmarks.clearance", "--child", str(count)]
    with tempfile.TemporaryDirectory(prefix="twin-") as folder:
        done = run(command, dict(os.environ), Path(folder))
    if done.value is None:
        sys.stdout.write(f"{done.problem}\n")
        return 1
    value = done.value
    steps = [value[step] for step in ("bodies", "clearances", "clashes")]
    cells = [f"{value['segments']:,}", *(f"{s:.1f}" for s in (*steps, sum(steps)))]
    cells += [f"{done.peak / 1e6:.0f}", *(f"{value[k]:,}" for k in ("found", "clashing"))]
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    return 0


def measure(count: int) -> dict[str, Any]:
    """Seconds of each step over ``count`` segments, and what was found."""
    from models.clearance.bodies import bodies
    from models.clearance.judge import FINDINGS
    from models.clearance.measure import clashes, clearances
    from tests.benchmarks.streets import streets

    segments, points = streets(count)
    seconds: dict[str, float] = {}
    made = timed(seconds, "bodies", lambda: bodies(segments, points))
    found = timed(seconds, "clearances", lambda: clearances(made, segments, keep=FINDINGS))
    clashing = timed(seconds, "clashes", lambda: clashes(made, segments, keep=FINDINGS))
    return {
        "segments": len(segments),
        "found": len(found),
        "clashing": len(clashing),
        **seconds,
    }


def timed(seconds: dict[str, float], step: str, work: Callable[[], Any]) -> Any:
    start = perf_counter()
    value = work()
    seconds[step] = perf_counter() - start
    return value


if __name__ == "__main__":
    sys.exit(main())
