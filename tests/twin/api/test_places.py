"""Names and addresses over HTTP: of a published dataset and of an address table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely

from ingest.readers import addresses
from models.crs import STORAGE, storage_to_geodetic
from models.db import places_store, twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.features import Theme, feature_id
from models.testing import ORIGIN, buildings, delivery, pipes
from models.twins import load_twins
from tests.twin.ogc.city import elements
from twin.settings import Settings
from twin.testing import application

TWIN = "songjiang-hub"
LOT = "POLYGON((617480 3429880,617520 3429880,617520 3429920,617480 3429920,617480 3429880))"
TABLE = f"""名称,地址,类别,东坐标,北坐标,高程,范围
松江枢纽,上海市松江区金玉路1号,地名,617132,3429560
长宁大厦,上海市长宁区长宁路88号,建筑,617200,3429600
银行大厦,上海市松江区中山东路100号,建筑,617300,3429700
中山中学,上海市松江区中山东路8号,地名,617400,3429800
沪松花园,上海市松江区方松街道沪松公路1399弄,地名,617500,3429900
沪松公路1399弄23号,,地址,617510,3429910
沪松公路1399弄2号,,地址,617520,3429920
沪松公路139弄23号,,地址,617530,3429930
沪松公路1399号,,地址,617540,3429940
兴业书店(沪松公路店),上海市松江区沪松公路1399弄二十三号,地名,617512,3429912
SJ-00123,松江区沪松公路1399弄23号,宗地,617511,3429911,,"{LOT}"
液位计07,沪松公路1399弄23号,传感器,617513,3429913,1.5
"""
#: A mast over the corner of a house, a lot around it, a point without height, one out of reach.
MAST = f"""名称,地址,类别,东坐标,北坐标,高程,范围
风速仪,金玉路10号,传感器,{ORIGIN[0] + 4},{ORIGIN[1] + 4},45,
地块三,金玉路10号,宗地,,,,"{shapely.box(*ORIGIN[:2], ORIGIN[0] + 30, ORIGIN[1] + 30).wkt}"
金玉路10号,,地址,{ORIGIN[0] + 5},{ORIGIN[1] + 4},,
远处,,传感器,{ORIGIN[0] + 400},{ORIGIN[1]},9,
"""


@pytest.fixture
def conn(database: str, tmp_path: Path) -> Iterator[Connection]:
    path = tmp_path / "names.csv"
    path.write_text(TABLE, encoding="utf-8")
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
        put(conn, ["东区一号楼", "东区二号楼"])
        made = delivery(Theme.PIPES, {**pipes(4, twin=TWIN, dataset="net")})
        made.tables["pipe_segment"]["road"] = ["玉树路", "玉树路", "金玉路", None]
        publish(conn, twin=TWIN, dataset="net", deliveries=[made])
        assert places_store.renew(conn, TWIN) == 2
        found = addresses.read(path, "EPSG:4549", STORAGE, "1985").places
        places_store.store(conn, TWIN, "names", "1", found)
        yield conn


@pytest.fixture
def client(conn: Connection, database: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        application(Settings(home=tmp_path), database) as url,
        httpx.Client(base_url=f"{url}/twins/{TWIN}", timeout=30) as client,
    ):
        yield client


def put(conn: Connection, names: list[str]) -> None:
    table = buildings(dict.fromkeys(("a", "b"), 10.0), twin=TWIN)
    table["name"] = names
    table["address"] = ["金玉路 10 号", None]
    made = delivery(Theme.BUILDINGS, {"building": table})
    publish(conn, twin=TWIN, dataset="made", deliveries=[made])


def names(client: httpx.Client, q: str, **more: Any) -> list[str]:
    answer = client.get("/places", params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    return [place["name"] for place in answer.json()["places"]]


MEANT = {
    "松江枢纽": "松江枢纽",
    "枢纽": "松江枢纽",
    "sjsn": "松江枢纽",
    "songjiangshu": "松江枢纽",
    "songjaingshuniu": "松江枢纽",
    "changning": "长宁大厦",
    "yhds": "银行大厦",
    "100号 中山东路": "银行大厦",
    "松江 中学": "中山中学",
    "松江书纽": "松江枢纽",
    "东区二号": "东区二号楼",
    "玉树路": "玉树路",
    "金玉路10号": "东区一号楼",
    "ＳＪＳＮ": "松江枢纽",
    "沪松公路1399弄23号": "沪松公路1399弄23号",
    "沪松公路1399弄二十三号": "沪松公路1399弄23号",
    "沪松公路1399号": "沪松公路1399号",
    "沪松公路139": "沪松公路139弄23号",
    "hsgl1399": "沪松公路1399号",
    "husonggonglu1399nong2hao": "沪松公路1399弄2号",
    "沪松huayuan": "沪松花园",
    "花园 沪松公路": "沪松花园",
    "沪松花元": "沪松花园",
    "husonghuyuan": "沪松花园",
    "书店 1399弄23号": "兴业书店(沪松公路店)",
    "东区2号楼": "东区二号楼",
    "sj-00123": "SJ-00123",
    "液位计7": "液位计07",
    "jin yu lu 10": "东区一号楼",
    "jyl10h": "东区一号楼",
}


def test_the_first_answer_is_what_was_meant(client: httpx.Client) -> None:
    assert {q: (names(client, q) or [None])[0] for q in MEANT} == MEANT


def test_what_is_typed_is_completed(client: httpx.Client) -> None:
    for typed in ("东", "东区", "d", "dq", "dongqu"):
        assert set(names(client, typed)) >= {"东区一号楼", "东区二号楼"}
    assert len(names(client, "东区", limit=1)) == 1


def test_an_address_is_completed_number_by_number(client: httpx.Client) -> None:
    whole = "沪松公路1399弄23号"
    for typed in ("沪松公路1", "沪松公路13", "沪松公路139", "沪松公路1399", "沪松公路1399弄2"):
        assert whole in names(client, typed), typed
    found = names(client, "公路1399弄2")
    assert found[:2] == ["沪松公路1399弄2号", whole]
    assert "沪松公路139弄23号" not in names(client, "沪松公路1399弄")


def joined(client: httpx.Client, address: str) -> dict[str, dict[str, Any]]:
    answer = client.get("/places/joined", params={"address": address})
    assert answer.status_code == 200, answer.text
    return {place["name"]: place for place in answer.json()["places"]}


@pytest.mark.parametrize(
    "address", ["沪松公路1399弄23号", "上海市松江区方松街道沪松公路 1399弄 二十三号"]
)
def test_what_shares_an_address_meets(client: httpx.Client, address: str) -> None:
    found = joined(client, address)
    kinds = {name: one["kind"] for name, one in found.items() if one["relation"] == "same"}
    assert kinds == {
        "沪松公路1399弄23号": "address",
        "兴业书店(沪松公路店)": "place",
        "SJ-00123": "parcel",
        "液位计07": "sensor",
    }
    heights = {name: one.get("height") for name, one in found.items()}
    assert (heights["液位计07"], heights["SJ-00123"]) == (1.5, None)
    lane = joined(client, "沪松公路1399弄")
    assert lane["沪松花园"]["relation"] == "same"
    assert {n for n, one in lane.items() if one["relation"] == "below"} == {
        *kinds,
        "沪松公路1399弄2号",
    }


def test_pipes_and_buildings_meet_at_their_road(client: httpx.Client) -> None:
    found = joined(client, "松江区金玉路10号")
    house, road = found["东区一号楼"], found["金玉路"]
    assert (house["relation"], road["relation"]) == ("same", "above")
    assert road["features"] == 1
    pipes_ = httpx.get(road["items"]).json()["features"]
    assert [f["properties"]["road"] for f in pipes_] == ["金玉路"]
    assert httpx.get(house["items"]).json()["properties"]["name"] == "东区一号楼"
    assert joined(client, "玉树路")["玉树路"]["features"] == 2


def test_what_names_no_road_joins_nothing(client: httpx.Client) -> None:
    for query in ("", "address=", "address=东区", "address=金玉路&limit=0", "address=路&q=1"):
        assert client.get(f"/places/joined?{query}").status_code == 400, query


def test_an_address_in_pinyin_is_to_be_written_in_characters(client: httpx.Client) -> None:
    answer = client.get("/places/joined", params={"address": "jinyulu10hao"})
    assert answer.status_code == 400
    assert "in Chinese characters" in answer.json()["detail"]
    assert "汉字" in answer.json()["detail_zh"]


def test_storeys_and_rooms_are_found(client: httpx.Client, conn: Connection) -> None:
    table = elements(TWIN, 4)
    table["building_name"] = "枢纽附楼"
    table["storey_name"] = ["一层", "一层", "二层", "二层"]
    table["ifc_class"] = ["IfcWall", "IfcSpace", "IfcSpace", "IfcWall"]
    table["long_name"] = [None, "消防控制室", "会议室", None]
    made = delivery(Theme.BIM, {"bim_element": table})
    publish(conn, twin=TWIN, dataset="model", deliveries=[made])
    assert places_store.renew(conn, TWIN) == 1
    assert names(client, "枢纽附楼")[0] == "枢纽附楼"
    assert names(client, "消防控制室") == ["消防控制室"]
    assert names(client, "附楼 2层")[0] == "二层"
    found = client.get("/places", params={"q": "会议室 附楼"}).json()["places"][0]
    assert (found["kind"], found["address"], found["layer"]) == ("room", "枢纽附楼 二层",
                                                                 "bim-elements")  # fmt: skip


def test_nothing_alike_is_no_answer(client: httpx.Client) -> None:
    for q in ("zzzzqqq", "!!!", "火星基地", "%", "_"):
        assert names(client, q) == []


def test_a_feature_is_named_with_its_position(client: httpx.Client) -> None:
    (place, *_) = client.get("/places", params={"q": "东区一号楼"}).json()["places"]
    assert place["layer"] == "buildings"
    assert place["feature"] == str(feature_id(TWIN, "made", "building", "a"))
    assert place["score"] == 1.0
    lon, lat, _ = storage_to_geodetic([ORIGIN[0] + 5], [ORIGIN[1] + 5], [0.0])
    assert (place["lon"], place["lat"]) == pytest.approx((lon[0], lat[0]), abs=1e-7)


def test_places_follow_revisions(client: httpx.Client, conn: Connection) -> None:
    put(conn, ["西区一号楼", "东区二号楼"])
    assert places_store.renew(conn, TWIN) == 1
    assert names(client, "东区一号楼")[:1] != ["东区一号楼"]
    assert names(client, "西区一号楼")[:1] == ["西区一号楼"]
    assert names(client, "松江枢纽")[:1] == ["松江枢纽"]
    assert places_store.renew(conn, TWIN) == 0


def test_a_place_is_named_by_what_holds_it_then_by_distance(client: httpx.Client) -> None:
    lon, lat, _ = storage_to_geodetic([ORIGIN[0] + 9], [ORIGIN[1] + 9], [0.0])
    where = {"lon": float(lon[0]), "lat": float(lat[0])}
    found = client.get("/places/reverse", params=where).json()["places"]
    assert (found[0]["name"], found[0]["distance"]) == ("东区一号楼", 0.0)
    assert [p["distance"] for p in found] == sorted(p["distance"] for p in found)
    assert {"东区二号楼", "玉树路"} <= {p["name"] for p in found}
    near = client.get("/places/reverse", params={**where, "radius": 1}).json()["places"]
    assert [p["name"] for p in near] == ["东区一号楼"]


def test_a_parcel_that_holds_a_place_is_at_it(client: httpx.Client) -> None:
    lon, lat, _ = storage_to_geodetic([617482.0], [3429918.0], [0.0])
    where = {"lon": float(lon[0]), "lat": float(lat[0]), "radius": 1}
    found = client.get("/places/reverse", params=where).json()["places"]
    assert [(p["name"], p["distance"]) for p in found] == [("SJ-00123", 0.0)]


def test_a_column_goes_from_sensors_in_the_sky_to_pipes(
    client: httpx.Client, conn: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "mast.csv"
    path.write_text(MAST, encoding="utf-8")
    found = addresses.read(path, "EPSG:4549", STORAGE, "1985").places
    places_store.store(conn, TWIN, "mast", "1", found)

    def column(**more: Any) -> dict[str, Any]:
        asked = {"point": [ORIGIN[0] + 4.5, ORIGIN[1] + 4.5], "radius": 5, **more}
        answer = client.post("/analyses/column", json=asked)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    told = column()
    features = told["result"]["features"]
    shown = [(f["layer"], f.get("name") or f["key"], f["top"]) for f in features]
    assert shown[0] == ("places", "风速仪", 45.0)
    assert shown[1][:2] == ("buildings", "东区一号楼")
    assert shown[2][:2] == ("pipe-segments", "YS0-YS1")
    assert set(shown[3:]) == {("places", "地块三", None), ("places", "金玉路10号", None)}
    mast = features[0]
    assert (mast["kind"], mast["address"], mast["source"]) == ("sensor", "金玉路10号", "table/mast")
    assert mast["distance"] == pytest.approx(0.5**0.5, abs=1e-3)
    assert next(f for f in features if f.get("kind") == "parcel")["distance"] == 0.0
    assert told["result"]["count"] == len(features) == 5
    assert "1985" in told["datum"]["vertical"]
    assert {f["layer"] for f in column(places=False)["result"]["features"]} == {
        "buildings", "pipe-segments",
    }  # fmt: skip
    near = column(radius=0)["result"]["features"]
    assert [f["name"] for f in near if f["layer"] == "places"] == ["地块三"]
    notes = [n["code"] for n in column(as_of="2001-01-01T00:00:00+08:00")["notes"]]
    assert "PLACES-NOW" in notes
    assert "PLACES-NOW" not in [n["code"] for n in told["notes"]]


def test_bad_questions_are_refused(client: httpx.Client) -> None:
    for query in ("", "q=", f"q={'a' * 101}", "q=a&limit=0", "q=a&limit=1000", "q=a&fuzzy=1"):
        assert client.get(f"/places?{query}").status_code == 400, query


def test_places_outside_the_storage_crs_are_refused(client: httpx.Client) -> None:
    answer = client.get("/places/reverse", params={"lon": 2.3, "lat": 48.8})
    assert answer.status_code == 400
    assert client.get("/places/reverse?lon=200&lat=0").status_code == 400
