"""Reports of findings as files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from twin.testing import Program

PLANTED = Path(__file__).resolve().parents[2] / "data-samples/planted/survey_with_mistakes.xlsx"


def test_json_and_geojson(new_program: Callable[..., Program], tmp_path: Path) -> None:
    program = new_program()
    plain, places = tmp_path / "all.json", tmp_path / "places.geojson"
    for path in (plain, places):
        ended = program.run("check", PLANTED, "--twin", "songjiang-hub", "--report", path)
        assert ended.returncode == 1, ended.stderr
    body = json.loads(plain.read_text("utf-8"))
    assert body["files"][0]["refused"] > 0
    collection = json.loads(places.read_text("utf-8"))
    assert collection["type"] == "FeatureCollection"
    assert len(collection["features"]) == len(body["findings"])
    placed = [f["geometry"] for f in collection["features"] if f["geometry"]]
    assert len(placed) > 10
    for geometry in placed:
        lon, lat = geometry["coordinates"]
        assert abs(lon - 121.2264) < 0.03
        assert abs(lat - 30.9869) < 0.03
    for feature in collection["features"]:
        assert feature["properties"]["place"]["file"] == PLANTED.name
        assert feature["properties"]["zh"]


def test_other_suffixes_are_refused_at_once(
    new_program: Callable[..., Program], tmp_path: Path
) -> None:
    report = tmp_path / "report.docx"
    ended = new_program().run("check", PLANTED, "--report", report)
    assert ended.returncode == 2
    assert "report.docx" in ended.stderr
    assert ".geojson" in ended.stderr
    assert "Traceback" not in ended.stderr
