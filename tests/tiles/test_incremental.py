"""A layer that follows changes is the layer built at once, and little of it is written again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.db import read, tiles, twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.db.tiles import LayerKey
from models.features import Theme, feature_id
from models.testing import ORIGIN, Twin, delivery
from tiles.build import BuildReport, build_layer
from tiles.errors import StoreError
from tiles.incremental_buildings import ChangingBuildings
from tiles.incremental_map import TileMap
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.scheme import Limits
from tiles.store.directory import DirectoryStore
from tiles.testing_layers import PLACE, Followed, die_in_midrun, names
from tiles.tilers.stored_buildings import StoredBuildings

LIMITS = Limits(min_bytes=500, max_bytes=2500)
KEY = LayerKey("test", "buildings", "made")

#: key -> (column, row, height) on a grid of 40 m
City = dict[str, tuple[int, int, float]]


def table(city: City, kind: str = "building") -> pd.DataFrame:
    at = np.array([(x, y) for x, y, _ in city.values()], float).reshape(-1, 2) * 40
    low = at + ORIGIN[:2]
    plan = shapely.box(low[:, 0], low[:, 1], low[:, 0] + 14, low[:, 1] + 9)
    return pd.DataFrame(
        {
            "id": [feature_id("test", "made", kind, key) for key in city],
            "key": list(city),
            "height": [height for *_, height in city.values()],
            "base_height": ORIGIN[2],
            "name": [f"楼 {key}" for key in city],
            "geom": shapely.force_3d(plan, ORIGIN[2]),
        }
    )


def square(side: int) -> City:
    return {f"b{x}-{y}": (x, y, 5.0 + x) for x in range(side) for y in range(side)}


def store_city(conn: Connection, city: City, parts: dict[str, str] | None = None) -> None:
    """Publish ``city`` as it is now; ``parts`` are keys of parts and of their buildings."""
    tables = {"building": table(city)}
    if parts:
        places = {key: (3 * n, 60, 4.0) for n, key in enumerate(parts)}
        tables["building_part"] = table(places, "building_part").assign(
            building_key=list(parts.values())
        )
    made = delivery(Theme.BUILDINGS, tables)
    publish(conn, twin="test", dataset="made", deliveries=[made])


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        yield conn


def followed(url: str) -> Followed:
    return Followed(url, "buildings", ChangingBuildings, LIMITS)


def updated(url: str, folder: Path, *, trusted: bool = True) -> BuildReport:
    """Bring the layer in ``folder`` up to date."""
    return followed(url).updated(folder, trusted=trusted)


def features(folder: Path) -> dict[str, dict[str, Any]]:
    """Every feature with its properties and its greatest height, read as a client does."""
    store = DirectoryStore(folder)
    out: dict[str, dict[str, Any]] = {}
    for tile in walk(lambda name: store.get(name).decoded()):
        assert all(a > b for a, b in zip(tile.errors[:-1], tile.errors[1:], strict=True))
        if tile.uri is None:
            continue
        glb = Glb(store.get(tile.uri).decoded())
        half = tile.box[[3, 7, 11]]
        held = glb.table()
        for part in glb.parts():
            assert (np.abs(part.positions - tile.box[:3]) <= half).all()
        for row, identity in enumerate(held["id"]):
            assert identity not in out
            out[identity] = {name: values[row] for name, values in held.items()}
            tops = [p.positions[p.feature_ids == row][:, 2] for p in glb.parts()]
            out[identity]["top"] = float(np.concatenate(tops).max())
    return out


def assert_same(found: dict[str, dict[str, Any]], expected: dict[str, dict[str, Any]]) -> None:
    """The same features and properties; places differ by what another tile's grid rounds."""
    assert found.keys() == expected.keys()
    for identity, properties in expected.items():
        assert found[identity] == {**properties, "top": pytest.approx(properties["top"], abs=0.03)}


def at_once(url: str, folder: Path) -> dict[str, dict[str, Any]]:
    with connect(url, read_only=True) as conn, read.snapshot(conn):
        source = StoredBuildings(conn, url, PLACE)
        build_layer(source, DirectoryStore(folder), limits=LIMITS)
    return features(folder)


