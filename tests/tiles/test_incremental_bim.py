"""BIM elements that follow changes are the elements built at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.db import read, twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.features import Theme, TriangleMesh, feature_id
from models.testing import ORIGIN, Twin, cube, delivery
from tiles.build import build_layer
from tiles.check import check_tileset
from tiles.incremental_bim import ChangingBim
from tiles.scheme import Limits
from tiles.store.directory import DirectoryStore
from tiles.testing_layers import FRAME, Followed, depth, differences, features, names
from tiles.tilers.bim import BimTiler

LIMITS = Limits(min_bytes=2000, max_bytes=9000)
BODIES = [cube(size) for size in (1.0, 2.0, 0.5)]
BROKEN = TriangleMesh(*(np.zeros((0, 3)), np.zeros((0, 3), np.uint32)), *(
    np.zeros(0, np.uint16), np.zeros((0, 4), np.float32)
))  # fmt: skip
MESHES = {mesh.digest(): mesh for mesh in (*BODIES, BROKEN)}
KINDS = ("IfcWall", "IfcDoor", "IfcSpace")
#: key -> (column, row on a grid of 6 m, body 0..3 or None, kind)
Model = dict[str, tuple[int, int, int | None, int]]


def model(side: int) -> Model:
    """A field of cubes, most alike; one in ten is a space, one has no body, one a broken one."""
    out: Model = {
        f"e{x}-{y}": (x, y, (x * y) % 3, 2 if (x + 7 * y) % 10 == 0 else (x + y) % 2)
        for x in range(side)
        for y in range(side)
    }
    out["e0-1"], out["e1-0"] = (0, 1, None, 0), (1, 0, 3, 0)
    return out


def store(conn: Connection, elements: Model) -> None:
    keys = list(MESHES)
    rows = []
    for key, (x, y, body, kind) in elements.items():
        place = np.eye(4)
        place[:3, 3] = np.array(ORIGIN) + np.array([6.0 * x, 6.0 * y, 0.0])
        size = 0.0 if body is None else (1.0, 2.0, 0.5, 0.0)[body]
        corner = np.array([[0, 0, 0], [size, 0, 0], [size, size, size]]) + place[:3, 3]
        rows.append(
            {
                "id": feature_id("test", "model", "bim_element", key),
                "key": key,
                "global_id": key,
                "ifc_class": KINDS[kind],
                "storey_name": f"F{y % 3}",
                "mesh": None if body is None else keys[body],
                "placement": place.ravel().tolist(),
                "geom": None if body is None else shapely.MultiPolygon([shapely.Polygon(corner)]),
            }
        )
    made = delivery(Theme.BIM, {"bim_element": pd.DataFrame(rows)}, meshes=MESHES)
    publish(conn, twin="test", dataset="model", deliveries=[made])


def followed(url: str) -> Followed:
    return Followed(url, "bim", ChangingBim, LIMITS)


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        yield conn


def test_one_changed_element_rewrites_its_way_to_the_root(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    layer, elements = followed(database), model(16)
    store(conn, elements)
    first = layer.updated(tmp_path / "a")
    assert (first.mode, first.features_in) == ("full", 256)
    assert {r.code for r in first.refused} == {"SKIP-CLASS", "SKIP-BODY", "GEO-MESH"}
    assert first.in_tiles + len(first.refused) == 256
    before, levels = names(tmp_path / "a"), depth(tmp_path / "a")

    elements["e8-9"] = (8, 9, 1, 1)
    store(conn, elements)
    second = layer.updated(tmp_path / "a")
    assert second.mode == "incremental"
    assert 1 <= second.written <= levels < second.tiles
    assert (second.features_in, second.in_tiles) == (256, first.in_tiles)
    assert before <= names(tmp_path / "a")  # who reads the old root still finds its files
    whole = layer.at_once(tmp_path / "b")
    assert differences(features(tmp_path / "a"), features(tmp_path / "b")) == []
    assert second.refused and {*second.refused} == {*whole.refused}
    assert layer.updated(tmp_path / "a").mode == "unchanged"
    found = check_tileset(tmp_path / "a").findings
    assert {f.code for f in found} <= {"TSC-10"}  # files of the older version


def test_pieces_are_the_layer_that_is_held_whole(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    store(conn, model(9))
    report = followed(database).at_once(tmp_path / "a")
    table = read.read_table(conn, "bim_element", "test")
    whole = build_layer(BimTiler(FRAME, table, MESHES), DirectoryStore(tmp_path / "b"))
    assert {(r.id, r.code) for r in report.refused} == {(r.id, r.code) for r in whole.refused}
    assert differences(features(tmp_path / "a"), features(tmp_path / "b")) == []


def test_any_number_of_workers_gives_the_same_files(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    store(conn, model(16))
    reports = [followed(database).at_once(tmp_path / str(n), n) for n in (1, 2)]
    assert reports[0].root == reports[1].root
    assert names(tmp_path / "1") == names(tmp_path / "2")


edits = st.lists(
    st.tuples(st.sampled_from(["add", "drop", "body", "kind", "move"]), st.integers(0, 400)),
    min_size=1,
    max_size=15,
)


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],  # to shrink an example takes hundreds of builds
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
    conn.execute("TRUNCATE bim_element, revision, dataset, tile_layer, tile_content CASCADE")
    folder = tmp_path / str(data.draw(st.uuids()))
    layer, elements = followed(database), model(10)
    store(conn, elements)
    layer.updated(folder / "a")
    for number, made in enumerate(rounds):
        for what, where in made:
            key = sorted(elements)[where % len(elements)]
            x, y, body, kind = elements[key]
            if what == "add":
                elements[f"n{where}-{number}"] = (where % 23, where // 23, where % 3, where % 2)
            elif what == "drop" and len(elements) > 1:
                del elements[key]
            elif what == "body":
                elements[key] = (x, y, (0, 1, 2, 3, None)[where % 5], kind)
            elif what == "kind":
                elements[key] = (x, y, body, where % 3)
            else:
                elements[key] = (where % 17, where // 17, body, kind)
        store(conn, elements)
        report = layer.updated(folder / "a")
        assert report.mode in ("incremental", "unchanged")
        assert report.features_in == len(elements)
    whole = layer.at_once(folder / "b")
    assert {(r.id, r.code) for r in report.refused} == {(r.id, r.code) for r in whole.refused}
    assert report.in_tiles == whole.in_tiles
    assert differences(features(folder / "a"), features(folder / "b")) == []
