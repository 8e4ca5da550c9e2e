"""Whatever a table holds comes back, and missing stays missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiles.content import Column, ColumnType, Content
from tiles.errors import ContentError
from tiles.gltf import encode
from tiles.inspect import Glb
from tiles.metadata import enumerations, no_data, schema
from tiles.testing import id_column, random_boxes, solids


def _round_trip(kind: ColumnType, values: Any, enum: str | None = None) -> list[Any]:
    column = Column("value", "值", "Value", kind, values, enum=enum)
    content = Content("thing", [id_column(len(values)), column], [solids(random_boxes(1), ids=[0])])
    return Glb(encode(content)).table()["value"]


@given(st.lists(st.none() | st.text(), min_size=1, max_size=30))
def test_text(values: list[str | None]) -> None:
    assert _round_trip("STRING", values) == [value or None for value in values]


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(ContentError, match="not Unicode"):
        _round_trip("STRING", ["\ud83d"])


def test_text_that_breaks_careless_code() -> None:
    values = ["松江枢纽", "<script>alert('x')</script>", 'a "quoted" name', "𠮷 🚇", "", None]
    values += [float("nan"), pd.NA, pd.NaT, "\x00\n\\"]  # type: ignore[list-item]
    expected = [*values[:4], None, None, None, None, None, "\x00\n\\"]
    assert _round_trip("STRING", values) == expected


@given(st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), min_size=1))
def test_float64(values: list[float | None]) -> None:
    lowest = no_data("FLOAT64")
    if lowest in values:
        with pytest.raises(ContentError):
            _round_trip("FLOAT64", values)
        return
    expected = [None if v is None or not np.isfinite(v) else v for v in values]
    assert _round_trip("FLOAT64", values) == expected


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("INT32", -(2**31) + 1, 2**31 - 1),
        ("UINT32", 0, 2**32 - 2),
        ("INT16", -(2**15) + 1, 2**15 - 1),
        ("UINT8", 0, 254),
    ],
)
def test_whole_numbers_to_the_ends_of_their_range(kind: ColumnType, low: int, high: int) -> None:
    assert _round_trip(kind, [low, None, high, float("nan")]) == [low, None, high, None]
    for wrong in (low - 1 if low < 0 else high + 1, high + 2, 0.5):
        with pytest.raises(ContentError, match="value"):
            _round_trip(kind, [1, wrong])


def test_arrays_and_booleans() -> None:
    assert _round_trip("INT16", np.array([1.0, np.nan, 3.0])) == [1, None, 3]
    assert _round_trip("UINT8", np.array([True, False])) == [1, 0]
    assert _round_trip("FLOAT32", np.array([0.5, np.nan], dtype=np.float32)) == [0.5, None]
    with pytest.raises(ContentError, match="FLOAT32"):
        _round_trip("FLOAT32", [1e300])


def test_text_in_a_number_column_is_named() -> None:
    with pytest.raises(ContentError, match=r"Column value \(FLOAT64\).*'abc'"):
        _round_trip("FLOAT64", ["abc"])


def test_enum() -> None:
    words = ["YS", None, "JS", "BM", float("nan")]
    assert _round_trip("ENUM", words, enum="pipe_class") == ["YS", None, "JS", "BM", None]
    with pytest.raises(ContentError, match="found ZZ, expected a value of enum pipe_class"):
        _round_trip("ENUM", ["ZZ"], enum="pipe_class")
    with pytest.raises(ContentError, match="no_such"):
        _round_trip("ENUM", ["YS"], enum="no_such")


def test_enumerations_are_unambiguous() -> None:
    for entry in enumerations().values():
        numbers = list(entry.numbers.values())
        assert len(set(numbers)) == len(numbers), entry.id
        assert {n for n in numbers if not 0 <= n < 2**16} == set()


def test_an_id_is_never_missing() -> None:
    content = Content(
        "thing",
        [Column("id", "标识", "Identifier", "STRING", ["a", None])],
        [solids(random_boxes(2))],
    )
    with pytest.raises(ContentError, match="no id in row 1"):
        encode(content)


def test_schema_depends_on_columns_and_not_on_values() -> None:
    def columns(values: list[float | None]) -> list[Column]:
        return [id_column(2), Column("height", "高度", "Height", "FLOAT64", values, "m")]

    found = schema("building", columns([None, None]))
    assert found == schema("building", columns([1.0, 2.0]))
    properties = found["classes"]["building"]["properties"]
    assert properties["id"]["semantic"] == "ID"
    assert properties["id"]["required"] is True
    assert properties["height"] == {
        "name": "高度",
        "description": "Height [m]",
        "extras": {"unit": "m"},
        "type": "SCALAR",
        "componentType": "FLOAT64",
        "noData": no_data("FLOAT64"),
    }
    with pytest.raises(ContentError, match="identifier"):
        schema("建筑", [])


def test_columns_of_different_length_are_refused() -> None:
    columns = [id_column(2), Column("height", "高度", "Height", "FLOAT64", [1.0])]
    with pytest.raises(ContentError, match="1 rows, expected 2 rows"):
        encode(Content("building", columns, [solids(random_boxes(2))]))