def test_one_changed_feature_rewrites_its_way_to_the_root(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    city = square(12)
    store_city(conn, city)
    first = updated(database, tmp_path / "a")
    assert (first.mode, first.features_in, first.written) == ("full", 144, first.tiles)
    store = DirectoryStore(tmp_path / "a")
    depth = max(len(t.errors) for t in walk(lambda name: store.get(name).decoded())) - 1
    before = names(tmp_path / "a")
    old_root = store.get("tileset.json").decoded()

    city["b5-5"] = (5, 5, 77.0)
    store_city(conn, city)
    second = updated(database, tmp_path / "a")
    assert second.mode == "incremental"
    assert 1 <= second.written <= depth
    assert (second.features_in, second.in_tiles, second.tiles) == (144, 144, first.tiles)
    assert len(names(tmp_path / "a") - before) == second.written
    assert before <= names(tmp_path / "a")  # who reads the old root still finds its files
    assert {
        tile.uri
        for tile in walk(lambda n: store.get(n).decoded() if n != "tileset.json" else old_root)
    }
    assert_same(features(tmp_path / "a"), at_once(database, tmp_path / "b"))


def test_nothing_new_writes_nothing(conn: Connection, database: str, tmp_path: Path) -> None:
    store_city(conn, square(4))
    first = updated(database, tmp_path)
    again = updated(database, tmp_path)
    assert (again.mode, again.written, again.root) == ("unchanged", 0, first.root)
    same = ("features_in", "in_tiles", "refused", "tiles", "bytes")
    assert [getattr(again, name) for name in same] == [getattr(first, name) for name in same]


def test_changed_attributes_give_the_tileset_of_a_full_build(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    """With the same tree, even the bytes are the same."""
    city = square(9)
    store_city(conn, city)
    updated(database, tmp_path / "a")
    city["b2-3"] = (2, 3, 21.5)
    store_city(conn, city)
    assert updated(database, tmp_path / "a").mode == "incremental"
    with connect(database, read_only=True) as reader, read.snapshot(reader):
        source = StoredBuildings(reader, database, PLACE)
        whole = build_layer(source, DirectoryStore(tmp_path / "b"), limits=LIMITS)
    assert DirectoryStore(tmp_path / "a").get("tileset.json").digest == whole.root


edits = st.lists(
    st.tuples(st.sampled_from(["add", "drop", "raise", "move"]), st.integers(0, 400)),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rounds=st.lists(edits, min_size=1, max_size=3), data=st.data())
def test_any_edits_give_the_features_of_a_full_build(
    conn: Connection,
    database: str,
    tmp_path: Path,
    rounds: list[list[tuple[str, int]]],
    data: st.DataObject,
) -> None:
    conn.execute(
        "TRUNCATE building, building_part, revision, dataset, tile_layer, tile_content CASCADE"
    )
    folder = tmp_path / str(data.draw(st.uuids()))
    city = square(10)
    parts: dict[str, str] = {}
    store_city(conn, city)
    updated(database, folder / "a")
    modes = set()
    for number, edits in enumerate(rounds):
        for what, where in edits:
            key = sorted(city)[where % len(city)]
            if what == "add":
                city[f"n{where}-{number}"] = (where % 23, where // 23, 6.0)
            elif what == "drop" and len(city) > 1:
                del city[key]
            elif what == "raise":
                city[key] = (*city[key][:2], city[key][2] + 1.5)
                parts = {**parts, f"p{where}": key} if where % 3 else {}
            else:
                city[key] = (where % 37, where % 31, city[key][2])
        store_city(conn, city, parts)
        report = updated(database, folder / "a")
        modes.add(report.mode)
        assert report.features_in == len(city) + len(parts)
    whole = at_once(database, folder / "b")
    assert_same(features(folder / "a"), whole)
    assert report.in_tiles == len(whole)
    assert modes <= {"incremental", "unchanged"}


def test_a_split_keeps_every_leaf_within_its_limits(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    city = square(6)
    store_city(conn, city)
    first = updated(database, tmp_path)
    for n in range(60):
        city[f"n{n}"] = (n % 6, n // 6, 9.0)
    store_city(conn, city)
    second = updated(database, tmp_path)
    assert second.mode == "incremental"
    assert second.tiles > first.tiles
    state = tiles.published(conn, KEY)
    assert state is not None
    leaves = [bytes.fromhex(node[3]) for node in state.tree if not node[0]]
    held = tiles.keys_of(conn, KEY, leaves)
    assert sum(map(len, held.values())) == 96
    assert max(map(len, held.values())) <= LIMITS.max_bytes / 93  # 12 bytes a corner and 45


def test_much_change_builds_the_layer_anew(conn: Connection, database: str, tmp_path: Path) -> None:
    city = square(12)
    store_city(conn, city)
    updated(database, tmp_path)
    store_city(conn, {key: (x, y, h + 1) for key, (x, y, h) in city.items()})
    assert updated(database, tmp_path).mode == "full"


def test_a_lost_file_or_another_root_is_noticed(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    store_city(conn, square(8))
    first = updated(database, tmp_path)
    state = tiles.published(conn, KEY)
    assert state is not None
    (tmp_path / f"{state.files[-1]}.gz").unlink()
    second = updated(database, tmp_path)
    assert (second.mode, second.written, second.root) == ("full", 1, first.root)
    DirectoryStore(tmp_path).publish(b"{}")
    third = updated(database, tmp_path)
    assert (third.mode, third.written, third.root) == ("full", 0, first.root)
    assert updated(database, tmp_path, trusted=False).written == first.tiles


def test_a_killed_build_is_taken_up_where_it_was(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    """kill -9 of the main process in mid-run; what it made is not made again."""
    store_city(conn, square(20))
    folder = tmp_path / "a"
    die_in_midrun(Path(__file__), database, folder, contents=5, workers=1)
    assert not (folder / "tileset.json.gz").exists()
    kept = conn.execute("SELECT count(*) FROM tile_content").fetchone()
    assert kept is not None
    assert kept[0] >= 5
    report = updated(database, folder)
    assert 0 < report.written <= report.tiles - kept[0]
    assert_same(features(folder), at_once(database, tmp_path / "b"))
    with connect(database, read_only=True) as reader, read.snapshot(reader):
        source = StoredBuildings(reader, database, PLACE)
        whole = build_layer(source, DirectoryStore(tmp_path / "c"), limits=LIMITS)
    assert report.root == whole.root


def test_files_of_older_versions_go_when_they_are_old(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    city = square(8)
    store_city(conn, city)
    updated(database, tmp_path)
    before = names(tmp_path)
    city["b1-1"] = (1, 1, 44.0)
    store_city(conn, city)
    updated(database, tmp_path)
    store = DirectoryStore(tmp_path)
    stray = store.put(b"{}", "json")
    known = TileMap(conn, KEY, b"", store)
    assert known.collect(timedelta(days=1), strays=True) == 0
    assert before <= names(tmp_path)
    gone = known.collect(timedelta(0))
    assert gone >= 1
    assert stray in store.names()
    assert TileMap(conn, KEY, b"", store).collect(timedelta(0), strays=True) == 1
    state = tiles.published(conn, KEY)
    assert state is not None
    assert store.names() == set(state.files)
    assert len(features(tmp_path)) == 64
    city["b1-1"] = (1, 1, 45.0)
    store_city(conn, city)
    assert updated(database, tmp_path).mode == "incremental"
    assert_same(features(tmp_path), at_once(database, tmp_path / "b"))


def test_no_file_of_a_tileset_that_is_not_remembered_is_deleted(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    """A kill between the switch of the root and the note of it, or a database that was restored."""
    store_city(conn, square(4))
    updated(database, tmp_path)
    before = tiles.published(conn, KEY)
    assert before is not None
    store_city(conn, square(4) | {"b1-1": (1, 1, 44.0)})
    updated(database, tmp_path)
    tiles.switch(conn, KEY, before)
    known = TileMap(conn, KEY, b"", DirectoryStore(tmp_path))
    with pytest.raises(StoreError, match="no file was deleted"):
        known.collect(timedelta(0), strays=True)
    assert len(features(tmp_path)) == 16
    assert updated(database, tmp_path).mode == "full"
    assert known.collect(timedelta(0), strays=True) >= 1
    assert len(features(tmp_path)) == 16


def test_work_that_came_out_otherwise_is_known_from_then_on(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    """And what is not known, as leaves that were lost with their worker, is made anew."""
    store_city(conn, square(8))
    first = updated(database, tmp_path)
    conn.execute("UPDATE tile_content SET uri = repeat('0', 32) || '.glb'")  # gone since
    second = updated(database, tmp_path)
    assert (second.mode, second.written) == ("full", first.tiles)
    assert updated(database, tmp_path).mode == "unchanged"
    conn.execute("DELETE FROM tile_content WHERE keys IS NOT NULL")  # they kept none
    store_city(conn, square(8) | {"b1-1": (1, 1, 44.0)})
    third = updated(database, tmp_path)
    assert (third.mode, third.in_tiles) == ("full", 64)
    assert_same(features(tmp_path), at_once(database, tmp_path / "b"))
