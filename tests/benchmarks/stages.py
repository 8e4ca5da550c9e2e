"""What runs in a process of its own; each stage prints its figures as JSON.

``python -m tests.benchmarks.stages NAME ARGUMENT…`` with the settings in the environment.
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from ingest.pipeline import open_delivery, prepare
from ingest.readers.base import ReadOptions
from models.crs import StorageCrs
from models.db.connection import connect
from models.db.publish import publish
from models.twins import TwinDefinition, load_twins
from twin import runtime, tiling
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


def tile(layer: str) -> dict[str, Any]:
    """Tile one layer from the database to files."""
    settings, twin = Settings(), _twin()
    with runtime.database(settings) as database:
        start = perf_counter()
        with _resident() as resident:
            ((_, report),) = tiling.tile(settings, database.url, [twin], layer)
        seconds = perf_counter() - start
    rest = (settings.tiles_dir / twin.id / layer).glob("*.gz")
    figures = asdict(report)
    return {
        **figures,
        "refused": len(report.refused),
        "seconds": seconds,
        "resident": max(resident),
        "rest": sum(file.stat().st_size for file in rest),
    }


def solids(folder: str, limit: str) -> dict[str, Any]:
    """Write the stored buildings as solids, for another program to tile."""
    from tests.benchmarks import peer

    settings = Settings()
    with runtime.database(settings) as database:
        return peer.write(database.url, TWIN, Path(folder), int(limit))


def count(folder: str) -> dict[str, Any]:
    """Count what another program has written."""
    from tests.benchmarks import peer

    files = sorted(Path(folder).rglob("*.b3dm"))
    packed = sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)
    rest = packed + len(gzip.compress((Path(folder) / "tileset.json").read_bytes(), 6))
    return {"tiles": len(files), "triangles": sum(map(peer.triangles, files)), "rest": rest}


STAGES: dict[str, Callable[..., dict[str, Any]]] = {
    stage.__name__: stage for stage in (make, ingest, tile, solids, count)
}


@contextmanager
def _resident() -> Iterator[list[int]]:
    """Resident bytes of this process and its workers together, ten times a second."""
    found: list[int] = [0]
    done = threading.Event()
    page = os.sysconf("SC_PAGE_SIZE")

    def watch() -> None:
        while not done.wait(0.1):
            workers = [child.pid for child in multiprocessing.active_children()]
            total = 0
            for process in (os.getpid(), *workers):
                with suppress(OSError):
                    fields = Path(f"/proc/{process}/statm").read_text().split()
                    total += int(fields[1]) * page
            found.append(total)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[step] = perf_counter() - start


def _twin() -> TwinDefinition:
    return load_twins()[TWIN]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(STAGES[sys.argv[1]](*sys.argv[2:])) + "\n")
