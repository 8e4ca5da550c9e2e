"""The catalogue from the command line: what is there, its terms, and originals that may go."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from models.db.testing import ask, do
from twin.testing import Program

SAMPLE = Path(__file__).parents[2] / "data-samples" / "qianwan" / "buildings.geojson"


@pytest.fixture
def program(new_home: Callable[[], Path], database: str) -> Program:
    return Program(new_home(), {"TWIN_DATABASE_URL": database}).here


def ingest(program: Program, file: Path, *more: str) -> None:
    ended = program.run(
        "ingest", file, "--twin", "qianwan", "--dataset", "楼", "--vertical", "1985", *more
    )
    assert ended.returncode == 0, ended.stderr


def kept(program: Program) -> list[Path]:
    return sorted(p for p in (program.home / "originals").rglob("*") if p.is_file())


def changed(file: Path, leave_out: int) -> Path:
    document = json.loads(SAMPLE.read_text("utf-8"))
    document["features"] = document["features"][:-leave_out]
    file.write_text(json.dumps(document), "utf-8")
    return file


def test_terms_are_declared_shown_and_changed(program: Program) -> None:
    ingest(program, SAMPLE)
    (bare,) = program.json("datasets", "list")
    assert (bare["licence"], bare["visibility"]) == (None, "restricted")
    set_ = ("datasets", "set", "楼", "--twin", "qianwan")
    more = ("--licence", "odbl-1.0", "--visibility", "open", "--accuracy-note", "抽检 5 %")
    assert program.run(*set_, *more).returncode == 0
    shown = program.json("datasets", "show", "楼", "--twin", "qianwan")
    assert shown["licence"] == "ODbL-1.0"
    assert shown["visibility"] == "open"
    assert shown["accuracy_note"] == "抽检 5 %"
    assert shown["features"] > 0
    assert program.run(*set_, "--licence", "").returncode == 0
    shown = program.json("datasets", "show", "楼", "--twin", "qianwan")
    assert shown["licence"] is None
    assert shown["visibility"] == "open"
    # a delivery that declares nothing changes no terms
    ingest(program, SAMPLE)
    again = program.json("datasets", "show", "楼", "--twin", "qianwan")
    assert again["visibility"] == "open"
    assert len(again["lineage"]["deliveries"]) == 2
    text = program.run("datasets", "show", "楼", "--twin", "qianwan").stdout
    assert "buildings.geojson" in text
    listed = program.run("datasets", "list").stdout.split()
    assert {"qianwan", "楼", "buildings"} <= set(listed)  # in 80 columns, and nothing cut


def test_an_unknown_dataset_names_those_there_are(program: Program) -> None:
    ingest(program, SAMPLE)
    ended = program.run("datasets", "show", "none", "--twin", "qianwan")
    assert ended.returncode == 2
    assert "楼 (buildings)" in ended.stderr
    assert program.run("datasets", "revoke").returncode == 2


def test_nothing_to_set_is_told(program: Program) -> None:
    ended = program.run("datasets", "set", "楼", "--twin", "qianwan")
    assert ended.returncode == 2
    assert not ended.stdout
    for option in ("OPT-01", "--licence", "--visibility", "--accuracy-note", "没有要设置的内容"):
        assert option in ended.stderr


def test_the_same_content_is_kept_once_and_closed_to_others(program: Program) -> None:
    ingest(program, SAMPLE)
    ingest(program, SAMPLE)
    (one,) = kept(program)
    assert one.read_bytes() == SAMPLE.read_bytes()
    assert stat.S_IMODE((program.home / "originals").stat().st_mode) == 0o700
    assert ask(program.more["TWIN_DATABASE_URL"], "SELECT count(*) FROM delivery_file") == 2


def test_nothing_is_kept_that_is_not_wanted_or_was_refused(
    program: Program, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.geojson"
    broken.write_text("{")
    refused = program.run("ingest", broken, "--twin", "qianwan", "--dataset", "楼")
    assert refused.returncode == 2
    ingest(program, SAMPLE, "--no-originals")
    assert kept(program) == []
    url = program.more["TWIN_DATABASE_URL"]
    assert ask(url, "SELECT count(*) FROM original") == 0
    # what was refused is remembered all the same
    states = "SELECT string_agg(state, ' ' ORDER BY id) FROM delivery_part"
    assert ask(url, states) == "refused published"


def test_a_home_that_cannot_be_written_refuses_before_publishing(program: Program) -> None:
    program.home.mkdir(parents=True)
    (program.home / "originals").write_text("no folder")
    ended = program.run("ingest", SAMPLE, "--twin", "qianwan", "--vertical", "1985")
    assert ended.returncode == 2
    assert "--no-originals" in ended.stderr
    assert ask(program.more["TWIN_DATABASE_URL"], "SELECT count(*) FROM revision") == 0


def test_a_licence_that_cannot_be_used_refuses_before_reading(program: Program) -> None:
    ended = program.run("ingest", SAMPLE, "--twin", "qianwan", "--licence", " ")
    assert ended.returncode == 2
    assert "SPDX" in ended.stderr


def test_pruning_leaves_the_newest_delivery_and_the_record(
    program: Program, tmp_path: Path
) -> None:
    url = program.more["TWIN_DATABASE_URL"]
    ingest(program, SAMPLE)
    ingest(program, changed(tmp_path / "second.geojson", 1))
    do(url, "UPDATE delivery SET received = received - interval '40 days'")
    stray = program.home / "originals" / "00" / ("0" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"of no delivery")
    os.utime(stray, (0, 0))
    prune = ("datasets", "prune", "--older-than", "30")
    assert program.json(*prune) == {
        "deleted": False, "files": 1, "bytes": SAMPLE.stat().st_size, "stray": 1,
    }  # fmt: skip
    assert len(kept(program)) == 3
    assert program.json(*prune, "--yes")["files"] == 1
    (left,) = kept(program)
    assert left.read_bytes() == (tmp_path / "second.geojson").read_bytes()
    shown = program.json("datasets", "show", "楼", "--twin", "qianwan")
    states = [f["original"] for d in shown["lineage"]["deliveries"] for f in d["files"]]
    assert states == ["kept", "deleted"]
    assert program.json(*prune, "--yes")["files"] == 0
    # delivered once more, it is kept once more
    ingest(program, SAMPLE)
    assert len(kept(program)) == 2


def test_a_backup_says_that_originals_are_not_in_it(program: Program, tmp_path: Path) -> None:
    ingest(program, SAMPLE)
    ended = program.run("db", "backup", tmp_path / "twin.dump")
    assert ended.returncode == 0
    assert str(program.home / "originals") in ended.stderr
