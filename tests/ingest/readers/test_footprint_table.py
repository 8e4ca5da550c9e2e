"""From columns to buildings: heights, bases, parts, ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.readers.footprint_testing import (
    feature,
    geojson,
    only,
    read,
    refusal,
    rows_by_code,
)
from models.findings import Severity


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
    assert rows_by_code(delivery)["BLD-01"] == [3, 4]
    assert rows_by_code(delivery)["BLD-06"] == [None]


@pytest.mark.parametrize("bad", [0, -3, 1501, "0", "高", "1e999", "约12m", "12 yd", "3尺"])
def test_heights_that_no_building_has(tmp_path: Path, bad: Any) -> None:
    path = geojson(tmp_path, feature(1, height=bad), feature(2, height="１２.5"))
    delivery = read(path)
    assert rows_by_code(delivery)["BLD-02"] == [1]
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
    assert sorted(rows_by_code(delivery)["BLD-04"], key=str) == [3, 4]


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
    assert rows_by_code(delivery)["BLD-07"] == [3]
    assert rows_by_code(delivery)["BLD-03"] == [4]


@pytest.mark.parametrize("ids", [(5, 6, 6, 7), (0, 1, 1, 2), ("a", "b", "b", "c")])
def test_features_of_one_id_are_refused_and_no_other(
    tmp_path: Path, ids: tuple[int | str, ...]
) -> None:
    rows = [feature(n, height=3) for n in range(4)]
    for row, own in zip(rows, ids, strict=True):
        row["properties"].pop("id", None)
        row["id"] = own
    delivery = read(geojson(tmp_path, *rows))
    assert delivery.tables["building"]["key"].tolist() == [str(ids[0]), str(ids[3])]
    assert rows_by_code(delivery) == {"STR-06": [2, 3]}
    assert {f.found for f in delivery.findings} == {str(ids[1])}


def test_duplicate_ids_are_all_refused(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=3), feature(2, height=3), feature(1, height=4))
    delivery = read(path)
    assert rows_by_code(delivery)["STR-06"] == [1, 3]
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
    assert rows_by_code(delivery)["STR-05"] == [None]
    mapped = read(path, mapping={"Z_TOP": "height"})
    assert mapped.tables["building"]["height"].tolist() == [7]


@pytest.mark.parametrize(
    ("spelled", "metres"),
    [("12m", 12), ("１２.5 米", 12.5), ("1250 cm", 12.5), ("8000mm", 8), ("40 ft", 12.192)],
)
def test_heights_with_a_unit_are_read_in_metres_and_told(
    tmp_path: Path, spelled: str, metres: float
) -> None:
    rows = [feature(1, height="9"), *(feature(n, height=spelled) for n in range(2, 10))]
    delivery = read(geojson(tmp_path, *rows))
    heights = delivery.tables["building"]["height"].tolist()
    assert heights == pytest.approx([9, *[metres] * 8])
    told = only(delivery.findings, "BLD-08")
    assert (told.severity, told.place.column) == (Severity.INFO, "height")
    assert told.extra["count"] == 8
    assert told.extra["rows"] == [2, 3, 4, 5, 6]
    assert told.found == f"{spelled} = {metres:g} m"


@pytest.mark.parametrize(
    ("header", "value", "metres", "told"),
    [
        ("高度(m)", 12, 12, False),
        ("高度（毫米）", 12_000, 12, True),
        ("height [ft]", 40, 12.192, True),
        ("高度(mm)", "12m", 12, True),
        ("高度(屋顶)", 12, 12, False),
    ],
)
def test_the_unit_in_a_header_holds(
    tmp_path: Path, header: str, value: Any, metres: float, told: bool
) -> None:
    delivery = read(geojson(tmp_path, feature(1, **{header: value})))
    assert delivery.tables["building"]["height"].tolist() == pytest.approx([metres])
    assert ("BLD-08" in rows_by_code(delivery)) is told


def test_storeys_and_bases_are_no_heights(tmp_path: Path) -> None:
    path = geojson(
        tmp_path, feature(1, height=9, floors="3m"), feature(2, height=9, base_height="410cm")
    )
    delivery = read(path)
    assert rows_by_code(delivery)["BLD-05"] == [1]
    assert delivery.tables["building"]["base_height"].tolist()[1] == pytest.approx(4.1)


def test_a_layer_without_a_height_column_is_told_its_columns_and_the_known_names(
    tmp_path: Path,
) -> None:
    path = geojson(tmp_path, *(feature(n, Z_TOP=12, 备注="x") for n in range(50)))
    (finding,) = refusal(path)
    assert (finding.code, finding.place.row) == ("BLD-01", None)
    assert finding.found == "id, Z_TOP, 备注"
    for sentence in (finding.zh, finding.en):
        for words in ("Z_TOP", "--mapping", "building:height", "建筑高度", "floors", "层数"):
            assert words in sentence
    assert "measuredheight" in str(finding.expected)
    assert read(path, mapping={"Z_TOP": "height"}).features_in == 50


def test_heights_that_hardly_go_with_the_storeys_are_remarked_on_once(tmp_path: Path) -> None:
    sound = [feature(n, height=h, floors=f) for n, (h, f) in enumerate([(9, 3), (35, 1), (60, 5)])]
    odd = [feature(10 + n, height=h, floors=f) for n, (h, f) in enumerate([(100, 2), (5, 4)] * 4)]
    delivery = read(geojson(tmp_path, *sound, *odd))
    assert len(delivery.tables["building"]) == 11
    finding = only(delivery.findings, "BLD-09")
    assert (finding.severity, finding.extra["count"]) == (Severity.INFO, 8)
    assert finding.found == "100 / 2, 5 / 4"
    assert "8 features (4, 5, 6, 7, 8, ...)" in finding.en


def test_one_building_is_counted_as_one(tmp_path: Path) -> None:
    delivery = read(geojson(tmp_path, feature(1, floors=4)))
    assert "the height of 1 building is" in only(delivery.findings, "BLD-06").en
    delivery = read(geojson(tmp_path, feature(1, floors=4), feature(2, floors=4)))
    assert "the height of 2 buildings is" in only(delivery.findings, "BLD-06").en


def test_an_infinite_height_is_one_finding(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(1, height=float("inf")), feature(2, height=2))
    finding = only(read(path).findings, "BLD-02")
    assert (finding.place.row, finding.found) == (1, "inf")
