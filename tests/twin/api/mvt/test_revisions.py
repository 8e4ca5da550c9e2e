"""Tiles follow revisions, with and without the overviews that make them quick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import pytest

from models.db import mvt_overviews, twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.features import Theme
from models.testing import buildings, delivery
from models.twins import load_twins
from twin.settings import Settings
from twin.testing import application

TWIN = "songjiang-hub"
PATH = f"/ogc/{TWIN}/collections/buildings/tiles/EPSG4549Quad"


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
        yield conn


@pytest.fixture
def client(database: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        application(Settings(home=tmp_path), database) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


def put(conn: Connection, heights: dict[str, float]) -> None:
    made = delivery(Theme.BUILDINGS, {"building": buildings(heights, twin=TWIN)})
    publish(conn, twin=TWIN, dataset="made", deliveries=[made])


def tiles(client: httpx.Client, zoom: int) -> tuple[list[Any], str]:
    """Properties of all features of a level, and a validator."""
    told = client.get(PATH).json()
    limits = next(x for x in told["tileMatrixSetLimits"] if x["tileMatrix"] == str(zoom))
    found, etag = [], ""
    for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
        for col in range(limits["minTileCol"], limits["maxTileCol"] + 1):
            answer = client.get(f"{PATH}/{zoom}/{row}/{col}")
            etag = answer.headers["etag"]
            if answer.status_code == 200:
                decoded = mapbox_vector_tile.decode(answer.content)
                found += [f["properties"] for f in decoded["buildings"]["features"]]
    return found, etag


def test_a_twin_without_features_has_empty_tiles(client: httpx.Client, conn: Connection) -> None:
    told = client.get(PATH).json()
    assert told["tileMatrixSetLimits"] == []
    assert "boundingBox" not in told
    assert client.get(f"{PATH}/12/2000/2000").status_code == 204
    assert client.get(f"{PATH}/12/4096/0").status_code == 404


def test_tiles_change_with_a_revision(client: httpx.Client, conn: Connection) -> None:
    put(conn, {"a": 10.0, "b": 20.0})
    before, etag = tiles(client, 15)
    assert {one["height"] for one in before} == {10.0, 20.0}
    put(conn, {"a": 11.0})
    after, changed = tiles(client, 15)
    assert {one["height"] for one in after} == {11.0}
    assert changed != etag


def test_overviews_change_what_low_levels_draw_and_nothing_below(
    client: httpx.Client, conn: Connection
) -> None:
    heights = {str(n): 10.0 + n for n in range(30)}
    put(conn, heights)
    low, high = ([*tiles(client, zoom)[0]] for zoom in (10, 17))
    assert sum("id" in one for one in low) == 0 or all("count" not in one for one in low)
    assert {one["height"] for one in high} == set(heights.values())
    mvt_overviews.renew(conn, TWIN)
    drawn, _ = tiles(client, 10)
    assert sum(one["count"] for one in drawn) == 30
    assert sum(one["area"] for one in drawn) == pytest.approx(30 * 100.0)
    assert max(one["height"] for one in drawn) == max(heights.values())
    assert sorted(one["id"] for one in tiles(client, 17)[0]) == sorted(o["id"] for o in high)
