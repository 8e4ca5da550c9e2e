"""How fast tiles follow a change: ``python -m tests.benchmarks.incremental [--features N]``.

Generated buildings (with ``--layer pipes``: pipes) are put into a database cluster of their own and
tiled; then single features are changed, published and tiled, each step timed from the commit to the
new root on disk. Nothing is left behind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from uuid import UUID

import numpy as np
import pandas as pd
import pyogrio

from models.crs import StorageCrs
from models.db import bulk
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.db.tiles_changes import versions
from models.features import TABLES, DatumPassport, Delivery, SourceFile, Theme, feature_id
from models.twins import TwinDefinition, load_twins
from tests.benchmarks import city, made
from tests.benchmarks.process import machine
from tiles.build import BuildReport
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from twin import runtime, tiling
from twin.settings import Settings

TWIN, DATASET = "songjiang-hub", "footprints"
#: Features changed in one publication, one after the other.
CHANGES = (1, 1, 1, 10, 100, 1000)
#: Buildings made and published at a time: they fill some hundred megabytes.
PIECE = 250_000


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.incremental")
    parser.add_argument("--features", type=int, default=1_000_000)
    parser.add_argument("--layer", choices=["buildings", "pipes"], default="buildings")
    given = parser.parse_args()
    sys.stdout.write(f"{machine()}\n\n")
    with own_home() as settings, runtime.database(settings) as database:
        runtime.migrate(settings, database.url)
        _measure(settings, database.url, given.layer, given.features)
    return 0


@contextmanager
def own_home() -> Iterator[Settings]:
    """Settings of a new home, which is removed with its folder; those of the environment are
    left out."""
    folder = Path(tempfile.mkdtemp(prefix="twin-"))
    folder.chmod(0o755)  # the database server's account must get in
    for name in [name for name in os.environ if name.startswith("TWIN_")]:
        del os.environ[name]
    try:
        yield Settings(home=folder / "home", log_level="WARNING")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(settings: Settings, url: str, layer: str, features: int) -> None:
    twin = load_twins()[TWIN if layer == "buildings" else city.TWIN]
    change = _change if layer == "buildings" else _change_pipes
    start = perf_counter()
    if layer == "pipes":
        city.fill(runtime.embedded(settings), features, 0)
    with connect(url) as conn:
        if layer == "buildings":
            fill(conn, features, twin, settings.home.parent)
        conn.execute("ANALYZE")
        _tell(f"{features:,} {layer} stored in {perf_counter() - start:.0f} s")
        report, seconds = _tile(settings, url, twin, layer)
        store = DirectoryStore(settings.tiles_dir / twin.id / layer)
        depth = max(len(t.errors) for t in walk(lambda n: store.get(n).decoded())) - 1
        _tell(f"tiled: {report.tiles:,} contents, depth {depth}, {seconds:.1f} s\n")
        _tell("| features changed | mode | contents written | of | seconds to the new root |")
        _tell("|--:|---|--:|--:|--:|")
        random = np.random.default_rng(7)
        for count in CHANGES:
            change(conn, twin, random.choice(features, count, replace=False).tolist())
            report, seconds = _tile(settings, url, twin, layer)
            cells = (count, report.mode, report.written, report.tiles, f"{seconds:.2f}")
            _tell(f"| {' | '.join(map(str, cells))} |")
        report, seconds = _tile(settings, url, twin, layer)
        _tell(f"| 0 | {report.mode} | {report.written} | {report.tiles} | {seconds:.2f} |")


def _tile(
    settings: Settings, url: str, twin: TwinDefinition, layer: str
) -> tuple[BuildReport, float]:
    start = perf_counter()
    ((_, report),) = tiling.tile(settings, url, [twin], layer)
    return report, perf_counter() - start


def fill(conn: Connection, features: int, twin: TwinDefinition, folder: Path) -> None:
    """Publish the generated footprints."""
    path = folder / "buildings.gpkg"
    made.footprints(path, features, twin)
    for first in range(0, features, PIECE):
        frame = pyogrio.read_dataframe(path, skip_features=first, max_features=PIECE)
        keys = frame["建筑编号"].to_list()
        table = frame[["geometry"]].rename(columns={"geometry": "geom"})
        table["key"], table["function"] = keys, frame["用途"]
        table["id"] = [feature_id(twin.id, DATASET, "building", key) for key in keys]
        table["height"], table["storeys"] = frame["建筑高度"], frame["建筑层数"]
        table["base_height"] = frame["地面高程"]
        table["geom"] = frame["geometry"].force_3d(4.0).to_numpy()
        _publish(conn, twin, table)
    path.unlink()


def _change(conn: Connection, twin: TwinDefinition, numbers: list[int]) -> None:
    """Make some buildings a storey higher."""
    ids = [feature_id(twin.id, DATASET, "building", f"B{n:06d}") for n in numbers]
    table = _current(conn, "building", ids)
    table["height"] += 3.1
    _publish(conn, twin, table)


def _change_pipes(conn: Connection, twin: TwinDefinition, numbers: list[int]) -> None:
    """Make some pipes wider."""
    keys = [f"P{n}" for n in numbers]
    query = "SELECT id FROM pipe_segment WHERE tx_to = 'infinity' AND key = ANY(%s)"
    table = _current(conn, "pipe_segment", [one for (one,) in conn.execute(query, (keys,))])
    table["width_mm"] += 100
    table["od_mm"] += 100
    _publish(conn, twin, table, Theme.PIPES, "pipe_segment", "pipes")


def _current(conn: Connection, name: str, ids: list[UUID]) -> pd.DataFrame:
    found = versions(conn, name, ids)
    columns = [column for column in TABLES[name] if column != "source_geom"]
    return bulk.read_rows(conn, name, found.rows[found.current], columns)


def _publish(
    conn: Connection,
    twin: TwinDefinition,
    table: pd.DataFrame,
    theme: Theme = Theme.BUILDINGS,
    name: str = "building",
    dataset: str = DATASET,
) -> None:
    source = SourceFile("made.gpkg", "0" * 64, 1)
    passport = DatumPassport("EPSG:4549", "1985")
    publish(
        conn, twin=twin.id, dataset=dataset,
        deliveries=[Delivery(theme, source, passport, {name: table})],
        storage=StorageCrs(4549), complete=False,
    )  # fmt: skip


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
