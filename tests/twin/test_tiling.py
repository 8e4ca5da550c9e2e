"""Where tiles go, what follows a delivery, and what is deleted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from models.db import jobs, tiles, twins
from models.db.connection import connect
from models.db.jobs import JobCancelledError
from models.db.publish import publish
from models.db.testing import until
from models.db.tiles import LayerKey
from models.features import Theme, feature_id
from models.testing import buildings, delivery, pipes
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.errors import StoreError
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.archive import Archive
from tiles.store.directory import DirectoryStore
from twin import tiling
from twin.options import OptionError
from twin.settings import Settings
from twin.testing import Program
from twin.tile_job import job
from twin.tile_stores import archiving

TWIN = load_twins()["songjiang-hub"]


def put(url: str, heights: dict[str, float]) -> None:
    table = buildings(heights)
    table["id"] = [feature_id(TWIN.id, "made", "building", key) for key in heights]
    with connect(url) as conn:
        made = delivery(Theme.BUILDINGS, {"building": table})
        publish(conn, twin=TWIN.id, dataset="made", deliveries=[made])


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
    put(database, {f"b{n}": 5.0 + n for n in range(20)})
    return Settings(home=tmp_path / "home", database_url=database)


def heights(settings: Settings) -> dict[str, float]:
    store = DirectoryStore(settings.tiles_dir / TWIN.id / "buildings")
    found = {}
    for drawn in walk(lambda name: store.get(name).decoded()):
        table = Glb(store.get(drawn.uri or "").decoded()).table()
        found |= dict(zip(table.get("key", ()), table.get("height", ()), strict=True))
    return found


def test_tiles_follow_what_is_published(settings: Settings, database: str) -> None:
    assert tiling.follow(settings, database, TWIN) == []  # nobody has asked for tiles yet
    tiling.tile(settings, database, [TWIN], "buildings", "compat")
    assert tiling.follow(settings, database, TWIN) == []
    wanted = {f"b{n}": 6.0 + n for n in range(19)}
    put(database, wanted)
    ((name, report),) = tiling.follow(settings, database, TWIN)
    assert (name, report.layer, report.mode) == (TWIN.id, "buildings", "incremental")
    assert heights(settings) == wanted
    with connect(database) as conn:
        state = tiles.published(conn, LayerKey(TWIN.id, "buildings", "tiles"))
    assert state is not None
    assert state.options == {"profile": "compat"}  # as it was asked for


def test_a_whole_layer_follows_too(settings: Settings, database: str) -> None:
    with connect(database) as conn:
        for material in ("混凝土", "PE"):
            made = delivery(Theme.PIPES, pipes(4, twin=TWIN.id, material=material))
            publish(conn, twin=TWIN.id, dataset="pipes", deliveries=[made])
            reports = tiling.tile(settings, database, [TWIN], "pipes")
            assert [r.in_tiles for _, r in reports] == [9]
    assert tiling.follow(settings, database, TWIN) == []
    assert tiling.collect(settings, database, [TWIN], timedelta(days=1)) == 0
    assert tiling.collect(settings, database, [TWIN], timedelta(0)) >= 1
    folder = settings.tiles_dir / TWIN.id / "pipes"
    assert check_tileset(folder).clean


def test_an_archive_is_made_apart_from_what_is_served(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    """Whatever it looks like, and at first without anything that is served."""
    out = tmp_path / "apart" / "made.3tz"
    with pytest.raises(StoreError, match="cannot be written"):
        tiling.tile(settings, database, [TWIN], "buildings", out=str(out))
    out.parent.mkdir()
    tiling.tile(settings, database, [TWIN], "buildings", "compat", str(out))
    assert not settings.tiles_dir.exists()
    ((_, report),) = tiling.tile(settings, database, [TWIN], "buildings")
    store = DirectoryStore(settings.tiles_dir / TWIN.id / "buildings")
    served = {path: path.read_bytes() for path in store.path.iterdir()}
    tiling.tile(settings, database, [TWIN], "buildings", out=str(out))
    with Archive(out) as archive:
        assert set(archive.infos) == {"tileset.json", *store.names()}
        assert archive.read("tileset.json") == store.get("tileset.json").decoded()
    ((_, other),) = tiling.tile(
        settings, database, [TWIN], "buildings", "compat", str(out), outlines=True
    )
    assert other.root != report.root
    assert {path: path.read_bytes() for path in store.path.iterdir()} == served
    assert state_of(database).options == {"profile": "default"}
    assert list(out.parent.iterdir()) == [out]
    made = [(TWIN.id, "buildings")]
    assert tiling.implicit(settings, str(out), made, tmp_path / "implicit") == other.tiles
    found = check_tileset(tmp_path / "implicit" / TWIN.id / "buildings")
    assert (found.clean, found.summary.features) == (True, 20)


KILLED = """
import os, signal, sys
from twin.tile_stores import archiving
with archiving(sys.argv[1]) as store:
    store.put(b"{}", "json")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_left_beside_its_archive_is_deleted(tmp_path: Path) -> None:
    out = tmp_path / "made.3tz"
    others = tmp_path / ".other.3tz.tiling-1", tmp_path / ".made.3tz-kept"
    for folder in others:
        folder.mkdir()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(out)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = set(tmp_path.iterdir()) - {*others}
    assert any(left.iterdir())

    def long_ago() -> None:
        for path in tmp_path.iterdir():
            os.utime(path, (0, 0))

    with archiving(str(out)) as store:
        assert left.exists(), "it may be held in a moment"
        long_ago()
        with archiving(str(out)) as second:
            assert not left.exists()
            assert store.path.exists(), "a run that goes on"
            second.publish(b'{"asset": {"version": "1.1"}}')
        store.publish(b'{"asset": {"version": "1.1"}}')
    assert set(tmp_path.iterdir()) == {out, *others}


