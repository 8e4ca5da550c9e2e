"""Analyses over HTTP, on the samples: JSON, drawings, pages, and every way to ask wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from models.crs import storage_to_geodetic
from twin.testing import Service

#: A place of the samples of Qianwan where several roads' pipes meet (EPSG:4549).
EAST, NORTH = 624_059.5, 3_450_584.6
LINE = [[EAST - 15, NORTH - 20], [EAST + 15, NORTH + 20]]
PIT = [
    [EAST - 9, NORTH - 5],
    [EAST + 9, NORTH - 5],
    [EAST + 9, NORTH + 5],
    [EAST - 9, NORTH + 5],
]


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service.url}/twins/qianwan/analyses", timeout=60) as client:
        yield client


def ask(client: httpx.Client, name: str, **request: Any) -> dict[str, Any]:
    answer = client.post(f"/{name}", json=request)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["datum"]["horizontal"] == "EPSG:4549"
    assert {r["dataset"] for r in found["revisions"]} == {"pipes", "pipes-heat-light"}
    assert {r["number"] for r in found["revisions"]} == {1}
    assert found["accuracy"]["unit"] == "m"
    for note in found["notes"]:
        assert note["zh"]
        assert note["en"]
    result: dict[str, Any] = found["result"]
    return result


def refused(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["detail_zh"]
    for word in words:
        assert word in found["detail"]
    return found


def test_the_list_has_schemas_and_addresses(client: httpx.Client, service: Service) -> None:
    listed = httpx.get(f"{service.url}/twins/qianwan/analyses").json()["analyses"]
    assert len(listed) == 24
    for one in listed:
        assert one["title"]["zh"]
        assert one["request"]["properties"]["crs"]
        wrong = client.post(one["href"].rpartition("/")[2], json={"nonsense": 1})
        refused(wrong, 400, "nonsense")


def test_a_section(client: httpx.Client) -> None:
    found = ask(client, "section", line=LINE)
    assert len(found["pipes"]) >= 6
    assert len({p["segment"]["class_code"] for p in found["pipes"]}) >= 3
    lon, lat, _ = storage_to_geodetic([p[0] for p in LINE], [p[1] for p in LINE], [0, 0])
    degrees = [[float(x), float(y)] for x, y in zip(lon, lat, strict=True)]
    again = ask(client, "section", line=degrees, crs="OGC:CRS84")
    assert [p["segment"]["id"] for p in again["pipes"]] == [
        p["segment"]["id"] for p in found["pipes"]
    ]


def test_a_drawing_and_a_page(client: httpx.Client) -> None:
    drawing = client.post("/section", json={"line": LINE}, headers={"Accept": "image/svg+xml"})
    assert drawing.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in drawing.headers["content-security-policy"]
    assert "Accept" in drawing.headers["vary"]
    root = ElementTree.fromstring(drawing.text)
    assert root.tag.endswith("svg")
    request = {"polygon": PIT, "depth": 2.5}
    page = client.post("/excavation", json=request, headers={"Accept": "text/html,*/*;q=0.1"})
    assert page.headers["content-type"].startswith("text/html")
    assert page.text.count("<svg") == 2
    both = client.post(
        "/section", json={"line": LINE}, headers={"Accept": "image/svg+xml;q=0.5,application/json"}
    )
    assert both.headers["content-type"] == "application/json"
    picture = client.post("/ageing", json={}, headers={"Accept": "image/svg+xml"})
    refused(picture, 406, "application/json")


def test_the_same_pipes_in_every_answer(client: httpx.Client) -> None:
    ticket = ask(client, "excavation", polygon=PIT, depth=2.5)
    exposed = [p["segment"]["id"] for p in ticket["pipes"] if p["state"] == "exposed"]
    assert exposed
    assert ticket["owners"]
    near = ask(client, "buffer", polygon=PIT, distance=0)
    assert set(exposed) <= {s["segment"]["id"] for s in near["segments"]}
    cover = ask(client, "cover", segments=exposed[:3])
    assert {s["segment"]["id"] for s in cover["segments"]} == set(exposed[:3])


def test_runs_and_traces(client: httpx.Client) -> None:
    flows = ask(client, "flow-direction", class_code="YS", most=5)
    start = flows["segments"][0]["segment"]["id"]
    down = ask(client, "trace", segments=[start], direction="downstream")
    assert down["count"] >= 1
    run = ask(client, "profile", segments=[start])
    assert run["length"] > 0
    assert ask(client, "connectivity", segments=[start])["component"]["segments"] > 1
    assert ask(client, "ageing")["total"]["count"] == 1308
    assert ask(client, "isolation", segments=[start])["cut"]["count"] >= 1


def test_before_there_were_pipes(client: httpx.Client) -> None:
    answer = client.post("/ageing", json={"as_of": "2001-01-01T00:00:00Z"}).json()
    assert answer["result"]["total"]["count"] == 0
    assert answer["revisions"] == []


def test_many_at_once(client: httpx.Client) -> None:
    def one(i: int) -> int:
        return client.post("/section", json={"line": LINE}).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(one, range(24))) == {200}


def test_unknown_twins_and_analyses(client: httpx.Client, service: Service) -> None:
    refused(client.post("/divination", json={}), 404, "divination", "section")
    refused(httpx.post(f"{service.url}/twins/atlantis/analyses/ageing", json={}), 404, "atlantis")
    refused(httpx.get(f"{service.url}/twins/atlantis/analyses"), 404, "atlantis")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", ["JSON"]),
        (b"[]", ["section"]),
        (b"null", ["section"]),
        (b"\xff\xfe", ["JSON"]),
        (b"", ["line"]),
        (b"[" * 100_000, ["JSON"]),
        (b'{"line": ' + b"[" * 900 + b"]" * 900 + b"}", []),
        (b'{"line": [[1e999, 0], [0, 0]]}', []),
        (b'{"line": [[NaN, 0], [0, 0]]}', ["JSON"]),
        (b'{"line": [[0, 0], [0, 0]], "crs": "EPSG:99999"}', ["EPSG:99999"]),
        (b'{"line": [["a", 0], [0, 0]]}', ["line.0.0"]),
        (b'{"line": [[624000, 3450000], [624001, 3450000]], "datetime": "soon"}', ["datetime"]),
    ],
)
def test_bodies_that_cannot_be_used(client: httpx.Client, body: bytes, words: list[str]) -> None:
    refused(client.post("/section", content=body), 400, *words)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"count": True}, "count"),
        ({"count": "5"}, "count"),
        ({"reach": "9"}, "reach"),
        ({"point": [EAST, NORTH, True]}, "point.2"),
        ({"point": [str(EAST), NORTH, 3]}, "point.0"),
        ({"datetime": 1_700_000_000}, "datetime"),
    ],
)
def test_values_of_another_type_are_not_read_as_the_one_wanted(
    client: httpx.Client, more: dict[str, Any], where: str
) -> None:
    whole = {"point": [round(EAST), round(NORTH), 3], "count": 2, "reach": 50}
    moment = {"datetime": "2026-01-31T08:00:00+08:00"}
    assert client.post("/nearest", json={**whole, **moment}).status_code == 200
    found = refused(client.post("/nearest", json={**whole, **more}), 400, where)
    assert {fault["where"] for fault in found["errors"]} == {where}


def test_a_body_that_is_too_large(client: httpx.Client) -> None:
    refused(client.post("/section", content=b" " * (1 << 20) + b"{}"), 413, "1048576")


def test_every_fault_is_listed(client: httpx.Client) -> None:
    found = refused(client.post("/excavation", json={"depth": -1, "x": 2}), 400, "depth", "x")
    assert {fault["where"] for fault in found["errors"]} == {"polygon", "depth", "x"}


def test_query_parameters_are_none(client: httpx.Client) -> None:
    refused(client.post("/ageing?nonsense=1", json={}), 400, "nonsense")
