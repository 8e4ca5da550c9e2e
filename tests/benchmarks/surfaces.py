"""Textured meshes and terrain, from files to tiles: ``python -m tests.benchmarks.surfaces``.

A made-up town, as photogrammetry delivers one: blocks on rolling ground, an image of 4096 texels
across for each quarter (OBJ); and a DEM of 1 m cells. Reading with all checks and tiling run in
processes of their own. No other program that makes tiles of textured OBJ or quantized-mesh runs
here, so there is none beside them. CPU seconds are of all processes. Nothing is asserted about
time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tests.benchmarks.process import machine, run, watched, worked

HEAD = ("step", "size", "seconds", "/s", "CPU s", "tiles", "MB at rest", "largest image", "peak MB")
TWIN = "songjiang-hub"
LIMIT = 900.0
#: Texels across an image, metres across the mesh.
TEXELS, SPAN = 4096, 1200.0


def main() -> int:
    """Measure and print; with ``--child`` do one stage and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.surfaces")
    parser.add_argument("--triangles", nargs="*", type=int, default=[200_000, 2_000_000])
    parser.add_argument("--cells", nargs="*", type=int, default=[2000], help="of the DEM, a side")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        name, *arguments = given.child
        sys.stdout.write(json.dumps(STAGES[name](*arguments)) + "\n")
        return 0
    sys.stdout.write(f"{machine()}\n\n| {' | '.join(HEAD)} |\n|---{'|--:' * (len(HEAD) - 1)}|\n")
    sizes = [("mesh", count) for count in given.triangles] + [("dem", c) for c in given.cells]
    return 1 if sum(_measure(kind, size) for kind, size in sizes) else 0


def _measure(kind: str, size: int) -> int:
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="twin-") as name:
        for stage in (f"make_{kind}", *STEPS[kind]):
            command = [sys.executable, "-m", "tests.benchmarks.surfaces", "--child", stage, name]
            done = run([*command, str(size)], dict(os.environ), Path(name), LIMIT)
            if done.value is None or done.problem:
                sys.stdout.write(f"| {stage} | {size:,} | {done.problem} |\n")
                return 1
            if stage in STEPS[kind]:
                _row(STEPS[kind][stage], done.value)
    return wrong


