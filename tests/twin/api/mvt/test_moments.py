"""Tiles of another moment: what was in the city, and what was held for true, as for features."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import psycopg
import pytest

from models.db import mvt_overviews, twins
from models.db.connection import connect
from models.db.publish import publish
from models.features import Theme
from models.testing import delivery
from models.twins import load_twins
from tests.twin.ogc.city import buildings
from twin.settings import Settings
from twin.testing import application

TWIN = "songjiang-hub"
SETS = ("WebMercatorQuad", "EPSG4549Quad")
#: Squares in a grid of 20 m, 1 km across; and the one that is left of them in 2022.
MANY = buildings(TWIN, 51, 51)
LEFT = MANY.iloc[:1].assign(height=99.0)
#: Levels at which a tile has few of them, and all of them.
DEEP, HIGH = 16, 12


@pytest.fixture(scope="module")
def client(
    cluster: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, str]]:
    """A twin whose buildings changed in 2020 and in 2022, and a moment of record time between."""
    name = "moments"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER twin TEMPLATE twin")
    url = cluster.database_url(name)
    with connect(url) as conn:
        twins.sync(conn, load_twins().values())
        told = []
        for table, day in ((MANY, date(2020, 1, 1)), (LEFT, date(2022, 1, 1))):
            made = delivery(Theme.BUILDINGS, {"building": table}, valid_from=day)
            publish(conn, twin=TWIN, dataset="blocks", deliveries=[made])
            told.append(conn.execute("SELECT clock_timestamp()").fetchone())
        conn.commit()
        mvt_overviews.renew(conn, TWIN)
    assert told[0] is not None
    home: Path = tmp_path_factory.mktemp("home")
    with (
        application(Settings(home=home), url) as address,
        httpx.Client(base_url=f"{address}/ogc/{TWIN}", timeout=30) as client,
    ):
        yield client, told[0][0].isoformat().replace("+00:00", "Z")
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def drawn(client: httpx.Client, tms: str, level: int, **asked: str) -> list[dict[str, Any]]:
    """Properties of all buildings drawn at a level, by the addresses of the TileJSON."""
    path = f"/collections/buildings/tiles/{tms}"
    told = client.get(path, params=asked).json()
    (template,) = client.get(f"{path}/tilejson", params=asked).json()["tiles"]
    limits = {one["tileMatrix"]: one for one in told["tileMatrixSetLimits"]}.get(str(level))
    found = []
    if limits is not None:
        for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
            for col in range(limits["minTileCol"], limits["maxTileCol"] + 1):
                answer = client.get(template.format(z=level, y=row, x=col))
                assert "immutable" in answer.headers["cache-control"]
                if answer.status_code == 200:
                    assert len(answer.content) < 500_000
                    layers = mapbox_vector_tile.decode(answer.content)
                    found += [f["properties"] for f in layers["buildings"]["features"]]
    return found


@pytest.mark.parametrize("tms", SETS)
def test_the_moment_in_the_city_decides(client: tuple[httpx.Client, str], tms: str) -> None:
    http, _ = client
    assert {one["height"] for one in drawn(http, tms, DEEP)} == {99.0}
    before = drawn(http, tms, DEEP, datetime="2021-06-01T00:00:00Z")
    assert {one["id"] for one in before} == set(map(str, MANY["id"]))
    assert {one["height"] for one in before} == set(MANY["height"])
    assert drawn(http, tms, DEEP, datetime="2019-06-01") == []


def test_the_moment_of_record_time_decides(client: tuple[httpx.Client, str]) -> None:
    http, between = client
    held = drawn(http, "EPSG4549Quad", DEEP, **{"as-of": between})
    assert len({one["id"] for one in held}) == len(MANY)
    assert drawn(http, "EPSG4549Quad", DEEP, **{"as-of": "2019-01-01"}) == []


def test_tiles_and_features_of_a_moment_are_the_same(client: tuple[httpx.Client, str]) -> None:
    http, between = client
    for asked in (
        {"datetime": "2020-06-01/2021-01-01"},
        {"datetime": "2022-06-01T00:00:00Z", "as-of": between},
        {"datetime": "../2019-01-01"},
    ):
        wanted = {**asked, "limit": "10000"}
        items = http.get("/collections/buildings/items", params=wanted).json()["features"]
        tiled = drawn(http, "WebMercatorQuad", DEEP, **asked)
        assert {one["id"] for one in tiled} == {one["id"] for one in items}


def test_a_tile_of_much_is_bounded(client: tuple[httpx.Client, str]) -> None:
    http, _ = client
    found = drawn(http, "WebMercatorQuad", HIGH, datetime="2021-06-01T00:00:00Z")
    assert len(found) == 2_500 < len(MANY)


def test_a_moment_at_which_the_same_holds_is_now(client: tuple[httpx.Client, str]) -> None:
    http, _ = client
    path = "/tiles/WebMercatorQuad"
    now = http.get(path).json()["version"]
    same = http.get(path, params={"datetime": "2023-01-01T00:00:00Z", "as-of": "2090-01-01"}).json()
    other = http.get(path, params={"datetime": "2021-01-01T00:00:00Z"}).json()
    again = http.get(path, params={"datetime": "2021-05-01T00:00:00Z"}).json()
    assert same["version"] == now != other["version"] == again["version"]


@pytest.mark.parametrize("asked", ["datetime=x", "as-of=2020-01-01/..", "datetime=2020-02-30"])
def test_what_is_no_moment_is_told(client: tuple[httpx.Client, str], asked: str) -> None:
    http, _ = client
    for path in ("", "/tilejson", "/12/0/0"):
        answer = http.get(f"/tiles/WebMercatorQuad{path}?{asked}")
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith(asked.partition("=")[0])
