"""``twin query``: the same answers as over HTTP, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twin.testing import Command, Program

PIT = "[[624050,3450580],[624068,3450580],[624068,3450590],[624050,3450590]]"


@pytest.fixture
def here(samples: Program) -> Command:
    return samples.here


def test_the_list(samples: Program) -> None:
    listed = samples.run("query")
    assert listed.returncode == 0
    assert "excavation" in listed.stdout
    assert "横断面" in listed.stdout
    assert len(samples.here.json("query")) == 24


def test_an_answer_as_json_and_its_files(here: Command, tmp_path: Path) -> None:
    svg, page = tmp_path / "a.svg", tmp_path / "a.html"
    given = ("query", "excavation", "--twin", "qianwan", "--set", f"polygon={PIT}", "--set")
    answer = here.json(*given, "depth=2.5", "--svg", svg, "--html", page)
    assert answer["result"]["volume"] == pytest.approx(450, rel=1e-3)
    assert answer["revisions"][0]["number"] == 1
    assert svg.read_text("utf-8").startswith("<svg")
    assert "告知单" in page.read_text("utf-8")


def test_a_request_from_a_file_with_fields_over_it(here: Command, tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"class_code": "YS", "old": 5}), "utf-8")
    given = ("query", "ageing", "--twin", "qianwan", "--input", file)
    assert here.json(*given)["result"]["total"]["count"] == 253
    assert here.json(*given, "--set", "class_code=WS")["result"]["total"]["count"] == 145


def test_a_person_reads_figures_datum_and_notes(here: Command) -> None:
    shown = here.run("query", "ageing", "--twin", "songjiang-hub")
    assert shown.returncode == 0
    for word in ("老化统计", "total", "EPSG:4549", "pipes r1"):
        assert word in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["divination", "--twin", "qianwan"], ["divination", "section"]),
        (["ageing"], ["--twin", "qianwan"]),
        (["ageing", "--twin", "atlantis"], ["atlantis"]),
        (
            ["section", "--twin", "qianwan"],
            ["line: it must be given", "twin query section --twin qianwan --set 'line=[[624030.0,"],
        ),
        (["ageing", "--twin", "qianwan", "--set", "old"], ["key=value"]),
        (["ageing", "--twin", "qianwan", "--input", "absent.json"], ["absent.json"]),
        (["ageing", "--twin", "qianwan", "--svg", "a.svg"], ["image/svg+xml"]),
        (
            ["trace", "--twin", "qianwan", "--set", 'nodes=["no"]', "--set", "direction=upstream"],
            ["'no'"],
        ),
    ],
)
def test_what_cannot_be_asked(here: Command, arguments: list[str], words: list[str]) -> None:
    ended = here.run("query", *arguments)
    assert ended.returncode == 2
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr
