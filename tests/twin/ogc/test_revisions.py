"""Caches are told what is still true, by revision; a database that is slow is told as such."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from models.db import twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.features import Theme
from models.testing import delivery
from models.twins import load_twins
from tests.twin.ogc.city import TWIN, City, buildings, centre
from twin.settings import Settings
from twin.testing import application

#: What a delivery of buildings changes.
OF_BUILDINGS = (
    f"/ogc/{TWIN}/collections",
    f"/ogc/{TWIN}/collections/buildings",
    f"/ogc/{TWIN}/collections/buildings/items",
    f"/ogc/{TWIN}/collections/buildings/items?limit=1&filter=height>0",
    f"/ogc/{TWIN}/collections/buildings/tiles/WebMercatorQuad",
    f"/ogc/{TWIN}/collections/buildings/tiles/WebMercatorQuad/tilejson",
    f"/ogc/{TWIN}/tiles/EPSG4549Quad",
    f"/ogc/{TWIN}/collections/datasets/items",
    f"/twins/{TWIN}",
)
#: What it does not.
OF_OTHERS = (
    f"/ogc/{TWIN}/collections/pipe-segments/items",
    f"/ogc/{TWIN}/collections/pipe-points/tiles/WebMercatorQuad",
    "/ogc/qianwan/collections/buildings/items",
    f"/ogc/{TWIN}/conformance",
    "/twins",
    "/api",
)


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
        yield conn


def deliver(conn: Connection, count: int) -> None:
    made = delivery(Theme.BUILDINGS, {"building": buildings(TWIN, count, 1)})
    publish(conn, twin=TWIN, dataset="blocks", deliveries=[made])


def test_validators_change_with_a_delivery_and_only_then(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    deliver(conn, 3)
    with (
        application(Settings(home=tmp_path), database) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        first = {path: client.get(path).headers for path in (*OF_BUILDINGS, *OF_OTHERS)}
        for path, headers in first.items():
            assert "no-cache" in headers["cache-control"], path
            again = client.get(path, headers={"If-None-Match": headers["etag"]})
            assert again.status_code == 304, path
        deliver(conn, 4)
        for path in OF_BUILDINGS:
            answer = client.get(path, headers={"If-None-Match": first[path]["etag"]})
            assert answer.status_code == 200, path
            assert answer.headers["etag"] != first[path]["etag"], path
        for path in OF_OTHERS:
            answer = client.get(path, headers={"If-None-Match": first[path]["etag"]})
            assert answer.status_code == 304, path


def test_a_tile_of_a_version_is_kept_for_ever_and_a_delivery_gives_another(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    deliver(conn, 3)
    with application(Settings(home=tmp_path), database) as url:
        base = f"{url}/ogc/{TWIN}/collections/buildings/tiles/WebMercatorQuad"
        addresses = []
        for count in (4, 5):
            told = httpx.get(base).json()
            limits = told["tileMatrixSetLimits"][-1]
            place = (limits["tileMatrix"], limits["minTileRow"], limits["minTileCol"])
            template = httpx.get(f"{base}/tilejson").json()["tiles"][0]
            address = template.format(z=place[0], y=place[1], x=place[2])
            assert "immutable" in httpx.get(address).headers["cache-control"]
            deliver(conn, count)
            # the old address still answers, with what is true now, and is not kept for ever
            assert "immutable" not in httpx.get(address).headers["cache-control"]
            addresses.append(address)
        assert addresses[0] != addresses[1]


def test_whatever_waits_too_long_for_the_database_answers_503(city: City) -> None:
    east, north = centre(TWIN)
    box = {"box": [east - 10, north - 10, -50, east + 400, north + 400, 100]}
    identity = str(city.tables["building"]["id"].iloc[0])
    settings = Settings(home=city.home, statement_timeout=0.3)
    told = httpx.get(f"{city.root}/collections/buildings/tiles/WebMercatorQuad").json()
    limits = next(x for x in told["tileMatrixSetLimits"] if x["tileMatrix"] == "16")
    tile = f"16/{limits['minTileRow']}/{limits['minTileCol']}"
    with application(settings, city.database) as url, psycopg.connect(city.database) as locking:
        locking.execute("LOCK TABLE building, dataset, revision, place IN ACCESS EXCLUSIVE MODE")
        for path in (
            f"/twins/{TWIN}",
            f"/twins/{TWIN}/features/{identity}",
            f"/twins/{TWIN}/places?q=a",
            f"/twins/{TWIN}/places/reverse?lon=121.23&lat=30.99",
            f"/ogc/{TWIN}/collections",
            f"/ogc/{TWIN}/collections/buildings/items/{identity}",
            f"/ogc/{TWIN}/collections/buildings/queryables",
            f"/ogc/{TWIN}/collections/datasets/items",
            f"/ogc/{TWIN}/collections/buildings/tiles",
            f"/ogc/{TWIN}/collections/buildings/tiles/WebMercatorQuad/{tile}",
            f"/ogc/{TWIN}/tiles/WebMercatorQuad/tilejson",
        ):
            told_of(httpx.get(f"{url}{path}", timeout=30))
        told_of(httpx.post(f"{url}/twins/{TWIN}/analyses/within", json=box, timeout=30))
        locking.rollback()


def told_of(answer: httpx.Response) -> None:
    """503 with what to do and when, and no word of the database."""
    assert answer.status_code == 503, (answer.url, answer.text[:200])
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["detail"]
    assert found["detail_zh"]
    assert not {"canceling", "statement", "psycopg", "asyncpg"} & set(found["detail"].split())
