"""A tile store in a bucket, against a server that speaks S3."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import obstore
import pytest
from obstore.store import S3Store

from models.db import twins
from models.db.connection import connect
from models.db.publish import publish
from models.features import Theme
from models.geocentric import enu_frame
from models.testing import buildings, delivery
from models.twins import load_twins
from tiles.build import build_layer
from tiles.errors import StoreError, TileNotFoundError
from tiles.scheme import Limits
from tiles.store.bucket import BucketStore
from tiles.store.directory import DirectoryStore
from tiles.store.testing import object_store, told
from tiles.testing import BoxTiler, random_boxes
from twin import tiling
from twin.settings import Settings

FRAME = np.asarray(enu_frame(121.2264, 30.9869, 15.0), dtype=np.float64)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server with an empty bucket ``tiles``."""
    with object_store("tiles") as address:
        yield address


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The URL of a prefix of its own."""
    for name, value in told(server).items():
        monkeypatch.setenv(name, value)
    return f"s3://tiles/{request.node.name}/buildings"


def test_a_layer_is_the_same_files_as_in_a_folder(bucket: str, server: str, tmp_path: Path) -> None:
    limits = Limits(min_bytes=5_000, max_bytes=20_000)
    tiler = BoxTiler(random_boxes(120, side=900), FRAME)
    folder, store = DirectoryStore(tmp_path), BucketStore(bucket)
    ours = build_layer(tiler, folder, limits=limits)
    theirs = build_layer(tiler, store, limits=limits, workers=2)
    assert theirs.root == ours.root
    assert store.names() == folder.names()
    for name in ("tileset.json", *store.names()):
        assert store.get(name) == folder.get(name)
    # what another program gets: gzip as such, to be kept for ever
    name = next(iter(store.names()))
    path = f"{bucket.removeprefix('s3://tiles/')}/{name}"
    address = obstore.sign(S3Store("tiles"), "GET", path, timedelta(minutes=5))
    assert address.startswith(server)
    with urlopen(address) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"] == "model/gltf-binary"
        assert "immutable" in answer.headers["Cache-Control"]
        assert gzip.decompress(answer.read())[:4] == b"glTF"


def test_the_root_is_switched_and_old_files_stay_until_removed(bucket: str) -> None:
    store = BucketStore(bucket)
    name = store.put(b'{"asset":{}}', "json")
    assert store.put(b'{"asset":{}}', "json") == name
    first = store.publish(b'{"first":1}')
    second = store.publish(b'{"second":2}')
    assert store.get("tileset.json").digest == second != first
    assert store.names() == {name}
    assert store.names(older=3600) == set()
    assert pickle.loads(pickle.dumps(store)).names() == {name}
    store.remove([name, "0" * 32 + ".glb", "../tileset.json"])
    assert store.names() == set()
    assert store.get("tileset.json").digest == second


def test_what_is_not_there_is_said_so(bucket: str) -> None:
    store = BucketStore(bucket)
    for name in ("0" * 32 + ".glb", "tileset.json", "../secret", ""):
        with pytest.raises(TileNotFoundError, match="twin tile"):
            store.get(name)
    with pytest.raises(StoreError, match="expected glb or json"):
        store.put(b"", "exe")


def test_a_bucket_that_is_none_tells_what_to_set(bucket: str) -> None:
    with pytest.raises(StoreError, match="AWS_ENDPOINT") as caught:
        BucketStore("s3://nowhere/x").put(b"{}", "json")
    assert "桶" in caught.value.zh
    with pytest.raises(StoreError, match="s3://bucket/prefix"):
        BucketStore("s3:///x")


def test_the_program_tiles_into_it(bucket: str, database: str, tmp_path: Path) -> None:
    twin = load_twins()["songjiang-hub"]
    settings = Settings(home=tmp_path, database_url=database)
    out = bucket.removesuffix("/buildings")
    table = buildings({f"b{n}": 5.0 + n for n in range(9)}, twin=twin.id)
    modes = []
    for height in (5.0, 6.0):
        table["height"] = height
        with connect(database) as conn:
            twins.sync(conn, load_twins().values())
            made = delivery(Theme.BUILDINGS, {"building": table})
            publish(conn, twin=twin.id, dataset="made", deliveries=[made])
        ((_, report),) = tiling.tile(settings, database, [twin], "buildings", out=out)
        modes.append(report.mode)
    assert modes == ["full", "incremental"]
    store = BucketStore(f"{out}/{twin.id}/buildings")
    assert store.get("tileset.json").digest == report.root
    assert len(store.names()) == 2  # of both versions, until the older is collected
    assert tiling.collect(settings, database, [twin], timedelta(0)) == 1
    assert len(store.names()) == 1
    assert not (tmp_path / "tiles").exists()
