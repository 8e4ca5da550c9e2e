"""Deliveries that would change or end features of somebody else (UPD-01)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from models.db.connection import Connection
from models.db.errors import ContinuityError, OwnershipError, UpdateError
from models.db.publish import PublishResult, publish
from models.db.read import datasets, read_table
from models.features import Delivery, Theme
from models.testing import buildings, delivery, pipes

GAS, WATER = "燃气公司", "自来水公司"


def works(owners: list[str | None], without: int | None = None, **changed: Any) -> Delivery:
    """A chain of segments, one for each owner, ``without`` one of them; ``changed`` are columns
    with another value."""
    tables = pipes(len(owners))
    segments = tables["pipe_segment"].assign(owner=pd.Series(owners, dtype=object), **changed)
    tables["pipe_segment"] = segments if without is None else segments.drop(index=without)
    return delivery(Theme.PIPES, tables)


def put(
    conn: Connection, made: Delivery, agreed: tuple[str, ...] = (), **more: Any
) -> PublishResult:
    return publish(conn, twin="test", dataset="made", deliveries=[made], agreed=agreed, **more)


def materials(conn: Connection) -> list[str]:
    return sorted(read_table(conn, "pipe_segment", "test")["material"])


def test_a_delivery_may_change_what_its_own_rows_are_about(conn: Connection) -> None:
    put(conn, works([GAS, WATER]))
    result = put(conn, works([GAS, WATER], material="钢"))
    assert result.tables["pipe_segment"].changed == 2


def test_segments_of_another_owner_are_neither_changed_nor_ended(conn: Connection) -> None:
    put(conn, works([GAS, GAS, WATER, WATER]))
    with pytest.raises(OwnershipError) as told:
        put(conn, works([GAS] * 4, without=3, material="钢"))
    assert told.value.code == "UPD-01"
    assert told.value.others == {WATER: (1, 1)}
    for sentence in (told.value.zh, told.value.en):
        assert WATER in sentence and GAS not in sentence and "--agreed" in sentence
    assert materials(conn) == ["混凝土"] * 4, "nothing was stored"


def test_an_untouched_segment_of_another_owner_is_nobodys_business(conn: Connection) -> None:
    put(conn, works([GAS, WATER]))
    result = put(conn, works([GAS, WATER], without=1, material="钢"), complete=False)
    assert result.tables["pipe_segment"].changed == 1
    assert materials(conn) == ["混凝土", "钢"]


@pytest.mark.parametrize(
    "consent",
    [
        {"agreed": (WATER,)},
        {"agreed": (f" {WATER} ",)},
        {"organisation": WATER},
        {"agreed": None},
    ],
)
def test_who_agrees_or_delivers_is_obeyed(conn: Connection, consent: dict[str, Any]) -> None:
    put(conn, works([GAS, WATER]))
    result = put(conn, works([GAS, GAS], material="钢"), **consent)
    assert result.tables["pipe_segment"].changed == 2


def test_segments_without_an_owner_are_anybodys(conn: Connection) -> None:
    put(conn, works([None, None]))
    assert put(conn, works([GAS, GAS])).tables["pipe_segment"].changed == 2


def test_a_dataset_is_of_the_organisation_that_delivered_it(conn: Connection) -> None:
    made = delivery(Theme.BUILDINGS, {"building": buildings({"a": 10, "b": 20, "c": 30})})
    put(conn, made, organisation="测绘院")
    other = delivery(Theme.BUILDINGS, {"building": buildings({"a": 11, "b": 20})})
    for stranger in (None, "别家公司"):
        with pytest.raises(OwnershipError) as told:
            put(conn, other, organisation=stranger)
        assert told.value.others == {"测绘院": (1, 1)}
        assert told.value.deliverer == stranger
    assert put(conn, other, organisation="测绘院").tables["building"].changed == 1
    handed = delivery(Theme.BUILDINGS, {"building": buildings({"a": 12, "b": 20})})
    put(conn, handed, ("测绘院",), organisation="别家公司")
    (dataset,) = datasets(conn, "test")
    assert dataset.organisation == "别家公司", "it has the dataset from now on"


def test_new_features_touch_nobody(conn: Connection) -> None:
    put(conn, works([WATER]), organisation="测绘院")
    result = put(conn, works([WATER, GAS]), organisation="别家公司")
    assert result.tables["pipe_segment"].inserted == 1


def test_both_reasons_are_told_at_once(conn: Connection) -> None:
    put(conn, works([WATER] * 4))
    with pytest.raises(UpdateError) as told:
        put(conn, works([GAS]), may_end=0.5)
    assert not isinstance(told.value, OwnershipError | ContinuityError)
    assert told.value.code == "UPD-01"
    assert WATER in told.value.en and "leaves out" in told.value.en
