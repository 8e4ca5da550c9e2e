"""What is counted once a publication, and what answers depend on besides their data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.db import twins
from models.db.connection import connect
from models.db.publish import publish
from models.db.testing import locked, until, waiting
from models.features import Theme
from models.testing import buildings, delivery
from models.twins import load_twins
from twin.settings import Settings
from twin.testing import application

TWIN = "songjiang-hub"
READ = [f"/twins/{TWIN}", f"/ogc/{TWIN}/collections", f"/ogc/{TWIN}/collections/buildings"]
#: Links and validators hold the address that was asked, whose port differs between services.
HOST = {"Host": "city.example"}
DEFINITION = """
id: made
name_zh: 测试
name_en: Made
centre: [121.5, 31.1]
extent: [121.4, 31.0, 121.6, 31.2]
ground_height: 4.0
n_offset: {offset}
layers: [buildings]
"""


def put(url: str, count: int) -> None:
    """Publish so many buildings; others end."""
    table = buildings({f"b{n}": 5.0 + n for n in range(count)}, twin=TWIN)
    with connect(url) as conn:
        twins.sync(conn, load_twins().values())
        made = delivery(Theme.BUILDINGS, {"building": table})
        publish(conn, twin=TWIN, dataset="made", deliveries=[made])


def count(client: httpx.Client) -> int:
    layers = {one["id"]: one for one in client.get(READ[0]).json()["layers"]}
    found: int = layers["buildings"]["features"]
    return found


def test_rows_are_counted_once_a_publication(database: str, tmp_path: Path) -> None:
    put(database, 9)
    with (
        application(Settings(home=tmp_path), database) as url,
        httpx.Client(base_url=url, timeout=30) as client,
        ThreadPoolExecutor(len(READ) * 2) as threads,
    ):
        with locked(database, "building"):
            asked = [threads.submit(httpx.get, url + path, timeout=30) for path in READ * 2]
            until(lambda: waiting(database) == 1)
            # containers of 3D content ask no table of features
            assert client.get(f"/ogc/{TWIN}/collections3d").json()["collections"] == []
            assert waiting(database) == 1
        assert {one.result().status_code for one in asked} == {200}
        with locked(database, "building"):
            assert count(client) == 9
            assert {client.get(path).status_code for path in READ} == {200}
        put(database, 4)
        assert count(client) == 4
        layers = client.get("/readyz").json()["checks"]["tiles"]["layers"]
        assert layers == {f"{TWIN}/buildings": {"ready": False, "version": None}}


def test_what_is_cached_ends_with_the_definition_and_the_program(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "twins"
    folder.mkdir()
    settings = Settings(home=tmp_path / "home", twins_dir=folder)

    def told(offset: float) -> list[Any]:
        (folder / "made.yaml").write_text(DEFINITION.format(offset=offset), "utf-8")
        with (
            application(settings, database) as url,
            httpx.Client(base_url=f"{url}/ogc/made", headers=HOST, timeout=30) as client,
        ):
            paths = ("/collections", "/collections/buildings/items")
            tile_json = client.get("/tiles/WebMercatorQuad/tilejson").json()
            return [*(client.get(p).headers["etag"] for p in paths), *tile_json["tiles"]]

    first = told(0.0)
    assert told(0.0) == first
    moved = told(0.25)
    assert not set(first) & set(moved)
    monkeypatch.setattr(metadata, "version", lambda _: "0.0.0")
    assert not set(told(0.25)) & {*first, *moved}
