"""A full disk, lost rights and a killed server: one clear line, nothing half-stored, then on."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.db.connection import connect
from models.db.embedded import DATABASE, EmbeddedPostgres
from models.db.place import MIN_FREE, free_bytes
from models.db.testing import ask, copy_home, kill_postmaster, until
from models.errors import DatabaseError
from twin.testing import Program

DATA = Path(__file__).resolve().parents[2] / "data-samples"
SURVEY = DATA / "qianwan/pipes_heat_light.xls"
MORE = DATA / "qianwan/buildings.geojson"
INGEST = ("ingest", SURVEY, "--twin", "qianwan", "--dataset", "heat")
AGAIN = ("ingest", MORE, "--twin", "qianwan", "--vertical", "1985")
New = Callable[..., Program]


@pytest.fixture
def small_disk(short_folder: Path) -> Iterator[Path]:
    """A file system of its own: a fresh cluster fits, with a little over what a start asks for."""
    folder = short_folder / f"disk{uuid.uuid4().hex[:6]}"
    folder.mkdir(mode=0o755)
    options = f"size={MIN_FREE + (160 << 20)},mode=0755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill the disk up to ``leave`` bytes by a file, which the test removes again."""
    ballast = disk / f"ballast{leave}"
    with ballast.open("wb") as out:
        os.posix_fallocate(out.fileno(), 0, free_bytes(disk) - leave)
    return ballast


def counts(url: str) -> dict[str, int]:
    tables = ("dataset", "revision", "source_file", "pipe_point", "pipe_segment", "building")
    return {table: ask(url, f"SELECT count(*) FROM {table}") for table in tables}


def assert_added(url: str, before: dict[str, int]) -> None:
    """The buildings came to what was there, as one whole dataset."""
    now = counts(url)
    assert now.pop("building") > 1000
    assert now == {k: n + (not k.startswith("pipe")) for k, n in before.items() if k in now}


def told(ended: subprocess.CompletedProcess[str], place: Path) -> None:
    """The command could not run, and said why in both languages, with place and free bytes."""
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    said = re.sub(r"[│┃\n ]+", " ", ended.stderr)
    assert re.search(rf"disk that holds {place} is full: [0-9,]+ bytes free", said), said
    assert re.search(rf"{place} 所在磁盘已满：剩余 [0-9,]+ 字节", said), said


def test_a_disk_that_fills_up_during_a_delivery(small_disk: Path, migrated: Path) -> None:
    program = Program(copy_home(migrated, small_disk / "home")).here
    cluster = EmbeddedPostgres(program.home)
    url = program.run("db", "up").stdout.strip()
    try:
        assert program.run(*INGEST).returncode == 0
        before = counts(url)
        ballast = fill(small_disk, leave=256 << 10)
        refused = program.run(*AGAIN)
        assert refused.returncode != 0
        assert "ORG-01" in refused.stderr
        assert "Nothing was stored" in re.sub(r"\s+", " ", refused.stderr)
        told(program.run(*AGAIN, "--no-originals"), program.home / "pg")
        assert counts(url) == before
        last = fill(small_disk, leave=16 << 10)
        told(program.run("db", "backup", small_disk / "twin.dump"), small_disk)
        last.unlink()
        assert not list(small_disk.glob("twin.dump*"))
        ballast.unlink()
        assert program.run(*AGAIN).returncode == 0
        assert_added(url, before)
    finally:
        cluster.stop()


def test_a_disk_without_room_for_the_servers_own_log(small_disk: Path, migrated: Path) -> None:
    """The server ends itself then, without a word to its clients; a restart is refused too."""
    program = Program(copy_home(migrated, small_disk / "home")).here
    cluster = EmbeddedPostgres(program.home)
    url = program.run("db", "up").stdout.strip()
    try:
        assert program.run(*INGEST).returncode == 0
        before = counts(url)
        ballast = fill(small_disk, leave=0)
        with (
            pytest.raises(DatabaseError, match="is full: ") as caught,
            connect(cluster.admin_url(DATABASE)) as conn,
        ):
            for _ in range(20):  # each asks for another file of the write-ahead log
                conn.execute("SELECT pg_logical_emit_message(true, '', 'x'), pg_switch_wal()")
        assert str(program.home / "pg") in caught.value.zh
        until(lambda: not cluster.status().running)
        told(program.run(*AGAIN), program.home / "pg")
        ballast.unlink()
        assert program.run(*INGEST).returncode == 0
        assert counts(program.run("db", "up").stdout.strip()) == before
    finally:
        cluster.stop()


def test_files_that_the_server_may_no_longer_use(migrated_program: New) -> None:
    program = migrated_program().here
    url = program.run("db", "up").stdout.strip()
    assert program.run(*INGEST).returncode == 0
    before = counts(url)
    cluster = EmbeddedPostgres(program.home)
    table = cluster.data / str(ask(url, "SELECT pg_relation_filepath('building')"))
    owner = table.stat()
    table.chmod(0o000)
    os.chown(table, os.geteuid(), os.getegid())
    try:
        ended = program.run(*AGAIN)
    finally:
        os.chown(table, owner.st_uid, owner.st_gid)
        table.chmod(0o600)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    said = re.sub(r"[│┃\n ]+", " ", ended.stderr)
    assert f"may not use its files in {cluster.data.parent}" in said
    assert f"数据库无权使用 {cluster.data.parent} 中的文件" in said
    assert counts(url) == before
    assert program.run(*AGAIN).returncode == 0
    assert_added(url, before)


def test_a_server_killed_during_a_delivery(migrated_program: New) -> None:
    program = migrated_program().here
    url = program.run("db", "up").stdout.strip()
    assert program.run(*INGEST).returncode == 0
    before = counts(url)
    cluster = EmbeddedPostgres(program.home)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'building'::regclass"
    with pytest.raises(DatabaseError), connect(url) as other, other.transaction():
        other.execute("LOCK TABLE building IN EXCLUSIVE MODE")
        running = program.start(*AGAIN)
        until(lambda: ask(url, waiting) == 1, 60)
        kill_postmaster(cluster)
        said = running.communicate(timeout=60)[1]
        other.execute("SELECT 1")
    assert running.returncode == 2
    assert "Traceback" not in said
    assert str(cluster.log) in re.sub(r"[│┃\n ]+", "", said)
    assert program.run(*AGAIN).returncode == 0  # no step by hand
    assert_added(program.run("db", "up").stdout.strip(), before)