def test_an_archive_holds_one_layer(settings: Settings, database: str, tmp_path: Path) -> None:
    out = tmp_path / "made.3tz"
    with connect(database) as conn:
        made = delivery(Theme.PIPES, pipes(2, twin=TWIN.id))
        publish(conn, twin=TWIN.id, dataset="pipes", deliveries=[made])
        with pytest.raises(OptionError, match="Add --twin and --layer") as caught:
            tiling.tile(settings, database, [TWIN], out=str(out))
        assert jobs.recent(conn, twin=TWIN.id) == [], "nothing was tiled"
    assert "一个归档只含一个图层" in caught.value.zh
    assert tiling.tile(settings, database, [TWIN], "bim", out=str(out)) == []
    assert not out.exists()
    assert not settings.tiles_dir.exists()


def test_implicit_tiles_that_cannot_be_written_are_told(settings: Settings, database: str) -> None:
    program = Program(settings.home, {"TWIN_DATABASE_URL": database})
    words = ("tile", "--twin", TWIN.id, "--layer", "buildings", "--implicit", "/dev/null/x")
    ended = program.here.run(*words)
    assert ended.returncode == 2
    assert "cannot be written into /dev/null/x" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_another_folder_is_followed_by_itself(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    ((_, first),) = tiling.tile(settings, database, [TWIN], "buildings", out=out)
    ((_, home),) = tiling.tile(settings, database, [TWIN], "buildings")
    assert (first.mode, home.mode, home.root) == ("full", "full", first.root)
    put(database, {f"b{n}": 6.0 + n for n in range(20)})
    for place in (out, None):
        ((_, report),) = tiling.tile(settings, database, [TWIN], "buildings", out=place)
        assert report.mode == "incremental"
    ((_, again),) = tiling.tile(settings, database, [TWIN], "buildings", anew=True)
    assert (again.mode, again.written) == ("full", again.tiles)
    tiling.collect(settings, database, [TWIN], timedelta(0))  # what older versions left
    for folder in (tmp_path / "out", settings.tiles_dir):
        assert check_tileset(folder / TWIN.id / "buildings").clean


def test_a_job_that_is_cancelled_leaves_the_tiles_as_they_were(
    settings: Settings, database: str
) -> None:
    tiling.tile(settings, database, [TWIN], "buildings")
    before = heights(settings)
    put(database, {"b1": 50.0, "b2": 60.0})
    with connect(database) as conn:
        conn.execute("ALTER TABLE job ALTER cancel SET DEFAULT true")
        with pytest.raises(JobCancelledError):
            tiling.tile(settings, database, [TWIN], "buildings")
        conn.execute("ALTER TABLE job ALTER cancel SET DEFAULT false")
        (job, *_) = jobs.recent(conn, twin=TWIN.id)
    assert job.state == "cancelled"
    assert heights(settings) == before
    tiling.tile(settings, database, [TWIN], "buildings")
    assert heights(settings) == {"b1": 50.0, "b2": 60.0}


def test_a_store_that_is_gone_keeps_no_other_from_being_cleared(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for heights_now in ({"b1": 50.0, "b2": 60.0}, {"b1": 51.0}):
        put(database, heights_now)
        for place in (str(out), None):
            tiling.tile(settings, database, [TWIN], "buildings", out=place)
    (out / TWIN.id / "buildings").rename(tmp_path / "kept")
    (out / TWIN.id / "buildings").write_text("no folder")
    with pytest.raises(StoreError, match=str(out)) as caught:
        tiling.collect(settings, database, [TWIN], timedelta(0))
    assert str(out) in caught.value.zh
    state = state_of(database)
    assert DirectoryStore(settings.tiles_dir / TWIN.id / "buildings").names() == set(state.files)


def test_a_job_is_alive_as_long_as_its_connection(settings: Settings, database: str) -> None:
    """However long it has been silent; one that lost its process is marked."""
    with connect(database) as conn:
        with connect(database) as lost:
            dead = jobs.start(lost, "tile", twin=TWIN.id)
            server = lost.info.backend_pid
        there = "SELECT FROM pg_stat_activity WHERE pid = %s"
        until(lambda: not conn.execute(there, (server,)).fetchall())
        with job(database, "tile", TWIN.id, {"layer": "bim"}) as (told, _):
            conn.execute("UPDATE job SET heartbeat = now() - interval '1 hour'")
            tiling.tile(settings, database, [TWIN], "buildings")
            told(1, 2)
        states = {job.id: job.state for job in jobs.recent(conn)}
    assert states.pop(dead) == "abandoned"
    assert list(states.values()) == ["finished", "finished"]


def test_who_waits_for_a_layer_keeps_the_profile_it_gets_meanwhile(
    settings: Settings, database: str
) -> None:
    tiling.tile(settings, database, [TWIN], "buildings")
    put(database, {"b1": 50.0})
    waiting = (
        "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with ThreadPoolExecutor(1) as pool, connect(database) as conn:
        with connect(database) as other:
            jobs.wait_turn(other, f"tile/{TWIN.id}/buildings")
            run = pool.submit(tiling.follow, settings, database, TWIN)
            until(lambda: bool(conn.execute(waiting).fetchall()) or run.done())
            conn.execute('UPDATE tile_layer SET options = \'{"profile": "compat"}\'')
        assert [report.layer for _, report in run.result()] == ["buildings"]
    assert state_of(database).options == {"profile": "compat"}


def state_of(url: str) -> tiles.TiledLayer:
    with connect(url) as conn:
        state = tiles.published(conn, LayerKey(TWIN.id, "buildings", "tiles"))
    assert state is not None
    return state
