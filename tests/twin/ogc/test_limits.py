"""What a request may cost is bounded, and the refusal says by what."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import shapely

from models.twins import load_twins
from tests.twin.ogc.city import TWIN, City, centre

ITEMS = "/collections/buildings/items"


def refused(answer: httpx.Response, *words: str, status: int = 400) -> None:
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert len(answer.content) < 10_000
    for word in words:
        assert word in told["detail"]
        assert word in told["detail_zh"]


def nested(depth: int) -> str:
    return '{"op":"not","args":[' * depth + '{"op":"=","args":[1,1]}' + "]}" * depth


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("storeys IN (" + ",".join(["1"] * 1_001) + ")", ["1000"]),
        (" OR ".join(["storeys=1"] * 400), ["1000"]),
        ("(" * 60 + "storeys=1" + ")" * 60, ["32"]),
        (nested(70), ["64"]),
        ("S_INTERSECTS(geometry,LINESTRING(" + ",".join(["1 1"] * 10_001) + "))", ["10000"]),
    ],
    ids=["values", "parts", "depth of text", "depth of JSON", "vertices"],
)
def test_filters(client: httpx.Client, text: str, words: list[str]) -> None:
    refused(client.get(ITEMS, params={"filter": text}), *words)
    assert client.get("/collections/datasets/items", params={"filter": text}).status_code == 400


def test_addresses(client: httpx.Client) -> None:
    """The longest filter there may be fits; longer addresses are refused whatever their length."""

    def ask(text: str) -> httpx.Response:
        return client.get(f"{ITEMS}?limit=1&filter=name='{text}'")

    assert ask("x" * (60_000 - len("name=''"))).status_code == 200
    refused(ask("x" * 60_000), "60000")
    for length in (65_100, 70_000, 1_000_000):
        for path in (f"/ogc/{TWIN}{ITEMS}?filter=", "/tiles/", "http://here/ogc?filter="):
            target = (path + "x" * length).encode()  # the client's own limit is for what it parses
            answer = client.get("/", extensions={"target": target})
            refused(answer, "65000", status=414)
            assert answer.headers["x-request-id"] == answer.json()["request_id"]


def test_links_are_in_headers_where_a_proxy_takes_them(client: httpx.Client) -> None:
    """Bodies hold them in any case."""
    for length, there in ((10, True), (3_000, False)):
        answer = client.get(ITEMS, params={"filter": f"name<>'{'x' * length}'", "limit": 1})
        following = next(one["href"] for one in answer.json()["links"] if one["rel"] == "next")
        assert (f'<{following}>; rel="next"' in answer.headers.get("link", "")) is there
        assert sum(len(k) + len(v) for k, v in answer.headers.raw) < 4_000
        assert client.get(following).status_code == 200


def test_a_long_geometry_has_a_second_page(client: httpx.Client) -> None:
    twin = load_twins(None)[TWIN]
    ring = shapely.Point(twin.lon, twin.lat).buffer(0.5, 650)
    area = shapely.to_wkt(ring, rounding_precision=7).replace(" (", "(").replace(", ", ",")
    asked = f"S_INTERSECTS(geometry,{area})".replace(" ", "+")
    assert 50_000 < len(asked) < 60_000
    answer = client.get(f"{ITEMS}?limit=1&filter={asked}")
    following = next(one["href"] for one in answer.json()["links"] if one["rel"] == "next")
    assert client.get(following).status_code == 200


def test_pages(client: httpx.Client) -> None:
    assert client.get(ITEMS, params={"limit": 2**31 - 1}).status_code == 200
    refused(client.get(ITEMS, params={"limit": 2**31}), "10000")
    refused(client.get(ITEMS, params={"limit": "9" * 5_000}), "10000")
    keys = ",".join(["key", "name", "storeys", "height", "function"])
    refused(client.get(ITEMS, params={"sortby": keys}), "4")


def test_volumes_and_bodies_of_analyses(city: City) -> None:
    url = f"{city.url}/twins/{TWIN}/analyses"
    east, north = centre(TWIN)

    def ask(name: str, **document: Any) -> httpx.Response:
        return httpx.post(f"{url}/{name}", json=document, timeout=60)

    refused(ask("within", box=[east, north, 0, east + 5_001, north + 1, 9]), "5000")
    refused(ask("within", sphere={"centre": [east, north, 0], "radius": 1_001}), "1000")
    refused(ask("nearest", point=[east, north, 0], count=201), "200")
    refused(ask("within", box=[east, north, 0, east + 9, north + 1, 9], most=10_001), "10000")
    ring = [[east + i, north + i % 7] for i in range(2_001)]
    refused(ask("excavation", polygon=ring, depth=1), "2000")
    large = json.dumps({"line": [[0, 0]], "crs": "x" * (1 << 20)})
    refused(httpx.post(f"{url}/section", content=large), "1048576", status=413)
