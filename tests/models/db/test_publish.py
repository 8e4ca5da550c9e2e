from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.crs import StorageCrs
from models.db.connection import Connection, connect
from models.db.errors import DuplicateIdError, PublishError
from models.db.publish import CHINA, PublishResult, TableCounts, publish
from models.db.read import datasets, extents, read_meshes, read_table, revisions
from models.errors import DatabaseError, UnknownTwinError
from models.features import Delivery, Theme, feature_id
from models.testing import buildings, cube, delivery, pipes


def put(
    conn: Connection,
    heights: dict[str, float],
    valid_from: date | None = None,
    **more: Any,
) -> PublishResult:
    made = delivery(Theme.BUILDINGS, {"building": buildings(heights)}, valid_from=valid_from)
    return publish(conn, twin="test", dataset="made", deliveries=[made], **more)


def heights(conn: Connection, **when: datetime | None) -> dict[str, float]:
    found = read_table(conn, "building", "test", columns=["key", "height"], **when)
    return dict(zip(found["key"], found["height"], strict=True))


def day(number: int) -> datetime:
    return datetime(2020, 1, 1, tzinfo=CHINA) + timedelta(days=number)


def rows(conn: Connection, table: str) -> int:
    found = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert found is not None
    return int(found[0])


def test_what_is_published_is_read_back(conn: Connection) -> None:
    given_rows = pipes(5)
    made = delivery(Theme.PIPES, given_rows, name="survey.xlsx")
    result = publish(conn, twin="test", dataset="made", deliveries=[made], organisation="测绘院")
    assert result.new
    assert result.number == 1
    assert result.tables == {
        "pipe_point": TableCounts(6, 0, 0, 0),
        "pipe_segment": TableCounts(5, 0, 0, 0),
    }
    for table, frame in given_rows.items():
        found = read_table(conn, table, "test").set_index("key").loc[list(frame["key"])]
        assert list(found["id"]) == list(map(str, frame["id"]))
        assert shapely.equals_identical(found["geom"].to_numpy(), frame["geom"].to_numpy()).all()
        assert (shapely.get_srid(found["geom"].to_numpy()) == 4549).all()
    segment = read_table(conn, "pipe_segment", "test").iloc[0]
    assert (segment["material"], segment["flow"]) == ("混凝土", 1)
    assert segment["built"] == date(2019, 5, 1)
    assert segment["owner"] is None
    assert np.isnan(segment["od_mm"])
    (dataset,) = datasets(conn, "test")
    assert (dataset.name, dataset.theme, dataset.organisation) == ("made", "pipes", "测绘院")
    assert dataset.passport == made.passport
    (revision,) = revisions(conn, "test")
    assert revision.files == (made.source,)
    assert revision.counts["pipe_point"]["inserted"] == 6


def test_publishing_the_same_again_makes_no_revision(conn: Connection) -> None:
    first = put(conn, {"a": 10, "b": 20})
    turned = delivery(Theme.BUILDINGS, {"building": buildings({"a": 10, "b": 20}).iloc[::-1]})
    again = publish(conn, twin="test", dataset="made", deliveries=[turned])
    assert not again.new
    assert again.revision_id == first.revision_id
    assert again.tables["building"] == TableCounts(0, 0, 0, 2)
    assert len(revisions(conn, "test")) == 1
    assert rows(conn, "building") == 2


def test_the_same_for_a_new_date_is_worth_a_revision(conn: Connection) -> None:
    put(conn, {"a": 10}, date(2020, 1, 1))
    confirmed = put(conn, {"a": 10}, date(2021, 1, 1))
    assert confirmed.new
    assert rows(conn, "building") == 1
    assert not put(conn, {"a": 10}, date(2021, 1, 1)).new


def test_only_what_differs_is_written(conn: Connection) -> None:
    put(conn, {"a": 10, "b": 20, "c": 30})
    result = put(conn, {"a": 10, "b": 21, "d": 40})
    assert result.tables["building"] == TableCounts(inserted=1, changed=1, closed=1, unchanged=1)
    assert heights(conn) == {"a": 10, "b": 21, "d": 40}


