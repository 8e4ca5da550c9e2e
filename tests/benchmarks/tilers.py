"""Other open tilers of buildings, beside ours: a row for each, or where to get it.

None of them reads heights from a table of PostGIS, extrudes and compresses as ours does, so each is
given what it takes, prepared outside its time. What it leaves as plain files is gzipped here for
the comparison, and its features are counted by their triangles.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.benchmarks.process import Measured, run, stage

#: Seconds that another program may take; py3dtiles is given one building in so many.
LIMIT, SHARE = 90.0, 10
#: Where the program of fanvanzh/3dtiles is, unless it is on the PATH.
PROGRAM = "TWIN_BENCH_3DTILE"
#: What never runs here, and how to get it.
ELSEWHERE = (
    (
        "mago-3d-tiler",
        "not run: no package in a registry; its repository Gaia3D/mago-3d-tiler releases a jar "
        "for Java 21 (--inputType shp --crs 4326 --heightColumn height)",
    ),
    (
        "pg2b3dm",
        "not run: a .NET tool (dotnet tool install -g pg2b3dm); it takes solids, as py3dtiles does",
    ),
)


def rows(folder: Path, environment: dict[str, str], buildings: int) -> list[list[object]]:
    """Cells of each tiler: title, features given, features kept, tiles, features a second, bytes a
    feature, seconds, peak MB; or title and what is missing."""
    return [
        _py3dtiles(folder, environment, buildings // SHARE),
        _3dtile(folder, environment, buildings),
        *(list[object](missing) for missing in ELSEWHERE),
    ]


def _py3dtiles(folder: Path, environment: dict[str, str], limit: int) -> list[object]:
    title = "py3dtiles export, buildings as WKB solids → b3dm"
    given = stage("solids", environment, folder, folder / "solids", limit)
    if given.value is None:
        return [title, given.problem]
    program, out = Path(sys.executable).with_name("py3dtiles"), folder / "peer"
    command = [str(program), "export", "-d", str(folder / "solids"), "-s", str(out)]
    done = run(command, environment, folder, LIMIT)
    return _cells(title, given, done, folder, environment, out)


def _3dtile(folder: Path, environment: dict[str, str], limit: int) -> list[object]:
    title = "fanvanzh/3dtiles -f shape, Shapefile → b3dm"
    program = os.environ.get(PROGRAM) or shutil.which("_3dtile")
    if program is None:
        return [
            title,
            "not run: no _3dtile on the PATH; build fanvanzh/3dtiles (cargo build --release, with "
            f"GDAL and OpenSceneGraph) and name the program in {PROGRAM}",
        ]
    given = stage("shapes", environment, folder, folder / "shapes", limit)
    if given.value is None:
        return [title, given.problem]
    out = folder / "shaped"
    source = folder / "shapes" / "buildings.shp"
    command = [program, "-f", "shape", "-i", str(source), "-o", str(out), "--height", "height"]
    done = run(command, environment, folder, LIMIT)
    return _cells(title, given, done, folder, environment, out)


def _cells(
    title: str,
    given: Measured,
    done: Measured,
    folder: Path,
    environment: dict[str, str],
    out: Path,
) -> list[object]:
    features = given.value["features"]
    if done.problem is not None:
        return [title, f"{features:,}", done.problem]
    found = stage("count", environment, folder, out)
    if found.value is None:
        return [title, f"{features:,}", found.problem]
    kept = found.value["triangles"] // given.value["triangles"]
    dropped = f" ({features - kept:,} dropped)" if kept < features else ""
    return [
        title,
        f"{features:,}",
        f"{kept:,}{dropped}",
        f"{found.value['tiles']:,}",
        f"{features / done.seconds:,.0f}",
        f"{found.value['rest'] / max(kept, 1):,.1f}",
        f"{done.seconds:.1f}",
        f"{done.peak / 1e6:.0f}",
    ]
