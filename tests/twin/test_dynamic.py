"""Tilesets of what was, will be or matches, over HTTP and within limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin

import httpx
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity

from models.crs import StorageCrs
from models.db import twins
from models.db.connection import connect
from models.db.pool import open_pool
from models.db.publish import publish
from models.features import Theme, feature_id
from models.testing import buildings, cube, delivery, pipes
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.base import StoredFile
from tiles.store.directory import pack
from twin.dynamic import Bounds, BusyError, DynamicTiles, TooManyError
from twin.services import Services
from twin.settings import Settings
from twin.testing import application
from twin.tile_stores import places
from twin.tiling import tile

TWIN = "songjiang-hub"
LAYER = f"/tiles/{TWIN}/buildings/tileset.json"
STORAGE = StorageCrs(4549)


def city(heights: dict[str, float]) -> pd.DataFrame:
    table = buildings(heights)
    table["id"] = [feature_id(TWIN, "made", "building", key) for key in heights]
    table["function"] = ["住宅" if n % 2 else "办公" for n in range(len(heights))]
    return table


def put(url: str, heights: dict[str, float], since: date | None = None) -> datetime:
    """Publish buildings; when it was recorded."""
    with connect(url) as conn:
        made = delivery(Theme.BUILDINGS, {"building": city(heights)}, valid_from=since)
        return publish(conn, twin=TWIN, dataset="made", deliveries=[made]).recorded


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
    return Settings(home=tmp_path, database_url=database)


@pytest.fixture
def client(settings: Settings, database: str) -> Iterator[httpx.Client]:
    with application(settings, database) as address, httpx.Client(base_url=address) as client:
        yield client


def shown(client: httpx.Client, path: str, **params: str) -> dict[str, dict[str, Any]]:
    """Every feature of a tileset with its properties, found as a client finds them."""
    out: dict[str, dict[str, Any]] = {}
    root = client.get(path, params=params)
    assert root.status_code == 200, root.text

    def read(uri: str) -> bytes:
        if uri == "tileset.json":
            return root.content
        answer = client.get(urljoin(path, uri))
        assert answer.status_code == 200, answer.text
        return answer.content

    for drawn in walk(read):
        if drawn.uri is None:
            continue
        glb = Glb(read(drawn.uri))
        half = drawn.box[[3, 7, 11]]
        for part in glb.parts():
            assert (np.abs(part.positions - drawn.box[:3]) <= half).all()
        table = glb.table()
        for row, identity in enumerate(table["id"]):
            assert identity not in out
            out[identity] = {name: values[row] for name, values in table.items()}
    return out


def contents(root: bytes) -> list[str]:
    return [entry.uri for entry in walk(lambda _: root) if entry.uri]


def heights(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    return {one["key"]: one["height"] for one in found.values()}


def test_what_was_and_what_was_known(client: httpx.Client, database: str) -> None:
    first = put(database, {"a": 10.0, "b": 20.0}, date(2020, 1, 1))
    put(database, {"a": 10.0, "b": 25.0, "c": 5.0}, date(2022, 1, 1))
    assert heights(shown(client, LAYER, datetime="2021-06-01")) == {"a": 10, "b": 20}
    assert heights(shown(client, LAYER, datetime="2023-06-01")) == {"a": 10, "b": 25, "c": 5}
    assert heights(shown(client, LAYER, datetime="2019-06-01")) == {}
    known = (first + timedelta(microseconds=1)).astimezone(UTC).isoformat()
    before = shown(client, LAYER, **{"datetime": "2023-06-01", "as-of": known})
    assert heights(before) == {"a": 10, "b": 20}


def test_what_matches(client: httpx.Client, database: str) -> None:
    put(database, {f"b{n}": 5.0 + n for n in range(30)})
    found = shown(client, LAYER, filter="height >= 30 AND \"function\" = '住宅'")
    assert heights(found) == {f"b{n}": 5.0 + n for n in range(25, 30, 2)}
    assert shown(client, LAYER, filter="height < 0") == {}
    for wrong in ("nonsense = 1", "pg_sleep(9) = 1", "height >"):
        answer = client.get(LAYER, params={"filter": wrong})
        assert answer.status_code == 400
        assert answer.json()["detail_zh"]
    assert client.get(LAYER, params={"datetime": "2020/2021"}).status_code == 400
    assert client.get(f"/tiles/{TWIN}/imagery/tileset.json?datetime=2020-01-01").status_code == 404


def test_equal_content_is_equal_bytes(
    client: httpx.Client, settings: Settings, database: str
) -> None:
    put(database, {f"b{n}": 5.0 + n for n in range(30)})
    tile(settings, database, [load_twins()[TWIN]], "buildings")
    glbs = []
    for query in (
        {},
        {"datetime": datetime.now(UTC).isoformat()},
        {"filter": "height > 0"},
    ):
        uris = contents(client.get(LAYER, params=query).content)
        glbs.append([client.get(urljoin(LAYER, uri)).content for uri in uris])
    assert len(glbs[0]) == 1
    assert glbs[1] == glbs[0]
    assert glbs[2] == glbs[0]


def test_answers_can_be_kept(client: httpx.Client, database: str) -> None:
    put(database, {f"b{n}": 5.0 + n for n in range(9)})
    asked = {"datetime": "2090-01-01"}
    root = client.get(LAYER, params=asked)
    again = client.get(LAYER, params=asked, headers={"If-None-Match": root.headers["etag"]})
    assert again.status_code == 304
    (uri,) = contents(root.content)
    content = client.get(urljoin(LAYER, uri))
    assert "immutable" in content.headers["cache-control"]
    tag = {"If-None-Match": content.headers["etag"]}
    assert client.get(urljoin(LAYER, uri), headers=tag).status_code == 304
    # what is published later leaves the pinned address as it was
    put(database, {f"b{n}": 50.0 for n in range(9)})
    assert client.get(urljoin(LAYER, uri)).content == content.content
    assert client.get(LAYER, params=asked).headers["etag"] != root.headers["etag"]
    strange = urljoin(LAYER, uri.replace(uri[:8], "0" * 8))
    assert client.get(strange).status_code == 404


def test_pipes_by_a_property_of_segments_only(client: httpx.Client, database: str) -> None:
    tables = pipes(6, twin=TWIN)
    tables["pipe_segment"]["material"] = ["PE", "铸铁"] * 3
    with connect(database) as conn:
        made = delivery(Theme.PIPES, tables)
        publish(conn, twin=TWIN, dataset="made", deliveries=[made])
    path = f"/tiles/{TWIN}/pipes/tileset.json"
    assert len(shown(client, path, datetime="2090-01-01")) == 13
    found = shown(client, path, filter="material = 'PE'")
    assert {one["material"] for one in found.values()} == {"PE"}
    assert len(found) == 3


def within(
    settings: Settings,
    url: str,
    bounds: Bounds,
    do: Callable[[DynamicTiles], Awaitable[None]],
    *,
    nowhere: bool = False,
) -> None:
    own = "postgresql://nobody@127.0.0.1:1/nothing" if nowhere else url

    async def run() -> None:
        async with open_pool(url) as pool:
            services = Services(load_twins(), settings.tiles_dir, pool, places(settings, None))
            tiles = DynamicTiles(services, own, STORAGE, settings.home, bounds)
            try:
                await do(tiles)
            finally:
                tiles.close()

    asyncio.run(run())


def test_a_question_has_bounds(settings: Settings, database: str) -> None:
    put(database, {f"b{n}": 5.0 + n for n in range(9)})

    async def too_many(tiles: DynamicTiles) -> None:
        with pytest.raises(TooManyError, match="more than 8 features") as caught:
            await tiles.file(TWIN, "buildings", "tileset.json", {"filter": "height > 0"})
        assert "8" in caught.value.zh
        found = await tiles.file(TWIN, "buildings", "tileset.json", {"filter": "height > 5"})
        assert found.decoded()

    async def too_slow(tiles: DynamicTiles) -> None:
        with pytest.raises(BusyError, match="Ask again"):
            await tiles.file(TWIN, "buildings", "tileset.json", {"filter": "height > 0"})

    async def side_by_side(tiles: DynamicTiles) -> None:
        asked = [{"filter": f"height > {n}"} for n in range(6)]
        found = await asyncio.gather(
            *(tiles.file(TWIN, "buildings", "tileset.json", one) for one in asked),
            return_exceptions=True,
        )
        busy = [one for one in found if isinstance(one, BusyError)]
        assert 0 < len(busy) < len(asked)
        assert not [one for one in found if isinstance(one, Exception) and one not in busy]

    within(settings, database, Bounds(features=8), too_many)
    within(settings, database, Bounds(seconds=0.0), too_slow)
    within(settings, database, Bounds(waiting=2), side_by_side)


def spread(count: int) -> pd.DataFrame:
    """Buildings over a square of some kilometres, more than go into one tile."""
    table = city({f"b{n}": 5.0 + n % 40 for n in range(count)})
    side = int(count**0.5) + 1
    at = np.arange(count)
    table["geom"] = [
        shapely.affinity.translate(geom, 30.0 * (n % side) - 20.0 * n, 30.0 * (n // side))
        for n, geom in zip(at.tolist(), table["geom"], strict=True)
    ]
    return table


def files_of(client: httpx.Client, root: httpx.Response) -> list[bytes]:
    return [client.get(urljoin(LAYER, uri)).content for uri in contents(root.content)]


def test_from_afar_it_is_the_published_layer(
    client: httpx.Client, settings: Settings, database: str
) -> None:
    """Far views, boxes, statistics and schema: the whole tileset, byte by byte."""
    with connect(database) as conn:
        made = delivery(Theme.BUILDINGS, {"building": spread(6000)})
        publish(conn, twin=TWIN, dataset="made", deliveries=[made])
    tile(settings, database, [load_twins()[TWIN]], "buildings")
    static = client.get(LAYER)
    asked = client.get(LAYER, params={"filter": "height > 0"})
    (query,) = {uri.partition("?")[2] for uri in contents(asked.content)}
    assert asked.text.replace(f"?{query}", "") == static.text
    assert files_of(client, asked) == files_of(client, static)
    document = static.json()
    assert document["statistics"]["classes"]["building"]["count"] == 6000
    assert document["root"]["refine"] == "REPLACE" and "content" in document["root"]
    # zoomed out, a client asks for little, and finds no fault
    folder = settings.home / "asked"
    folder.mkdir()
    (folder / "tileset.json").write_text(asked.text.replace(f"?{query}", ""))
    for uri, data in zip(contents(static.content), files_of(client, asked), strict=True):
        (folder / f"{uri}.gz").write_bytes(pack(data))  # as it was sent
    found = check_tileset(folder)
    assert found.clean and found.summary.features == 6000, found.findings
    assert found.summary.far_requests <= 20 and found.summary.far_bytes <= 2_000_000
    # of half of them, too, something stands for all from afar, in one file
    half = client.get(LAYER, params={"filter": "height >= 25"}).json()
    assert half["statistics"]["classes"]["building"]["count"] == 3000
    assert half["statistics"]["classes"]["building"]["properties"]["height"]["min"] == 25


def test_pipes_and_bim_are_the_published_layers(
    client: httpx.Client, settings: Settings, database: str
) -> None:
    element = {
        "id": [feature_id(TWIN, "made", "bim_element", f"e{n}") for n in range(6)],
        "key": [f"e{n}" for n in range(6)],
        "global_id": [f"e{n}" for n in range(6)],
        "ifc_class": ["IfcWall"] * 6,
        "mesh": ["cube"] * 6,
        "placement": [[1.0, 0, 0, 521_700 + 5.0 * n, 0, 1, 0, 3_428_800, 0, 0, 1, 4, 0, 0, 0, 1]
                      for n in range(6)],
        "geom": [None] * 6,
    }  # fmt: skip
    with connect(database) as conn:
        made = delivery(Theme.PIPES, pipes(40, twin=TWIN))
        publish(conn, twin=TWIN, dataset="made", deliveries=[made])
        made = delivery(
            Theme.BIM, {"bim_element": pd.DataFrame(element)}, meshes={"cube": cube(2.0)}
        )
        publish(conn, twin=TWIN, dataset="model", deliveries=[made])
    for layer in ("pipes", "bim"):
        tile(settings, database, [load_twins()[TWIN]], layer)
        path = f"/tiles/{TWIN}/{layer}/tileset.json"
        static, asked = client.get(path), client.get(path, params={"datetime": "2090-01-01"})
        (query,) = {uri.partition("?")[2] for uri in contents(asked.content)}
        assert asked.text.replace(f"?{query}", "") == static.text
        (uri,) = contents(static.content)
        content = client.get(urljoin(path, uri)).content
        assert client.get(urljoin(path, f"{uri}?{query}")).content == content


def test_processes_share_what_was_made(settings: Settings, database: str) -> None:
    """Another process, or this one after a restart, has all without making it: its own connection
    leads nowhere. What somebody did to the files is found out."""
    put(database, {f"b{n}": 5.0 + n for n in range(30)})
    asked = {"filter": "height > 9"}
    found: dict[str, StoredFile] = {}

    async def ask(tiles: DynamicTiles) -> None:
        root = await tiles.file(TWIN, "buildings", "tileset.json", asked)
        (uri,) = contents(root.decoded())
        name, _, query = uri.partition("?")
        content = await tiles.file(TWIN, "buildings", name, dict(parse_qsl(query)))
        assert found.setdefault("root", root) == root
        assert found.setdefault("content", content) == content

    within(settings, database, Bounds(), ask)
    within(settings, database, Bounds(), ask, nowhere=True)
    for path in (settings.home / "cache").rglob("*"):
        if path.is_file() and path.stat().st_size > 100:
            path.write_bytes(path.read_bytes()[:-1] + b"!")
    within(settings, database, Bounds(), ask)
    within(settings, database, Bounds(), ask, nowhere=True)


def test_the_cache_has_bounds_and_what_it_lost_is_made_again(
    settings: Settings, database: str
) -> None:
    put(database, {f"b{n}": 5.0 + n for n in range(20)})
    room = 100_000
    first: dict[str, bytes] = {}

    async def ask(tiles: DynamicTiles) -> None:
        for number in range(20):
            asked = {"filter": f"height > {number}"}
            root = await tiles.file(TWIN, "buildings", "tileset.json", asked)
            (uri,) = contents(root.decoded())
            name, _, query = uri.partition("?")
            content = await tiles.file(TWIN, "buildings", name, dict(parse_qsl(query)))
            first.setdefault(uri, content.decoded())
            kept = [p.stat().st_size for p in (settings.home / "cache").rglob("*") if p.is_file()]
            assert sum(kept) <= room

    async def again(tiles: DynamicTiles) -> None:
        for uri, data in first.items():
            name, _, query = uri.partition("?")
            content = await tiles.file(TWIN, "buildings", name, dict(parse_qsl(query)))
            assert content.decoded() == data

    within(settings, database, Bounds(bytes=room), ask)
    assert len(first) == 20
    within(settings, database, Bounds(bytes=room), again)


def test_a_filter_that_costs_too_much_is_told(settings: Settings, database: str) -> None:
    """It may be so long only, and the database may work on it for so long only."""
    put(database, {f"b{n}": 5.0 + n for n in range(9)})
    hasty = settings.model_copy(update={"statement_timeout": 0.2})
    with application(hasty, database) as address:
        long = " OR ".join(f"height = {n}" for n in range(2_000))
        answer = httpx.get(address + LAYER, params={"filter": long})
        assert answer.status_code == 400
        assert answer.json()["detail_zh"]
        with connect(database) as conn, conn.transaction():
            conn.execute("LOCK TABLE building IN ACCESS EXCLUSIVE MODE")  # it works for ever
            answer = httpx.get(address + LAYER, params={"filter": "height > 0"}, timeout=30)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["detail_zh"]
        assert httpx.get(address + LAYER, params={"filter": "height > 0"}).status_code == 200


def test_what_takes_too_long_is_told_with_a_time_to_come_again(
    settings: Settings, database: str
) -> None:
    put(database, {f"b{n}": 5.0 + n for n in range(9)})
    hasty = settings.model_copy(update={"dynamic_timeout": 1e-6})
    with application(hasty, database) as address:
        answer = httpx.get(address + LAYER, params={"filter": "height > 0"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["code"] == "DYN-02"
        for name in ("../" * 4 + "etc/passwd", "x" * 32 + ".glb", "0" * 32 + ".exe"):
            strange = httpx.get(f"{address}/tiles/{TWIN}/buildings/{name}?filter=height>0")
            assert strange.status_code == 404
