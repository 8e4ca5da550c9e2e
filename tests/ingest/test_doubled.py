"""Buildings that several files of one dataset deliver."""

from __future__ import annotations

from pathlib import Path

from ingest.pipeline import CheckResult, check
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_testing import feature, geojson
from ingest.testing import require_complete
from models.findings import Finding, Severity
from models.twins import load_twins


def errors(result: CheckResult) -> list[tuple[str, int | None]]:
    found: list[Finding] = [f for f in result.findings if f.severity is Severity.ERROR]
    for finding in found:
        require_complete(finding)
    return [(f.code, f.place.row) for f in found]


def test_one_building_in_two_files_costs_only_itself_and_its_parts(tmp_path: Path) -> None:
    free = {"parent": None, "min_height": None}
    one = geojson(
        tmp_path,
        feature(1, height=9, **free),
        feature(2, height=9, **free),
        feature(3, height=20, parent="b2", min_height=9),
        feature(4, height=20, parent="b1", min_height=9),
        name="one.geojson",
    )
    other = geojson(tmp_path, feature(2, height=12), feature(5, height=9), name="other.geojson")
    twin = next(twin for twin in load_twins().values() if twin.contains(121.2264, 30.9869))
    a, b = check([one, other], ReadOptions(vertical="1985"), twin, dataset="city")
    assert errors(a) == [("STR-06", 2), ("BLD-07", 3)]
    assert errors(b) == [("STR-06", 1)]
    assert "one.geojson, other.geojson" in b.findings[-1].en
    assert (a.accepted, a.refused, b.accepted, b.refused) == (2, 2, 1, 1)
    assert a.delivery is not None and b.delivery is not None
    assert a.delivery.tables["building"]["key"].tolist() == ["b1"]
    assert a.delivery.tables["building_part"]["key"].tolist() == ["b4"]
    assert b.delivery.tables["building"]["key"].tolist() == ["b5"]
    # as datasets of their own they have nothing to do with each other
    assert [errors(r) for r in check([one, other], ReadOptions(vertical="1985"), twin)] == [[], []]
