"""What a feature is told as: JSON that any reader takes, numbers as exact as they are known."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.db import pool
from models.db.features_columns import feature_bytes, feature_json, plain_columns

FIELDS = {
    "name": "text",
    "address": "text",
    "storeys": "integer",
    "base_height": "double precision",
    "id": "uuid",
    "attrs": "jsonb",
    "valid_from": "timestamptz",
}
TYPES = {**FIELDS, "attrs": "text::jsonb"}
MOMENT = dt.datetime(2026, 2, 3, 4, 5, 6, 700_000, dt.UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LENGTH = st.floats(-1e6, 1e6, allow_subnormal=False)


@pytest.fixture(scope="module")
def told(segments: str) -> Any:
    """Properties as the database tells them, as JSON in text and bytes, and as plain columns."""
    row = ", ".join(f"${n}::{t} AS {name}" for n, (name, t) in enumerate(TYPES.items(), 1))
    only = {"name": "text", "address": "text"}
    select = ", ".join([feature_json("building", FIELDS, None, 8),
                        feature_bytes("building", FIELDS, None, 8),
                        feature_bytes("building", only, None, 8),
                        feature_bytes("building", {"storeys": "integer"}, None, 8),
                        *plain_columns("building", FIELDS, as_text=True)])  # fmt: skip
    query = f"SELECT {select} FROM (SELECT {row}) AS t"
    with asyncio.Runner() as runner:
        opened = pool.open_pool(segments)
        connections = runner.run(opened.__aenter__())

        def ask(**values: Any) -> tuple[dict[str, Any], list[str | None]]:
            given = [values.get(name) for name in FIELDS]
            found = runner.run(connections.fetchrow(query, *given))
            whole, written, texts, number = map(orjson.loads, list(found)[:4])
            assert written == whole
            properties: dict[str, Any] = whole["properties"]
            assert texts["properties"] == {name: properties[name] for name in only}
            assert number["properties"] == {"storeys": properties["storeys"]}
            return properties, list(found)[4:]

        yield ask
        runner.run(opened.__aexit__(None, None, None))


@settings(max_examples=60, deadline=None)
@given(TEXT | st.none(), TEXT, LENGTH | st.none())
@example('a"b\\c\n\t\x01\x7f', "\u2028楼", 3.939321793331659)
@example(None, "plain", -0.0004)
def test_json_says_what_is_stored(
    told: Any, name: str | None, address: str, height: float | None
) -> None:
    found, plain = told(name=name, address=address, base_height=height, attrs='{"k": [1]}')
    assert (found["name"], found["address"]) == (name, address)
    assert plain[:2] == [name, address]
    assert found["attrs"] == {"k": [1]}
    if height is None:
        assert (found["base_height"], plain[3]) == (None, None)
    else:
        assert abs(found["base_height"] - height) <= 0.00051
        assert float(plain[3]) == found["base_height"]
        assert len(plain[3].partition(".")[2]) <= 3


def test_other_values_are_as_their_types_say(told: Any) -> None:
    identity = uuid.uuid4()
    found, plain = told(id=identity, storeys=3, valid_from=MOMENT, base_height=3.939321793331659)
    assert found == {
        "name": None, "address": None, "storeys": 3, "base_height": 3.939, "id": str(identity),
        "attrs": None, "valid_from": "2026-02-03T04:05:06.7+00:00",
    }  # fmt: skip
    assert dt.datetime.fromisoformat(plain[-1] or "") == MOMENT
    for end in (dt.datetime.min, dt.datetime.max):  # how the driver says that there is none
        assert told(valid_from=end.replace(tzinfo=dt.UTC))[0]["valid_from"] is None
