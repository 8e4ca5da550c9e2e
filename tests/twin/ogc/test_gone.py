"""Clients that go away, and statements that take too long, whatever is asked."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator

import httpx
import pytest

from models.db.testing import locked, until, waiting
from models.twins import load_twins
from tests.twin.ogc.city import TWIN, City, centre
from twin.settings import Settings
from twin.testing import application

EAST, NORTH = centre(TWIN)
LON, LAT = load_twins(None)[TWIN].centre
#: The tile of level 18 that holds the city's first building (Web Mercator).
ROW = int((1 - math.asinh(math.tan(math.radians(LAT))) / math.pi) * 2**17)
COL = int((LON + 180) / 360 * 2**18)
COLLECTIONS = f"/ogc/{TWIN}/collections"
#: Table that is read, address, and the body of a POST request.
QUESTIONS = [
    ("building", f"{COLLECTIONS}/buildings/items", None),
    ("building", f"{COLLECTIONS}/buildings/items?sortby=-name", None),
    ("building", f"{COLLECTIONS}/buildings/items?f=geojsonseq", None),
    ("building", f"{COLLECTIONS}/buildings/items?f=fgb", None),
    ("building", f"{COLLECTIONS}/buildings/items?f=csv&crs=OGC:CRS84h", None),
    ("building", f"{COLLECTIONS}/buildings/items/00000000-0000-0000-0000-000000000001", None),
    ("building", f"{COLLECTIONS}/buildings/tiles/WebMercatorQuad/18/{ROW}/{COL}", None),
    ("pipe_segment", f"/twins/{TWIN}/analyses/section",
     {"line": [[EAST, NORTH - 9], [EAST, NORTH + 9]]}),
    ("building", f"/twins/{TWIN}/analyses/within",
     {"box": [EAST, NORTH, 0, EAST + 9, NORTH + 9, 9]}),
    ("building", f"/twins/{TWIN}", None),
    ("building", f"/twins/{TWIN}/features/00000000-0000-0000-0000-000000000001", None),
    ("building", COLLECTIONS, None),
    ("building", f"{COLLECTIONS}/buildings", None),
    ("source_attribute", f"{COLLECTIONS}/buildings/queryables", None),
    ("source_attribute", f"{COLLECTIONS}/buildings/schema", None),
    ("catalogue_entry", f"{COLLECTIONS}/datasets/items", None),
    ("catalogue_entry", f"{COLLECTIONS}/datasets/items/x", None),
    ("catalogue_entry", f"{COLLECTIONS}/datasets/items?filter=features%3E1", None),
    ("original", f"/twins/{TWIN}/originals/00000000-0000-0000-0000-000000000001", None),
    ("building", f"/ogc/{TWIN}/tiles", None),
    ("building", f"/ogc/{TWIN}/tiles/WebMercatorQuad", None),
    ("building", f"{COLLECTIONS}/buildings/tiles/WebMercatorQuad/tilejson", None),
    ("building", f"/tiles/{TWIN}/buildings/tileset.json?filter=height%3E9", None),
    ("place", f"/twins/{TWIN}/places?q=lu", None),
    ("place", f"/twins/{TWIN}/places/reverse?lon={LON}&lat={LAT}", None),
    ("place", f"/twins/{TWIN}/places/joined?address=%E6%96%B9%E5%A1%94%E8%B7%AF1%E5%8F%B7", None),
]  # fmt: skip


@pytest.mark.parametrize(("table", "path", "body"), QUESTIONS)
def test_a_client_that_goes_away_ends_its_query(
    fresh: str, city: City, table: str, path: str, body: object
) -> None:
    host, port = fresh.removeprefix("http://").split(":")
    sent = b"" if body is None else json.dumps(body).encode()
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: x\r\n"
    with locked(city.database, table):
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
            until(lambda: waiting(city.database) == 1, seconds=8)
        until(lambda: waiting(city.database) == 0, seconds=8)  # the limit of statements is 10 s
    assert httpx.get(f"{fresh}/healthz").status_code == 200


@pytest.mark.parametrize(("table", "path", "body"), QUESTIONS)
def test_a_query_that_takes_too_long_is_told_to_come_again(
    brief: str, city: City, table: str, path: str, body: object
) -> None:
    with locked(city.database, table):
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, f"{brief}{path}", json=body, timeout=30)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"
    assert "canceling" not in answer.text
    told = answer.json()
    assert "Ask for less" in told["detail"]
    for sentence in (told["detail"], told["detail_zh"]):  # what only those who run it understand
        assert not any(word in sentence for word in ("/", "log", "raise", "日志", "调高"))


def test_the_definition_is_there_while_the_database_is_not(brief: str, city: City) -> None:
    api = f"{brief}/ogc/{TWIN}/api"
    with locked(city.database, "source_attribute"):
        without = httpx.get(api, timeout=30)
    assert without.status_code == 200, without.text
    whole = httpx.get(api, timeout=30).json()
    assert without.json()["paths"] == whole["paths"]
    kept, named = (
        found["components"]["parameters"]["sortby.buildings"]["schema"]["items"]["enum"]
        for found in (without.json(), whole)
    )
    assert "attrs.k" in named
    assert kept == [key for key in named if "attrs." not in key]


@pytest.fixture(scope="module")
def fresh(city: City) -> Iterator[str]:
    """A service that keeps nothing yet: its clients all go away before they are answered."""
    with application(Settings(home=city.home), city.database) as address:
        yield address


@pytest.fixture(scope="module")
def brief(city: City) -> Iterator[str]:
    """A service whose statements may take a twentieth of a second."""
    settings = Settings(home=city.home, statement_timeout=0.05)
    with application(settings, city.database) as address:
        yield address
