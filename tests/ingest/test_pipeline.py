"""Whole flows: files in, deliveries in storage coordinates with ids out, bad files beside good."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from ingest.errors import RefusedError
from ingest.pipeline import CheckResult, check, open_delivery, prepare
from ingest.readers.base import ReadOptions
from models.crs import STORAGE, StorageCrs, geoid_height, storage_to_ecef, to_storage
from models.features import DatumPassport, Delivery, SourceFile, Theme, feature_id
from models.findings import Severity
from models.twins import TwinDefinition, load_twins

TWIN = next(iter(load_twins().values()))
LON, LAT = TWIN.centre
E0, N0, _ = (float(v[0]) for v in to_storage(LON, LAT, None, "EPSG:4490", "1985"))
DECLARED = ReadOptions(vertical="1985")
ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "samples"


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
        ("photo.png", "image"),
        ("cut.ifc", "cut.ifc"),
        ("absent.gpkg", "no such file"),
    ):
        assert by_name[name].delivery is None
        assert word in by_name[name].findings[0].en
        assert by_name[name].findings[0].severity is Severity.ERROR
    assert len(results) == 5
    assert [number for _, number, _ in seen] == list(range(len(seen)))


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


def delivered(
    table: str, frame: pd.DataFrame, horizontal: str | None, vertical: str | None
) -> Delivery:
    theme = {"bim_element": Theme.BIM, "building": Theme.BUILDINGS}[table]
    return Delivery(
        theme,
        SourceFile("x", "0" * 64, 1),
        DatumPassport(horizontal, vertical),
        {table: frame},
        features_in=len(frame),
    )


@pytest.mark.parametrize(
    ("horizontal", "vertical"), [(None, "1985"), ("EPSG:4549", None), ("EPSG:4549", "wusong")]
)
def test_no_datum_no_entry(horizontal: str | None, vertical: str | None) -> None:
    frame = pd.DataFrame({"key": ["a"], "source_row": [1], "geom": [shapely.Point(E0, N0, 1)]})
    with pytest.raises(RefusedError) as caught:
        prepare(delivered("bim_element", frame, horizontal, vertical), TWIN, "d")
    assert caught.value.findings[0].code == "MET-01"


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


# --- BIM ---------------------------------------------------------------------------------------


def bim(storage: StorageCrs, corner: tuple[float, float], size: float) -> pd.DataFrame:
    placement = np.eye(4)
    turn = math.radians(20)
    placement[:2, :2] = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    placement[:3, 3] = (*corner, 7.0)
    box = shapely.force_3d(shapely.box(*corner, corner[0] + size, corner[1] + size), 7.0)
    return pd.DataFrame(
        {
            "key": ["storey", "wall"],
            "source_row": [1, 2],
            "storey_elevation": [6.5, 6.5],
            "placement": pd.Series([None, placement.ravel()], dtype=object),
            "geom": pd.Series([None, shapely.MultiPolygon([box])], dtype=object),
        }
    )


@pytest.mark.parametrize("vertical", ["1985", "ellipsoidal"])
def test_a_model_in_storage_coordinates_moves_in_height_only(vertical: str) -> None:
    frame = bim(STORAGE, (E0, N0), 10)
    moved = prepare(delivered("bim_element", frame, "EPSG:4549", vertical), TWIN, "m")
    table = moved.tables["bim_element"]
    before, after = frame["placement"][1].reshape(4, 4), table["placement"][1].reshape(4, 4)
    shift = after[2, 3] - before[2, 3]
    expected = -geoid_height(np.array([LON]), np.array([LAT]))[0] if vertical != "1985" else 0.0
    assert shift == pytest.approx(expected, abs=0.01)
    after[2, 3] = before[2, 3]
    assert (after == before).all()
    assert table["storey_elevation"].tolist() == pytest.approx([6.5 + shift] * 2, abs=0.01)
    assert table["geom"][0] is None
    assert table["id"].notna().all()


def test_a_model_from_the_next_zone_is_turned_by_the_convergence() -> None:
    to_4550 = Transformer.from_crs("EPSG:4490", "EPSG:4550", always_xy=True)
    corner = to_4550.transform(LON, LAT)
    frame = bim(STORAGE, corner, 10)
    table = prepare(delivered("bim_element", frame, "EPSG:4550", "1985"), TWIN, "m").tables[
        "bim_element"
    ]
    before, after = frame["placement"][1].reshape(4, 4), table["placement"][1].reshape(4, 4)
    body = np.random.default_rng(3).uniform(-100, 100, (200, 3))
    body = np.column_stack([body, np.ones(200)])
    by_matrix = (body @ after.T)[:, :3]
    source = (body @ before.T)[:, :3]
    x, y, z = source.T
    exact = np.column_stack(to_storage(x, y, z, "EPSG:4550", "1985"))
    worst = np.linalg.norm(by_matrix - exact, axis=1).max()
    assert worst < 0.002  # 140 m away from the origin; stated: 1e-7 d^2
    assert worst > 0  # and not the same computation twice


@pytest.mark.parametrize("name", ["AC20-FZK-Haus.ifc", "infra-bridge.ifc"])
def test_shared_models_land_in_a_twin_of_their_own(name: str) -> None:
    path = SHARED / "ifc" / name
    if not path.exists():
        pytest.skip("shared samples are not here")
    read = stored(only(check([path], DECLARED)))
    assert read.passport.horizontal is not None
    bounds = shapely.total_bounds(read.tables["bim_element"]["geom"].to_numpy())
    storage = StorageCrs(32632 if name.startswith("AC20") else 32760)
    e, n, _ = to_storage(bounds[0], bounds[1], 0.0, read.passport.horizontal, "1985", storage)
    lon, lat = Transformer.from_crs(storage.horizontal, "EPSG:4326", always_xy=True).transform(
        e[0], n[0]
    )
    twin = TwinDefinition(
        id="elsewhere",
        name_zh="别处",
        name_en="Elsewhere",
        centre=(lon, lat),
        extent=(lon - 0.02, lat - 0.02, lon + 0.02, lat + 0.02),
        ground_height=0,
    )
    table = prepare(read, twin, "m", storage).tables["bim_element"]
    assert len(table) == read.features_in
    bodies = table[table["placement"].notna()]
    origins = np.stack(bodies["placement"].to_list()).reshape(-1, 4, 4)[:, :3, 3]
    boxes = shapely.bounds(bodies["geom"].to_numpy())
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert np.hypot(*(origins[:, :2] - middle).T).max() < 200


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
