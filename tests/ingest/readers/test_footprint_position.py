"""Coordinates that cannot be those of the file's CRS, and what is suggested for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.readers.footprint_testing import (
    feature,
    geojson,
    named_crs,
    polygon,
    read,
    refusal,
    refused,
    ring,
)


def square(folder: Path, x: float, y: float, crs: str | None = None) -> Path:
    more: dict[str, Any] = {} if crs is None else {"crs": named_crs(crs)}
    return geojson(
        folder, feature(1, polygon(ring(x, y, 20 if abs(x) > 180 else 1e-4)), height=3), **more
    )


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (500_000, 3_400_000, ("--crs EPSG:4549", "EPSG:4550", "EPSG:32651", "EPSG:2385")),
        (40_617_000, 3_430_000, ("zone number 40", "--crs EPSG:4528")),
        (13_500_000, 3_600_000, ("EPSG:3857",)),
        (-12_345, 6_789, ("Shanghai 2000", "上海2000")),
        (3_430_000, 617_000, ("northing", "东坐标在前", "EPSG:4549")),
    ],
)
def test_metres_in_a_geojson_without_crs_are_refused_with_a_hint(
    tmp_path: Path, x: float, y: float, words: tuple[str, ...]
) -> None:
    path = square(tmp_path, x, y)
    sentence = refused(path, "MET-01")
    for word in words:
        assert word in sentence
    assert str(refusal(path)[0].found).startswith(f"({x + 10:.3f}")


def test_metres_with_the_suggested_crs_are_read(tmp_path: Path) -> None:
    path = square(tmp_path, 500_000, 3_400_000)
    assert read(path, horizontal="EPSG:4549").passport.horizontal == "EPSG:4549"


@pytest.mark.parametrize(
    ("x", "y", "crs", "words"),
    [
        (3_430_000, 617_000, "EPSG:4549", ("swapped", "颠倒")),
        (30.98, 121.22, None, ("swapped", "颠倒")),
        (30.98, 121.22, "EPSG:4490", ("swapped", "颠倒")),
        (3_430_000, 40_617_000, "EPSG:4549", ("swapped", "颠倒")),
        (40_617_000, 3_430_000, "EPSG:4549", ("zone number 40", "40 带号", "EPSG:4528")),
        (617_000, 3_430_000, "EPSG:4528", ("no zone number", "不带带号", "EPSG:4549")),
        (121.22, 30.98, "EPSG:4549", ("degrees", "经纬度", "EPSG:4490")),
    ],
)
def test_coordinates_of_another_crs_are_refused_with_the_reason(
    tmp_path: Path, x: float, y: float, crs: str | None, words: tuple[str, ...]
) -> None:
    sentence = refused(square(tmp_path, x, y, crs), "CRS-02")
    for word in (*words, crs or "OGC:CRS84"):
        assert word in sentence


@pytest.mark.parametrize(
    ("x", "y", "crs"),
    [
        (121.22, 30.98, None),
        (121.22, 30.98, "EPSG:4326"),
        (617_000, 3_430_000, "EPSG:4549"),
        (40_617_000, 3_430_000, "EPSG:4528"),
        (13_500_000, 3_600_000, "EPSG:3857"),
    ],
)
def test_coordinates_that_fit_are_read(tmp_path: Path, x: float, y: float, crs: str | None) -> None:
    assert read(square(tmp_path, x, y, crs)).errors == 0
