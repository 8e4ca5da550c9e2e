"""kill -9 of one worker of a running ``twin tile``: nothing is lost, and the files are the same."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from models.db import twins
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.publish import publish
from models.db.testing import until
from models.features import Theme, feature_id
from models.testing import ORIGIN, delivery
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.store.directory import DirectoryStore
from tiles.store.testing import files
from twin.testing import Program

TWIN, COUNT = "songjiang-hub", 16_000


def city() -> pd.DataFrame:
    """Buildings on a grid of 30 m."""
    number = np.arange(COUNT)
    west, south = ORIGIN[0] + 30.0 * (number % 150), ORIGIN[1] + 30.0 * (number // 150)
    keys = [f"B{n}" for n in number.tolist()]
    return pd.DataFrame(
        {
            "id": [feature_id(TWIN, "made", "building", key) for key in keys],
            "key": keys,
            "height": 3.0 + number % 40,
            "base_height": ORIGIN[2],
            "geom": shapely.force_3d(shapely.box(west, south, west + 9, south + 14), ORIGIN[2]),
        }
    )


@pytest.fixture
def program(migrated_program: Callable[..., Program]) -> Program:
    """A program whose database holds the city."""
    program = migrated_program()
    made = delivery(Theme.BUILDINGS, {"building": city()})
    with connect(EmbeddedPostgres(program.home).ensure()) as conn:
        twins.sync(conn, load_twins().values())
        publish(conn, twin=TWIN, dataset="made", deliveries=[made])
    return program


def workers(pid: int) -> list[int]:
    """The worker processes of a program: each runs multiprocessing's ``spawn_main``."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux to find the workers")
def test_a_killed_worker_loses_nothing(program: Program) -> None:
    out = [program.home.parent / name for name in ("killed", "whole")]
    places = [folder / TWIN / "buildings" for folder in out]
    asked = ("tile", "--twin", TWIN, "--layer", "buildings", "--json", "--out")
    running = program.start(*asked, out[0], "--workers", 2)
    until(lambda: any(places[0].glob("*.glb.gz")), seconds=120)  # it is at work
    (victim, *_) = workers(running.pid)
    os.kill(victim, signal.SIGKILL)
    said, complaints = running.communicate(timeout=240)
    assert running.returncode == 0, complaints
    ((killed,), (whole,)) = (
        json.loads(said),
        program.json(*asked, out[1], "--workers", 1),
    )
    for report in (killed, whole):
        assert (report["features_in"], report["in_tiles"], report["refused"]) == (COUNT, COUNT, [])
    assert killed["root"] == whole["root"]
    one, two = map(DirectoryStore, places)
    assert files(one, killed=1) == files(two)
    found = check_tileset(places[0])
    assert found.summary.features == COUNT
    assert found.clean, found.findings
