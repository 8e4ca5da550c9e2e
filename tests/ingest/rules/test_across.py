"""Several deliveries of one command against each other, as if they were one file."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.pipeline import CheckResult, check
from ingest.readers.base import ReadOptions
from ingest.readers.survey import SurveyReader
from ingest.rules.across import file_names
from ingest.rules.context import CheckContext
from ingest.rules.pack import load_packs
from ingest.testing import (
    CRS,
    DATUM,
    EAST,
    NORTH,
    Row,
    line,
    point,
    require_complete,
    run_of,
    workbook,
)  # fmt: skip
from models.findings import Finding, Severity
from models.horizontal import parse, to_geodetic
from models.twins import load_twins

QIANWAN = Path(__file__).resolve().parents[3] / "data-samples" / "qianwan" / "pipes"
BETWEEN = ("CLS-01", "CLS-02", "TOP-04", "TOP-06", "LN-02")
DEGREES = ["坐标系: EPSG:4490"]


def gas(dx: float = 15.0, prefix: str = "RQ", **more: Any) -> tuple[list[Row], list[Row]]:
    """A gas pipe from west to east across the main of :func:`run_of`."""
    ends = [f"{prefix}1", f"{prefix}2"]
    points = [point(e, dx=dx, dy=dy, 特征="起点") for e, dy in zip(ends, (-10, 10), strict=True)]
    return points, [line(*ends, **{"材质": "钢", "压力": 0.1, **more})]


def found(results: list[CheckResult], *codes: str) -> list[Finding]:
    return [f for r in results for f in r.findings if f.code in (codes or BETWEEN)]


def said(findings: Any) -> Counter[tuple[Any, ...]]:
    return Counter(
        (f.rule, f.severity, f.place, f.found, f.extra.get("other"), f.extra.get("rows"))
        for f in findings
        if f.code in BETWEEN
    )


def test_files_of_one_class_each_are_checked_as_one_file_of_all() -> None:
    paths = tuple(sorted(QIANWAN.glob("*.csv")))
    whole = SurveyReader().read(paths, ReadOptions()).findings
    apart = check([QIANWAN], ReadOptions())
    assert len(apart) == 6
    assert said(f for r in apart for f in r.findings) == said(whole)
    assert len(said(whole)) > 5


def test_a_twin_changes_nothing_but_fills_in_the_positions() -> None:
    twin = load_twins()["qianwan"]
    without = found(check([QIANWAN], ReadOptions()))
    with_ = found(check([QIANWAN], ReadOptions(), twin))
    assert said(without) == said(with_)
    places = [np.array([f.position or (0, 0, 0) for f in own]) for own in (without, with_)]
    assert np.allclose(places[0], places[1], atol=1e-6) and places[0].min() > 0


@pytest.mark.parametrize("degrees", [False, True])
def test_a_clash_between_files_warns_in_both_and_refuses_in_none(
    tmp_path: Path, degrees: bool
) -> None:
    """The gas survey in the same CRS, or in degrees of CGCS2000."""
    water = workbook(tmp_path / "water.xlsx", *run_of(2))
    points, lines = gas()
    top = [DEGREES if degrees else CRS, DATUM]
    if degrees:
        for row in points:
            plane = np.array([row["Y"]]), np.array([row["X"]])
            lon, lat = to_geodetic(*plane, parse("EPSG:4549"))
            row["X"], row["Y"] = float(lat[0]), float(lon[0])
    other = workbook(tmp_path / "gas.xlsx", points, lines, top, code="RQ")
    results = check([water, other], ReadOptions())
    assert [(r.accepted, r.refused) for r in results] == [(3, 0), (3, 0)]
    for result, names in zip(results, (("water", "gas"), ("gas", "water")), strict=True):
        (finding,) = [f for f in result.findings if f.rule == "CLS-01.across"]
        require_complete(finding)
        assert (finding.severity, finding.found) == (Severity.WARNING, "0.3")
        code = {"water": "JS", "gas": "RQ"}
        assert (finding.place.file, finding.place.sheet, finding.place.row) == (
            f"{names[0]}.xlsx", f"{code[names[0]]}Line", 4,
        )  # fmt: skip
        assert finding.extra["other_row"] == f"{names[1]}.xlsx[{code[names[1]]}Line]!4"
        assert finding.extra["other_row"] in finding.zh and finding.extra["other_row"] in finding.en
        assert finding.position == pytest.approx((EAST, NORTH + 15.0, 2.65), abs=0.2)
        assert result.delivery is not None and finding in result.delivery.findings


def test_what_one_file_shows_is_not_told_again(tmp_path: Path) -> None:
    """Two gas pipes in one file, one over the other's place: told there, once."""
    points, lines = run_of(2, "RQ", 材质="钢", 压力=0.1)
    more = gas(prefix="RQX", 起点埋深=1.45, 终点埋深=1.45)
    one = workbook(tmp_path / "gas.xlsx", [*points, *more[0]], [*lines, *more[1]], code="RQ")
    two = workbook(tmp_path / "water.xlsx", *run_of(2))
    alone = said(check([one], ReadOptions())[0].findings)
    beside = check([one, two], ReadOptions())
    told = said(beside[0].findings)
    new = [f for f in found(beside[:1]) if not said([f]) <= alone]
    assert alone and alone <= told and len(new) == (told - alone).total() > 0
    assert all("water.xlsx" in f.zh for f in new)


