"""No tile is larger than 500 kB, however dense the city, and none of its features is left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import psycopg
import pytest
import shapely

from models.db import mvt_overviews, twins
from models.db.connection import connect
from models.db.publish import publish
from models.features import Theme
from models.testing import delivery
from models.twins import load_twins
from tests.benchmarks import city
from tests.twin.ogc.city import buildings
from twin.settings import Settings
from twin.testing import application

SETS = ("WebMercatorQuad", "EPSG4549Quad")
LIMIT = 500_000
#: Of each; at the middle sixteen times as dense as a city of a million on ten by ten kilometres.
NUMBER = 14_400
SPAN, DENSITY = 10.0 * NUMBER**0.5, 4.0
MEASURES = {"buildings": "area", "pipe-segments": "length"}


@contextmanager
def database(cluster: Any, name: str) -> Iterator[str]:
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER twin TEMPLATE twin")
        try:
            url = cluster.database_url(name)
            with connect(url) as conn:
                twins.sync(conn, load_twins().values())
            yield url
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def dense(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service over a city with a very dense centre and its overviews."""
    with database(cluster, "dense") as url:
        city.put(url, NUMBER, NUMBER, density=DENSITY, span=SPAN)
        with connect(url) as conn:
            mvt_overviews.renew(conn, city.TWIN)
        home: Path = tmp_path_factory.mktemp("home")
        with (
            application(Settings(home=home), url) as address,
            httpx.Client(base_url=f"{address}/ogc/{city.TWIN}", timeout=30) as client,
        ):
            yield client


def levels(client: httpx.Client, path: str, most: int = 9) -> Iterator[tuple[int, list[bytes]]]:
    """The tiles of every level that has at most so many, and of the next one those in the middle,
    where the city is dense."""
    for limits in client.get(path).json()["tileMatrixSetLimits"]:
        rows = range(limits["minTileRow"], limits["maxTileRow"] + 1)
        cols = range(limits["minTileCol"], limits["maxTileCol"] + 1)
        whole = len(rows) * len(cols) <= most
        if not whole:
            rows, cols = (one[len(one) // 2 - 1 : len(one) // 2 + 1] for one in (rows, cols))
        zoom = int(limits["tileMatrix"])
        answers = [client.get(f"{path}/{zoom}/{row}/{col}") for row in rows for col in cols]
        yield zoom, [answer.content for answer in answers]
        if not whole:
            return


@pytest.mark.parametrize("tms", SETS)
@pytest.mark.parametrize("collection", MEASURES)
def test_low_levels_are_small_and_leave_nothing_out(
    dense: httpx.Client, tms: str, collection: str
) -> None:
    total = {"area": NUMBER * 36.0, "length": NUMBER * 25.0}[MEASURES[collection]]
    seen = 0
    for _, tiles in levels(dense, f"/collections/{collection}/tiles/{tms}"):
        assert max(map(len, tiles)) < LIMIT
        layers = [mapbox_vector_tile.decode(tile).get(collection) for tile in tiles]
        drawn = [f["properties"] for layer in layers if layer for f in layer["features"]]
        if len(tiles) != 4 and all("count" in one for one in drawn):
            seen += 1
            # what lies at the border of tiles is in both
            assert 1 <= sum(one["count"] for one in drawn) / NUMBER < 2
            assert 0.98 <= sum(one[MEASURES[collection]] for one in drawn) / total < 2
    assert seen >= 3


@pytest.mark.parametrize("tms", SETS)
def test_tiles_of_everything_are_small_too(dense: httpx.Client, tms: str) -> None:
    sizes = {zoom: max(map(len, tiles)) for zoom, tiles in levels(dense, f"/tiles/{tms}")}
    assert max(sizes.values()) < LIMIT


def test_every_level_is_small_down_to_the_deepest(dense: httpx.Client) -> None:
    for collection in MEASURES:
        path = f"/collections/{collection}/tiles/EPSG4549Quad"
        for limits in dense.get(path).json()["tileMatrixSetLimits"]:
            row = (limits["minTileRow"] + limits["maxTileRow"]) // 2
            col = (limits["minTileCol"] + limits["maxTileCol"]) // 2
            answer = dense.get(f"{path}/{limits['tileMatrix']}/{row}/{col}")
            assert len(answer.content) < LIMIT, limits


def test_a_tile_of_long_texts_draws_the_largest(cluster: Any, tmp_path: Path) -> None:
    """What features weigh is not known before they are drawn: now, and at another moment."""
    twin = "songjiang-hub"
    table = buildings(twin, 30, 30)
    table["name"] = [f"{key} " + "名" * 300 for key in table["key"]]
    size = np.where(np.arange(900) % 10 == 0, 19.0, 10.0)
    table["height"] = size
    with database(cluster, "wordy") as url, connect(url) as conn:
        corner = np.array([one.bounds[:2] for one in table["geom"]])
        table["geom"] = shapely.force_3d(shapely.box(*corner.T, *(corner + size[:, None]).T), 4.0)
        for rows, day in ((table, date(2020, 1, 1)), (table.iloc[:899], date(2022, 1, 1))):
            made = delivery(Theme.BUILDINGS, {"building": rows}, valid_from=day)
            publish(conn, twin=twin, dataset="blocks", deliveries=[made])
        mvt_overviews.renew(conn, twin)
        with (
            application(Settings(home=tmp_path), url) as address,
            httpx.Client(base_url=f"{address}/ogc/{twin}", timeout=30) as client,
        ):
            for asked in ({}, {"datetime": "2021-01-01"}):
                drawn = largest_of(client, asked)
                assert {one["height"] for one in drawn} == {19.0, 10.0}
                assert sum(one["height"] == 19.0 for one in drawn) >= 30


def largest_of(client: httpx.Client, asked: dict[str, str]) -> list[dict[str, Any]]:
    path = "/collections/buildings/tiles/EPSG4549Quad"
    most: list[dict[str, Any]] = []
    for limits in client.get(path, params=asked).json()["tileMatrixSetLimits"]:
        if int(limits["tileMatrix"]) > 16:
            break
        for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
            for col in range(limits["minTileCol"], limits["maxTileCol"] + 1):
                answer = client.get(f"{path}/{limits['tileMatrix']}/{row}/{col}", params=asked)
                assert len(answer.content) < LIMIT
                if answer.status_code == 200:
                    layers = mapbox_vector_tile.decode(answer.content)
                    drawn = [f["properties"] for f in layers["buildings"]["features"]]
                    most = max(most, [one for one in drawn if "id" in one], key=len)
    return most
