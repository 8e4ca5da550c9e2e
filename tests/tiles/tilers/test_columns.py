"""Property columns: whatever the table holds, what comes out can be written."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tiles.metadata import schema
from tiles.tilers.columns import Properties, Spec, numbers, texts

SPECS = (
    Spec("id"),
    Spec("name", table="building"),
    Spec("storeys", "INT16", table="building"),
    Spec("height", "FLOAT32", table="building"),
    Spec("height_source", "ENUM", table="building", enum="height_source"),
    Spec("kind"),
)
STYLE = {"columns": {"kind": ["类型", "Kind"]}}


def test_values_are_cleaned_and_sliced() -> None:
    table = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "name": ["松江站", None, "bad \ud800"],
            "storeys": [3, 99999, np.nan],
            "height": [12.5, np.inf, "x"],
            "height_source": ["storeys", "guess", None],
        },
        dtype=object,
    )
    taken = {
        c.id: list(c.values) for c in Properties(SPECS, table, STYLE).take(np.array([0, 2, 1]))
    }
    assert taken["id"] == ["a", "c", "b"]
    assert taken["name"] == ["松江站", "bad ?", None]
    assert taken["storeys"][0] == 3
    assert np.isnan(taken["storeys"][1:]).all()
    assert taken["height"][0] == 12.5
    assert np.isnan(taken["height"][1:]).all()
    assert taken["height_source"] == ["storeys", None, None]
    assert taken["kind"] == [None, None, None]


def test_labels_are_in_both_languages_with_the_unit_apart() -> None:
    columns = {c.id: c for c in Properties(SPECS, pd.DataFrame({"id": []}), STYLE).take(_NONE)}
    assert (columns["height"].name_zh, columns["height"].name_en) == ("高度", "Height")
    assert columns["height"].unit == "m"
    assert (columns["kind"].name_zh, columns["kind"].name_en) == ("类型", "Kind")
    assert all(c.name_zh and c.name_en for c in columns.values())
    assert schema("building", list(columns.values()))["enums"].keys() == {"height_source"}


def test_missing_columns_and_missing_values_are_the_same() -> None:
    table = pd.DataFrame({"a": pd.Series(["x", pd.NA], dtype="string"), "b": [pd.NaT, 4]})
    assert texts(table, "a").tolist() == ["x", None]
    assert texts(table, "b").tolist() == [None, "4"]
    assert texts(table, "none").tolist() == [None, None]
    assert np.isnan(numbers(table, "none")).all()


_NONE = np.empty(0, np.int64)
