"""What runs in a process of its own; each stage prints its figures as JSON.

``python -m tests.benchmarks.stages NAME ARGUMENT…`` with the settings in the environment. A stage
imports what it measures, lest its memory hold what others need.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from models.crs import StorageCrs
from models.db.connection import connect
from models.twins import TwinDefinition, load_twins
from tests.benchmarks.process import watched
from twin import runtime
from twin.settings import Settings

TWIN = "songjiang-hub"


def make(folder: str, buildings: str, points: str) -> dict[str, Any]:
    """Write the deliveries."""
    from tests.benchmarks import made

    made.footprints(Path(folder) / "buildings.gpkg", int(buildings), _twin())
    book, tables = made.survey(Path(folder), int(points), _twin())
    return {"xlsx": str(book), "csv": list(map(str, tables))}


def ingest(dataset: str, vertical: str, *files: str) -> dict[str, Any]:
    """Read, check and store one delivery, each step timed."""
    from ingest.pipeline import open_delivery, prepare
    from ingest.readers.base import ReadOptions
    from models.db.publish import publish

    settings, twin = Settings(), _twin()
    storage = StorageCrs(settings.storage_srid)
    given = ReadOptions(None, vertical or None)
    groups, unread = open_delivery(list(map(Path, files)))
    if unread:
        raise RuntimeError(unread[0].en)
    seconds: dict[str, float] = {}
    with runtime.database(settings) as database, connect(database.url) as conn:
        with _timed(seconds, "read"):
            read = [group.reader.read(group.paths, given) for group in groups]
        with _timed(seconds, "prepare"):
            ready = [prepare(delivery, twin, dataset, storage) for delivery in read]
        with _timed(seconds, "store"), conn.transaction():
            publish(conn, twin=twin.id, dataset=dataset, deliveries=ready, storage=storage)
    return {
        "bytes": sum(Path(file).stat().st_size for file in files),
        "features": sum(delivery.features_in for delivery in read),
        "accepted": sum(len(table) for delivery in ready for table in delivery.tables.values()),
        "findings": sum(len(delivery.findings) for delivery in ready),
        **seconds,
    }


def tile(layer: str, of: str = TWIN) -> dict[str, Any]:
    """Tile one layer from the database to files."""
    from twin import tiling

    settings, twin = Settings(), load_twins()[of]
    with runtime.database(settings) as database:
        start = perf_counter()
        with watched() as memory:
            ((_, report),) = tiling.tile(settings, database.url, [twin], layer)
        seconds = perf_counter() - start
    rest = (settings.tiles_dir / twin.id / layer).glob("*.gz")
    figures = asdict(report)
    return {
        **figures,
        "refused": len(report.refused),
        "seconds": seconds,
        **asdict(memory),
        "rest": sum(file.stat().st_size for file in rest),
    }


def check(layer: str, of: str) -> dict[str, Any]:
    """What the linter of tilesets finds in a tiled layer."""
    from tiles.check import Limits, check_tileset

    folder = Settings().tiles_dir / of / layer
    found = check_tileset(folder, limits=Limits(seconds=3600.0))
    return {**asdict(found.summary), "findings": found.totals}


def deliver(form: str, folder: str, limit: str) -> dict[str, Any]:
    """Write the stored buildings for another program to tile: as WKB ``solids``, ``shapes`` in
    degrees or ``geojson``."""
    from tests.benchmarks import peer

    write = {
        "solids": peer.write,
        "shapes": peer.write_shapes,
        "geojson": peer.write_geojson,
    }[form]
    settings = Settings()
    with runtime.database(settings) as database:
        return write(database.url, TWIN, Path(folder), int(limit))


def chain(folder: str, *programs: str) -> dict[str, Any]:
    """Tile the stored buildings by other programs, from the database to compressed GLB."""
    from tests.benchmarks.chain import run_chains

    with runtime.database(Settings()) as database:
        return run_chains(database.url, Path(folder), *programs)


def count(folder: str) -> dict[str, Any]:
    """Count what another program has written."""
    from tests.benchmarks import peer

    files = sorted(file for kind in ("b3dm", "glb") for file in Path(folder).rglob(f"*.{kind}"))
    rest = sum(
        len(gzip.compress(file.read_bytes(), 6)) for file in (*files, *Path(folder).rglob("*.json"))
    )
    return {"tiles": len(files), "rest": rest, **peer.counted(files)}


STAGES: dict[str, Callable[..., dict[str, Any]]] = {
    stage.__name__: stage for stage in (make, ingest, tile, check, deliver, chain, count)
}


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[step] = perf_counter() - start


def _twin() -> TwinDefinition:
    return load_twins()[TWIN]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(STAGES[sys.argv[1]](*sys.argv[2:])) + "\n")
