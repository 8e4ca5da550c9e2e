"""A file that is read for what it holds, not for its name, is told of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ingest.pipeline import check
from ingest.readers.base import ReadOptions
from models.findings import Severity

SAMPLES = Path(__file__).resolve().parents[2] / "data-samples"
OPTIONS = ReadOptions(horizontal="EPSG:4490", vertical="1985")


def footprint(path: Path) -> Path:
    ring = [[121.2, 31.0], [121.201, 31.0], [121.201, 31.001], [121.2, 31.0]]
    feature = {
        "type": "Feature",
        "properties": {"height": 9.0},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb", "a.TIF"])
def test_content_that_the_name_denies_is_told(tmp_path: Path, name: str) -> None:
    (result,) = check([footprint(tmp_path / name)], OPTIONS)
    assert result.accepted == 1
    (finding,) = [f for f in result.findings if f.code == "STR-11"]
    assert finding.severity is Severity.WARNING
    assert name in finding.en and "GeoJSON" in finding.en
    assert name in finding.zh and "GeoJSON" in finding.zh
    assert finding.expected == Path(name).suffix


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a", "a.GeoJSON"])
def test_a_name_that_is_right_or_says_nothing_is_not(tmp_path: Path, name: str) -> None:
    (result,) = check([footprint(tmp_path / name)], OPTIONS)
    assert [f for f in result.findings if f.code == "STR-11"] == []


def test_the_good_samples_are_what_they_are_called(tmp_path: Path) -> None:
    files = [p for p in SAMPLES.glob("*/*") if p.parent.name != "planted" and p.is_file()]
    assert len(files) > 5
    survey = shutil.copy(SAMPLES / "songjiang-hub" / "pipes.xlsx", tmp_path)
    shapes = [p for p in files if p.stem == "buildings_south"]
    results = check([Path(survey), *shapes], ReadOptions(vertical="1985"))
    assert [r.delivery is not None for r in results] == [True, True]
    assert not [f for r in results for f in r.findings if f.code == "STR-11"]
