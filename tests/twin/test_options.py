"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely

from ingest.testing import EAST, NORTH, run_of, workbook
from models.crs import STORAGE, storage_to_geodetic
from twin.area import AreaError, read_area
from twin.options import OptionError, Output
from twin.testing import Program

New = Callable[..., Program]


def geojson(path: Path, box: shapely.Polygon) -> Path:
    """``box`` (m from the origin, east first) as a feature in WGS 84."""
    e, n = shapely.get_coordinates(box).T
    lon, lat, _ = storage_to_geodetic(e + EAST, n + NORTH, [0.0] * len(e))
    ring = [[float(x), float(y)] for x, y in zip(lon, lat, strict=True)]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def test_an_area_is_brought_to_the_storage_crs(tmp_path: Path) -> None:
    area = read_area(geojson(tmp_path / "a.geojson", shapely.box(-10, -20, 30, 40)), STORAGE)
    expected = shapely.box(EAST - 10, NORTH - 20, EAST + 30, NORTH + 40)
    assert shapely.symmetric_difference(area, expected).area < 0.01


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("POLYGON", "not GeoJSON"),
        ('{"type": "Point", "coordinates": [121, 31]}', "no polygon"),
        ('{"type":"Polygon","coordinates":[[[121,31],[122,32],[122,31],[121,32],[121,31]]]}', "("),
        ('{"type":"Polygon","coordinates":[[[5e5,3e6],[6e5,3e6],[6e5,4e6],[5e5,3e6]]]}', "500000"),
    ],
)
def test_an_area_that_cannot_be_used(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(text)
    with pytest.raises(AreaError) as caught:
        read_area(path, STORAGE)
    assert word in caught.value.en and "请提供" in caught.value.zh


def test_points_outside_the_area_are_told(new_program: New, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", *run_of(3))
    area = geojson(tmp_path / "a.geojson", shapely.box(-10, -10, 10, 40))
    told: Any = new_program().here.json("check", path, "--area", area)
    found = [f for f in told["findings"] if f["rule"] == "PT-05.polygon"]
    assert [(f["place"]["element"], f["found"]) for f in found] == [("JS2", "20.0")]


def test_several_reports_are_refused() -> None:
    with pytest.raises(OptionError) as caught:
        Output([Path("a.json"), Path("b.xlsx")]).require()
    assert "a.json, b.xlsx" in caught.value.en and "2 次" in caught.value.zh
