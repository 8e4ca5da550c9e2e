"""Tiles by their hash, past all routing: the answer is the one that the routes give."""

from __future__ import annotations

import httpx
import pytest

from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from twin.testing import Program, Service

LAYER = "/tiles/songjiang-hub/buildings"
#: What is of one answer only.
OWN = ("date", "x-request-id")


@pytest.fixture(scope="module")
def name(samples: Program) -> str:
    store = DirectoryStore(samples.home / LAYER.strip("/"))
    return next(tile.uri for tile in walk(lambda one: store.get(one).decoded()) if tile.uri)


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Encoding": "gzip"},
        {"Accept-Encoding": "identity"},
        {"Accept-Encoding": "identity", "Range": "bytes=4-11"},
        {"Accept-Encoding": "identity", "Range": "bytes=999999999-"},
        {"If-None-Match": "*"},
        {"Origin": "https://map.example"},
        {"X-Request-ID": "of-the-client"},
    ],
)
@pytest.mark.parametrize("path", [f"{LAYER}/{{name}}", "/tiles/nowhere/buildings/{name}",
                                  f"{LAYER}/00000000000000000000000000000000.glb"])  # fmt: skip
def test_the_answer_is_that_of_the_route(
    service: Service, name: str, path: str, headers: dict[str, str]
) -> None:
    address = f"{service.url}{path.format(name=name)}"
    quick = httpx.get(address, headers=headers)
    routed = httpx.get(f"{address}?v=1", headers=headers)  # a query leads through the routes
    assert quick.status_code == routed.status_code
    kept = [{k: v for k, v in one.headers.items() if k not in OWN} for one in (quick, routed)]
    if quick.status_code < 300 or quick.status_code == 304:
        assert quick.content == routed.content
        assert kept[0] == kept[1]
    else:
        assert quick.json()["status"] == routed.json()["status"]
        assert kept[0]["content-type"] == kept[1]["content-type"] == "application/problem+json"
    assert quick.headers["x-request-id"]
