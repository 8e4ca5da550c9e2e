"""Source attributes come through the readers of vector files with the types that they had."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.readers.base import ReadOptions
from ingest.readers.footprint_testing import X, Y, feature, geojson, only, read
from ingest.survey_testing import layers, write_gpkg
from ingest.testing import read as read_survey
from ingest.testing import run_of
from models.features import Delivery

BIG = 2**53 + 1
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
_SCALAR = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 2) | _TEXT
_VALUE = st.recursive(
    _SCALAR | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_ROW = st.dictionaries(st.sampled_from("abcdef").map(lambda n: f"甲 {n}") | _TEXT, _VALUE)


def stored(delivery: Delivery, table: str = "building") -> list[dict[str, Any]]:
    """The attributes as the database gets them, in the order of the keys."""
    frame = delivery.tables[table].sort_values("key")
    found: list[dict[str, Any]] = json.loads(json.dumps(frame["attrs"].tolist()))
    return found


def exactly(rows: list[dict[str, Any]]) -> str:
    """What tells 1, 1.0 and true apart."""
    return json.dumps(rows, sort_keys=True)


@given(rows=st.lists(_ROW, min_size=8, max_size=20))
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_properties_of_geojson_are_kept(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.geojson"
    features = [feature(10 + n, height=3) for n in range(len(rows))]
    for one, row in zip(features, rows, strict=True):
        one["properties"] |= {f"p{name}": value for name, value in row.items()}
    geojson(path.parent, *features)
    expected = [{f"p{n}": v for n, v in row.items() if v is not None} for row in rows]
    assert exactly(stored(read(path))) == exactly(expected)


def test_geojson_that_gdal_reads_in_its_own_way(tmp_path: Path) -> None:
    """NaN, U+0000 and words for it, what is no feature, and members of one without properties."""
    rows: list[dict[str, Any]] = [
        {"flags": [True, False], "odd": float("nan"), "nul": "a\0b", "word": r"\u0000", "mix": 1},
        {"flags": None, "odd": 1.5, "day": "2020/01/02", "mix": "1"},
    ]
    features: list[Any] = [feature(n, height=3, 编号=f"b{n}", **row) for n, row in enumerate(rows)]
    bare = feature(3)
    features[0]["properties"]["where"] = {"coordinates": [1.5, 2]}
    bare |= {"编号": "b9", "height": 3, "标签": {"a": [1, None]}}
    del bare["properties"]
    path = geojson(tmp_path, *features, None, bare)  # type: ignore[arg-type]
    assert exactly(stored(read(path, mapping={"编号": "key"}))) == exactly(
        [
            {"flags": [True, False], "nul": "ab", "word": r"\u0000", "mix": 1, "id": "b0"}
            | {"where": {"coordinates": [1.5, 2]}},
            {"odd": 1.5, "day": "2020/01/02", "mix": "1", "id": "b1"},
            {"标签": {"a": [1, None]}},
        ]
    )


def test_text_that_is_no_unicode_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    whole = geojson(tmp_path, feature(1, height=3, note="?", mix=1), feature(2, height=3, mix="x"))
    path.write_text(whole.read_text().replace('"?"', r'"\ud800"'))
    assert "of one type" in only(read(path).findings, "STR-04").en


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb", "a.shp"])
def test_numbers_booleans_and_days_with_nulls(tmp_path: Path, name: str) -> None:
    frame = geopandas.GeoDataFrame(
        {
            "id": ["a", "b", "c"],
            "height": pd.array([12, None, 9], dtype="Int64"),
            "floors": pd.array([None, 3, None], dtype="Int64"),
            "n": pd.array([12, None, 3], dtype="Int32"),
            "real": [12.0, None, 2.5],
            "code": ["003", None, "7"],
        },
        geometry=[shapely.box(X + 50 * i, Y, X + 50 * i + 20, Y + 20) for i in range(3)],
        crs="EPSG:4549",
    )
    expected: list[dict[str, Any]] = [
        {"n": 12, "real": 12.0, "code": "003"},
        {},
        {"n": 3, "real": 2.5, "code": "7"},
    ]
    if name != "a.shp":  # which keeps 18 digits and writes Booleans as numbers
        frame["big"] = pd.array([None, BIG, 2**62 + 1], dtype="Int64")
        frame["flag"] = pd.array([True, None, False], dtype="boolean")
        frame["at"] = pd.Series(pd.to_datetime(["2020-01-02T03:04:05Z"])).reindex(range(3))
        expected[0] |= {"flag": True, "at": "2020-01-02T03:04:05Z"}
        expected[1] |= {"big": BIG}
        expected[2] |= {"big": 2**62 + 1, "flag": False}
    pyogrio.write_dataframe(frame, tmp_path / name)
    delivery = read(tmp_path / name)
    assert exactly(stored(delivery)) == exactly(expected)
    assert delivery.tables["building"].sort_values("key")["height"].tolist() == [12, 9, 9]
    assert "BLD-08" not in {finding.code for finding in delivery.findings}


def declare(path: Path, layer: str, *documents: str) -> None:
    """Declare columns of a GeoPackage to be JSON (OGC 12-128r18, gpkg_data_columns), and add a
    binary one."""
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(
            "CREATE TABLE gpkg_data_columns (table_name TEXT, column_name TEXT, name TEXT, "
            "title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT)"
        )
        base.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, mime_type) "
            "VALUES (?, ?, 'application/json')",
            [(layer, column) for column in documents],
        )
        base.execute(f"ALTER TABLE {layer} ADD COLUMN photo BLOB DEFAULT x'0001'")


def test_json_and_binary_columns_of_a_geopackage(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(
        {
            "id": ["a", "b"],
            "height": [3.0, 4.0],
            "名称": ["[1]", "x"],
            "表": ['["a", {"b": [true, null]}]', "not JSON"],
        },
        geometry=[shapely.box(X + 50 * i, Y, X + 50 * i + 20, Y + 20) for i in range(2)],
        crs="EPSG:4549",
    )
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(frame, path)
    declare(path, "a", "表", "名称")
    delivery = read(path)
    assert stored(delivery) == [{"表": ["a", {"b": [True, None]}]}, {"表": "not JSON"}]
    assert delivery.tables["building"]["name"].tolist() == ["[1]", "x"]
    assert "photo" in only(delivery.findings, "STR-04").en


def test_survey_layers_keep_types_and_tell_of_binary_columns(tmp_path: Path) -> None:
    points, lines = layers(*run_of(4))
    points["标记"] = pd.array([True, None, False, None], dtype="boolean")
    points["批次"] = pd.array([1, None, 3, BIG], dtype="Int64")
    points["表"] = ['["a", 1]', None, '{"a": [true]}', "x"]
    points["量"] = [1.0, np.nan, np.nan, 2.5]
    path = write_gpkg(tmp_path / "a.gpkg", points, lines)
    declare(path, "JSPoint", "表")
    delivery = read_survey(path, options=ReadOptions(vertical="1985"))
    assert exactly(stored(delivery, "pipe_point")) == exactly(
        [
            {"标记": True, "批次": 1, "表": ["a", 1], "量": 1.0},
            {},
            {"标记": False, "批次": 3, "表": {"a": [True]}},
            {"批次": BIG, "表": "x", "量": 2.5},
        ]
    )
    assert "photo" in only(delivery.findings, "STR-04").zh