@pytest.mark.parametrize(("gap", "wrong"), [(0.0, False), (0.08, False), (0.3, True)])
def test_batches_that_meet_at_an_edge(tmp_path: Path, gap: float, wrong: bool) -> None:
    """The second batch goes on where the first one ends: joined, so no clash, and TOP-06 if off."""
    points, lines = run_of(3)
    points[-1]["特征"] = "图边点"
    one = workbook(tmp_path / "a.xlsx", points, lines)
    points, lines = run_of(3, "JSB")
    for row in points:
        row["X"] = round(row["X"] + 60.0 + gap, 3)
    points[0]["特征"] = "图边点"
    two = workbook(tmp_path / "b.xlsx", points, lines)
    findings = found(check([one, two], ReadOptions()))
    assert [f.code for f in findings] == (["TOP-06"] if wrong else [])
    if wrong:
        assert (findings[0].place.file, findings[0].place.row) == ("b.xlsx", 4)
        assert "JS2 (a.xlsx[JSPoint]!6)" in findings[0].zh


def test_a_survey_that_is_handed_in_twice(tmp_path: Path) -> None:
    one = workbook(tmp_path / "a.xlsx", *run_of(4))
    (tmp_path / "again").mkdir()
    two = Path(shutil.copy(one, tmp_path / "again" / "a.xlsx"))
    results = check([one, two], ReadOptions())
    (finding,) = found(results)
    assert (finding.rule, finding.extra["rows"]) == ("LN-02.across", "4-6")
    assert (
        finding.place.file == "again/a.xlsx" and f"{tmp_path.name}/a.xlsx[JSLine]!4" in finding.zh
    )
    require_complete(finding)
    assert [f.code for f in results[0].findings] == []


def test_a_bad_file_costs_the_others_nothing(tmp_path: Path) -> None:
    water = workbook(tmp_path / "water.xlsx", *run_of(2))
    other = workbook(tmp_path / "gas.xlsx", *gas(), code="RQ")
    nowhere = workbook(tmp_path / "nowhere.xlsx", *run_of(2), [])
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04")
    results = check([broken, water, nowhere, other], ReadOptions())
    assert [r.accepted for r in results] == [0, 3, 0, 3]
    assert [f.rule for f in found(results, "CLS-01")] == ["CLS-01.across"] * 2


def test_a_fault_between_files_costs_none_of_them(tmp_path: Path) -> None:
    """An own rule whose sentence asks for a value that its check does not give."""
    pack = tmp_path / "own.yaml"
    pack.write_text(
        "{id: own, version: '1', rules: [{id: OWN-1, check: repeated_lines, severity: warning,"
        " title: {zh: a, en: a}, zh: '{nothing}', en: '{nothing}',"
        " evidence: {standard: own, verified: false}}]}"
    )
    paths = [workbook(tmp_path / f"{name}.xlsx", *run_of(3)) for name in "ab"]
    context = CheckContext(packs=load_packs(own=[pack]))
    results = check(paths, ReadOptions(context=context))
    assert [r.accepted for r in results] == [5, 5]
    for result in results:
        (finding,) = result.findings
        require_complete(finding)
        assert (finding.code, finding.severity) == ("STR-99", Severity.WARNING)


def test_surveys_far_from_each_other_have_nothing_to_tell(tmp_path: Path) -> None:
    water = workbook(tmp_path / "water.xlsx", *run_of(2))
    other = workbook(tmp_path / "gas.xlsx", *gas(dx=3000.0), code="RQ")
    assert found(check([water, other], ReadOptions())) == []


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    a, b, c = Path("/d/1/x/t.csv"), Path("/d/2/x/t.csv"), Path("/d/2/x/u.csv")
    assert file_names([(a,), (b, c)]) == [
        {"t.csv": "1/x/t.csv"},
        {"t.csv": "2/x/t.csv", "u.csv": "u.csv"},
    ]
