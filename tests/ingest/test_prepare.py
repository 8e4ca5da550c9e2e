"""One delivery brought into storage: what is told of bases and places that are not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.pipeline import prepare
from ingest.readers.footprint_testing import feature, geojson, only, polygon, read, ring
from models.findings import Severity
from models.twins import load_twins

TWIN = next(iter(load_twins().values()))
LON, LAT = TWIN.centre


def square(number: int, **properties: object) -> dict[str, object]:
    return feature(number, polygon(ring(LON + number * 0.0003, LAT)), **properties)


def test_bases_taken_from_the_twins_ground_are_told_once(tmp_path: Path) -> None:
    rows = [square(n, height=9, base_height=None if n > 2 else 4.5) for n in range(1, 10)]
    delivery = prepare(read(geojson(tmp_path, *rows)), TWIN, "city")
    assert (delivery.tables["building"]["base_source"] == "twin").sum() == 7
    finding = only(delivery.findings, "BLD-10")
    assert (finding.severity, finding.found) == (Severity.INFO, f"{TWIN.ground_height:g} m")
    assert finding.extra == {"count": 7, "rows": [3, 4, 5, 6, 7]}
    assert "7 buildings" in finding.en
    assert "7 栋" in finding.zh


def test_one_base_is_told_as_one_and_none_not_at_all(tmp_path: Path) -> None:
    one = prepare(read(geojson(tmp_path, square(1, height=9))), TWIN, "city")
    assert "1 building without" in only(one.findings, "BLD-10").en
    none = prepare(read(geojson(tmp_path, square(1, height=9, base_height=4))), TWIN, "city")
    assert "BLD-10" not in {finding.code for finding in none.findings}


@pytest.mark.parametrize("floors", ["many", 900])
def test_the_place_of_a_finding_has_no_height_where_none_is_known(
    tmp_path: Path, floors: object
) -> None:
    path = geojson(tmp_path, square(1, height=9, floors=floors), square(2, height=9))
    finding = only(prepare(read(path), TWIN, "city").findings, "BLD-05")
    assert finding.position is not None
    assert finding.position[0] > 0
    assert finding.position[2] is None
