"""Footprint files of every accepted format, sound and broken, as they come."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.footprints import FootprintReader
from models.features import Delivery, Theme
from models.findings import Severity

READER = FootprintReader()
SAMPLE = Path(__file__).parents[4] / "shared/samples/buildings/footprints_with_height.geojson"
X, Y = 617_000.0, 3_430_000.0


def ring(x: float, y: float, size: float = 0.0002) -> list[list[float]]:
    return [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]


def feature(number: int, geometry: Any = ..., **properties: Any) -> dict[str, Any]:
    if geometry is ...:
        geometry = {"type": "Polygon", "coordinates": [ring(121.22 + number * 0.0003, 30.98)]}
    return {
        "type": "Feature",
        "properties": {"id": f"b{number}", **properties},
        "geometry": geometry,
    }


def geojson(folder: Path, *features: dict[str, Any], name: str = "a.geojson", **more: Any) -> Path:
    path = folder / name
    body = {"type": "FeatureCollection", **more, "features": features}
    path.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    return path


def written(
    path: Path,
    driver: str,
    columns: dict[str, Any] | None = None,
    encoding: str | None = None,
    crs: str | None = "EPSG:4549",
    **more: Any,
) -> Path:
    """Three square buildings, 20 m wide, as ``driver`` writes them."""
    columns = columns or {
        "编号": ["甲-1", "甲-2", "甲-3"],
        "名称": ["南楼", "北楼", "東塔"],
        "高度": [12.5, 30.0, 99.9],
    }
    squares = [shapely.box(X + 50 * i, Y, X + 50 * i + 20, Y + 20) for i in range(3)]
    values = [
        np.array(v, dtype=object if isinstance(v[0], str) else None) for v in columns.values()
    ]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(squares),
        values,
        list(columns),
        geometry_type="Polygon",
        crs=crs,
        driver=driver,
        encoding=encoding,
        **more,
    )
    return path


def read(path: Path, **options: Any) -> Delivery:
    options.setdefault("vertical", "1985")
    (group,) = READER.group([path])
    return READER.read(group, ReadOptions(**options))


def refused(path: Path, code: str, **options: Any) -> str:
    """The sentences of the refusal of ``path``, which must have ``code`` and name the file."""
    with pytest.raises(RefusedError) as caught:
        read(path, **options)
    first = caught.value.findings[0]
    assert first.code == code
    assert first.severity is Severity.ERROR
    assert first.place.file in f"{first.en} {first.zh}"
    return f"{first.en} {first.zh}"


def codes(delivery: Delivery) -> dict[str, list[int | None]]:
    """Rows by finding code."""
    found: dict[str, list[int | None]] = {}
    for finding in delivery.findings:
        found.setdefault(finding.code, []).append(finding.place.row)
    return found


# --- formats ---------------------------------------------------------------------------------


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
    assert set(codes(delivery)) <= {"GEO-05", "STR-07"}


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


# --- code pages ------------------------------------------------------------------------------


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
        assert "ENC-02" in codes(read(path))
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
    assert codes(delivery)["ENC-01"] == [1]
    assert len(delivery.tables["building"]) == 2
    assert "utf-8" in refused(path, "ENC-01", encoding="GB18030")  # file and declaration differ
    path.with_suffix(".cpg").write_text("KLINGON")
    assert "KLINGON" in refused(path, "ENC-01")


def test_geojson_must_be_utf8(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3, 名称="车站"))
    path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    assert "line 1" in refused(path, "ENC-01")


# --- datums ----------------------------------------------------------------------------------


def test_datums_must_be_declared(tmp_path: Path) -> None:
    path = written(tmp_path / "b.shp", "ESRI Shapefile", encoding="UTF-8")
    assert "高程基准" in refused(path, "MET-01", vertical=None)
    path.with_suffix(".prj").unlink()
    assert ".prj" in refused(path, "MET-01")
    with pytest.raises(RefusedError) as caught:
        read(path, vertical=None)
    assert len(caught.value.findings) == 2  # both are told at once
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
    "crs",
    [
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::999999"}},
        {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs"}},
        {"type": "name", "properties": {}},
    ],
)
def test_a_crs_member_that_names_nothing_is_refused(tmp_path: Path, crs: dict[str, Any]) -> None:
    refused(geojson(tmp_path, feature(1, height=3), crs=crs), "MET-01")


def test_a_crs_member_that_names_one(tmp_path: Path) -> None:
    for position in ("crs", "zcrs"):
        member = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
        more: dict[str, Any] = {position: member}
        path = geojson(tmp_path, feature(1, height=3), **more)
        if position == "zcrs":  # the last member of the file
            body = json.loads(path.read_text())
            body["crs"] = body.pop("zcrs")
            path.write_text(json.dumps(body))
        assert read(path).passport.horizontal == "EPSG:4549"


# --- heights, bases, parts, ids ----------------------------------------------------------------


def test_heights_from_storeys_are_marked(tmp_path: Path) -> None:
    path = geojson(
        tmp_path,
        feature(1, 高度=None, 层数=4),
        feature(2, 高度=50, 层数=4),
        feature(3, 高度=None, 层数=None),
        feature(4, 高度=None, 层数=2.5),
    )
    delivery = read(path)
    table = delivery.tables["building"]
    assert table["height"].tolist() == [12.0, 50.0]
    assert table["height_source"].tolist() == ["storeys", "attribute"]
    assert codes(delivery)["BLD-01"] == [3, 4]
    assert codes(delivery)["BLD-06"] == [None]


@pytest.mark.parametrize("bad", [0, -3, 1501, "0", "高", "1e999", "12ft"])
def test_heights_that_no_building_has(tmp_path: Path, bad: Any) -> None:
    path = geojson(tmp_path, feature(1, height=bad), feature(2, height="１２.5 m"))
    delivery = read(path)
    assert codes(delivery)["BLD-02"] == [1]
    assert delivery.tables["building"]["height"].tolist() == [12.5]
    finding = next(f for f in delivery.findings if f.code == "BLD-02")
    assert finding.found == str(bad)
    assert finding.place.column == "height"


def test_base_heights(tmp_path: Path) -> None:
    path = geojson(
        tmp_path,
        feature(1, height=3, 地面高程=4.1),
        feature(2, height=3, 地面高程=None),
        feature(3, height=3, 地面高程=41_000),
        feature(4, height=3, 地面高程="four"),
    )
    delivery = read(path)
    table = delivery.tables["building"]
    assert table["base_source"].fillna("-").tolist() == ["attribute", "-"]
    assert table["base_height"].tolist()[0] == 4.1
    assert sorted(codes(delivery)["BLD-04"], key=str) == [3, 4]


def test_parts_stand_on_their_building(tmp_path: Path) -> None:
    path = geojson(
        tmp_path,
        feature(1, height=10, parent=None, min_height=None),
        feature(2, height=60, parent="b1", min_height=10),
        feature(3, height=60, parent="b9", min_height=0),
        feature(4, height=10, parent=None, min_height=12),
    )
    delivery = read(path)
    part = delivery.tables["building_part"].iloc[0]
    assert len(delivery.tables["building"]) == len(delivery.tables["building_part"]) == 1
    assert (part["building_key"], part["height"], part["min_height"]) == ("b1", 50.0, 10.0)
    assert codes(delivery)["BLD-07"] == [3]
    assert codes(delivery)["BLD-03"] == [4]


def test_duplicate_ids_are_all_refused(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3), feature(2, height=3), feature(1, height=4))
    delivery = read(path)
    assert codes(delivery)["STR-06"] == [1, 3]
    assert delivery.tables["building"]["key"].tolist() == ["b2"]


def test_rows_without_id_keep_theirs_in_another_order(tmp_path: Path) -> None:
    rows = [feature(number, height=3) for number in range(3)]
    for row in rows:
        del row["properties"]["id"]
    rows.append(rows[0])
    one = read(geojson(tmp_path, *rows)).tables["building"]["key"]
    other = read(geojson(tmp_path, *reversed(rows))).tables["building"]["key"]
    assert set(one) == set(other)
    assert one.is_unique


def test_ids_of_geojson_features(tmp_path: Path) -> None:
    rows = [{**feature(number, height=3), "id": number * 7} for number in (3, 5)]
    for row in rows:
        del row["properties"]["id"]
    assert read(geojson(tmp_path, *rows)).tables["building"]["key"].tolist() == ["21", "35"]


def test_declared_mapping_and_rival_columns(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3, 建筑高度=5, Z_TOP=7))
    delivery = read(path)
    assert delivery.tables["building"]["height"].tolist() == [3]
    assert codes(delivery)["STR-05"] == [None]
    mapped = read(path, mapping={"Z_TOP": "height"})
    assert mapped.tables["building"]["height"].tolist() == [7]


# --- bad geometry ------------------------------------------------------------------------------


def test_bad_geometry_is_refused_row_by_row(tmp_path: Path) -> None:
    def polygon(*rings: list[list[float]]) -> dict[str, Any]:
        return {"type": "Polygon", "coordinates": rings}

    bow = [[121.2, 30.9], [121.3, 31.0], [121.3, 30.9], [121.2, 31.0], [121.2, 30.9]]
    flat = [[121.2, 30.9], [121.3, 30.9], [121.2, 30.9], [121.2, 30.9]]
    path = geojson(
        tmp_path,
        feature(1, height=3),
        feature(2, None, height=3),
        feature(3, {"type": "Point", "coordinates": [121.2, 30.9]}, height=3),
        feature(4, polygon(), height=3),
        feature(5, polygon([[121.2, 30.9], [121.3, 31.0]]), height=3),
        feature(6, polygon(bow), height=3),
        feature(7, polygon(flat), height=3),
        feature(8, {"type": "LineString", "coordinates": bow}, height=3),
        feature(9, {"type": "GeometryCollection", "geometries": []}, height=3),
    )
    delivery = read(path)
    assert delivery.tables["building"]["key"].tolist() == ["b1"]
    found = codes(delivery)
    assert {2, 4, 9} <= {*found["GEO-01"], *found.get("GEO-02", ())}
    assert found["GEO-02"] == [5]
    assert found["GEO-03"] == [3, 8]
    assert {6, 7} <= set(found["GEO-05"])
    crossing = next(f for f in delivery.findings if f.code == "GEO-05")
    assert "Self-intersection" in str(crossing.found)


def test_nan_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "nan.fgb"
    square = np.array(ring(X, Y, 20))
    broken = square.copy()
    broken[1, 0] = np.nan
    with np.errstate(invalid="ignore"):
        rings = [shapely.Polygon(square), shapely.Polygon(broken)]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(rings),
        [np.array([3.0, 4.0])],
        ["height"],
        geometry_type="Polygon",
        crs="EPSG:4549",
        driver="FlatGeobuf",
        SPATIAL_INDEX="NO",
    )
    delivery = read(path)
    assert codes(delivery)["GEO-04"] == [2]
    text = geojson(tmp_path, feature(1, height=3)).read_text()
    (tmp_path / "a.geojson").write_text(text.replace("30.98,", "NaN,").replace("30.98]", "NaN]"))
    with pytest.raises(RefusedError):
        read(tmp_path / "a.geojson")


def test_a_polygon_with_a_thousand_holes(tmp_path: Path) -> None:
    outer = ring(121.2, 30.9, 0.1)
    holes = [
        ring(121.201 + column * 0.003, 30.901 + row * 0.003, 0.001)[::-1]
        for column in range(32)
        for row in range(32)
    ][:1000]
    path = geojson(
        tmp_path, feature(1, {"type": "Polygon", "coordinates": [outer, *holes]}, height=3)
    )
    delivery = read(path)
    assert shapely.get_num_interior_rings(delivery.tables["building"]["geom"][0]) == 1000


# --- files that are not what they say ------------------------------------------------------------


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


def test_a_file_with_another_name_is_read_by_its_content(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3), name="export.gpkg")
    assert read(path).features_in == 1
    assert READER.group([Path(__file__)]) == []


def test_a_gdal_algorithm_dressed_as_geojson_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.geojson"
    path.write_text(
        json.dumps(
            {
                "type": "gdal_streamed_alg",
                "command_line": f"gdal vector pipeline ! read {tmp_path}/other ! write streamed",
                "features": [],
                "also": {"type": "FeatureCollection"},
            }
        )
    )
    with pytest.raises(RefusedError):
        read(path)


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
    path = written(tmp_path / name, driver, crs="EPSG:4326" if driver == "GeoJSON" else "EPSG:4549")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, "STR-00")


@pytest.mark.parametrize("suffix", [".shp", ".shx", ".dbf"])
@pytest.mark.parametrize("harm", ["gone", "cut", "other"])
def test_a_shapefile_must_be_whole(tmp_path: Path, suffix: str, harm: str) -> None:
    path = written(tmp_path / "b.shp", "ESRI Shapefile", encoding="UTF-8")
    part = path.with_suffix(suffix)
    if harm == "gone":
        part.unlink()
    elif harm == "cut":
        part.write_bytes(part.read_bytes()[:-30])
    else:
        part.write_bytes(b"%PDF-1.4 not a shape at all, but long enough to look like one" * 9)
    assert suffix in refused(path, "STR-00") or harm != "gone"


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


def test_ten_thousand_columns(tmp_path: Path) -> None:
    many = {f"c{number}": number for number in range(10_000)}
    path = geojson(tmp_path, *(feature(number, height=3, **many) for number in range(20)))
    assert "10001" in refused(path, "STR-02").replace("10002", "10001")


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


def test_every_finding_speaks_both_languages(tmp_path: Path) -> None:
    rows = [feature(1, height=0), feature(2, 层数=3), feature(3, 层数=0), feature(3, height=9)]
    findings = read(geojson(tmp_path, *rows)).findings
    assert {"BLD-02", "BLD-05", "BLD-06", "STR-06"} <= {finding.code for finding in findings}
    for finding in findings:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in finding.zh)
        assert finding.en.isascii() or "层数" in finding.en
        assert "{" not in finding.en + finding.zh
        assert finding.place.file == "a.geojson"
