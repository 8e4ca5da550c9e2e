"""Point clouds, from LAZ to tiles: ``python -m tests.benchmarks.clouds [MILLIONS …]``.

A made-up airborne survey (format 7: colour, intensity, returns, GPS time) of streets with houses
and trees, in strips as it is flown, 12 points a square metre. Checking and tiling run in processes
of their own; beside them py3dtiles, which keeps colour, classification and intensity, in a process
of its own on the same points. It gets at most :data:`PEER_MOST`, uncompressed: of LAZ its workers,
forked while threads of the decompressor run, wait for ever.

The aim on two cores: 250,000 points/s with all attributes, and memory that does not grow with the
cloud. Memory is that of all processes together for ``tile``, else of the largest one. CPU seconds,
of all processes, tell more than seconds on a machine that does other things too. Nothing is
asserted about time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tests.benchmarks.process import Measured, machine, run, watched, worked

HEAD = (
    *("program", "points", "seconds", "points/s", "CPU s", "tiles", "bytes/point", "peak MB"),
    "scratch",
)
TWIN = "songjiang-hub"
DENSITY = 12.0
PIECE = 1_000_000
STRIP = 250.0
LIMIT = 1200.0
#: Points that py3dtiles gets at most, and the seconds that it may take.
PEER_MOST, PATIENCE = 2_000_000, 300.0


def main() -> int:
    """Measure and print; with ``--child`` do one stage and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.clouds")
    parser.add_argument("millions", nargs="*", type=float, default=[2, 20])
    parser.add_argument("--alone", action="store_true", help="without py3dtiles")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        name, *arguments = given.child
        sys.stdout.write(json.dumps(STAGES[name](*arguments)) + "\n")
        return 0
    sys.stdout.write(f"{machine()}\n\n| {' | '.join(HEAD)} |\n|---{'|--:' * (len(HEAD) - 1)}|\n")
    failed = 0
    for millions in given.millions:
        with tempfile.TemporaryDirectory(prefix="twin-") as name:
            failed += _measure(Path(name), int(millions * 1e6), given.alone)
    return 1 if failed else 0


def _measure(folder: Path, count: int, alone: bool) -> int:
    cloud = folder / "survey.laz"
    made = _child(folder, "make", cloud, count)
    if made.value is None:
        sys.stdout.write(f"{made.problem}\n")
        return 1
    checked = _child(folder, "check", cloud)
    _row("twin check", count, checked)
    ours = _child(folder, "tile", cloud, folder / "ours")
    _row("twin tile", count, ours)
    if not alone and count <= PEER_MOST:
        plain = folder / "survey.las"
        _child(folder, "unpack", cloud, plain)
        command = [str(Path(sys.executable).with_name("py3dtiles")), "convert", str(plain)]
        command += ["--out", str(folder / "theirs"), "--srs_in", "4549", "--srs_out", "4978"]
        command += ["--pyproj-always-xy"]
        command += ["--extra-fields", "classification", "--extra-fields", "intensity"]
        theirs = run(command, dict(os.environ), folder, PATIENCE)
        seen = _child(folder, "weigh", folder / "theirs")
        _row("py3dtiles convert", count, theirs, seen.value)
    return sum(done.problem is not None for done in (checked, ours))


def _child(folder: Path, name: str, *arguments: object) -> Measured:
    command = [sys.executable, "-m", "tests.benchmarks.clouds", "--child", name]
    return run([*command, *map(str, arguments)], dict(os.environ), folder, LIMIT)


def _row(program: str, count: int, done: Measured, value: Any = None) -> None:
    value = value or done.value or {}
    seconds = value.get("seconds", done.seconds)
    size = value.get("rest")
    cells = [program, f"{value.get('points', count):,}"]
    rate = "" if done.problem else f"{count / seconds:,.0f}"
    cells += [f"{seconds:.1f}", rate, f"{value.get('cpu', done.cpu):.1f}"]
    cells += [f"{value.get('tiles', 0):,}"]
    peak = value.get("peak", done.peak)
    cells += [f"{size / count:.1f}" if size else "", f"{peak / 1e6:.0f}"]
    cells += [f"{value['scratch'] / count:.0f} B" if value.get("scratch") else ""]
    told = f" {done.problem}" if done.problem else ""
    sys.stdout.write(f"| {' | '.join(cells)} |{told}\n")
    sys.stdout.flush()


def make(path: str, count: str) -> dict[str, Any]:
    """Write the survey."""
    write_survey(Path(path), int(count))
    return {"bytes": Path(path).stat().st_size}


def unpack(path: str, to: str) -> dict[str, Any]:
    """Write the survey once more as plain LAS."""
    import laspy

    laspy.read(path).write(to)
    return {"bytes": Path(to).stat().st_size}


