from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from models.db import server
from models.db.cluster_upgrade import upgrade_cluster
from models.db.embedded import EmbeddedPostgres
from models.db.errors import PortTakenError, RunningError
from models.db.location import SOCKET_LIMIT, SOCKET_NAME
from models.db.lock import home_lock
from models.db.postmaster import server_processes
from models.errors import DatabaseError

ROOT = os.geteuid() == 0
FAST = {"fsync": "off", "shared_buffers": "32MB"}
Maker = Callable[..., EmbeddedPostgres]


@pytest.fixture(scope="module")
def home(short_folder: Path) -> Iterator[Path]:
    """A home with a complete, stopped cluster, which all tests may use that leave it so."""
    cluster = EmbeddedPostgres(short_folder / "one", extra=FAST)
    cluster.ensure()
    cluster.stop()
    yield cluster.home
    cluster.stop()


@pytest.fixture
def make(home: Path, short_folder: Path) -> Iterator[Maker]:
    """The cluster of ``home``, or one of a home of its own; all are stopped after the test."""
    clusters = []

    def maker(own: Path | str | None = None, port: int | None = None) -> EmbeddedPostgres:
        place = home if own is None else short_folder / own
        elsewhere = short_folder / "elsewhere"
        clusters.append(EmbeddedPostgres(place, port, extra=FAST, elsewhere=elsewhere))
        return clusters[-1]

    yield maker
    for cluster in clusters:
        if cluster.status().data is not None:
            cluster.stop()
        if cluster.home != home:
            shutil.rmtree(cluster.home, ignore_errors=True)


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(query.encode()).fetchone()
    return row and row[0]


