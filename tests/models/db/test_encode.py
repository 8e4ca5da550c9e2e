from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from models.db.connection import Connection
from models.db.errors import PublishError
from models.db.publish import publish
from models.db.read import read_table
from models.features import Delivery, Theme
from models.testing import buildings, delivery


def rows(conn: Connection, table: str) -> int:
    found = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert found is not None
    return int(found[0])


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
