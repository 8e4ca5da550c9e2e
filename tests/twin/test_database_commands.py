"""``twin db``: what it says, and how it fares with files, servers and settings that are wrong."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from models.db.embedded import EmbeddedPostgres
from models.db.server import choose
from models.db.testing import ask, do
from twin.testing import Program

DATA = Path(__file__).resolve().parents[2] / "data-samples"
SURVEY = DATA / "qianwan/pipes_heat_light.xls"
New = Callable[..., Program]


def chinese(line: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in line)


def test_the_state_is_told_in_both_languages(migrated_program: New) -> None:
    program = migrated_program().here
    stopped = program.run("db", "status")
    assert stopped.returncode == 1
    assert "running: 否 no" in stopped.stdout
    program.run("db", "up")
    lines = program.run("db", "status").stdout.splitlines()
    assert all(chinese(line.split(": ")[0]) for line in lines), lines
    told = dict(line.split(": ", 1) for line in lines)
    assert [key.split()[-1] for key in told] == list(program.json("db", "status"))
    assert told["运行中 running"] == "是 yes"
    assert Path(told["服务器日志 log"]).read_text()


def test_where_nothing_newer_is_installed_upgrade_says_so(migrated_program: New) -> None:
    program = migrated_program().here
    program.run("ingest", SURVEY, "--twin", "qianwan")
    ended = program.run("db", "upgrade")
    assert ended.returncode == 0
    newest = choose().major
    (line, schema) = ended.stdout.splitlines()
    assert f"PostgreSQL {newest} 已是本机所装的最新版本" in line
    assert f"PostgreSQL {newest} is the newest installed here" in line
    assert "schema" in schema
    assert not (program.home / f"pg/data-{newest}").exists()


def newer_server(folder: Path, restores: bool = True) -> Path:
    """A folder of programs that call themselves the next version and work as the installed one.

    Debian has one version only; the way to a newer one is walked with this stand-in for it.
    """
    real = choose()
    folder.mkdir(mode=0o755)
    for program in real.bin.iterdir():
        lines = f'exec {program} "$@"'
        if program.name == "pg_config":
            lines = f'[ "$1" = --version ] && echo PostgreSQL {real.major + 1}.0 || {lines}'
        if program.name == "pg_restore" and not restores:
            lines = f'[ "$1" = --list ] && {lines}; exit 1'
        script = folder / program.name
        script.write_text(f"#!/bin/sh\n{lines}\n")
        script.chmod(0o755)
    return folder


def stored(program: Program) -> int:
    url = program.run("db", "up").stdout.strip()
    count = int(ask(url, "SELECT count(*) FROM pipe_segment"))
    program.run("db", "down")
    return count


def test_upgrade_moves_the_cluster_to_a_newer_server(
    migrated_program: New, short_folder: Path
) -> None:
    program = migrated_program().here
    assert program.run("ingest", SURVEY, "--twin", "qianwan").returncode == 0
    old = choose().major
    path = newer_server(short_folder / "newer")
    newer = Program(program.home, {"PATH": f"{path}:/usr/bin:/bin"}).here
    ended = newer.run("db", "upgrade")
    assert ended.returncode == 0, ended.stderr
    assert f"PostgreSQL {old} → {old + 1}" in ended.stdout
    assert (program.home / f"pg/data-{old}/PG_VERSION").exists()
    assert not list(program.home.glob("*.dump*"))
    assert stored(program) == 190


@pytest.mark.long
def test_an_upgrade_that_fails_puts_the_data_back(
    migrated_program: New, short_folder: Path
) -> None:
    program = migrated_program().here
    assert program.run("ingest", SURVEY, "--twin", "qianwan").returncode == 0
    path = newer_server(short_folder / "broken", restores=False)
    for _ in range(2):  # what the first leaves behind is not in the second's way
        ended = Program(program.home, {"PATH": f"{path}:/usr/bin:/bin"}).run("db", "upgrade")
        assert ended.returncode == 2
        assert "Traceback" not in ended.stderr
    assert not list(program.home.glob("*.dump*"))
    assert stored(program) == 190


def test_upgrade_of_a_database_elsewhere_moves_the_schema(new_program: New, database: str) -> None:
    ended = new_program(TWIN_DATABASE_URL=database).here.run("db", "upgrade")
    assert ended.returncode == 0
    assert "administrator" in ended.stdout
    assert "管理员" in ended.stdout


def test_restore_of_what_is_no_backup(new_program: New, database: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.dump"
    bad.write_text("nothing at all")
    ended = new_program(TWIN_DATABASE_URL=database).here.run("db", "restore", bad)
    assert ended.returncode == 2
    (zh, en) = ended.stderr.splitlines()
    assert f"{bad} cannot be restored: found a file that begins as 'nothing at all'" in en
    assert "expected a whole file that `twin db backup` wrote" in en
    assert str(bad) in zh
    assert "应为由 `twin db backup` 生成的完整文件" in zh


def test_restore_of_another_database(new_program: New, database: str, tmp_path: Path) -> None:
    do(database, "CREATE SCHEMA other; CREATE TABLE other.thing AS SELECT 1 AS a")
    foreign = tmp_path / "foreign.dump"
    subprocess.run(
        [choose().program("pg_dump"), "-Fc", "-n", "other", "-f", foreign, database], check=True
    )
    ended = new_program(TWIN_DATABASE_URL=database).here.run("db", "restore", foreign, "--yes")
    assert ended.returncode == 2
    assert "a backup of another database" in ended.stderr
    absent = new_program(TWIN_DATABASE_URL=database).here.run(
        "db", "restore", tmp_path / "absent.dump"
    )
    assert absent.returncode == 2
    assert "absent.dump" in absent.stderr


@pytest.mark.parametrize(
    ("verb", "srid"), [("db up", "99999"), ("check", "99999"), ("ingest", "4490")]
)
def test_an_unusable_storage_crs_is_a_fault_of_the_setting(
    new_program: New, migrated_program: New, database: str, verb: str, srid: str
) -> None:
    made = ask(database, "SELECT count(*) FROM twin")
    if verb == "db up":
        ended = migrated_program(TWIN_STORAGE_SRID=srid).here.run("db", "up")
    else:
        program = new_program(TWIN_STORAGE_SRID=srid, TWIN_DATABASE_URL=database)
        ended = program.here.run(verb, SURVEY, "--twin", "qianwan")
    assert ended.returncode == 2
    (zh, en) = ended.stderr.splitlines()[-2:]
    assert zh.startswith("SET-01")
    assert f"TWIN_STORAGE_SRID 为 {srid}" in zh
    assert f"TWIN_STORAGE_SRID is {srid}" in en
    assert SURVEY.name not in zh + en
    assert "MET-01" not in ended.stderr
    assert ask(database, "SELECT count(*) FROM twin") == made


@pytest.mark.long
def test_six_ingests_started_at_once_on_nothing(new_program: New, tmp_path: Path) -> None:
    program = new_program()
    numbers = range(6)
    for number in numbers:
        shutil.copy(SURVEY, tmp_path / f"survey{number}.xls")
    running = [
        program.start("ingest", tmp_path / f"survey{number}.xls", "--twin", "qianwan")
        for number in numbers
    ]
    ended = [(process.communicate(timeout=240), process.returncode) for process in running]
    assert [status for _, status in ended] == [0] * 6, ended
    assert stored(program) == 190 * 6
    assert not EmbeddedPostgres(program.home).status().running