def do(url: str, command: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(command.encode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kill_postmaster(cluster: EmbeddedPostgres) -> int:
    pid = cluster.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while cluster.status().running and time.monotonic() < until:
        time.sleep(0.01)
    return pid


def test_it_is_made_started_used_and_stopped(make: Maker) -> None:
    cluster = make("fresh")
    assert cluster.status().data is None
    url = cluster.ensure()
    assert cluster.started
    assert cluster.status().running
    assert str(ask(url, "SELECT postgis_lib_version()")) >= "3.3"
    again = EmbeddedPostgres(cluster.home)
    assert again.ensure() == url
    assert not again.started
    cluster.stop()
    assert not cluster.status().running
    assert server_processes(cluster.data) == set()


def test_it_listens_on_no_port_and_its_socket_is_closed_to_others(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    assert ask(url, "SHOW listen_addresses") == ""
    assert cluster.socket.stat().st_mode & 0o777 == 0o700
    assert cluster.data.parent.stat().st_mode & 0o077 == 0
    assert ask(cluster.admin_url(), "SHOW data_directory") == str(cluster.data)


def test_the_server_never_runs_as_root(make: Maker) -> None:
    cluster = make()
    cluster.ensure()
    pid = cluster.status().pid
    owner = Path(f"/proc/{pid}").stat().st_uid
    assert owner == (server.Account.ours().uid if ROOT else os.geteuid())
    assert owner != 0


def test_the_read_role_can_only_select(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    do(url, "DROP TABLE IF EXISTS made; CREATE TABLE made AS SELECT 1 AS a")
    assert ask(cluster.read_url, "SELECT a FROM made") == 1
    for forbidden in (
        "INSERT INTO made VALUES (2)",
        "DELETE FROM made",
        "CREATE TABLE other (a int)",
        "CREATE TEMP TABLE other (a int)",
    ):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            do(cluster.read_url, forbidden)
    with psycopg.connect(cluster.read_url, autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        for forbidden in ("INSERT INTO made VALUES (2)", "CREATE TABLE other (a int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(forbidden.encode())


def test_it_survives_a_killed_postmaster(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    do(url, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS a")
    old = kill_postmaster(cluster)
    assert cluster.ensure() == url
    assert cluster.status().pid != old
    assert ask(url, "SELECT a FROM kept") == 42


def test_it_ends_children_that_outlive_a_killed_postmaster(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()

    def busy() -> None:
        # a loop in the server that never looks whether its postmaster lives
        with pytest.raises(psycopg.Error):
            do(url, "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$")

    thread = threading.Thread(target=busy)
    thread.start()
    admin = cluster.admin_url()
    until = time.monotonic() + 10
    working = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'"
    while ask(admin, working) != 1 and time.monotonic() < until:
        time.sleep(0.02)
    kill_postmaster(cluster)
    assert server_processes(cluster.data), "a child should have survived"
    cluster.ensure()
    thread.join(10)
    assert ask(url, "SELECT 1") == 1


def test_a_pid_file_with_a_foreign_pid_does_not_stop_it(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    kill_postmaster(cluster)
    file = cluster.data / "postmaster.pid"
    if file.exists():
        lines = file.read_text().split("\n")
        file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert not cluster.status().running
    assert cluster.ensure() == url
    assert ask(url, "SELECT 1") == 1


def test_a_half_made_cluster_is_made_again(make: Maker) -> None:
    cluster = make("half")
    (cluster.data.with_name("data.new") / "base").mkdir(parents=True)
    assert ask(cluster.ensure(), "SELECT 1") == 1


def test_many_processes_may_start_it_at_once(make: Maker) -> None:
    cluster = make()
    program = (
        "import sys; from pathlib import Path; from models.db.embedded import EmbeddedPostgres;"
        "sys.exit(0 if EmbeddedPostgres(Path(sys.argv[1])).ensure() else 1)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(cluster.home)]) for _ in range(3)
    ]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    assert cluster.status().running


def test_a_port_needs_the_password(make: Maker) -> None:
    port = free_port()
    cluster = make(port=port)
    url = cluster.ensure()
    assert f"@127.0.0.1:{port}/" in url
    assert ask(url, "SELECT inet_server_port()") == port
    with pytest.raises(psycopg.OperationalError):
        ask(f"postgresql://twin:wrong@127.0.0.1:{port}/twin", "SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        ask(f"postgresql://postgres@127.0.0.1:{port}/postgres", "SELECT 1")


def test_a_running_cluster_is_found_without_naming_its_port(make: Maker) -> None:
    port = free_port()
    cluster = make(port=port)
    cluster.ensure()
    assert ask(EmbeddedPostgres(cluster.home).ensure(), "SELECT 1") == 1
    with pytest.raises(DatabaseError, match="twin db down"):
        EmbeddedPostgres(cluster.home, port + 1).ensure()


def test_a_taken_port_is_named(make: Maker) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)) as caught:
            make(port=port).ensure()
    assert str(port) in caught.value.zh


def test_a_second_run_is_refused_while_the_first_lives(short_folder: Path) -> None:
    home = short_folder / "locked"
    program = (
        "import sys, time; from pathlib import Path; from models.db.lock import home_lock;"
        "lock = home_lock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    with first.stdout:
        try:
            assert first.stdout.readline() == "held\n"
            with pytest.raises(RunningError, match=str(first.pid)) as caught:
                home_lock(home).acquire()
            assert caught.value.pid == first.pid
        finally:
            first.kill()
            first.wait()
    with home_lock(home):
        pass


def test_a_long_path_gets_a_short_socket(make: Maker, short_folder: Path) -> None:
    own = short_folder / ("long" * 20) / ("longer" * 10)
    cluster = make(own)
    assert ask(cluster.ensure(), "SELECT 1") == 1
    assert len(os.fsencode(cluster.socket / SOCKET_NAME)) <= SOCKET_LIMIT
    assert cluster.data.is_relative_to(own)


def test_a_path_with_spaces_and_chinese_letters_works(make: Maker) -> None:
    assert ask(make("我的 孪生'%").ensure(), "SELECT 1") == 1


def test_a_home_that_the_server_may_not_enter_keeps_its_data_elsewhere(
    make: Maker, short_folder: Path
) -> None:
    closed = short_folder / "closed"
    closed.mkdir(mode=0o700, exist_ok=True)
    cluster = make(closed / "home")
    url = cluster.ensure()
    assert ask(url, "SELECT 1") == 1
    if not ROOT:  # the server runs as us, who may enter
        assert cluster.data.is_relative_to(closed)
        return
    assert cluster.data.is_relative_to(short_folder / "elsewhere")
    assert Path((closed / "home" / "pg.location").read_text().strip()) == cluster.data.parent
    assert EmbeddedPostgres(closed / "home").ensure() == url


def test_a_file_in_the_way_gives_one_clear_line(short_folder: Path) -> None:
    file = short_folder / "file"
    file.write_text("")
    with pytest.raises(DatabaseError, match="a file of that name is in the way") as caught:
        EmbeddedPostgres(file).ensure()
    assert "\n" not in str(caught.value)
    assert "同名文件" in caught.value.zh


def test_a_home_that_may_not_be_written_gives_one_clear_line() -> None:
    # not even root makes folders in sysfs
    with pytest.raises(DatabaseError, match="cannot be written") as caught:
        EmbeddedPostgres(Path("/sys/twin-home")).ensure()
    assert "\n" not in str(caught.value)
    assert "无法写入" in caught.value.zh


def test_data_of_another_owner_give_one_clear_line(make: Maker) -> None:
    cluster = make()
    cluster.ensure()
    cluster.stop()
    control = cluster.data / "global" / "pg_control"
    before = control.stat()
    control.chmod(0o000)
    if ROOT:
        os.chown(control, 0, 0)
    try:
        with pytest.raises(DatabaseError, match="chown") as caught:
            cluster.ensure()
    finally:
        os.chown(control, before.st_uid, before.st_gid)
        control.chmod(0o600)
    assert "属主" in caught.value.zh


def test_data_open_to_others_are_closed_again(make: Maker) -> None:
    cluster = make()
    cluster.ensure()
    cluster.stop()
    cluster.data.chmod(0o755)
    assert ask(cluster.ensure(), "SELECT 1") == 1
    assert cluster.data.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_gives_one_clear_line(short_folder: Path) -> None:
    cluster = EmbeddedPostgres(short_folder / "full", min_free=1 << 60)
    with pytest.raises(DatabaseError, match="is full: ") as caught:
        cluster.ensure()
    assert "磁盘已满" in caught.value.zh


def test_data_of_a_missing_version_say_what_to_install(make: Maker) -> None:
    cluster = make()
    cluster.ensure()
    cluster.stop()
    version = (cluster.data / "PG_VERSION").read_text()
    (cluster.data / "PG_VERSION").write_text("99\n")
    try:
        with pytest.raises(DatabaseError, match="apt-get install postgresql-99") as caught:
            cluster.ensure()
    finally:
        (cluster.data / "PG_VERSION").write_text(version)
    assert "twin db upgrade" in caught.value.zh


def test_a_machine_without_a_server_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, short_folder: Path
) -> None:
    monkeypatch.setattr(server, "PLACES", ())
    monkeypatch.setenv("PATH", str(short_folder))
    with pytest.raises(DatabaseError, match="apt-get install postgresql-15") as caught:
        server.choose()
    assert "TWIN_DATABASE_URL" in caught.value.zh


def test_an_upgrade_carries_everything_over(make: Maker) -> None:
    cluster = make()
    url = cluster.ensure()
    do(
        url,
        "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS"
        " SELECT ST_SetSRID(ST_Point(1, 2), 4549) AS g",
    )
    newest = server.choose().major
    assert upgrade_cluster(cluster) == (newest, newest)
    old = cluster.data.with_name(f"data-{newest}")
    assert not old.exists()
    assert upgrade_cluster(cluster, force=True) == (newest, newest)
    assert old.exists()
    assert ask(cluster.url, "SELECT ST_AsText(g) FROM kept") == "POINT(1 2)"
    assert ask(cluster.read_url, "SELECT count(*) FROM kept") == 1
    shutil.rmtree(old)