def test_earlier_states_stay_readable_in_both_times(conn: Connection) -> None:
    first = put(conn, {"a": 10, "b": 20}, date(2020, 1, 1))
    put(conn, {"a": 11}, date(2022, 1, 1))
    assert heights(conn) == {"a": 11}
    assert heights(conn, datetime=day(10)) == {"a": 10, "b": 20}
    assert heights(conn, as_of=first.recorded) == {"a": 10, "b": 20}
    assert heights(conn, datetime=day(-1)) == {}
    assert heights(conn, as_of=first.recorded - timedelta(seconds=1)) == {}


def test_a_late_delivery_changes_only_the_time_before_the_next(conn: Connection) -> None:
    put(conn, {"a": 10}, date(2020, 1, 1))
    put(conn, {"a": 30}, date(2022, 1, 1))
    put(conn, {"a": 20}, date(2021, 1, 1))
    assert heights(conn) == {"a": 30}
    assert heights(conn, datetime=datetime(2021, 6, 1, tzinfo=CHINA)) == {"a": 20}
    assert heights(conn, datetime=datetime(2020, 6, 1, tzinfo=CHINA)) == {"a": 10}


def test_an_incomplete_delivery_leaves_the_others_alone(conn: Connection) -> None:
    put(conn, {"a": 10, "b": 20})
    result = put(conn, {"a": 11}, complete=False)
    assert result.tables["building"] == TableCounts(0, 1, 0, 0)
    assert heights(conn) == {"a": 11, "b": 20}


def test_where_a_row_stood_in_the_file_is_not_what_it_says(conn: Connection) -> None:
    put(conn, {"a": 10, "b": 20})
    moved = buildings({"a": 10, "b": 20})
    moved["source_row"] += 7
    made = delivery(Theme.BUILDINGS, {"building": moved})
    assert not publish(conn, twin="test", dataset="made", deliveries=[made]).new


def test_several_files_make_one_revision(conn: Connection) -> None:
    parts = [
        delivery(Theme.BUILDINGS, {"building": buildings({key: 10.0})}, name=f"{key}.geojson")
        for key in "ab"
    ]
    publish(conn, twin="test", dataset="made", deliveries=parts)
    (revision,) = revisions(conn, "test")
    assert [f.name for f in revision.files] == ["a.geojson", "b.geojson"]
    found = conn.execute(
        "SELECT b.key, f.name FROM building b JOIN source_file f ON f.id = b.file_id ORDER BY 1"
    ).fetchall()
    assert found == [("a", "a.geojson"), ("b", "b.geojson")]


def test_a_doubled_id_is_refused_with_its_places(conn: Connection) -> None:
    parts = [
        delivery(Theme.BUILDINGS, {"building": buildings({"a": h, "b": h})}, name=f"{h}.csv")
        for h in (1.0, 2.0)
    ]
    with pytest.raises(DuplicateIdError, match=r"2 feature\(s\).* a \(1\.0\.csv:1; 2\.0\.csv:1\)"):
        publish(conn, twin="test", dataset="made", deliveries=parts)
    assert rows(conn, "dataset") == 0


def changed(frame: pd.DataFrame, **columns: Any) -> Delivery:
    return delivery(Theme.BUILDINGS, {"building": frame.assign(**columns)})


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("name", "nul\x00", "NUL"),
        ("name", "\ud800", r"building\.\*"),
        ("storeys", 2.5, "storeys"),
        ("height", "tall", "height"),
        ("attrs", {"k": "\x00"}, "NUL"),
        ("geom", shapely.box(0, 0, 1, 1), "no height"),
        ("geom", shapely.Polygon(), "no height"),
        ("geom", shapely.Point(1, 2, 3), "Point where"),
        ("geom", shapely.force_3d(shapely.box(0, 0, 1, 1), np.inf), "finite"),
        ("id", None, "without id"),
        ("strange", 1, "unknown columns"),
    ],
)
def test_a_value_that_does_not_fit_stores_nothing(
    conn: Connection, column: str, value: object, said: str
) -> None:
    frame = buildings({"a": 1.0, "b": 2.0})
    made = changed(frame, **{column: pd.Series([value, value], dtype=object)})
    with pytest.raises(PublishError, match=said) as caught:
        publish(conn, twin="test", dataset="made", deliveries=[made])
    assert "未存入" in caught.value.zh
    assert rows(conn, "dataset") + rows(conn, "building") == 0


