"""Pipes that follow changes are the pipes built at once; points follow the pipes that end there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.db import read, twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.features import Theme, feature_id
from models.testing import ORIGIN, Twin, delivery
from tiles.build import build_layer
from tiles.check import check_tileset
from tiles.gltf import DEFAULT, PROFILES, Profile
from tiles.incremental_pipes import ChangingPipes
from tiles.scheme import Limits
from tiles.store.directory import DirectoryStore
from tiles.testing_layers import (
    FRAME,
    PLACE,
    Followed,
    depth,
    die_in_midrun,
    differences,
    features,
    names,
)
from tiles.tilers.pipes import PipeTiler
from tiles.tilers.stored_pipes import StoredPipes

LIMITS = Limits(min_bytes=4000, max_bytes=20_000)
WORDS = ("窨井", "阀门", "三通", None)
#: Point -> (column, row on a grid of 30 m, number of its word); a name is a survey number.
Points = dict[str, tuple[int, int, int]]
#: (from, to) -> diameter, mm
Lines = dict[tuple[str, str], float]


def followed(url: str, profile: Profile = DEFAULT) -> Followed:
    return Followed(url, "pipes", ChangingPipes, LIMITS, profile)


def network(side: int) -> tuple[Points, Lines]:
    """A square grid of streets."""
    points = {f"P{x}-{y}": (x, y, (x + 2 * y) % 4) for x in range(side) for y in range(side)}
    along = {(f"P{x}-{y}", f"P{x + 1}-{y}"): 300.0 for x in range(side - 1) for y in range(side)}
    across = {(f"P{x}-{y}", f"P{x}-{y + 1}"): 500.0 for x in range(side) for y in range(side - 1)}
    return points, along | across


def store(conn: Connection, points: Points, lines: Lines) -> None:
    """Publish a network; every third segment names its first point by number alone, and segments
    keep the names of points that are gone."""
    at = {
        name: np.array([ORIGIN[0] + 30.0 * x, ORIGIN[1] + 30.0 * y, ORIGIN[2]])
        for name, (x, y, _) in points.items()
    }
    ids = {
        name: str(feature_id("test", "net", "pipe_point", name))
        for name in {*points, *(end for pair in lines for end in pair)}
    }
    nowhere = np.array(ORIGIN)
    beyond = nowhere + np.array([9.0, 0.0, 0.0])
    spots = pd.DataFrame(
        {
            "id": [ids[name] for name in points],
            "key": list(points),
            "exp_no": [name.rstrip("'") for name in points],
            "class_code": "WS",
            "appurtenance": [WORDS[word] for *_, word in points.values()],
            "geom": [shapely.Point(at[name]) for name in points],
        }
    )
    keys = [f"{a}>{b}" for a, b in lines]
    ends = [(at.get(a, nowhere), at.get(b, beyond)) for a, b in lines]
    segments = pd.DataFrame(
        {
            "id": [feature_id("test", "net", "pipe_segment", key) for key in keys],
            "key": keys,
            "class_code": "WS",
            "from_point": [a for a, _ in lines],
            "to_point": [b for _, b in lines],
            "from_point_id": [ids[a] if n % 3 else None for n, (a, _) in enumerate(lines)],
            "to_point_id": [ids[b] for _, b in lines],
            "width_mm": list(lines.values()),
            "geom": [shapely.LineString([a - [0, 0, 2], b - [0, 0, 2.4]]) for a, b in ends],
        }
    )
    made = delivery(Theme.PIPES, {"pipe_point": spots, "pipe_segment": segments})
    publish(conn, twin="test", dataset="net", deliveries=[made])


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        yield conn


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_one_changed_pipe_rewrites_its_way_to_the_root(
    conn: Connection, database: str, tmp_path: Path, profile: Profile
) -> None:
    layer, (points, lines) = followed(database, profile), network(9)
    store(conn, points, lines)
    first = layer.updated(tmp_path / "a")
    assert (first.mode, first.features_in, first.in_tiles) == ("full", 225, 225)
    assert first.tiles > 5
    before, levels = names(tmp_path / "a"), depth(tmp_path / "a")

    pair = ("P4-4", "P5-4")
    lines[pair] = 900.0
    store(conn, points, lines)
    second = layer.updated(tmp_path / "a")
    assert (second.mode, second.features_in, second.in_tiles) == ("incremental", 225, 225)
    # the points at its ends are deeper now, and may lie in one tile more each
    assert 2 <= second.written <= levels + 3
    assert before <= names(tmp_path / "a")  # who reads the old root still finds its files
    whole = layer.at_once(tmp_path / "b")
    assert second.root == whole.root  # with the same tree, even the bytes are the same
    assert layer.updated(tmp_path / "a").mode == "unchanged"
    found = check_tileset(tmp_path / "a").findings
    assert {f.code for f in found} <= {"TSC-10"}  # files of the older version


def test_what_a_pipe_is_called_does_not_touch_its_points(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    layer, (points, lines) = followed(database), network(9)
    store(conn, points, lines)
    layer.updated(tmp_path)
    levels = depth(tmp_path)
    conn.execute(
        "UPDATE pipe_segment SET content_sha = '\\x00', owner = 'x' WHERE key = 'P4-4>P5-4'"
    )
    store(conn, points, lines)
    second = layer.updated(tmp_path)
    assert second.mode == "incremental"
    assert 1 <= second.written <= levels + 1
    assert differences(features(tmp_path), features_at_once(layer, tmp_path / "b")) == []


def features_at_once(layer: Followed, folder: Path) -> dict[str, dict[str, Any]]:
    layer.at_once(folder)
    return features(folder)


def test_pieces_are_the_layer_that_is_held_whole(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    points, lines = network(7)
    del points["P3-3"]  # its segments end nowhere
    points["P2-2'"] = (2, 2, 1)  # another with the same number
    store(conn, points, lines)
    conn.execute("UPDATE pipe_point SET geom = NULL WHERE key = 'P0-0'")
    report = followed(database).at_once(tmp_path / "a")
    tables = [read.read_table(conn, name, "test") for name in ("pipe_segment", "pipe_point")]
    datasets = [
        read.read_table(conn, name, "test", columns=["dataset_id"])["dataset_id"]
        for name in ("pipe_segment", "pipe_point")
    ]
    named = [t.assign(dataset_id=d) for t, d in zip(tables, datasets, strict=True)]
    whole = PipeTiler(FRAME, *named)
    judge = build_layer(whole, DirectoryStore(tmp_path / "b"), limits=LIMITS)
    assert (
        (report.features_in, report.in_tiles) == (judge.features_in, judge.in_tiles) == (133, 132)
    )
    assert [r.code for r in report.refused] == [r.code for r in judge.refused] == ["GEO-EMPTY"]
    assert differences(features(tmp_path / "a"), features(tmp_path / "b")) == []


def test_the_index_holds_what_is_drawn(conn: Connection, database: str, tmp_path: Path) -> None:
    store(conn, *network(5))
    followed(database).at_once(tmp_path)
    with read.snapshot(conn):
        source = StoredPipes(conn, database, PLACE)
        index = source.index()
        batch = source.loader().load(index.keys)
    drawn = features(tmp_path)
    for identity, box in zip(batch.ids, index.boxes, strict=True):
        real = drawn[identity]["box"]
        assert (real[:3] >= box[:3] - 0.7).all()
        assert (real[3:] <= box[3:] + 0.7).all()


def test_any_number_of_workers_gives_the_same_files(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    store(conn, *network(9))
    reports = [followed(database).at_once(tmp_path / str(n), n) for n in (1, 2)]
    assert reports[0].root == reports[1].root
    assert names(tmp_path / "1") == names(tmp_path / "2")


def test_a_killed_build_is_taken_up_where_it_was(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    """kill -9 of the main process in mid-run; what it made is not made again."""
    store(conn, *network(12))
    folder = tmp_path / "a"
    die_in_midrun(Path(__file__), database, folder, contents=4, workers=2)
    assert not (folder / "tileset.json.gz").exists()
    kept = conn.execute("SELECT count(*) FROM tile_content").fetchone()
    assert kept is not None
    assert kept[0] >= 4
    report = followed(database).updated(folder)
    assert 0 < report.written <= report.tiles - kept[0]
    assert report.root == followed(database).at_once(tmp_path / "b").root


edits = st.lists(
    st.tuples(
        st.sampled_from(["widen", "cut", "lay", "move", "word", "lose", "double"]),
        st.integers(0, 400),
    ),
    min_size=1,
    max_size=12,
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
    conn.execute(
        "TRUNCATE pipe_point, pipe_segment, revision, dataset, tile_layer, tile_content CASCADE"
    )
    folder = tmp_path / str(data.draw(st.uuids()))
    layer, (points, lines) = followed(database), network(7)
    store(conn, points, lines)
    layer.updated(folder / "a")
    for number, made in enumerate(rounds):
        for what, where in made:
            point, pair = sorted(points)[where % len(points)], sorted(lines)[where % len(lines)]
            x, y, word = points[point]
            if what == "widen":
                lines[pair] += 150.0
            elif what == "cut" and len(lines) > 1:
                del lines[pair]
            elif what == "lay":
                points[f"N{where}-{number}"] = (where % 13, where // 13, where % 4)
                lines[f"N{where}-{number}", point] = 200.0
            elif what == "move":
                points[point] = (where % 11, where // 11 % 11, word)
            elif what == "word":
                points[point] = (x, y, (word + 1) % 4)
            elif what == "lose" and len(points) > 1:
                del points[point]
            else:
                points.setdefault(point.rstrip("'") + "'", (y, x, word))
        store(conn, points, lines)
        report = layer.updated(folder / "a")
        assert report.features_in == len(points) + len(lines)
        assert report.in_tiles + len(report.refused) == report.features_in
    layer.at_once(folder / "b")
    assert differences(features(folder / "a"), features(folder / "b")) == []
