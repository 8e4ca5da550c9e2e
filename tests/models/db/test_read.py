from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.db.connection import Connection
from models.db.publish import CHINA
from models.db.read import extents
from models.db.testing import heights, put


def day(number: int) -> datetime:
    return datetime(2020, 1, 1, tzinfo=CHINA) + timedelta(days=number)


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
