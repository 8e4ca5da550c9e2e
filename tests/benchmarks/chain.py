"""From PostGIS to compressed GLB with other open programs, one after the other.

ogr2ogr (GDAL) writes the buildings as FlatGeobuf, quicker for it than a Shapefile and as quick to
tile; fanvanzh/3dtiles, which refuses a database's address, makes b3dm of them; 3d-tiles-tools
(CesiumGS) makes 3D Tiles 1.1 of that, GLB with EXT_structural_metadata and Draco, which is the
quickest that keeps features and attributes joined: gltfpack drops the attributes, glTF-Transform's
``join`` and ``optimize`` what joins them. Each program works on one core, so there is a chain for
every core. The table is cut from south to north: the tiler splits until a tile is narrow enough
from west to east, and the flatter its tiles, the quicker 3d-tiles-tools is. The tilesets of the
parts are left beside one another.
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import pyogrio

from tests.benchmarks.process import watched

#: The tiler takes ``height`` as that of the roof above the datum, and floors from the corners' z.
_BUILDINGS = """
SELECT key, base_height + height AS height, storeys, function, ST_Transform(geom, 4326) AS geom
FROM (SELECT *, ntile({parts}) OVER (ORDER BY ST_YMin(geom)) AS part FROM building) AS cut
WHERE part = {part}
"""
_STAGES = [
    {"name": "upgrade", "options": {"targetVersion": "1.1"}},
    {
        "name": "compress",
        "contentStages": [
            {"name": "optimizeGlb", "options": {"dracoOptions": {"compressionLevel": 7}}}
        ],
    },
]


def run_chains(url: str, folder: Path, ogr2ogr: str, tiler: str, tools: str) -> dict[str, Any]:
    """Tile every building of the database at ``url`` into GLB below ``folder / "glb"``."""
    parts = len(os.sched_getaffinity(0))
    sources = [folder / f"{part}.fgb" for part in range(parts)]
    (folder / "glb").mkdir(parents=True)

    def chain(part: int, source: Path) -> None:
        query = _BUILDINGS.format(parts=parts, part=part + 1)
        b3dm, pipeline = source.with_suffix(""), source.with_suffix(".json")
        made = {"input": str(b3dm), "output": str(folder / "glb" / b3dm.name)}
        pipeline.write_text(json.dumps({**made, "tilesetStages": _STAGES}))
        commands: list[list[str | Path]] = [
            [ogr2ogr, "-f", "FlatGeobuf", source, url, "-sql", query, "-nlt", "POLYGONZ"],
            [tiler, "-f", "shape", "-i", source, "-o", b3dm, "--height", "height"],
            [tools, "pipeline", "--logLevel", "error", "-i", pipeline],
        ]
        for command in commands:
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    start = perf_counter()
    with watched() as memory, ThreadPoolExecutor(parts) as pool:
        list(pool.map(chain, range(parts), sources))
    return {
        "seconds": perf_counter() - start,
        "resident": memory.resident,
        "features": sum(pyogrio.read_info(source)["features"] for source in sources),
    }
