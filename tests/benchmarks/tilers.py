"""Other open tilers of buildings, beside ours: a row for each, or where to get it.

None of them reads heights from a table of PostGIS, extrudes and compresses as ours does, so each is
given what it takes, prepared outside its time; the quickest goes the whole way as well, with what a
user must run before and after it (:mod:`tests.benchmarks.chain`). What it leaves as plain files is
gzipped here for the comparison.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.process import Measured, run, stage

#: Seconds that another program, or the chain, may take; the slow ones are given one building in so
#: many.
LIMIT, CHAIN_LIMIT, SHARE = 120.0, 300.0, 10


@dataclass(frozen=True, slots=True)
class Tiler:
    """A program: its row's title, the form in which it gets the buildings
    (:func:`tests.benchmarks.stages.deliver`) and its words for them and the folder for tiles.

    Unless it is ``program`` on the PATH, ``variable`` names it; ``get`` says how to have it.
    ``named``: its tiles say which features they hold; otherwise they are counted by triangles.
    """

    title: str
    form: str
    words: Callable[[Path, Path], list[str]]
    program: str
    variable: str
    get: str = ""
    share: int = 1
    named: bool = False

    def row(self, folder: Path, environment: dict[str, str], buildings: int) -> list[object]:
        """See :func:`rows`."""
        program = os.environ.get(self.variable) or shutil.which(self.program)
        if program is None:
            return [self.title, f"not run: {self.get}; name the program in {self.variable}"]
        source, out = folder / self.form, folder / f"{self.form}-tiles"
        given = stage("deliver", environment, folder, self.form, source, buildings // self.share)
        if given.value is None:
            return [self.title, given.problem]
        features = given.value["features"]
        done = run([program, *self.words(source, out)], environment, folder, LIMIT)
        if done.problem is not None:
            return [self.title, f"{features:,}", done.problem]
        found = stage("count", environment, folder, out)
        if found.value is None:
            return [self.title, f"{features:,}", found.problem]
        by_triangles = found.value["triangles"] // given.value["triangles"]
        kept = found.value["features"] if self.named else by_triangles
        return _cells(self.title, features, kept, found.value, done)


_GET_3DTILE = "build fanvanzh/3dtiles (cargo build --release, with GDAL and OpenSceneGraph)"
TILERS = (
    Tiler(
        "py3dtiles export, buildings as WKB solids → b3dm",
        "solids",
        lambda source, out: ["export", "-d", str(source), "-s", str(out)],
        str(Path(sys.executable).with_name("py3dtiles")),
        "TWIN_BENCH_PY3DTILES",
        share=SHARE,
    ),
    Tiler(
        "fanvanzh/3dtiles -f shape, Shapefile → b3dm",
        "shapes",
        lambda source, out: [
            *("-f", "shape", "-i", str(source / "buildings.shp")),
            *("-o", str(out), "--height", "height"),
        ],
        "_3dtile",
        "TWIN_BENCH_3DTILE",
        _GET_3DTILE,
    ),
    Tiler(
        "py3dtilers geojson-tiler -k, GeoJSON → b3dm",
        "geojson",
        lambda source, out: [
            *("-i", str(source / "buildings.geojson"), "-o", str(out), "--height", "height"),
            *("--crs_in", "EPSG:32651", "--crs_out", "EPSG:4978", "--prec", "NONE", "-k"),
        ],
        "geojson-tiler",
        "TWIN_BENCH_GEOJSON_TILER",
        "install VCityTeam/py3dtilers with py3dtiles 9 and lionfish0/earclip",
        share=SHARE,
        named=True,
    ),
)
#: The programs of the chain, in their order: name on the PATH, variable, how to have it.
CHAIN = (
    ("ogr2ogr", "TWIN_BENCH_OGR2OGR", "install GDAL's programs (apt-get install gdal-bin)"),
    ("_3dtile", "TWIN_BENCH_3DTILE", _GET_3DTILE),
    ("3d-tiles-tools", "TWIN_BENCH_3D_TILES_TOOLS", "npm install 3d-tiles-tools"),
)
#: What never runs here, and why.
ELSEWHERE = (
    (
        "mago-3d-tiler",
        "not run: built from Gaia3D/mago-3d-tiler with Java 21 and GeoTools, which Maven Central "
        "does not have; its releases are a jar (--inputType shp --crs 4326 --heightColumn height)",
    ),
    (
        "pg2b3dm",
        "not run: a .NET 8 tool (dotnet tool install -g pg2b3dm); it takes solids, as py3dtiles "
        "does",
    ),
    (
        "nusamai (PLATEAU GIS Converter)",
        "not run: Project-PLATEAU/PLATEAU-GIS-Converter builds on atlas-packer and cesiumtiles, "
        "which are in no package registry; it reads CityGML",
    ),
    (
        "tyler",
        "not run: 3DGI/tyler only makes the tree; its tiles come from geoflow-bundle, which is in "
        "no package registry",
    ),
)


def rows(folder: Path, environment: dict[str, str], buildings: int) -> list[list[object]]:
    """Cells of each tiler: title, features given, features kept, tiles, features a second, bytes a
    feature, seconds, peak MB; or title and what is missing."""
    return [
        *(tiler.row(folder, environment, buildings) for tiler in TILERS),
        _chained(folder, environment),
        *(list[object](missing) for missing in ELSEWHERE),
    ]


def _chained(folder: Path, environment: dict[str, str]) -> list[object]:
    """The same cells for the chain; its title says which attributes came through."""
    title = "PostGIS → ogr2ogr → fanvanzh/3dtiles → 3d-tiles-tools → GLB, Draco"
    programs = []
    for name, variable, get in CHAIN:
        program = os.environ.get(variable) or shutil.which(name)
        if program is None:
            return [title, f"not run: {get}; name the program in {variable}"]
        programs.append(program)
    out = folder / "chain"
    done = stage("chain", environment, folder, out, *programs, limit=CHAIN_LIMIT)
    if done.value is None:
        return [title, done.problem]
    made, found = done.value, stage("count", environment, folder, out / "glb")
    if found.value is None:
        return [title, f"{made['features']:,}", found.problem]
    title += f" (attributes: {', '.join(found.value['attributes'])})"
    whole = replace(done, seconds=made["seconds"], peak=made["resident"])
    return _cells(title, made["features"], found.value["features"], found.value, whole)


def _cells(
    title: str, features: int, kept: int, found: dict[str, Any], done: Measured
) -> list[object]:
    dropped = f" ({features - kept:,} dropped)" if kept < features else ""
    return [
        title,
        f"{features:,}",
        f"{kept:,}{dropped}",
        f"{found['tiles']:,}",
        f"{features / done.seconds:,.0f}",
        f"{found['rest'] / max(kept, 1):,.1f}",
        f"{done.seconds:.1f} ({done.cpu:.1f} of a core)",
        f"{done.peak / 1e6:.0f}",
    ]