def _row(step: str, found: dict[str, Any]) -> None:
    cells = [step, f"{found['size']:,} {found['unit']}", f"{found['seconds']:.1f}"]
    cells += [f"{found['size'] / found['seconds']:,.0f}", f"{found['cpu']:.1f}"]
    cells += [f"{found['tiles']:,}" if "tiles" in found else ""]
    cells += [f"{found['rest'] / 1e6:.1f}" if "rest" in found else ""]
    cells += [str(found.get("texels", "")), f"{found['peak'] / 1e6:.0f}"]
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def make_mesh(folder: str, triangles: str) -> dict[str, Any]:
    """Write the town: four materials, each with an image of its own."""
    from PIL import Image

    place = Path(folder, "delivery")
    place.mkdir()
    cells = int(np.sqrt(int(triangles) / 8)) * 2
    at = np.linspace(0.0, SPAN, cells + 1)
    x, y = (grid.ravel() for grid in np.meshgrid(at, at))
    block = (np.mod(x, 60) > 18) & (np.mod(y, 80) > 22)
    z = 4.0 + np.sin(x / 90) + np.where(block, 3.0 * (2 + np.mod(x // 60 + 3 * (y // 80), 7)), 0.0)
    with (place / "town.obj").open("w") as file:
        file.write("mtllib town.mtl\n")
        np.savetxt(file, np.column_stack([x + 616_500, y + 3_429_100, z]), "v %.3f %.3f %.3f")
        np.savetxt(file, np.column_stack([x, y]) / SPAN * 2, "vt %.6f %.6f")
        number = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1) + 1
        half = cells // 2
        for quarter in range(4):
            rows = slice(quarter // 2 * half, (quarter // 2 + 1) * half + 1)
            columns = slice(quarter % 2 * half, (quarter % 2 + 1) * half + 1)
            part = number[rows, columns]
            square = [part[:-1, :-1], part[:-1, 1:], part[1:, 1:], part[1:, :-1]]
            corners = np.repeat(np.stack(square, -1).reshape(-1, 4), 2, axis=1)
            file.write(f"usemtl part{quarter}\n")
            np.savetxt(file, corners, "f %d/%d %d/%d %d/%d %d/%d")
    parts = [f"newmtl part{quarter}\nmap_Kd part{quarter}.jpg\n" for quarter in range(4)]
    (place / "town.mtl").write_text("".join(parts))
    random = np.random.default_rng(1)
    for quarter in range(4):
        coarse = random.integers(0, 256, (TEXELS // 16, TEXELS // 16, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((TEXELS, TEXELS), Image.Resampling.BICUBIC)
        image.save(place / f"part{quarter}.jpg", quality=90)
    return {}


def read_mesh(folder: str, _: str) -> dict[str, Any]:
    """Read, check and keep the mesh, as ``twin ingest`` does."""
    from ingest.readers import mesh
    from ingest.readers.base import ReadOptions
    from models.texturedmesh import store_mesh
    from models.twins import load_twins

    start, before = perf_counter(), worked()
    path = Path(folder, "delivery", "town.obj")
    options = ReadOptions("EPSG:4549", "1985")
    with watched() as memory, mesh.read(path, options, load_twins()[TWIN]) as found:
        store_mesh(Path(folder, "home"), TWIN, found.folder, found.passport)
    return _figures(found.total, "triangles", start, before, memory.resident)


def tile_mesh(folder: str, _: str) -> dict[str, Any]:
    """Tile the mesh, as ``twin tile`` does; ``texels`` across the largest image of a tile."""
    from models.crs import STORAGE
    from models.texturedmesh import meshes
    from models.twins import load_twins
    from tiles.store.directory import DirectoryStore
    from tiles.textured import build_meshes
    from tiles.textured.testing import image_of
    from twin.sources import frame_of

    twin = load_twins()[TWIN]
    scratch = Path(folder, "scratch")
    scratch.mkdir()
    store = DirectoryStore(Path(folder, "tiles"))
    start, before = perf_counter(), worked()
    with watched() as memory:
        report = build_meshes(
            meshes(Path(folder, "home"), TWIN),
            store,
            frame_of(twin, STORAGE),
            scratch,
            extent=twin.extent,
        )
    found = _figures(report.in_tiles, "triangles", start, before, memory.resident)
    glbs = [store.get(name).decoded() for name in sorted(store.names()) if name.endswith(".glb")]
    rest = sum(file.stat().st_size for file in store.path.iterdir())
    texels = max(max(image_of(glb).size) for glb in glbs)
    return found | {"tiles": report.tiles, "rest": rest, "texels": texels}


def make_dem(folder: str, side: str) -> dict[str, Any]:
    """Write rolling ground with terraces, 1 m cells."""
    import rasterio

    size = int(side)
    x, y = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    z = 6 + 4 * np.sin(x / 130) * np.cos(y / 170) + 3 * np.floor(np.mod(x + y, 400) / 200)
    z += np.random.default_rng(1).normal(0, 0.05, z.shape)
    corner = rasterio.Affine(1, 0, 617_000 - size / 2, 0, -1, 3_429_700 + size / 2)
    form: dict[str, Any] = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4549"}
    with rasterio.open(
        Path(folder, "dem.tif"), "w", width=size, height=size, transform=corner, **form
    ) as file:
        file.write(z.astype(np.float32), 1)
    return {}


def tile_dem(folder: str, side: str) -> dict[str, Any]:
    """Quantized-mesh of the DEM, as ``twin tile`` makes it."""
    from models.features import DatumPassport
    from tiles.terrain import TerrainStore, build_terrain

    start, before = perf_counter(), worked()
    store = TerrainStore(Path(folder, "terrain"))
    with watched() as memory:
        report = build_terrain(
            Path(folder, "dem.tif"), DatumPassport("EPSG:4549", "1985"), store, outside=4.0
        )
    found = _figures(int(side) ** 2, "cells", start, before, memory.resident)
    return found | {"tiles": report.tiles, "rest": report.bytes}


def _figures(size: int, unit: str, start: float, before: float, peak: int) -> dict[str, Any]:
    seconds, cpu = perf_counter() - start, worked() - before
    return {"size": size, "unit": unit, "seconds": seconds, "cpu": cpu, "peak": peak}


STEPS = {
    "mesh": {"read_mesh": "textured OBJ, read and checked", "tile_mesh": "textured mesh → tiles"},
    "dem": {"tile_dem": "DEM → quantized-mesh"},
}
STAGES = {stage.__name__: stage for stage in (make_mesh, read_mesh, tile_mesh, make_dem, tile_dem)}


if __name__ == "__main__":
    sys.exit(main())
