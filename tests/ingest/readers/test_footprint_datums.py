"""CRS and vertical datum of footprint files: in the file, declared, or neither."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.readers.footprint_testing import (
    X,
    Y,
    feature,
    geojson,
    named_crs,
    polygon,
    read,
    refusal,
    refused,
    ring,
    written,
)


def test_datums_must_be_declared(tmp_path: Path) -> None:
    path = written(tmp_path / "b.shp", "ESRI Shapefile", encoding="UTF-8")
    assert "高程基准" in refused(path, "MET-01", vertical=None)
    path.with_suffix(".prj").unlink()
    assert ".prj" in refused(path, "MET-01")
    both = refusal(path, vertical=None)  # told at once
    assert [(f.code, str(f.found)[:3]) for f in both] == [("MET-01", "未声明")] * 2
    assert read(path, horizontal="EPSG:4549").passport.horizontal == "EPSG:4549"


def test_file_and_declaration_must_agree(tmp_path: Path) -> None:
    path = written(tmp_path / "b.gpkg", "GPKG")
    assert read(path, horizontal="EPSG:4549").features_in == 3
    sentence = refused(path, "MET-01", horizontal="EPSG:4550")
    assert "EPSG:4549" in sentence
    assert "EPSG:4550" in sentence


def test_a_compound_crs_brings_its_vertical_datum(tmp_path: Path) -> None:
    path = written(tmp_path / "b.gpkg", "GPKG", crs="EPSG:4549+5737")
    assert read(path, vertical=None).passport.vertical == "1985"
    assert "1956" in refused(path, "MET-01", vertical="1956")


@pytest.mark.parametrize(
    ("crs", "words"),
    [
        (named_crs("urn:ogc:def:crs:EPSG::999999"), "999999"),
        ({"type": "link", "properties": {"href": "http://127.0.0.1:9/crs"}}, "names no CRS"),
        ({"type": "name", "properties": {}}, "names no CRS"),
    ],
)
def test_a_crs_member_that_names_nothing_is_refused(
    tmp_path: Path, crs: dict[str, Any], words: str
) -> None:
    assert words in refused(geojson(tmp_path, feature(1, height=3), crs=crs), "MET-01")


@pytest.mark.parametrize("last", [False, True])
def test_a_crs_member_that_names_one(tmp_path: Path, last: bool) -> None:
    square = polygon(ring(X, Y, 20))
    path = geojson(tmp_path, feature(1, square, height=3), crs=named_crs("EPSG:4549"))
    if last:  # of the file's members
        body = json.loads(path.read_text())
        body["crs"] = body.pop("crs")
        path.write_text(json.dumps(body))
        assert path.read_text().index("features") < path.read_text().index("crs")
    assert read(path).passport.horizontal == "EPSG:4549"


def test_a_shapefile_without_prj_is_told_what_its_numbers_may_be(tmp_path: Path) -> None:
    path = written(tmp_path / "b.shp", "ESRI Shapefile", encoding="UTF-8")
    path.with_suffix(".prj").unlink()
    sentence = refused(path, "MET-01")
    assert "(617060.000, 3430010.000)" in refusal(path)[0].found  # type: ignore[operator]
    for words in ("--crs EPSG:4549", "EPSG:4550", "EPSG:32651", "EPSG:2437"):
        assert words in sentence
