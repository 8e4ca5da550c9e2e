"""Footprint files of every accepted format, read whole."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
import shapely

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_testing import (
    READER,
    feature,
    geojson,
    read,
    refused,
    rows_by_code,
    written,
)
from models.features import Theme

SAMPLE = Path(__file__).parents[4] / "shared/samples/buildings/footprints_with_height.geojson"


@pytest.mark.parametrize(
    ("name", "driver"),
    [("b.gpkg", "GPKG"), ("b.fgb", "FlatGeobuf"), ("b.shp", "ESRI Shapefile")],
)
def test_every_format_gives_the_same_buildings(tmp_path: Path, name: str, driver: str) -> None:
    delivery = read(written(tmp_path / name, driver, encoding="UTF-8"))
    assert delivery.theme is Theme.BUILDINGS
    assert (delivery.passport.horizontal, delivery.passport.vertical) == ("EPSG:4549", "1985")
    table = delivery.tables["building"].sort_values("key", ignore_index=True)
    assert table["key"].tolist() == ["甲-1", "甲-2", "甲-3"]
    assert table["name"].tolist() == ["南楼", "北楼", "東塔"]
    assert table["height"].tolist() == [12.5, 30.0, 99.9]
    assert set(table["height_source"]) == {"attribute"}
    assert table["base_height"].isna().all()
    assert shapely.area(table["geom"].to_numpy()).tolist() == [400.0] * 3
    assert shapely.equals(
        shapely.from_wkb(table["source_geom"].to_numpy()), table["geom"].to_numpy()
    ).all()
    assert delivery.features_in == 3
    assert delivery.source.name == name
    assert delivery.errors == 0


def test_geojson_without_crs_is_longitude_latitude(tmp_path: Path) -> None:
    delivery = read(geojson(tmp_path, feature(1, height=10, floors=3, colour="red", empty=None)))
    row = delivery.tables["building"].iloc[0]
    assert delivery.passport.horizontal == "OGC:CRS84"
    assert (row["height"], row["storeys"], row["attrs"]) == (10, 3, {"colour": "red"})


def test_the_shared_sample() -> None:
    if not SAMPLE.exists():
        pytest.skip("shared samples are not here")
    delivery = read(SAMPLE)
    stored = len(delivery.tables["building"])
    assert delivery.features_in == 1374
    assert stored + len({f.place.row for f in delivery.findings if f.place.row}) == 1374
    assert set(rows_by_code(delivery)) <= {"GEO-05", "STR-07"}


@pytest.mark.parametrize("upper", [False, True])
def test_a_shapefile_is_one_group_whichever_part_is_named(tmp_path: Path, upper: bool) -> None:
    path = written(tmp_path / "b.shp", "ESRI Shapefile", encoding="UTF-8")
    if upper:
        for part in list(tmp_path.iterdir()):
            part.rename(part.with_name(part.name.upper()))
        path = tmp_path / "B.SHP"
    parts = sorted(tmp_path.iterdir())
    assert len(READER.group(parts)) == 1
    assert read(path).features_in == 3
    by_part = READER.read(READER.group([parts[1]])[0], ReadOptions(vertical="1985"))
    assert by_part.source == read(path).source


def test_a_file_with_another_name_is_read_by_its_content(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3), name="export.gpkg")
    assert read(path).features_in == 1
    assert READER.group([Path(__file__)]) == []


def test_sidecar_files_are_not_followed_and_nothing_is_written(tmp_path: Path) -> None:
    path = written(tmp_path / "b.gpkg", "GPKG")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
    database.close()
    (tmp_path / "b.gpkg.aux.xml").write_text("<broken")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert read(path).features_in == 3
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_layers_of_a_geopackage(tmp_path: Path) -> None:
    path = written(tmp_path / "b.gpkg", "GPKG", layer="north")
    written(path, "GPKG", layer="south", append=False)
    sentence = refused(path, "STR-03")
    assert "north" in sentence
    assert "south" in sentence
    assert read(path, layer="south").tables["building"]["source_sheet"].unique().tolist() == [
        "south"
    ]
    refused(path, "STR-03", layer="west")


def test_nothing_in_it(tmp_path: Path) -> None:
    refused(geojson(tmp_path), "STR-01")


def test_all_rows_bad_refuses_the_file_and_tells_each(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=0), feature(2, height=-1))
    with pytest.raises(RefusedError) as caught:
        read(path)
    assert [f.place.row for f in caught.value.findings if f.code == "BLD-02"] == [1, 2]


def test_limits_stop_a_file_that_takes_too_long(tmp_path: Path) -> None:
    refused(geojson(tmp_path, feature(1, height=3)), "STR-00", time_limit=0.01)


def test_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / "成果 (终稿)!"
    folder.mkdir()
    source = geojson(tmp_path, feature(1, height=3))
    for name in ("a b,c.zip", "'x'.geojson", "高度#1?.geojson", "zip+http:.geojson"):
        path = folder / name
        shutil.copy(source, path)
        assert read(path).features_in == 1


def test_text_that_a_database_cannot_hold(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3, name="a\x00b", note="\x00"))
    row = read(path).tables["building"].iloc[0]
    assert row["name"] == "a"  # GDAL ends text there
    assert "\x00" not in json.dumps(row["attrs"])
