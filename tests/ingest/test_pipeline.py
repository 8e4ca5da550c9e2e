"""Whole flows: files in, deliveries in storage coordinates with ids out, bad files beside good."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from ingest.pipeline import CheckResult, check, open_delivery
from ingest.readers.base import ReadOptions
from models.crs import geoid_height, storage_to_ecef, to_storage
from models.features import DatumPassport, Delivery, feature_id
from models.findings import Severity
from models.twins import load_twins

TWIN = next(iter(load_twins().values()))
LON, LAT = TWIN.centre
E0, N0, _ = (float(v[0]) for v in to_storage(LON, LAT, None, "EPSG:4490", "1985"))
DECLARED = ReadOptions(vertical="1985")


def footprints(path: Path, corners: list[tuple[float, float]], **more: Any) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"id": f"b{number}", "height": 12.0, **more},
            "geometry": shapely.geometry.mapping(shapely.box(x, y, x + 0.0002, y + 0.0001)),
        }
        for number, (x, y) in enumerate(corners)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def survey(folder: Path, north: float = N0, east: float = E0) -> list[Path]:
    points, lines = folder / "WS_点表.csv", folder / "WS_线表.csv"
    points.write_text(
        "物探点号,X,Y,地面高程,特征,附属物,井深\n"
        + "".join(
            f"WS{i},{north:.3f},{east + 40 * i:.3f},{4.5 - i / 10:.2f},,检查井,2.50\n"
            for i in range(3)
        ),
        encoding="utf-8",
    )
    lines.write_text(
        "起点点号,终点点号,起点埋深,终点埋深,管径,材质,埋设方式,权属单位,建设年代,道路名称,流向\n"
        "WS0,WS1,1.80,1.90,300,混凝土,直埋,水务,2010,人民路,+\n"
        "WS1,WS2,1.90,2.00,300,混凝土,直埋,水务,2010,人民路,+\n",
        encoding="utf-8",
    )
    return [points, lines]


def only(results: list[CheckResult]) -> CheckResult:
    (result,) = results
    return result


def stored(result: CheckResult) -> Delivery:
    assert result.delivery is not None, result.findings
    return result.delivery


# --- flows -----------------------------------------------------------------------------------


def test_footprints_arrive_in_storage_with_ids_and_ground(tmp_path: Path) -> None:
    path = footprints(tmp_path / "a.geojson", [(LON, LAT), (LON + 0.001, LAT)])
    result = only(check([path], DECLARED, TWIN, dataset="city"))
    delivery = stored(result)
    table = delivery.tables["building"]
    assert (result.features_in, result.accepted, result.refused) == (2, 2, 0)
    assert table["id"].tolist() == [
        feature_id(TWIN.id, "city", "building", key) for key in ("b0", "b1")
    ]
    assert set(table["base_source"]) == {"twin"}
    assert set(table["base_height"]) == {TWIN.ground_height}
    assert "min_height" not in table.columns
    geometry = table["geom"].to_numpy()
    assert set(shapely.get_type_id(geometry)) == {6}
    assert set(shapely.get_coordinates(geometry, include_z=True)[:, 2]) == {TWIN.ground_height}
    corner = shapely.bounds(geometry[0])[:2]
    assert corner == pytest.approx([E0, N0], abs=0.5)
    assert shapely.is_ccw(shapely.get_exterior_ring(shapely.get_geometry(geometry, 0))).all()
    source = shapely.from_wkb(table["source_geom"][0])
    assert shapely.bounds(source)[:2] == pytest.approx([LON, LAT])
    assert delivery.passport == DatumPassport("OGC:CRS84", "1985")


def test_a_control_point_keeps_its_place_to_a_millimetre(tmp_path: Path) -> None:
    path = footprints(tmp_path / "a.geojson", [(LON, LAT)], base_height=5.25)
    geometry = stored(only(check([path], DECLARED, TWIN))).tables["building"]["geom"].to_numpy()
    corners = shapely.get_coordinates(geometry, include_z=True)
    xyz = storage_to_ecef(*corners.T)
    h = 5.25 + float(geoid_height(np.array([LON]), np.array([LAT]))[0])
    judge = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(LON, LAT, h)
    assert np.linalg.norm(xyz - judge, axis=1).min() < 0.002


@pytest.mark.parametrize(
    ("crs", "vertical", "shift"),
    [
        ("EPSG:4549", "1985", 0.0),
        ("EPSG:4549", "wusong:1.6587", -1.6587),
        ("EPSG:4528", "1956", -0.029),
    ],
)
def test_a_survey_keeps_its_network_and_moves_every_height(
    tmp_path: Path, crs: str, vertical: str, shift: float
) -> None:
    prefix = 40_000_000 if crs == "EPSG:4528" else 0
    options = ReadOptions(horizontal=crs, vertical=vertical)
    result = only(check(survey(tmp_path, east=E0 + prefix), options, TWIN, dataset="ws"))
    tables = stored(result).tables
    points, segments = tables["pipe_point"], tables["pipe_segment"]
    assert (result.features_in, result.refused) == (5, 0)
    where = shapely.get_coordinates(points["geom"].to_numpy(), include_z=True)
    assert where[0] == pytest.approx([E0, N0, 4.5 + shift], abs=1e-3)
    assert points["ground_h"].tolist() == pytest.approx([4.5 + shift, 4.4 + shift, 4.3 + shift])
    assert points["x_src"].tolist() == pytest.approx([N0] * 3, abs=1e-3)  # northing, as delivered
    assert segments["from_invert_h"].tolist() == pytest.approx([2.7 + shift, 2.5 + shift])
    assert segments["from_depth"].tolist() == [1.8, 1.9]  # a length: not moved
    assert segments["from_point_id"].tolist() == points["id"].tolist()[:2]
    assert segments["to_point_id"].tolist() == points["id"].tolist()[1:]
    source = shapely.from_wkb(points["source_geom"].iloc[0])
    assert shapely.get_z(source) == pytest.approx(4.5)


def test_swapped_surveys_and_footprints_are_named(tmp_path: Path) -> None:
    options = ReadOptions(horizontal="EPSG:4549", vertical="1985")
    result = only(check(survey(tmp_path, north=E0, east=N0), options, TWIN))
    assert result.delivery is None
    first = footprints(tmp_path / "a.geojson", [(LAT, LON)])
    swapped = only(check([first], DECLARED, TWIN))
    assert swapped.delivery is None
    assert swapped.findings[0].code == "CRS-02"
    assert "颠倒" in swapped.findings[0].zh
    assert "swapped" in swapped.findings[0].en


def test_degrees_under_a_projected_crs_are_named(tmp_path: Path) -> None:
    path = footprints(tmp_path / "a.geojson", [(LON, LAT)])
    result = only(check([path], ReadOptions(horizontal="EPSG:4549", vertical="1985"), TWIN))
    assert "经纬度" in result.findings[0].zh


def test_what_lies_far_away_is_refused_alone(tmp_path: Path) -> None:
    corners = [(LON, LAT), (LON + 0.5, LAT), (139.7, 35.5)]
    result = only(check([footprints(tmp_path / "a.geojson", corners)], DECLARED, TWIN))
    assert stored(result).tables["building"]["key"].tolist() == ["b0"]
    far = [finding for finding in result.findings if finding.code == "CRS-02"]
    assert [finding.place.row for finding in far] == [2, 3]
    assert (result.features_in, result.accepted, result.refused) == (3, 1, 2)


def test_a_whole_file_elsewhere_is_refused(tmp_path: Path) -> None:
    path = footprints(tmp_path / "a.geojson", [(139.7, 35.5), (139.8, 35.5)])
    result = only(check([path], DECLARED, TWIN))
    assert result.delivery is None
    assert [finding.code for finding in result.findings] == ["CRS-02"]
    assert (result.features_in, result.accepted, result.refused) == (2, 0, 2)


def test_without_a_twin_files_are_read_only(tmp_path: Path) -> None:
    delivery = stored(only(check([footprints(tmp_path / "a.geojson", [(0.0, 0.0)])], DECLARED)))
    assert "id" not in delivery.tables["building"].columns


def test_bad_files_never_stop_good_ones(tmp_path: Path) -> None:
    good = footprints(tmp_path / "good.geojson", [(LON, LAT)])
    (tmp_path / "plan.geojson").write_bytes(b"%PDF-1.7")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (tmp_path / "cut.ifc").write_bytes(b"ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('IFC4'));\n")
    seen: list[tuple[str, int, int]] = []
    results = check(
        [tmp_path, tmp_path / "absent.gpkg", good],
        DECLARED,
        TWIN,
        progress=lambda name, number, count: seen.append((name, number, count)),
    )
    by_name = {result.paths[0].name: result for result in results}
    assert by_name["good.geojson"].accepted == 1
    for name, word in (
        ("plan.geojson", "PDF"),
        ("cut.ifc", "cut.ifc"),
        ("absent.gpkg", "no such file"),
    ):
        assert by_name[name].delivery is None
        assert word in by_name[name].findings[0].en
        assert by_name[name].findings[0].severity is Severity.ERROR
    assert by_name["photo.png"].findings[0].severity is Severity.INFO  # it came with the folder
    assert len(results) == 5
    assert [number for _, number, _ in seen] == list(range(len(seen)))


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.ifc")
    result = only(check([tmp_path / "a.ifc"], DECLARED, TWIN))
    assert result.delivery is None
    assert [f.found for f in result.findings] == ["非普通文件 not a regular file"]


def test_every_reader_gets_its_own_files(tmp_path: Path) -> None:
    footprints(tmp_path / "a.geojson", [(LON, LAT)])
    survey(tmp_path)
    (tmp_path / "m.ifc").write_bytes(b"ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('IFC4'));\n")
    groups, findings = open_delivery([tmp_path])
    assert findings == []
    assert {group.reader.name: len(group.paths) for group in groups} == {
        "footprints": 1,
        "survey": 2,
        "ifc": 1,
    }


# --- datums ------------------------------------------------------------------------------------


def test_an_old_datum_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = footprints(tmp_path / "a.geojson", [(LON, LAT)])
    result = only(check([path], ReadOptions(horizontal="EPSG:4214", vertical="1985"), TWIN))
    assert result.delivery is None
    assert result.findings[0].code == "MET-01"
    assert "Beijing 1954" in result.findings[0].en


def test_parts_keep_the_height_at_which_they_begin(tmp_path: Path) -> None:
    path = footprints(tmp_path / "a.geojson", [(LON, LAT)])
    body = json.loads(path.read_text())
    part = json.loads(json.dumps(body["features"][0]))
    part["properties"] |= {"id": "p", "parent": "b0", "min_height": 4.0}
    body["features"].append(part)
    path.write_text(json.dumps(body))
    row = stored(only(check([path], DECLARED, TWIN))).tables["building_part"].iloc[0]
    assert row["base_height"] == TWIN.ground_height + 4.0
    assert row["height"] == 8.0
    assert shapely.get_coordinates(row["geom"], include_z=True)[0, 2] == TWIN.ground_height + 4.0


# --- findings ---------------------------------------------------------------------------------


def test_findings_carry_their_place_in_storage(tmp_path: Path) -> None:
    path = footprints(tmp_path / "a.geojson", [(LON, LAT), (LON + 0.001, LAT)])
    body = json.loads(path.read_text())
    body["features"][1]["properties"]["height"] = 0
    path.write_text(json.dumps(body))
    result = only(check([path], DECLARED, TWIN))
    (finding,) = [f for f in result.findings if f.code == "BLD-02"]
    assert finding.position is not None
    assert finding.position[:2] == pytest.approx((E0 + 95 + 10, N0 + 6), abs=5)
    assert finding.position[2] is None  # a footprint without base height has none


def test_a_finding_has_the_height_of_its_point_where_that_is_known(tmp_path: Path) -> None:
    points, lines = survey(tmp_path)
    lines.write_text(lines.read_text("utf-8").replace("混凝土", "竹", 1), "utf-8")
    points.write_text(points.read_text("utf-8").replace("4.40", "x"), "utf-8")
    options = ReadOptions(horizontal="EPSG:4549", vertical="wusong:1.5")
    result = only(check([points, lines], options, TWIN))
    heights = {f.code: f.position and f.position[2] for f in result.findings}
    assert heights["CODE-01"] == pytest.approx(4.5 - 1.5)
    assert heights["STR-04"] is None


def test_a_segment_goes_with_its_misplaced_point(tmp_path: Path) -> None:
    """One point 60 km off, inside the CRS's area: it is refused here, and so is its pipe."""
    write = {
        "YS_点表.csv": "坐标系,EPSG:4549\n高程基准,1985国家高程基准\n"
        "物探点号,X,Y,地面高程,特征,附属物,井深\n"
        "YS1,3430115.0,617146.0,4.00,,雨水井,2.00\n"
        "YS2,3430115.0,617166.0,4.00,,雨水井,2.00\n"
        "YS3,3490115.0,617186.0,4.00,,雨水井,2.00\n",
        "YS_线表.csv": "起点点号,连接点号,起点埋深,终点埋深,起点高程,终点高程,"
        "管径,材质,埋设方式,流向\n"
        "YS1,YS2,1.50,1.60,2.50,2.40,600,混凝土,直埋,+\n"
        "YS2,YS3,1.60,1.70,2.40,2.30,600,混凝土,直埋,+\n",
    }
    for name, text in write.items():
        (tmp_path / name).write_text(text, encoding="gb18030")
    twin = next(twin for twin in load_twins().values() if twin.contains(121.2264, 30.9869))
    (result,) = check([tmp_path], ReadOptions(), twin)
    assert result.delivery is not None
    assert list(result.delivery.tables["pipe_point"]["exp_no"]) == ["YS1", "YS2"]
    assert list(result.delivery.tables["pipe_segment"]["to_point"]) == ["YS2"]
    assert [f.code for f in result.findings if f.severity is Severity.ERROR] == ["CRS-02"] * 2
    assert result.features_in == result.accepted + 2
