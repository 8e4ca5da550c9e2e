"""Buildings read in pieces are the buildings read at once, parts and refusals included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from models.crs import enu_frame
from models.db import read, twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.features import Theme, feature_id
from models.testing import Twin, buildings, delivery
from tiles.build import BuildReport, build_layer
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.scheme import Limits
from tiles.store.directory import DirectoryStore
from tiles.tilers.buildings import BuildingTiler
from tiles.tilers.stored import Place
from tiles.tilers.stored_buildings import StoredBuildings

FRAME = np.asarray(enu_frame(120.22, 30.98, 14.0))
LIMITS = Limits(min_bytes=500, max_bytes=2500)


def made_parts() -> pd.DataFrame:
    """Parts of b3 (two) and of b5 (one that cannot be drawn), and one of a building not there."""
    parts = buildings({f"p{k}": 5.0 + k for k in range(4)})
    ids = [feature_id("test", "made", "building_part", key) for key in parts["key"]]
    parts["id"] = np.array(ids, dtype=object)
    parts["building_key"] = ["b3", "b3", "b5", "nowhere"]
    parts.loc[2, "height"] = np.nan
    return parts


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        whole = buildings({f"b{k}": 3.0 + k for k in range(120)})
        whole["function"] = ["住宅", "办公", None] * 40
        whole.loc[7, "height"] = -1.0
        whole.loc[8, "base_height"] = np.nan
        shapes = whole["geom"].to_numpy(object).copy()
        shapes[9] = shapely.force_3d(shapely.transform(shapes[9], lambda xy: xy * 1e9), 1.0)
        whole["geom"] = shapes
        tables = {"building": whole, "building_part": made_parts()}
        made = delivery(Theme.BUILDINGS, tables)
        publish(conn, twin="test", dataset="made", deliveries=[made])
        yield conn


def tiled(conn: Connection, url: str, path: Path, workers: int = 1) -> BuildReport:
    with read.snapshot(conn):
        source = StoredBuildings(conn, url, Place("test", FRAME))
        return build_layer(source, DirectoryStore(path), limits=LIMITS, workers=workers)


def rows(path: Path) -> dict[str, dict[str, object]]:
    """The property table's row of every feature, by id."""
    store = DirectoryStore(path)
    found: dict[str, dict[str, object]] = {}
    for tile in walk(lambda name: store.get(name).decoded()):
        if tile.uri is not None and tile.leaf:
            table = Glb(store.get(tile.uri).decoded()).table()
            for row, identity in enumerate(table["id"]):
                assert identity not in found
                found[identity] = {key: values[row] for key, values in table.items()}
    return found


def test_they_are_those_of_the_whole_table(conn: Connection, database: str, tmp_path: Path) -> None:
    report = tiled(conn, database, tmp_path / "pieces")
    tables = [read.read_table(conn, name, "test") for name in ("building", "building_part")]
    whole = BuildingTiler(FRAME, *tables)
    expected = build_layer(whole, DirectoryStore(tmp_path / "whole"), limits=LIMITS)
    assert report.tiles > 4
    assert (report.features_in, report.in_tiles) == (expected.features_in, expected.in_tiles)
    found = {(r.id, r.code) for r in report.refused}
    assert found == {(r.id, r.code) for r in expected.refused}
    assert {code for _, code in found} == {"SKIP-PARTS", "GEO-HEIGHT", "GEO-FINITE"}
    assert rows(tmp_path / "pieces") == rows(tmp_path / "whole")


def test_any_number_of_workers_writes_equal_files(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    reports = [tiled(conn, database, tmp_path / str(n), workers=n) for n in (1, 2)]
    assert reports[0].root == reports[1].root
    assert reports[0].refused == reports[1].refused
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / str(n)).iterdir()} for n in (1, 2)
    )
    assert one == two


def test_the_tree_shows_massing_from_afar_and_errors_fall(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    tiled(conn, database, tmp_path)
    store = DirectoryStore(tmp_path)
    tiles = list(walk(lambda name: store.get(name).decoded()))
    assert all(tile.uri is not None for tile in tiles)
    for tile in tiles:
        assert all(a > b for a, b in zip(tile.errors[:-1], tile.errors[1:], strict=True))
        glb = Glb(store.get(tile.uri or "").decoded())
        assert bool(glb.table()["id"]) == tile.leaf
        half = tile.box[[3, 7, 11]]
        for part in glb.parts():
            assert (np.abs(part.positions - tile.box[:3]) <= half).all()


def test_workers_see_the_state_of_the_index(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    with connect(database) as other, read.snapshot(other):
        source = StoredBuildings(other, database, Place("test", FRAME))
        keys = source.index().keys
        loader = source.loader()
        conn.execute("DELETE FROM building")
        conn.execute("DELETE FROM building_part")
        assert len(loader.load(keys).ids) == len(keys)


def test_a_twin_without_buildings_is_an_empty_layer(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    conn.execute("TRUNCATE building, building_part")
    report = tiled(conn, database, tmp_path)
    assert (report.features_in, report.tiles) == (0, 0)
