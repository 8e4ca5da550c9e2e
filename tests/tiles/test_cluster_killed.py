"""A scheduler and workers as processes of their own, and what becomes of a build without them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from distributed import Client

from models.db.testing import until
from models.geocentric import enu_frame
from tiles.build import build_layer
from tiles.errors import WorkerError
from tiles.store.directory import DirectoryStore
from tiles.store.testing import files
from tiles.testing import BoxTiler, FatalTiler, identifiers, random_boxes

pytestmark = pytest.mark.long
DASK = Path(sys.executable).with_name("dask")
FRAME = np.asarray(enu_frame(121.2264, 30.9869, 15.0), dtype=np.float64)


@dataclass
class Cluster:
    """Programs of Dask: a scheduler at ``address`` and nannies, each with the worker it minds."""

    address: str
    scheduler: subprocess.Popen[bytes]
    nannies: list[subprocess.Popen[bytes]]
    workers: list[int]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    log = tmp_path / "scheduler.log"
    running: list[subprocess.Popen[bytes]] = []

    def start(*args: str) -> subprocess.Popen[bytes]:
        with log.open("ab") as told:
            command = [str(DASK), *args, "--host", "127.0.0.1", "--no-dashboard"]
            running.append(subprocess.Popen(command, stdout=told, stderr=told, cwd=tmp_path))
        return running[-1]

    def found() -> re.Match[str] | None:
        return re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text()) if log.exists() else None

    try:
        scheduler = start("scheduler", "--port", "0")
        until(lambda: found() is not None)
        address = str(found()[0])  # type: ignore[index]
        nannies = [start("worker", address, "--nthreads", "1") for _ in range(2)]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            workers = list(client.run(os.getpid).values())
        yield Cluster(address, scheduler, nannies, workers)
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(30)


def test_a_worker_killed_from_outside_loses_nothing(cluster: Cluster, tmp_path: Path) -> None:
    boxes = random_boxes(60_000, side=20_000)
    one, two = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
    build_layer(BoxTiler(boxes, FRAME), one)

    def progress(done: int, total: int) -> None:
        if done == 1:
            os.kill(cluster.workers[0], signal.SIGKILL)

    report = build_layer(BoxTiler(boxes, FRAME), two, scheduler=cluster.address, progress=progress)
    assert report.in_tiles == 60_000
    assert files(one) == files(two, killed=1)


def test_what_kills_all_workers_is_listed(cluster: Cluster, tmp_path: Path) -> None:
    """The scheduler gives a task to four workers before it gives it up."""
    store = DirectoryStore(tmp_path / "tiles")
    tiler = FatalTiler(random_boxes(8000, side=20_000), FRAME)
    report = build_layer(tiler, store, scheduler=cluster.address)
    refused = {one.id: one.code for one in report.refused}
    assert refused[identifiers(8000)[3]] == "TILE-WORKER"
    assert set(refused.values()) == {"TILE-WORKER"}
    assert report.in_tiles == 8000 - len(refused) > 7000


@pytest.mark.parametrize("what", ["scheduler", "nannies"])
def test_a_cluster_that_goes_away_ends_the_build(
    cluster: Cluster, tmp_path: Path, what: str
) -> None:
    store = DirectoryStore(tmp_path / "tiles")
    build_layer(BoxTiler(random_boxes(3), FRAME), store)
    before = store.get("tileset.json")
    killed = [cluster.scheduler] if what == "scheduler" else cluster.nannies

    def progress(done: int, total: int) -> None:
        for process in killed:
            process.kill()

    with pytest.raises(WorkerError, match="dask worker") as caught:
        build_layer(
            BoxTiler(random_boxes(60_000, side=20_000), FRAME),
            store,
            scheduler=cluster.address,
            progress=progress,
        )
    assert cluster.address in caught.value.zh
    assert store.get("tileset.json") == before
