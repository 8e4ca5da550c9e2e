"""Reports of findings as files and on a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import geopandas
import pytest
from pyproj import Transformer
from rich.console import Console

from models.findings import Finding, Place, Severity
from twin import report
from twin.testing import Program

PLANTED = Path(__file__).resolve().parents[2] / "data-samples/planted/survey_with_mistakes.xlsx"


def finding(code: str = "STR-04", severity: Severity = Severity.ERROR, **more: object) -> Finding:
    values: dict[str, object] = {
        "place": Place("点表.csv", "JSPoint", 5, "X"),
        "zh": "第5行不是数值。请改正。",
        "en": "Row 5 is not a number. Mend it.",
        "rule": code,
    }
    return Finding(code, severity, **{**values, **more})  # type: ignore[arg-type]


def shown(findings: list[Finding], limit: int = 50) -> str:
    console = Console(file=io.StringIO(), width=160)
    report.show(console, findings, limit)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_json_and_geojson(new_program: Callable[..., Program], tmp_path: Path) -> None:
    program = new_program().here
    plain, places = tmp_path / "all.json", tmp_path / "places.geojson"
    for path in (plain, places):
        ended = program.run("check", PLANTED, "--twin", "songjiang-hub", "--report", path)
        assert ended.returncode == 1, ended.stderr
    body = json.loads(plain.read_text("utf-8"))
    assert body["format"] == "twin-report/1"
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


def test_geojson_is_where_the_finding_is(tmp_path: Path) -> None:
    path = tmp_path / "r.geojson"
    found = [
        finding(position=(617486.771, 3430515.006, None)),
        finding("STR-01"),
        finding("LN-01", position=(617000.0, 3430000.0, 4.0)),
    ]
    report.write(path, found, {}, 4549)
    frame = geopandas.read_file(path)
    assert frame.crs.equals("OGC:CRS84") or frame.crs.to_epsg() == 4326
    assert list(frame["code"]) == ["STR-04", "STR-01", "LN-01"]
    assert frame.geometry[1] is None
    assert frame.geometry[0].coords[0] == pytest.approx((121.23, 30.99), abs=1e-8)
    back = Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True)
    assert back.transform(*frame.geometry[2].coords[0]) == pytest.approx(
        (617000.0, 3430000.0), abs=1e-3
    )


def test_reports_of_nothing(tmp_path: Path) -> None:
    for suffix in report.SUFFIXES:
        path = tmp_path / f"r{suffix}"
        report.write(path, [], {"files": []}, 4549)
        assert path.stat().st_size
    assert json.loads((tmp_path / "r.json").read_text())["findings"] == []


def test_other_suffixes_are_refused_at_once(
    new_program: Callable[..., Program], tmp_path: Path
) -> None:
    path = tmp_path / "report.docx"
    ended = new_program().here.run("check", PLANTED, "--report", path)
    assert ended.returncode == 2
    assert "report.docx" in ended.stderr
    assert ".geojson" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("suffix", report.SUFFIXES)
def test_a_report_that_cannot_be_written_is_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"taken{suffix}"
    path.mkdir()
    with pytest.raises(report.ReportError) as caught:
        report.write(path, [finding()], {"files": []}, 4549)
    assert path.name in caught.value.zh
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_terminal_groups_by_rule_gravest_first() -> None:
    found = [finding("LN-04", Severity.WARNING, place=Place("a.csv", None, 9))]
    found += [finding(place=Place("点表.csv", "JSPoint", row, "X")) for row in (3, 8, 40)]
    text = shown(found)
    assert text.index("STR-04") < text.index("LN-04")
    assert text.count("STR-04") == 1
    line = next(line for line in text.splitlines() if "STR-04" in line)
    assert " 3 " in line
    assert "3, 8, 40" in text
    assert "JSPoint" in text


def test_the_terminal_shows_what_it_leaves_out_and_no_markup() -> None:
    text = shown([finding(f"R-{n}", zh="[red]不是[/red]。") for n in range(60)], limit=10)
    assert "50 more" in text
    assert "[red]不是[/red]" in text
    assert shown([]) == ""