def write_survey(path: Path, count: int) -> None:
    """A survey of ``count`` points around the twin, strip by strip."""
    import laspy

    side = float(np.sqrt(count / DENSITY))
    rng = np.random.default_rng(1)
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = [0.001] * 3, [617_000.0, 3_430_000.0, 0.0]
    header.global_encoding.gps_time_type = laspy.header.GpsTimeType.STANDARD
    with laspy.open(path, mode="w", header=header, laz_backend=laspy.LazBackend.Lazrs) as writer:
        for start in range(0, count, PIECE):
            share = np.sort((start + rng.random(min(PIECE, count - start)) * PIECE) / count)
            share = np.minimum(share, 1.0)
            strips = max(side / STRIP, 1.0)
            strip = np.minimum(np.floor(share * strips), np.ceil(strips) - 1)
            y = (share * strips - strip) * side
            y = np.where(strip % 2 == 0, y, side - y)
            x = np.minimum((strip + rng.random(len(y))) * side / strips, side)
            writer.write_points(_points(header, x, y, share, rng))


def _points(header: Any, x: Any, y: Any, share: Any, rng: Any) -> Any:
    import laspy

    block_x, block_y = np.mod(x, 40.0), np.mod(y, 60.0)
    roof = (block_x > 8) & (block_x < 30) & (block_y > 8) & (block_y < 50)
    tree = ~roof & (np.hypot(block_x - 35, np.mod(block_y, 12.0) - 6) < 3)
    storeys = 1 + np.mod(np.floor(x / 40.0) * 7 + np.floor(y / 60.0) * 13, 9)
    z = 4.0 + 0.5 * np.sin(x / 90.0) + rng.normal(0, 0.02, len(x))
    z = np.where(roof, 4.0 + 3.0 * storeys + rng.normal(0, 0.02, len(x)), z)
    z = np.where(tree, z + 8.0 * rng.random(len(x)), z)
    points = laspy.ScaleAwarePointRecord.zeros(len(x), header=header)
    points.x, points.y, points.z = 616_000.0 + x, 3_429_000.0 + y, z
    points.classification = np.where(roof, 6, np.where(tree, 5, 2)).astype(np.uint8)
    points.return_number = np.where(tree, rng.integers(1, 4, len(x)), 1).astype(np.uint8)
    points.number_of_returns = np.where(tree, 3, 1).astype(np.uint8)
    shade = np.where(roof, 30_000, np.where(tree, 12_000, 22_000))
    points.intensity = np.clip(shade + rng.normal(0, 1500, len(x)), 0, 65535).astype(np.uint16)
    for channel, gain in (("red", 1.2), ("green", 1.4), ("blue", 0.9)):
        value = np.clip(shade * gain + rng.normal(0, 1200, len(x)), 0, 65535)
        points[channel] = (value.astype(np.uint16) >> 8) * 257
    points.gps_time = 3.6e8 + share * 3600.0
    return points


def check(path: str) -> dict[str, Any]:
    """Read and check the survey as ``twin check`` does."""
    from ingest.readers import las
    from ingest.readers.base import ReadOptions
    from models.twins import load_twins

    start = perf_counter()
    found = las.read(Path(path), ReadOptions("EPSG:4549", "1985"), load_twins()[TWIN])
    return {"seconds": perf_counter() - start, "points": found.passport.count}


def tile(path: str, out: str) -> dict[str, Any]:
    """Tile the survey as ``twin tile`` does; ``scratch`` is what lay beside the tiles."""
    from ingest.readers import las
    from ingest.readers.base import ReadOptions
    from models.crs import StorageCrs
    from models.pointcloud import Cloud
    from models.twins import load_twins
    from tiles.points import build_points
    from tiles.store.directory import DirectoryStore
    from twin.tiling import frame_of

    twin = load_twins()[TWIN]
    found = las.read(Path(path), ReadOptions("EPSG:4549", "1985"), twin)
    frame = frame_of(twin, StorageCrs(4549))
    clouds = [Cloud(Path(path), found.passport)]
    with tempfile.TemporaryDirectory(dir=Path(out).parent) as scratch, watched() as memory:
        before = worked()
        report = build_points(
            clouds, DirectoryStore(Path(out)), frame, Path(scratch), extent=twin.extent
        )
        cpu = worked() - before
        beside = sum(file.stat().st_size for file in Path(scratch).rglob("*.*"))
    rest = sum(file.stat().st_size for file in Path(out).glob("*.gz"))
    return {
        "seconds": report.seconds,
        "cpu": cpu,
        "points": report.in_tiles,
        "tiles": report.tiles,
        "rest": rest,
        "scratch": beside,
        "peak": memory.resident,
    }


def weigh(folder: str) -> dict[str, Any]:
    """What py3dtiles wrote, gzipped as our tiles are."""
    from py3dtiles.tileset.content import read_binary_tile_content

    files = sorted(Path(folder).rglob("*.pnts"))
    points = 0
    for file in files:
        points += int(read_binary_tile_content(file).body.feature_table.nb_points())
    rest = sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)
    return {"points": points, "tiles": len(files), "rest": rest}


STAGES = {stage.__name__: stage for stage in (make, unpack, check, tile, weigh)}


if __name__ == "__main__":
    sys.exit(main())
