"""Questions about space over a small city in a database: two houses, a body, pipes and points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from psycopg import sql

from models.db import twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.db.space import Moment, near_query, sources
from models.features import Theme, feature_id
from models.testing import ORIGIN, Twin, buildings, cube, delivery, pipes
from twin.analyses.cache import PipeworkCache
from twin.analyses.errors import BadRequestError
from twin.analyses.registry import find

EAST, NORTH, GROUND = ORIGIN
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    """Houses a (10 m) and b (30 m) at 0..10 and 20..30 m east; a cube of 2 m hovers 5 m over a;
    three pipes of DN300 run eastwards 2 m below the ground along their south wall."""
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        put_houses(conn, {"a": 10.0, "b": 30.0})
        made = delivery(Theme.PIPES, pipes(3, dataset="net"))
        publish(conn, twin="test", dataset="net", deliveries=[made])
        publish(conn, twin="test", dataset="body", deliveries=[body()])
        yield conn


@pytest.fixture
def ask(conn: Connection, database: str) -> Iterator[Ask]:
    cache = PipeworkCache(database)

    def asked(name: str, **document: Any) -> dict[str, Any]:
        analysis = find(name)
        answer = analysis.answer(cache, "test", analysis.parse(document)).as_dict()
        assert answer["datum"]["horizontal"] == "EPSG:4549"
        assert answer["revisions"]
        return answer

    yield asked
    cache.cities.close()


def put_houses(conn: Connection, heights: dict[str, float]) -> None:
    made = delivery(Theme.BUILDINGS, {"building": buildings(heights)})
    publish(conn, twin="test", dataset="made", deliveries=[made])


def body() -> Any:
    mesh = cube(2.0)
    at = np.eye(4)
    at[:3, 3] = EAST + 4, NORTH + 4, GROUND + 15
    corners = mesh.positions + at[:3, 3]
    faces = shapely.polygons(corners[mesh.indices])
    table = pd.DataFrame(
        {
            "id": [feature_id("test", "body", "bim_element", "cube")],
            "key": ["cube"],
            "ifc_class": ["IfcSlab"],
            "mesh": [mesh.digest()],
            "placement": [at.ravel().tolist()],
            "geom": [shapely.multipolygons(faces)],
        }
    )
    return delivery(Theme.BIM, {"bim_element": table}, meshes={mesh.digest(): mesh})


def at(x: float, y: float, *z: float) -> list[float]:
    """A place by metres from the corner of house a, heights above the ground."""
    return [EAST + x, NORTH + y, *(GROUND + h for h in z)]


def keys(features: list[dict[str, Any]]) -> list[str]:
    return [str(one.get("key")) for one in features]


def test_a_box_finds_by_heights_too(ask: Ask) -> None:
    low = ask("within", box=[*at(-5, -5, -5), *at(35, 15, -1)])["result"]
    assert keys(low["features"]) == ["YS0-YS1", "YS1-YS2"]
    assert low["by_layer"] == {"pipe-segments": 2}
    high = ask("within", box=[*at(-5, -5, 12), *at(35, 15, 40)])["result"]
    assert {(f["key"], f["relation"]) for f in high["features"]} == {
        ("b", "crosses"),
        ("cube", "within"),
    }
    everything = ask("within", box=[*at(-5, -5, -5), *at(100, 15, 40)])["result"]
    assert everything["count"] == 2 + 1 + 3 + 4
    assert {f["relation"] for f in everything["features"]} == {"within"}


def test_pipes_count_by_their_outer_surface(ask: Ask) -> None:
    """Centre lines lie 2 m deep with a radius of 0.15 m."""
    for gap, found in ((0.151, 0), (0.149, 1)):
        ball = {"centre": at(15, 0, -2 + gap + 0.5), "radius": 0.5}
        result = ask("within", sphere=ball, layers=["pipe-segments"])["result"]
        assert result["count"] == found
    near = ask("within", sphere={"centre": at(15, 1, -2), "radius": 3})["result"]["features"]
    assert near[0]["distance"] == pytest.approx(0.85, abs=1e-3)
    line = {"line": [at(-3, 5, -2), at(40, 5, -2)], "distance": 4.9}
    assert ask("within", around=line, layers=["pipe-segments"])["result"]["count"] == 2


def test_prisms_and_frustums(ask: Ask) -> None:
    ring = [at(-2, -2), at(12, -2), at(12, 12), at(-2, 12)]
    prism = {"polygon": ring, "low": GROUND + 1, "high": GROUND + 8}
    assert keys(ask("within", prism=prism)["result"]["features"]) == ["a"]
    near = [at(24, -20, 20), at(26, -20, 20), at(26, -20, 22), at(24, -20, 22)]
    far = [at(15, 40, 10), at(35, 40, 10), at(35, 40, 30), at(15, 40, 30)]
    assert keys(ask("within", frustum=[*near, *far])["result"]["features"]) == ["b"]
    with pytest.raises(BadRequestError, match="not convex"):
        ask("within", frustum=[*near, *far[2:], *far[:2]])


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"box": [1, 2, 3]},
        {"box": [*at(5, 5, 5), *at(0, 0, 0)]},
        {"box": [*at(0, 0, 0), *at(9000, 1, 1)]},
        {"sphere": {"centre": at(0, 0, 0), "radius": -1}},
        {"sphere": {"centre": [0, 0, 0], "radius": 1}},
        {"prism": {"polygon": [at(0, 0), at(1, 0), at(1, 1)], "low": 5, "high": 1}},
        {"box": [*at(0, 0, 0), *at(9, 9, 9)], "layers": ["trees"]},
        {"box": [*at(0, 0, 0), *at(9, 9, 9)], "crs": "EPSG:1"},
    ],
)
def test_what_cannot_be_asked_is_told(ask: Ask, document: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError) as caught:
        ask("within", **document)
    assert caught.value.zh


def test_degrees_are_taken_in_plan(ask: Ask) -> None:
    from models.crs import storage_to_geodetic

    lon, lat, _ = storage_to_geodetic([EAST + 15], [NORTH], [0.0])
    centre = [float(lon[0]), float(lat[0]), GROUND - 2]
    found = ask("within", sphere={"centre": centre, "radius": 0.5}, crs="OGC:CRS84")["result"]
    assert keys(found["features"]) == ["YS0-YS1"]


def test_nearest_goes_by_surfaces(ask: Ask) -> None:
    layers = ["buildings", "bim-elements"]
    found = ask("nearest", point=at(5, 5, 12), count=3, layers=layers)["result"]["features"]
    assert keys(found) == ["a", "cube", "b"]
    assert [f["distance"] for f in found] == pytest.approx([2, 3, 15])
    assert found[0]["on"] == pytest.approx(at(5, 5, 10), abs=1e-3)
    inside = ask("nearest", point=at(5, 5, 5), count=1)["result"]["features"]
    assert (inside[0]["key"], inside[0]["distance"]) == ("a", 0.0)
    far = ask("nearest", point=at(0, 0, 500), count=1, reach=100)["result"]
    assert far["features"] == []


def test_a_line_of_sight_stops_at_the_first_thing(ask: Ask) -> None:
    over = ask("line-of-sight", start=at(-20, 5, 20), end=at(50, 5, 20))["result"]
    assert [f["key"] for f in over["hits"]] == ["b"]
    assert over["first"]["distance"] == pytest.approx(40)
    assert over["first"]["through"] == pytest.approx(10)
    low = ask("line-of-sight", start=at(-20, 5, 5), end=at(50, 5, 5))["result"]
    assert [f["key"] for f in low["hits"]] == ["a", "b"]
    assert low["visible"] is False
    short = ask("line-of-sight", start=at(-20, 5, 5), end=at(-1, 5, 5))["result"]
    assert short["visible"] is True
    down = ask("line-of-sight", start=at(15, 0, 10), end=at(15, 0, -10))["result"]
    assert down["first"]["distance"] == pytest.approx(12 - 0.15, abs=1e-3)
    within = ask("line-of-sight", start=at(5, 5, 5), end=at(15, 5, 5))["result"]
    assert within["first"]["distance"] == 0.0
    assert within["first"]["through"] == pytest.approx(5)
    with pytest.raises(BadRequestError):
        ask("line-of-sight", start=at(0, 0, 0), end=at(0, 0, 0))


def test_a_column_goes_from_the_top_downwards(ask: Ask) -> None:
    found = ask("column", point=at(4.5, 4.6), radius=5)["result"]["features"]
    assert keys(found) == ["cube", "a", "YS0-YS1"]
    cube_, house, pipe = found
    assert (cube_["top"], cube_["bottom"]) == (GROUND + 17, GROUND + 15)
    assert (house["top"], house["bottom"]) == (GROUND + 10, GROUND)
    assert pipe["distance"] == pytest.approx(4.45, abs=1e-3)
    assert pipe["top"] == pytest.approx(GROUND - 2)
    straight = ask("column", point=at(15, 0), radius=0)["result"]["features"]
    assert straight[0]["top"] - straight[0]["bottom"] == pytest.approx(0.3, abs=2e-3)


def test_heights_of_the_ground_come_from_survey_points_without_terrain(ask: Ask) -> None:
    answer = ask("terrain-height", points=[at(15, 0), at(4000, 4000)])["result"]["points"]
    assert [p["height"] for p in answer] == [GROUND, None]
    assert [p["source"] for p in answer] == ["points", "none"]


def test_sums_of_a_selection(ask: Ask) -> None:
    ring = [at(-2, -2), at(120, -2), at(120, 12), at(-2, 12)]
    layers = ask("volume-and-area", polygon=ring)["result"]["layers"]
    # the projection is 1.00000582 long here: areas are true ones
    assert layers["buildings"]["footprint_area"] == pytest.approx(200, rel=1e-4)
    assert layers["buildings"]["footprint_area"] != 200
    assert layers["buildings"]["volume"] == pytest.approx(4000, rel=1e-4)
    assert layers["buildings"]["unknown"] == {"storeys": 2, "height": 0}
    assert layers["bim-elements"]["volume"] == pytest.approx(8)
    assert layers["pipe-segments"]["length"] == pytest.approx(90, rel=1e-4)
    assert layers["pipe-segments"]["outer_volume"] == pytest.approx(90 * np.pi / 4 * 0.09, rel=1e-3)
    one = str(feature_id("test", "made", "building", "b"))
    alone = ask("volume-and-area", features=[one])["result"]
    assert alone["layers"]["buildings"]["volume"] == pytest.approx(3000, rel=1e-4)
    with pytest.raises(BadRequestError):
        ask("volume-and-area", features=["6d6f6465-0000-0000-0000-000000000000"])
    with pytest.raises(BadRequestError):
        ask("volume-and-area", features=["no id"])


def test_pipes_under_buildings(ask: Ask) -> None:
    ring = [at(-2, -2), at(120, -2), at(120, 12), at(-2, 12)]
    found = ask("overlaps", polygon=ring)["result"]
    pairs = {(p["feature"]["key"], p["other"]["key"]) for p in found["pairs"]}
    assert {("YS0-YS1", "a"), ("YS0-YS1", "b")} <= pairs
    assert set(found["by_relation"]) == {"under"}
    first = next(p for p in found["pairs"] if p["other"]["key"] == "a")
    assert first["relation"] == "under"
    assert first["gap"] == pytest.approx(2 - 0.15, abs=1e-3)
    assert first["length"] == pytest.approx(10, abs=0.01)
    over = ask("overlaps", polygon=ring, layer="bim-elements", other="buildings")["result"]
    assert [(p["relation"], p["gap"]) for p in over["pairs"]] == [("over", 5.0)]
    assert over["pairs"][0]["area"] == pytest.approx(4)


def test_bodies_that_are_in_one_another_meet_or_do_not(ask: Ask, conn: Connection) -> None:
    """A house with a cellar around the pipes, and one whose court they cross."""
    table = buildings({"cellar": 30.0, "court": 30.0})
    ring = shapely.box(EAST + 60, NORTH - 20, EAST + 80, NORTH + 20)
    court = shapely.box(EAST + 58, NORTH - 9, EAST + 82, NORTH + 9)
    table["geom"] = shapely.force_3d(
        np.array([table["geom"].iat[0], shapely.difference(ring, court)], object), GROUND - 5
    )
    table["base_height"] = GROUND - 5
    made = delivery(Theme.BUILDINGS, {"building": table})
    publish(conn, twin="test", dataset="made", deliveries=[made])
    area = [at(-30, -30), at(120, -30), at(120, 30), at(-30, 30)]
    found = ask("overlaps", polygon=area)["result"]["pairs"]
    told = {(p["feature"]["key"], p["other"]["key"]): p.get("intersects") for p in found}
    assert told == {("YS0-YS1", "cellar"): True}
    inner = ask("overlaps", polygon=area, layer="bim-elements", other="buildings")["result"]
    assert [(p["relation"], p["intersects"]) for p in inner["pairs"]] == [("in", True)]


def test_differences_of_revisions_and_moments(ask: Ask, conn: Connection) -> None:
    before = conn.execute("SELECT clock_timestamp()").fetchone()[0]  # type: ignore[index]
    put_houses(conn, {"b": 31.0, "c": 12.0})
    expected = {"added": 1, "removed": 1, "changed": 1}
    by_number = ask(
        "differences", layer="buildings", dataset="made", before_revision=1, after_revision=2
    )["result"]
    by_moment = ask("differences", layer="buildings", before_as_of=before.isoformat())["result"]
    for found in (by_number, by_moment):
        assert found["counts"] == expected
        assert keys(found["added"] + found["removed"]) == ["c", "a"]
        (changed,) = found["changed"]
        assert changed["properties"]["height"] == {"from": 30.0, "to": 31.0}
        assert changed["moved"] == pytest.approx(20.0)
    none = ask("differences", layer="pipe-segments", before_as_of=before.isoformat())["result"]
    assert none["counts"] == {"added": 0, "removed": 0, "changed": 0}
    ring = [at(-3, -3), at(5, -3), at(5, 3)]
    part = ask("differences", layer="buildings", before_as_of=before.isoformat(), polygon=ring)[
        "result"
    ]
    assert part["counts"]["changed"] + part["counts"]["added"] + part["counts"]["removed"] >= 1
    for wrong in (
        {"layer": "buildings"},
        {"layer": "buildings", "before_revision": 1},
        {"layer": "buildings", "dataset": "made", "before_revision": 9},
        {"layer": "buildings", "dataset": "none", "before_revision": 1},
    ):
        with pytest.raises(BadRequestError):
            ask("differences", **wrong)


def test_an_earlier_record_can_be_asked(ask: Ask, conn: Connection) -> None:
    before = conn.execute("SELECT clock_timestamp()").fetchone()[0]  # type: ignore[index]
    put_houses(conn, {"low": 5.0})
    box = [*at(-1, 1, 6), *at(11, 9, 8)]
    assert ask("within", box=box)["result"]["count"] == 0
    assert ask("within", box=box, as_of=before.isoformat())["result"]["count"] == 1


def test_the_index_over_three_axes_is_used(conn: Connection) -> None:
    made = delivery(Theme.PIPES, pipes(3000, dataset="many"))
    publish(conn, twin="test", dataset="many", deliveries=[made])
    conn.execute("ANALYZE pipe_segment")
    held = [source.id for source in sources(conn, "test")]
    box = np.array([[*at(0, -1, -3), *at(9, 1, 0)]])
    query, values = near_query(conn, "pipe_segment", box, ["key"], Moment(datasets=held))
    plan = conn.execute(sql.SQL("EXPLAIN ") + query, values).fetchall()
    assert "pipe_segment_geom_3d" in str(plan)
