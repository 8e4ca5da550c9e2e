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
import pyarrow as pa
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.readers import vector_columns
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


def explain(path: Path, layer: str, **words: dict[Any, str]) -> None:
    """Say what the codes of columns of a GeoPackage mean (OGC 12-128r18, F.8)."""
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(
            "CREATE TABLE gpkg_data_columns (table_name TEXT, column_name TEXT, name TEXT, "
            "title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT)"
        )
        base.execute(
            "CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT, "
            "constraint_type TEXT, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, "
            "max NUMERIC, max_is_inclusive BOOLEAN, description TEXT)"
        )
        for column, codes in words.items():
            base.execute(
                "INSERT INTO gpkg_data_columns (table_name, column_name, constraint_name) "
                "VALUES (?, ?, ?)",
                (layer, column, column),
            )
            base.executemany(
                "INSERT INTO gpkg_data_column_constraints "
                "(constraint_name, constraint_type, value, description) VALUES (?, 'enum', ?, ?)",
                [(column, str(code), word) for code, word in codes.items()],
            )


PIPES = {1: "PE", 2: "铸铁"}


def test_codes_of_footprints_stay_codes(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "height": pd.array([12, 9, 60, 9], dtype="Int32"),
            "m": pd.array([1, 2, 7, None], dtype="Int32"),
            "far": pd.array([10, -3, 20, None], dtype="Int32"),
            "big": pd.array([1, BIG, None, 2], dtype="Int64"),
            "text": ["1", "b", "7", None],
        },
        geometry=[shapely.box(X + 50 * i, Y, X + 50 * i + 20, Y + 20) for i in range(4)],
        crs="EPSG:4549",
    )
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(frame, path)
    text = {"1": "PE", "b": "铸铁"}
    far = {10: "x", -3: "y", 20: "z"}
    explain(path, "a", height={9: "low", 12: "tall"}, m=PIPES, far=far, big=PIPES, text=text)
    delivery = read(path)
    assert exactly(stored(delivery)) == exactly(
        [
            {"m": 1, "far": 10, "big": 1, "text": "1"},
            {"m": 2, "far": -3, "big": BIG, "text": "b"},
            {"m": 7, "far": 20, "text": "7"},
            {"big": 2},
        ]
    )
    assert delivery.tables["building"].sort_values("key")["height"].tolist() == [12, 9, 60, 9]


def test_codes_of_survey_layers_stay_codes(tmp_path: Path) -> None:
    points, lines = layers(*run_of(4))
    points["m"] = pd.array([1, 2, 7, None], dtype="Int32")
    points["text"] = ["1", "b", "7", None]
    path = write_gpkg(tmp_path / "a.gpkg", points, lines)
    explain(path, "JSPoint", m=PIPES, text={"1": "PE"})
    delivery = read_survey(path, options=ReadOptions(vertical="1985"))
    expected = [{"m": 1, "text": "1"}, {"m": 2, "text": "b"}, {"m": 7, "text": "7"}, {}]
    assert exactly(stored(delivery, "pipe_point")) == exactly(expected)


@pytest.mark.parametrize("rows", [2, 0])
def test_every_arrow_type_of_lists_and_bytes(rows: int) -> None:
    lists = [pa.list_(pa.int64()), pa.large_list(pa.int64()), pa.list_(pa.int64(), 2)]
    blobs = [pa.binary(), pa.large_binary(), pa.binary(2)]
    code = pa.array([7, None][:rows], pa.int32())
    arrays = [
        *(pa.array([[1, 2], None][:rows], kind) for kind in lists),
        *(pa.array([b"ab", None][:rows], kind) for kind in blobs),
        pa.DictionaryArray.from_arrays(code, pa.array(["PE"]), safe=False),
    ]
    names = list("abcdefg")
    read = vector_columns.columns(names, pa.table(arrays, names=names))
    assert (read.names, read.documents, read.left_out) == (list("abcg"), [0, 1, 2], list("def"))
    wanted = [*[["[1,2]", None][:rows]] * 3, [7, None][:rows]]
    assert [values.tolist() for values in read.values] == wanted
