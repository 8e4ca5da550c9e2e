"""Footprint files that are not whole, or not what they say: content, parts, text."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pyogrio
import pytest

from ingest.readers.footprint_testing import (
    feature,
    geojson,
    read,
    refusal,
    refused,
    rows_by_code,
    written,
)


@pytest.mark.parametrize("page", ["GB18030", "Big5", "UTF-8"])
def test_code_pages_by_cpg_by_declaration_and_not_at_all(tmp_path: Path, page: str) -> None:
    columns = {
        "id": ["1", "2", "3"],
        "name": ["松江車站", "塔樓", "倉庫"],
        "height": [9.0, 8.0, 7.0],
    }
    path = written(tmp_path / "b.shp", "ESRI Shapefile", columns, encoding=page)
    assert read(path).tables["building"]["name"].tolist() == columns["name"]
    path.with_suffix(".cpg").unlink()
    assert read(path, encoding=page).tables["building"]["name"].tolist() == columns["name"]
    if page == "UTF-8":
        assert "ENC-02" in rows_by_code(read(path))
    else:
        assert "gb18030" in refused(path, "ENC-01")


def test_the_language_byte_of_the_dbf_counts(tmp_path: Path) -> None:
    path = written(tmp_path / "b.shp", "ESRI Shapefile", encoding="GB18030")
    path.with_suffix(".cpg").unlink()
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    dbf[29] = 0x4D
    path.with_suffix(".dbf").write_bytes(dbf)
    assert read(path).tables["building"]["name"].tolist() == ["南楼", "北楼", "東塔"]


def test_a_code_page_that_is_not_the_text_s_is_found_by_row(tmp_path: Path) -> None:
    columns = {"id": ["1", "2", "3"], "name": ["松江车站", "B", "C"], "height": [9.0, 8.0, 7.0]}
    path = written(tmp_path / "b.shp", "ESRI Shapefile", columns, encoding="GB18030")
    path.with_suffix(".cpg").write_text("UTF-8")
    delivery = read(path)
    assert rows_by_code(delivery)["ENC-01"] == [1]
    assert len(delivery.tables["building"]) == 2
    assert "utf-8" in refused(path, "ENC-01", encoding="GB18030")  # file and declaration differ
    path.with_suffix(".cpg").write_text("KLINGON")
    assert "KLINGON" in refused(path, "ENC-01")


def test_geojson_must_be_utf8(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3, 名称="车站"))
    path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    assert "line 1" in refused(path, "ENC-01")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"PK\x03\x04\x14\x00[Content_Types].xml", "Excel"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"ISO-10303-21;\nHEADER;", "IFC"),
        (b"<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>", "XML"),
        (b'{"type":"gdal_streamed_alg","command_line":"gdal vector pipeline"}', "JSON"),
        (b'{"type":"CityJSON","version":"2.0"}', "CityJSON"),
        (b"id,height\n1,2\n", "text"),
        (b"", "empty"),
    ],
)
@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".fgb"])
def test_a_file_that_is_not_what_its_name_says(
    tmp_path: Path, content: bytes, word: str, suffix: str
) -> None:
    path = tmp_path / f"plan{suffix}"
    path.write_bytes(content)
    assert word in refused(path, "STR-00")


def test_a_gdal_algorithm_dressed_as_geojson_is_not_run(tmp_path: Path) -> None:
    other = geojson(tmp_path, feature(1, height=3), name="other.geojson")
    path = tmp_path / "evil.geojson"
    path.write_text(
        json.dumps(
            {
                "type": "gdal_streamed_alg",
                "command_line": f"gdal vector pipeline ! read {other} ! write streamed "
                "--output-format stream",
                "features": [],
                "also": {"type": "FeatureCollection"},
            }
        )
    )
    # Where every driver is there, GDAL runs the command and hands on the other file's feature.
    assert pyogrio.read_info(path)["driver"] == "GDALG"
    assert pyogrio.read_info(path)["features"] == 1
    assert "whole GeoJSON file" in refused(path, "STR-00")


def test_sqlite_that_is_no_geopackage(tmp_path: Path) -> None:
    path = tmp_path / "b.gpkg"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (a)")
    database.close()
    assert "SQLite" in refused(path, "STR-00")


@pytest.mark.parametrize(
    ("name", "driver"), [("b.gpkg", "GPKG"), ("b.fgb", "FlatGeobuf"), ("b.geojson", "GeoJSON")]
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_files(tmp_path: Path, name: str, driver: str, share: float) -> None:
    path = written(tmp_path / name, driver)
    assert read(path, horizontal="EPSG:4549").features_in == 3
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    sentence = refused(path, "STR-00", horizontal="EPSG:4549")
    assert {"GPKG": "98304", "FlatGeobuf": "cut short", "GeoJSON": "'}'"}[driver] in sentence


def test_a_truncated_geojson_is_shown_where_it_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text('{"type": "FeatureCollection",\n"features": [\n{"type": "Feature", "prop')
    (finding,) = refusal(path)
    assert (finding.code, finding.place.row) == ("STR-00", 3)
    assert str(finding.found).endswith('"prop')
    assert "breaks off in line 3" in finding.en
    assert "第 3 行中断" in finding.zh
    assert "..." not in finding.en + finding.zh


@pytest.mark.parametrize("by_line", [False, True], ids=["on one line", "indented"])
def test_a_geojson_cut_anywhere_is_told_to_be_cut_short(tmp_path: Path, by_line: bool) -> None:
    path = geojson(tmp_path, feature(1, height=3))
    text = json.dumps(json.loads(path.read_text()), indent=1 if by_line else None)
    brackets = [at for at, sign in enumerate(text[:-1], start=1) if sign in "]}"]
    for length in (1, 9, len(text) // 2, brackets[0], brackets[-1]):
        path.write_text(text[:length])
        assert "cut short when it was written" in refused(path, "STR-00")


def test_json_that_is_whole_and_no_geojson_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text('{"name": "a"}')
    assert "JSON that is not GeoJSON" in refused(path, "STR-00")


def test_a_number_beyond_all_numbers_is_no_json(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3))
    path.write_text(path.read_text().replace("30.98]", "1e999]", 1))
    assert "not JSON" in refused(path, "STR-00")


def test_json_that_is_wrong_inside_is_shown_by_line_and_column(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3))
    path.write_text(path.read_text().replace('"geometry"', "\n  geometry"))
    (finding,) = refusal(path)
    assert (finding.code, finding.place.row) == ("STR-00", 2)
    assert "line 2, column 3" in finding.en
    assert "第 2 行第 3 列" in finding.zh
    assert finding.en.index("export it again") < finding.en.index("GDAL"), "its words come last"


@pytest.mark.parametrize("suffix", [".shp", ".shx", ".dbf"])
@pytest.mark.parametrize(
    ("harm", "words"),
    [("gone", "is missing"), ("cut", "is not whole"), ("other", "a PDF document")],
)
def test_a_shapefile_must_be_whole(tmp_path: Path, suffix: str, harm: str, words: str) -> None:
    path = written(tmp_path / "b.shp", "ESRI Shapefile", encoding="UTF-8")
    part = path.with_suffix(suffix)
    if harm == "gone":
        part.unlink()
    elif harm == "cut":
        part.write_bytes(part.read_bytes()[:-30])
    else:
        part.write_bytes(b"%PDF-1.4 not a shape at all, but long enough to look like one" * 9)
    sentence = refused(path, "STR-00")
    assert f"b{suffix}" in sentence
    assert words in sentence


@pytest.mark.parametrize(
    ("name", "driver"), [("b.geojson", None), ("b.gpkg", "GPKG"), ("b.fgb", "FlatGeobuf")]
)
def test_ten_thousand_columns(tmp_path: Path, name: str, driver: str | None) -> None:
    if driver is None:
        many = {f"c{number}": number for number in range(10_000)}
        path = geojson(tmp_path, *(feature(number, height=3, **many) for number in range(20)))
        expected = 10_002  # with id and height
    else:
        expected = 1_900  # SQLite takes 2000 at most
        path = written(tmp_path / name, driver, {f"c{i}": [1, 2, 3] for i in range(expected)})
    finding = refusal(path)[0]
    assert (finding.code, finding.found, finding.expected) == ("STR-02", str(expected), "<= 1000")
