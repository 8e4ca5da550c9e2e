from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

import numpy as np
import psycopg
import pytest
import shapely

from models.crs import StorageCrs
from models.db.connection import Connection, connect
from models.db.errors import ContinuityError, DuplicateIdError, PublishError
from models.db.publish import TableCounts, publish
from models.db.read import datasets, read_table, revisions
from models.db.testing import heights, put, until
from models.errors import DatabaseError, UnknownTwinError
from models.features import Theme
from models.testing import buildings, delivery, pipes


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


def test_what_follows_at_once_is_planned_for_what_is_there(conn: Connection) -> None:
    """The server's own statistics come a minute later."""
    publish(conn, twin="test", dataset="made", deliveries=[delivery(Theme.PIPES, pipes(400))])
    query = (
        "SELECT relname, reltuples FROM pg_class WHERE relname IN ('pipe_point', 'pipe_segment')"
    )
    assert dict(conn.execute(query).fetchall()) == {"pipe_point": 401, "pipe_segment": 400}


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
        until(lambda: conn.execute(waiting).fetchone() is not None)
        conn.execute("SELECT pg_terminate_backend(%s)", conn.execute(waiting).fetchone())
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


def test_an_error_while_writing_names_no_database_text(conn: Connection) -> None:
    conn.execute("DROP TABLE building CASCADE")
    with pytest.raises(DatabaseError, match="twin db upgrade") as caught:
        put(conn, {"a": 1})
    assert "relation" not in str(caught.value)
    assert isinstance(caught.value.__cause__, psycopg.errors.UndefinedTable)


def test_a_delivery_that_would_end_most_of_a_dataset_is_refused_before_writing(
    conn: Connection,
) -> None:
    put(conn, {"a": 1, "b": 2, "c": 3, "d": 4})
    with pytest.raises(ContinuityError, match=r"holds 4 features .* leaves out 3") as caught:
        put(conn, {"a": 1}, may_end=0.5)
    assert (caught.value.held, caught.value.closed) == (4, 3)
    assert "--replace" in caught.value.zh
    assert heights(conn) == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert rows(conn, "revision") == 1
    assert put(conn, {"e": 5}, complete=False, may_end=0.0).new, "it ends nothing"
    assert put(conn, {"a": 1, "b": 2, "c": 3}, may_end=0.5).tables["building"].closed == 2
    assert put(conn, {"f": 6}).tables["building"].closed == 3, "no limit was asked for"


def test_what_may_end_is_judged_by_the_plan_alone(database: str, conn: Connection) -> None:
    put(conn, {"a": 1, "b": 2})
    with connect(database) as other, conn.transaction():
        other.execute("SET lock_timeout = '2s'")
        conn.execute("LOCK TABLE building, revision, source_file IN EXCLUSIVE MODE")
        with pytest.raises(DatabaseError, match="code 55P03"):  # writing waits for this lock
            put(other, {"z": 1})
        with pytest.raises(ContinuityError):
            put(other, {"z": 1}, may_end=0.5)
