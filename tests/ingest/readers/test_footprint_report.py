"""What is said of footprints: complete, in both languages, and once where it can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.readers.footprint_report import SHOWN_ROWS, Report, counted
from ingest.readers.footprint_testing import (
    feature,
    geojson,
    only,
    read,
    rows_by_code,
)
from models.findings import Severity


def test_every_finding_speaks_both_languages(tmp_path: Path) -> None:
    rows = [feature(1, height=0), feature(2, 层数=3), feature(3, 层数=0), feature(3, height=9)]
    path = geojson(tmp_path, *rows)
    # Each finding is required to be complete on the way.
    assert {"BLD-02", "BLD-05", "BLD-06", "STR-06"} <= set(rows_by_code(read(path)))


def test_warnings_are_one_finding_and_errors_one_a_row(tmp_path: Path) -> None:
    odd = [feature(n, height=9, floors="many") for n in range(1, 8)]
    zero = [feature(n, height=0, floors=2) for n in range(8, 11)]
    delivery = read(geojson(tmp_path, *odd, *zero))
    warning = only(delivery.findings, "BLD-05")
    assert warning.severity is Severity.WARNING
    assert warning.extra["count"] == 7
    assert warning.extra["rows"] == [1, 2, 3, 4, 5]
    assert (warning.place.row, warning.place.column) == (1, "floors")
    assert rows_by_code(delivery)["BLD-02"] == [8, 9, 10]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.text(max_size=100)), min_size=1, max_size=60))
def test_a_grouped_finding_counts_every_row_whatever_it_holds(
    rows: list[tuple[bool, str]],
) -> None:
    mask = np.array([flag for flag, _ in rows])
    values = np.array([text for _, text in rows], dtype=object)
    for severity in Severity:
        report = Report("f.gpkg", None, len(rows))
        report.rows(
            mask, "X", en="{found}", zh="{found}", expected="-", found=values, severity=severity
        )
        error = severity is Severity.ERROR
        assert len(report.findings) == (mask.sum() if error else mask.any())
        assert report.bad.tolist() == (mask.tolist() if error else [False] * len(rows))
        if mask.any() and not error:
            (finding,) = report.findings
            assert finding.extra["count"] == mask.sum()
            assert finding.extra["rows"] == (np.flatnonzero(mask)[:SHOWN_ROWS] + 1).tolist()


def test_nouns_go_with_their_number() -> None:
    assert [counted(n, "building") for n in (0, 1, 2)] == [
        "0 buildings",
        "1 building",
        "2 buildings",
    ]
