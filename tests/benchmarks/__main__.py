"""Measures and prints the figures of this machine: ``python -m tests.benchmarks [--quick]``.

Deliveries are made in a temporary folder, read, checked, stored in a database cluster of its own
and tiled; each step is a process of its own, so that its peak memory is its own. Nothing is
asserted about time, and nothing is left behind. For comparison other programs tile the same
buildings (:mod:`tests.benchmarks.tilers`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from tests.benchmarks import tilers
from tests.benchmarks.process import ROOT, Measured, machine, stage

IFC = ROOT / "data-samples" / "songjiang-hub" / "hub_annex.ifc"


def main() -> int:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the features")
    scale = 10 if parser.parse_args().quick else 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    start = perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="twin-"))
    folder.chmod(0o755)  # the database server's account must get in
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TWIN_")}
    environment = {**kept, "TWIN_HOME": str(folder / "home"), "TWIN_LOG_LEVEL": "WARNING"}
    sys.stdout.write(f"{machine()}\n\n")
    try:
        if _twin(environment, "db", "up"):
            return 2
        complete = _measure(folder, environment, 100_000 // scale, 20_000 // scale)
    finally:
        _twin(environment, "db", "down")
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"\n{perf_counter() - start:.0f} s in all.\n")
    return 0 if complete else 1


def _measure(folder: Path, environment: dict[str, str], buildings: int, points: int) -> bool:
    made = stage("make", environment, folder, folder, buildings, points)
    if made.value is None:
        sys.stdout.write(f"The deliveries could not be made: {made.problem}\n")
        return False
    _head("delivery", "MB", "features", "accepted", "findings", "read, rules /s",
          "datum, CRS, ids /s", "stored /s", "together /s", "peak RSS MB")  # fmt: skip
    complete = True
    for title, dataset, vertical, files in (
        ("footprints, GeoPackage", "footprints", "1985", [folder / "buildings.gpkg"]),
        ("survey, XLSX", "survey", "", [made.value["xlsx"]]),
        ("survey, CSV (GB18030)", "survey-csv", "", made.value["csv"]),
        ("IFC elements", "annex", "", [IFC]),
    ):
        done = stage("ingest", environment, folder, dataset, vertical, *files)
        complete &= done.value is not None
        _row(title, *_ingested(done))
    sys.stdout.write(
        "\nBoth surveys are stored and tiled. Peak RSS is without the database server.\n\n"
    )
    _head("tiled, PostGIS → compressed files", "features", "in tiles", "tiles", "features/s",
          "bytes/feature (gzip at rest)", "seconds", "peak RSS MB")  # fmt: skip
    for layer in ("buildings", "pipes", "bim"):
        done = stage("tile", environment, folder, layer)
        complete &= done.value is not None
        _row(layer, *_tiled(done))
    for cells in tilers.rows(folder, environment, buildings):
        _row(*cells)
    sys.stdout.write(
        "\nBIM elements without a body or not for drawing (storeys, spaces, openings) are stored "
        "only.\nPeak RSS is of the program and its workers together.\n"
        f"py3dtiles and py3dtilers get one building in {tilers.SHARE}, the former as ready-made "
        "solids without attributes.\nWhat others leave as plain files is gzipped here for the "
        "comparison; their seconds hold the start of the program. Only the row that begins with "
        "PostGIS goes the whole way from the table to compressed GLB, as ours does.\n"
    )
    return complete


def _ingested(done: Measured) -> list[object]:
    if done.value is None:
        return [done.problem]
    value = done.value
    features = value["features"]
    steps = [value["read"], value["prepare"], value["store"]]
    rates = [f"{features / seconds:,.0f}" for seconds in (*steps, sum(steps))]
    counts = [f"{value[key]:,}" for key in ("features", "accepted", "findings")]
    return [f"{value['bytes'] / 1e6:.1f}", *counts, *rates, f"{done.peak / 1e6:.0f}"]


def _tiled(done: Measured) -> list[object]:
    if done.value is None:
        return [done.problem]
    value = done.value
    return [
        f"{value['features_in']:,}",
        f"{value['in_tiles']:,}",
        f"{value['tiles']:,}",
        f"{value['features_in'] / value['seconds']:,.0f}",
        f"{value['rest'] / value['in_tiles']:,.1f}",
        f"{value['seconds']:.1f}",
        f"{max(value['resident'], done.peak) / 1e6:.0f}",
    ]


def _head(*cells: str) -> None:
    _row(*cells)
    sys.stdout.write("|---" + "|--:" * (len(cells) - 1) + "|\n")


def _row(*cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def _twin(environment: dict[str, str], *arguments: str) -> int:
    program = Path(sys.executable).with_name("twin")
    command = [str(program), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
