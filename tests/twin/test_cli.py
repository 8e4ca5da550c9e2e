"""The command line: exit statuses, what it prints, and what it leaves behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from twin.testing import Program

DATA = Path(__file__).resolve().parents[2] / "data-samples"
SURVEY = DATA / "qianwan/pipes_heat_light.xls"
New = Callable[..., Program]


def test_help_waits_for_no_library_of_the_data() -> None:
    program = "import sys, twin.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    heavy = {"numpy", "pandas", "scipy", "shapely", "pyproj", "rasterio", "sqlalchemy", "alembic"}
    assert not heavy & set(loaded.stdout.decode().split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", str(SURVEY), "--twin", "atlantis"], ["atlantis", "songjiang-hub", "qianwan"]),
        (["check", str(SURVEY), "--mapping", "absent.yaml"], ["absent.yaml"]),
        (["tile", "--layer", "sky"], ["sky", "buildings"]),
    ],
)
def test_what_cannot_run_ends_with_2_and_a_clear_line(
    arguments: list[str], words: list[str], new_program: New, database: str
) -> None:
    ended = new_program(TWIN_DATABASE_URL=database).here.run(*arguments)
    assert ended.returncode == 2
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_check_needs_no_database(new_program: New) -> None:
    program = new_program(TWIN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert program.run("check", SURVEY, "--twin", "qianwan").returncode == 0
    assert not program.home.exists()
    assert new_program().here.run("check", SURVEY).returncode == 0


def test_statuses_and_json(new_program: New) -> None:
    program = new_program().here
    clean = program.json("check", SURVEY, "--twin", "qianwan")
    (outcome,) = clean["files"]
    assert outcome["features_in"] == outcome["accepted"] == 378
    bad = DATA / "planted/no_crs.xlsx"
    partial = program.json("check", SURVEY, bad, "--twin", "qianwan", status=1)
    assert {f["code"] for f in partial["findings"] if f["severity"] == "error"} == {"MET-01"}
    program.json("check", bad, "--twin", "qianwan", status=2)
    absent = program.json("check", "absent.xlsx", status=2)
    assert absent["findings"][0]["place"]["file"] == "absent.xlsx"


def test_ingest_again_backup_and_restore(migrated_program: New, tmp_path: Path) -> None:
    program = migrated_program().here
    program.run("db", "up")  # kept, so that the commands below need not start it
    dump = tmp_path / "twin.dump"
    given = ("ingest", SURVEY, "--twin", "qianwan", "--dataset", "heat")
    first = program.json(*given, "--valid-from", "2020-05-01")["files"][0]["stored"]
    assert (first["number"], first["new"]) == (1, True)
    again = program.json(*given, "--valid-from", "2020-05-01")["files"][0]["stored"]
    assert (again["number"], again["new"]) == (1, False)
    url = program.run("db", "up").stdout.strip()

    def held() -> list[tuple[Any, ...]]:
        with psycopg.connect(url) as conn:
            return conn.execute(
                "SELECT id::text, key, valid_from, encode(content_sha, 'hex') "
                "FROM pipe_segment ORDER BY id"
            ).fetchall()

    before = held()
    assert len(before) == 190
    assert {row[2].date().isoformat() for row in before} <= {"2020-05-01", "2020-04-30"}
    assert program.run("db", "backup", dump).returncode == 0
    assert program.run("db", "restore", dump).returncode == 2  # would replace what is there
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DELETE FROM pipe_segment")
    assert program.run("db", "restore", dump, "--yes").returncode == 0
    assert held() == before
    state = program.json("db", "status")
    assert state["running"]
    assert state["schema"] == state["schema_head"]
    assert program.run("db", "down").returncode == 0
    assert program.run("db", "status").returncode == 1


def test_a_database_elsewhere(new_program: New, database: str) -> None:
    program = new_program(TWIN_DATABASE_URL=database).here
    stored = program.json("ingest", SURVEY, "--twin", "qianwan")
    assert stored["files"][0]["stored"]["new"]
    (report,) = program.json("tile", "--twin", "qianwan")
    assert report["in_tiles"] == report["features_in"] == 378
    assert (program.home / "tiles/qianwan/pipes/tileset.json.gz").exists()
    assert not (program.home / "pg").exists()
    assert program.run("db", "up").returncode == 2


def test_nothing_to_tile(new_program: New, database: str) -> None:
    ended = new_program(TWIN_DATABASE_URL=database).here.run("tile")
    assert ended.returncode == 2
    assert "twin ingest" in ended.stderr


def test_a_database_that_is_not_there(new_program: New) -> None:
    program = new_program(TWIN_DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none").here
    ended = program.run("tile")
    assert ended.returncode == 2
    assert "secret" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_samples_are_not_loaded_twice(samples: Program) -> None:
    again = samples.json("samples", "--if-empty")
    assert (again["files"], again["findings"]) == ([], [])


def test_the_theme_declared_is_taken_at_its_word(
    new_program: New, database: str, tmp_path: Path
) -> None:
    program = new_program(TWIN_DATABASE_URL=database).here
    copy = Path(shutil.copy(SURVEY, tmp_path))
    answer = program.json("ingest", copy, "--twin", "qianwan", "--theme", "buildings", status=2)
    (finding,) = [f for f in answer["findings"] if f["severity"] == "error"]
    assert (finding["found"], finding["expected"]) == ("pipes", "buildings")