@pytest.mark.parametrize("text", ["", " ", "\\N", "\\", "a\tb\nc\rd", "'\"$1%s{}", "😀龍", "\x1f"])
def test_any_text_comes_back_as_it_was(conn: Connection, text: str) -> None:
    made = changed(buildings({"a": 1.0}), name=text, attrs=pd.Series([{text: [text, None, 1.5]}]))
    publish(conn, twin="test", dataset="made", deliveries=[made])
    found = read_table(conn, "building", "test").iloc[0]
    assert found["name"] == text
    assert found["attrs"] == {text: [text, None, 1.5]}
    assert not publish(conn, twin="test", dataset="made", deliveries=[made]).new


def test_a_failure_in_the_second_table_stores_nothing_of_the_first(conn: Connection) -> None:
    broken = pipes(3)
    broken["pipe_segment"]["flow"] = 100_000  # no smallint: the server's own COPY refuses it
    with pytest.raises(DatabaseError):
        publish(
            conn,
            twin="test",
            dataset="made",
            deliveries=[delivery(Theme.PIPES, broken)],
        )
    for table in ("pipe_point", "pipe_segment", "revision", "dataset", "source_file"):
        assert rows(conn, table) == 0


def test_a_killed_connection_stores_nothing(database: str, conn: Connection) -> None:
    failures = []

    def publisher() -> None:
        try:
            with connect(database) as other:
                made = delivery(Theme.PIPES, pipes(3))
                publish(other, twin="test", dataset="made", deliveries=[made])
        except DatabaseError as error:
            failures.append(error)

    waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'pipe_segment'::regclass"
    thread = threading.Thread(target=publisher)
    with conn.transaction():
        # points are written by then, segments wait for this lock
        conn.execute("LOCK TABLE pipe_segment IN ACCESS EXCLUSIVE MODE")
        thread.start()
        until = time.monotonic() + 20
        while (found := conn.execute(waiting).fetchone()) is None and time.monotonic() < until:
            time.sleep(0.02)
        assert found is not None
        conn.execute("SELECT pg_terminate_backend(%s)", found)
        thread.join(20)
    assert len(failures) == 1
    assert rows(conn, "pipe_point") + rows(conn, "dataset") == 0
    assert publish(
        conn, twin="test", dataset="made", deliveries=[delivery(Theme.PIPES, pipes(3))]
    ).new


