"""Footprints whose geometry is not sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from ingest.readers.footprint_testing import (
    X,
    Y,
    feature,
    geojson,
    only,
    polygon,
    read,
    ring,
    rows_by_code,
)
from models.findings import Severity


def test_bad_geometry_is_refused_row_by_row(tmp_path: Path) -> None:
    bow = [[121.2, 30.9], [121.3, 31.0], [121.3, 30.9], [121.2, 31.0], [121.2, 30.9]]
    flat = [[121.2, 30.9], [121.3, 30.9], [121.2, 30.9], [121.2, 30.9]]
    path = geojson(
        tmp_path,
        feature(1, height=3),
        feature(2, None, height=3),
        feature(3, {"type": "Point", "coordinates": [121.2, 30.9]}, height=3),
        feature(4, polygon(), height=3),
        feature(5, polygon([[121.2, 30.9], [121.3, 31.0]]), height=3),
        feature(6, polygon(bow), height=3),
        feature(7, polygon(flat), height=3),
        feature(8, {"type": "LineString", "coordinates": bow}, height=3),
        feature(9, {"type": "GeometryCollection", "geometries": []}, height=3),
    )
    delivery = read(path)
    assert delivery.tables["building"]["key"].tolist() == ["b1"]
    found = rows_by_code(delivery)
    assert {2, 4, 9} <= {*found["GEO-01"], *found.get("GEO-02", ())}
    assert found["GEO-02"] == [5]
    assert found["GEO-03"] == [3, 8]
    assert {6, 7} <= set(found["GEO-05"])
    crossing = next(f for f in delivery.findings if f.code == "GEO-05")
    assert crossing.found == "(121.25, 30.95)"
    assert "the ring crosses itself at (121.25, 30.95)" in crossing.en
    assert "环线自相交，位置 (121.25, 30.95)" in crossing.zh
    assert "Self-intersection" not in crossing.zh, "the library's words are not ours"


def test_nan_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "nan.fgb"
    square = np.array(ring(X, Y, 20))
    broken = square.copy()
    broken[1, 0] = np.nan
    with np.errstate(invalid="ignore"):
        rings = [shapely.Polygon(square), shapely.Polygon(broken)]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(rings),
        [np.array([3.0, 4.0])],
        ["height"],
        geometry_type="Polygon",
        crs="EPSG:4549",
        driver="FlatGeobuf",
        SPATIAL_INDEX="NO",
    )
    delivery = read(path)
    assert rows_by_code(delivery)["GEO-04"] == [2]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_geojson_numbers_that_are_none(tmp_path: Path, word: str) -> None:
    path = geojson(tmp_path, feature(1, height=3), feature(2, height=3))
    text = path.read_text()
    second = text.index('"id": "b2"')
    path.write_text(text[:second] + text[second:].replace("30.98]", f"{word}]", 1))
    delivery = read(path)
    assert delivery.tables["building"]["key"].tolist() == ["b1"]
    (refused_row,) = [f for f in delivery.findings if f.severity is Severity.ERROR]
    assert refused_row.code in {"GEO-02", "GEO-04"}
    assert refused_row.place.row == 2


@pytest.mark.parametrize(
    ("rings", "words"),
    [
        ([ring(0, 0, 10), ring(20, 20, 5)], ("a hole lies outside the outer ring", "洞在外环之外")),
        ([ring(0, 0, 20), ring(5, 5, 10), ring(7, 7, 5)], ("inside another", "洞中套洞")),
        (
            [[[0, 0], [9, 0], [9, 9], [4, 9], [4, 4], [4, 9], [0, 9], [0, 0]]],
            ("touches itself", "环线自相接"),
        ),
    ],
)
def test_what_is_wrong_with_a_ring_is_told_in_both_languages(
    tmp_path: Path, rings: list[Any], words: tuple[str, str]
) -> None:
    moved = (np.array(line, dtype=float) * 1e-5 + [121.2, 30.9] for line in rings)
    wrong = polygon(*(line.tolist() for line in moved))
    delivery = read(geojson(tmp_path, feature(1, height=3), feature(2, wrong, height=3)))
    finding = only(delivery.findings, "GEO-05")
    assert finding.place.row == 2
    assert words[0] in finding.en
    assert words[1] in finding.zh


def test_footprints_that_occur_again_are_remarked_on_together(tmp_path: Path) -> None:
    line = ring(121.2, 30.9)
    turned = [*line[1:], line[1]]  # begins with another vertex
    path = geojson(
        tmp_path,
        feature(1, polygon(line), height=3),
        feature(2, height=3),
        feature(3, polygon(turned), height=8),
        feature(4, polygon(line), height=3),
        feature(5, polygon(line), height=9, min_height=3),  # stands on it
    )
    delivery = read(path)
    assert len(delivery.tables["building"]) == 5
    finding = only(delivery.findings, "GEO-08")
    assert (finding.severity, finding.found) == (Severity.INFO, "1")
    assert finding.extra["rows"] == [3, 4]


def test_a_polygon_with_a_thousand_holes(tmp_path: Path) -> None:
    outer = ring(121.2, 30.9, 0.1)
    holes = [
        ring(121.201 + column * 0.003, 30.901 + row * 0.003, 0.001)[::-1]
        for column in range(32)
        for row in range(32)
    ][:1000]
    path = geojson(
        tmp_path, feature(1, {"type": "Polygon", "coordinates": [outer, *holes]}, height=3)
    )
    delivery = read(path)
    assert shapely.get_num_interior_rings(delivery.tables["building"]["geom"][0]) == 1000
