"""A layer made by a Dask cluster is the layer made here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import LocalCluster

from models.db import read, twins
from models.db.connection import connect
from models.db.publish import publish
from models.db.testing import until
from models.features import Theme
from models.geocentric import enu_frame
from models.testing import Twin, buildings, delivery
from tiles.build import build_layer
from tiles.errors import ContentError, WorkerError
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.scheme import Limits
from tiles.store.directory import DirectoryStore
from tiles.store.testing import files
from tiles.testing import (
    BoxTiler,
    FatalTiler,
    MortalTiler,
    NanTiler,
    OddTiler,
    identifiers,
    random_boxes,
)
from tiles.tilers.stored import Place
from tiles.tilers.stored_buildings import StoredBuildings

FRAME = np.asarray(enu_frame(121.2264, 30.9869, 15.0), dtype=np.float64)
LIMITS = Limits(min_bytes=5_000, max_bytes=20_000)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two processes on this machine, which tells of every death."""
    with (
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,
                # such a cluster takes a worker for lost that is being started again just then
                "distributed.deploy.lost-worker-timeout": "1 hour",
            }
        ),
        warnings.catch_warnings(),
        LocalCluster(
            n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address=None,
            silence_logs=50,
        ) as cluster,
    ):  # fmt: skip
        yield cluster.scheduler_address


def test_it_writes_the_same_files(scheduler: str, tmp_path: Path) -> None:
    boxes = random_boxes(9000, side=6000)
    one, two = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
    build_layer(BoxTiler(boxes, FRAME), one)
    steps: list[tuple[int, int]] = []
    report = build_layer(
        BoxTiler(boxes, FRAME, broken=[]), two,
        scheduler=scheduler, progress=lambda *at: steps.append(at),
    )  # fmt: skip
    assert report.in_tiles == 9000
    assert steps == [(k + 1, report.tiles) for k in range(report.tiles)]
    assert files(one) == files(two)


def test_killed_workers_lose_nothing(scheduler: str, tmp_path: Path) -> None:
    boxes = random_boxes(600, side=2000)
    lives = tmp_path / "lives"
    lives.mkdir()
    for number in range(2):
        (lives / f"{number}").touch()
    one, two = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
    build_layer(BoxTiler(boxes, FRAME), one, limits=LIMITS)
    build_layer(MortalTiler(boxes, FRAME, lives), two, limits=LIMITS, scheduler=scheduler)
    assert not list(lives.iterdir())
    assert files(one) == files(two)


def test_a_tile_that_kills_every_worker_is_refused_and_its_features_named(
    scheduler: str, tmp_path: Path
) -> None:
    boxes = random_boxes(200, side=900)
    here, store = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
    build_layer(BoxTiler(boxes, FRAME), here, limits=LIMITS)
    report = build_layer(FatalTiler(boxes, FRAME), store, limits=LIMITS, scheduler=scheduler)
    refused = {one.id for one in report.refused}
    assert identifiers(200)[3] in refused
    assert {one.code for one in report.refused} == {"TILE-WORKER"}
    assert all(one.en and one.zh for one in report.refused)
    tiles = [entry for entry in walk(lambda uri: store.get(uri).decoded()) if entry.uri]
    contents = {entry.uri: store.get(entry.uri).decoded() for entry in tiles if entry.uri}
    drawn = [identity for data in contents.values() for identity in Glb(data).table()["id"]]
    assert len(drawn) == report.in_tiles > 100
    assert sorted([*drawn, *refused]) == identifiers(200)
    assert all(here.get(uri).decoded() == data for uri, data in contents.items())


def test_workers_that_always_die_end_the_build_and_the_old_root_stays(
    scheduler: str, tmp_path: Path
) -> None:
    store = DirectoryStore(tmp_path / "tiles")
    build_layer(BoxTiler(random_boxes(3), FRAME), store)
    before = store.get("tileset.json")
    lives = tmp_path / "lives"
    lives.mkdir()
    for number in range(100):
        (lives / f"{number}").touch()
    with pytest.raises(WorkerError, match="die again and again") as caught:
        build_layer(MortalTiler(random_boxes(9), FRAME, lives), store, scheduler=scheduler)
    assert "集群" in caught.value.zh
    assert store.get("tileset.json") == before


def test_an_error_that_cannot_be_sent_is_told(scheduler: str, tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="OddError: odd and 3") as caught:
        build_layer(OddTiler(random_boxes(3), FRAME), DirectoryStore(tmp_path), scheduler=scheduler)
    assert "程序缺陷" in caught.value.zh


def test_what_a_worker_raises_is_raised_here(scheduler: str, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="finite numbers") as caught:
        build_layer(NanTiler(random_boxes(3), FRAME), DirectoryStore(tmp_path), scheduler=scheduler)
    assert "瓦片" in caught.value.zh


def test_workers_read_the_database_and_let_go_of_it(
    scheduler: str, database: str, tmp_path: Path
) -> None:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        table = buildings({f"b{k}": 3.0 + k for k in range(200)})
        made = delivery(Theme.BUILDINGS, {"building": table})
        publish(conn, twin="test", dataset="made", deliveries=[made])
        stores = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
        for store, address in zip(stores, (None, scheduler), strict=True):
            with read.snapshot(conn):
                source = StoredBuildings(conn, database, Place("test", FRAME))
                report = build_layer(source, store, limits=LIMITS, scheduler=address)
        assert report.in_tiles == 200
        assert files(stores[0]) == files(stores[1])
        others = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        until(lambda: conn.execute(others).fetchone() == (0,))


def test_no_cluster_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="dask worker") as caught:
        build_layer(
            BoxTiler(random_boxes(3), FRAME), DirectoryStore(tmp_path), scheduler="nonsense://x"
        )
    assert "nonsense://x" in caught.value.zh