def test_publishers_of_one_twin_queue(database: str, conn: Connection) -> None:
    results = []

    def publisher(height: float) -> None:
        with connect(database) as other:
            results.append(put(other, {"a": height, "b": height}))

    threads = [threading.Thread(target=publisher, args=(float(h),)) for h in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    results.sort(key=lambda r: r.number)
    assert [r.number for r in results] == [1, 2, 3, 4, 5]
    assert [r.recorded for r in results] == sorted({r.recorded for r in results})
    assert len(heights(conn)) == 2


def test_what_cannot_belong_together_is_refused(conn: Connection) -> None:
    house = delivery(Theme.BUILDINGS, {"building": buildings({"a": 1.0})})
    pipe = delivery(Theme.PIPES, pipes(1))
    with pytest.raises(UnknownTwinError):
        publish(conn, twin="nowhere", dataset="made", deliveries=[house])
    with pytest.raises(PublishError, match="one theme"):
        publish(conn, twin="test", dataset="made", deliveries=[house, pipe])
    with pytest.raises(PublishError, match="at least one"):
        publish(conn, twin="test", dataset="made", deliveries=[])
    with pytest.raises(PublishError, match="EPSG:4528"):
        publish(conn, twin="test", dataset="made", deliveries=[house], storage=StorageCrs(4528))
    no_datum = replace(house, passport=replace(house.passport, vertical=None))
    with pytest.raises(PublishError, match="--vertical"):
        publish(conn, twin="test", dataset="made", deliveries=[no_datum])
    publish(conn, twin="test", dataset="made", deliveries=[house])
    with pytest.raises(PublishError, match="holds buildings"):
        publish(conn, twin="test", dataset="made", deliveries=[pipe])
    # ids are given by dataset; one id in two datasets would be two truths
    with pytest.raises(DatabaseError, match="one dataset only"):
        publish(conn, twin="test", dataset="other", deliveries=[house])


def test_bodies_are_stored_once_and_come_back_unchanged(conn: Connection) -> None:
    body = cube(2.5)
    box = shapely.force_3d(shapely.MultiPolygon([shapely.box(0, 0, 1, 1)] * 6), 5.0)
    frame = pd.DataFrame(
        {
            "id": [feature_id("test", "made", "bim_element", k) for k in "ab"],
            "key": ["a", "b"],
            "mesh": [body.digest(), body.digest()],
            "placement": [np.eye(4), list(range(16))],
            "psets": [{"P": {"x": 1}}, None],
            "geom": [box, None],
        }
    )
    made = delivery(Theme.BIM, {"bim_element": frame}, meshes={body.digest(): body})
    publish(conn, twin="test", dataset="made", deliveries=[made])
    assert rows(conn, "bim_mesh") == 1
    (found,) = read_meshes(conn, [body.digest(), "no such key"]).values()
    assert found.digest() == body.digest()
    stored = read_table(conn, "bim_element", "test").set_index("key")
    assert stored.loc["a", "placement"] == np.eye(4).ravel().tolist()
    assert stored.loc["b", "psets"] is None
    assert stored.loc["b", "geom"] is None
    assert shapely.equals_identical(stored.loc[["a"], "geom"].to_numpy(), [box]).all()
    kind = conn.execute("SELECT GeometryType(geom) FROM bim_element WHERE key = 'a'").fetchone()
    assert kind == ("POLYHEDRALSURFACE",)
    with pytest.raises(PublishError, match="1 bodies"):
        publish(conn, twin="test", dataset="made", deliveries=[replace(made, meshes={})])


def test_extents_are_of_what_is_true_at_the_moment(conn: Connection) -> None:
    put(conn, {"a": 10, "b": 20}, date(2020, 1, 1))
    put(conn, {"a": 10}, date(2021, 1, 1))
    now = extents(conn, "test")["building"]
    then = extents(conn, "test", datetime=day(1))["building"]
    assert (now.count, then.count) == (1, 2)
    assert now.box is not None
    assert then.box is not None
    assert now.box[3] - now.box[0] == pytest.approx(10)
    assert then.box[3] - then.box[0] == pytest.approx(30)
    assert extents(conn, "test")["pipe_point"].box is None


def test_an_error_while_writing_names_no_database_text(conn: Connection) -> None:
    conn.execute("DROP TABLE building CASCADE")
    with pytest.raises(DatabaseError, match="twin db upgrade") as caught:
        put(conn, {"a": 1})
    assert "relation" not in str(caught.value)
    assert isinstance(caught.value.__cause__, psycopg.errors.UndefinedTable)


Step = tuple[int, dict[str, float], bool]
STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([1.0, 2.0]), max_size=3),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


class Model:
    """What each day's city looked like, as we held it after each publication: by brute force."""

    def __init__(self) -> None:
        self.days: dict[int, dict[str, float]] = {d: {} for d in range(-1, 7)}
        self.starts: set[int] = set()

    def publish(self, start: int, content: dict[str, float], complete: bool) -> None:
        end = min((s for s in self.starts if s > start), default=7)
        for number in range(start, end):
            kept = {} if complete else self.days[number]
            self.days[number] = {**kept, **content}
        self.starts.add(start)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_history_is_what_a_brute_force_model_remembers(conn: Connection, steps: list[Step]) -> None:
    conn.execute("TRUNCATE dataset, building, building_part RESTART IDENTITY CASCADE")
    model = Model()
    remembered = []
    for start, content, complete in steps:
        result = put(conn, content, day(start).date(), complete=complete)
        model.publish(start, content, complete)
        counts = result.tables["building"]
        assert counts.inserted + counts.changed + counts.unchanged == len(content)
        remembered.append((result.recorded, {d: dict(c) for d, c in model.days.items()}))
    for recorded, days in remembered:
        for number, content in days.items():
            assert heights(conn, datetime=day(number), as_of=recorded) == content
    assert {d: heights(conn, datetime=day(d)) for d in model.days} == model.days
