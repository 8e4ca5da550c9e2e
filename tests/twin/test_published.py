"""Published tiles over HTTP from where they are: a bucket of an object store, or an archive."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from models.db import twins
from models.db.connection import connect
from models.db.publish import publish
from models.features import Theme
from models.testing import buildings, delivery, free_port
from models.twins import load_twins
from tiles.store.archive import export_archive
from tiles.store.bucket import BucketStore
from tiles.store.testing import object_store, told
from twin import tiling
from twin.nginx import configuration
from twin.nginx_testing import nginx
from twin.settings import Settings, SettingsError
from twin.testing import application

TWIN = load_twins()["songjiang-hub"]
LAYER = f"/tiles/{TWIN.id}/buildings/tileset.json"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with object_store("tiles") as address:
        yield address


def put(url: str, height: float) -> None:
    table = buildings({f"b{n}": 5.0 + n for n in range(9)}, twin=TWIN.id)
    table["height"] = height
    with connect(url) as conn:
        twins.sync(conn, load_twins().values())
        made = delivery(Theme.BUILDINGS, {"building": table})
        publish(conn, twin=TWIN.id, dataset="made", deliveries=[made])


def content_of(client: httpx.Client) -> str:
    """The address of the first content."""
    root = client.get(LAYER).json()["root"]
    while "content" not in root:
        root = root["children"][0]
    return urljoin(LAYER, root["content"]["uri"])


def test_tiles_of_a_bucket(
    server: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in told(server).items():
        monkeypatch.setenv(name, value)
    settings = Settings(home=tmp_path, database_url=database, tiles_url="s3://tiles/city/")
    put(database, 5.0)
    tiling.tile(settings, database, [TWIN], "buildings")
    assert not settings.tiles_dir.exists()
    store = BucketStore(f"s3://tiles/city/{TWIN.id}/buildings")
    with application(settings, database) as address, httpx.Client(base_url=address) as client:
        root = client.get(LAYER)
        assert root.json()["statistics"]["classes"]["building"]["count"] == 9
        assert root.headers["cache-control"] == "public, no-cache"
        tag = {"If-None-Match": root.headers["etag"]}
        assert client.get(LAYER, headers=tag).status_code == 304

        path = content_of(client)
        stored = store.get(path.rpartition("/")[2])
        whole = client.get(path)
        assert whole.content == stored.decoded()
        assert whole.headers["content-encoding"] == "gzip"
        assert whole.headers["content-length"] == str(len(stored.data))
        assert whole.headers["content-type"] == "model/gltf-binary"
        assert "immutable" in whole.headers["cache-control"]
        tag = {"If-None-Match": whole.headers["etag"]}
        assert client.get(path, headers=tag).status_code == 304
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        assert plain.content == stored.decoded()
        assert "content-encoding" not in plain.headers
        head = client.head(path)
        assert head.headers["content-length"] == whole.headers["content-length"]

        for wanted, part in (
            ("bytes=10-19", stored.data[10:20]),
            ("bytes=-7", stored.data[-7:]),
            ("bytes=100-", stored.data[100:]),
        ):
            with client.stream("GET", path, headers={"Range": wanted}) as answer:
                assert b"".join(answer.iter_raw()) == part
                assert answer.status_code == 206
                size = len(stored.data)
                assert answer.headers["content-range"].endswith(f"/{size}")
        beyond = client.get(path, headers={"Range": f"bytes={len(stored.data)}-"})
        assert beyond.status_code == 416

        for missing in ("0" * 32 + ".glb", "x.glb", "..%2Ftileset.json"):
            answer = client.get(urljoin(LAYER, missing))
            assert answer.status_code == 404
            assert "s3:" not in answer.text
        layers = {one["id"]: one for one in client.get(f"/twins/{TWIN.id}").json()["layers"]}
        assert layers["buildings"]["tileset"] == LAYER

        # a later state is published into it, and old names stay
        put(database, 6.0)
        ((_, report),) = tiling.follow(settings, database, TWIN)
        assert report.mode == "incremental"
        assert client.get(LAYER).headers["etag"] != root.headers["etag"]
        assert client.get(path).content == stored.decoded()


def test_tiles_of_a_bucket_behind_nginx(
    server: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in told(server).items():
        monkeypatch.setenv(name, value)
    settings = Settings(home=tmp_path, database_url=database, tiles_url="s3://tiles/front")
    put(database, 5.0)
    tiling.tile(settings, database, [TWIN], "buildings")
    with application(settings, database) as service:
        port = int(service.rpartition(":")[2])
        with (
            nginx(tmp_path / "nginx", settings.model_copy(update={"port": port})) as address,
            httpx.Client(base_url=address) as client,
        ):
            path = content_of(client)
            stored = BucketStore(f"s3://tiles/front/{TWIN.id}/buildings").get(path[-36:])
            with client.stream("GET", path) as answer:
                assert b"".join(answer.iter_raw()) == stored.data
                assert answer.headers["content-encoding"] == "gzip"
                assert "immutable" in answer.headers["cache-control"]
            tag = {"If-None-Match": answer.headers["etag"]}
            assert client.get(path, headers=tag).status_code == 304
            with client.stream("GET", path, headers={"Range": "bytes=10-19"}) as answer:
                assert answer.status_code == 206
                assert b"".join(answer.iter_raw()) == stored.data[10:20]
            missing = client.get(urljoin(LAYER, "0" * 32 + ".glb"))
            assert missing.status_code == 404
            assert missing.json()["detail_zh"]


def test_a_bucket_that_does_not_answer(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in told(f"http://127.0.0.1:{free_port()}").items():
        monkeypatch.setenv(name, value)
    settings = Settings(home=tmp_path, database_url=database, tiles_url="s3://tiles/city")
    with application(settings, database) as address:
        for name in ("tileset.json", "0" * 32 + ".glb"):
            answer = httpx.get(address + urljoin(LAYER, name), timeout=60)
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert "s3:" not in answer.text and "AWS" not in answer.text
            assert answer.json()["detail_zh"]


def test_an_archive_in_place_of_a_folder(database: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=database)
    place = settings.tiles_dir / TWIN.id
    put(database, 5.0)
    tiling.tile(settings, database, [TWIN], "buildings")
    with application(settings, database) as address, httpx.Client(base_url=address) as client:
        before = client.get(LAYER)
        path = content_of(client)
        content = client.get(path).content
        export_archive(place / "buildings", place / "buildings.3tz")
        shutil.move(place / "buildings", tmp_path / "elsewhere")
        root = client.get(LAYER)
        assert root.content == before.content
        answer = client.get(path)
        assert answer.content == content
        assert "immutable" in answer.headers["cache-control"]
        tag = {"If-None-Match": answer.headers["etag"]}
        assert client.get(path, headers=tag).status_code == 304
        assert client.get(urljoin(LAYER, "0" * 32 + ".glb")).status_code == 404
        assert client.get(urljoin(LAYER, "@3dtilesIndex1@")).status_code == 404

        # the archive is replaced by one of another state
        other = json.loads(before.content)
        other["geometricError"] += 1
        text = json.dumps(other).encode()
        (tmp_path / "elsewhere" / "tileset.json.gz").write_bytes(gzip.compress(text))
        export_archive(tmp_path / "elsewhere", place / "buildings.3tz")
        assert client.get(LAYER).json() == other


def test_the_front_says_where_tiles_are(tmp_path: Path) -> None:
    text = configuration(Settings(home=tmp_path, tiles_url="s3://tiles/city"), "80")
    assert "s3://tiles/city" in text
    assert "alias" not in text
    assert "alias" in configuration(Settings(home=tmp_path), "80")


@pytest.mark.parametrize(
    "url", ["http://tiles/x", "s3:/x", "s3://", 's3://a"; b', "s3://tiles/x y"]
)
def test_an_address_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="TWIN_TILES_URL") as caught:
        Settings(home=tmp_path, tiles_url=url)
    assert "s3://桶/前缀" in caught.value.zh
