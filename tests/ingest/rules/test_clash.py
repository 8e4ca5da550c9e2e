"""Clashes and clearances: one finding a pair, its evidence and place, and the clean samples."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from shapely import LineString

from ingest.readers.base import ReadOptions
from ingest.rules.pack import load_packs
from ingest.survey_testing import layers, write_gpkg
from ingest.testing import EAST, NORTH, Row, line, point, read, run_of, workbook
from models.features import Delivery
from models.findings import Finding, Severity

SAMPLES = Path(__file__).parents[3] / "data-samples"


def crossing(folder: Path, count: int = 1, **gas: Any) -> Delivery:
    """A water main (DN300, 1.2 m deep, 30 m a line) that ``count`` gas pipes cross, one a line."""
    points, lines = run_of(count + 1, 管线种类="给水")
    for row in points:
        row["管线种类"] = "给水"
    for n in range(count):
        ends = [f"JS{n}A", f"JS{n}B"]
        side: list[Row] = [
            point(e, dx=30.0 * n + 15.0, dy=dy, 管线种类="燃气", 特征="起点")
            for e, dy in zip(ends, (-10.0, 10.0), strict=True)
        ]
        points += side
        lines.append(line(*ends, **{"管线种类": "燃气", "材质": "钢", "压力": 0.1, **gas}))
    return read(workbook(folder / "survey.xlsx", points, lines))


def of(delivery: Delivery, code: str, severity: Severity) -> list[Finding]:
    return [f for f in delivery.findings if (f.code, f.severity) == (code, severity)]


def test_a_clash_names_and_refuses_both_lines_where_it_is(tmp_path: Path) -> None:
    delivery = crossing(tmp_path, 2)
    found = of(delivery, "CLS-01", Severity.ERROR)
    assert sorted(str(f.place.element) for f in found) == [
        "JS0A~JS0B", "JS0~JS1", "JS1A~JS1B", "JS1~JS2",
    ]  # fmt: skip
    first = found[0]
    assert first.extra["other"] in first.zh and "0.3 m" in first.zh
    east, north, height = first.extra["source_position"]
    assert (east, north) == pytest.approx((EAST, NORTH + 15.0), abs=0.2)
    assert height == pytest.approx(4.0 - 1.2 - 0.15, abs=0.2)
    assert len(delivery.tables["pipe_segment"]) == 0
    assert len(delivery.tables["pipe_point"]) == 7


def test_lines_that_clash_are_not_told_of_their_clearance_too(tmp_path: Path) -> None:
    clash = crossing(tmp_path, 2)
    assert of(clash, "CLS-01", Severity.ERROR)
    assert [f for f in clash.findings if f.code == "CLS-02"] == []
    perhaps = crossing(tmp_path, 1, 起点埋深=1.45, 终点埋深=1.45)
    assert {f.rule for f in perhaps.findings if f.code == "CLS-02"} == {"CLS-02.vertical.possible"}


def test_rules_rest_on_the_clause_of_their_table() -> None:
    clauses = {"horizontal": "4.1.9", "vertical": "4.1.14", "cover": "4.1.1"}
    packs = [pack for pack in load_packs() if pack.id == "pipe-clearance"]
    rules = [r for pack in packs for r in pack.rules if r.code == "CLS-02"]
    found = {(r.id.split(".")[1], r.evidence.clause) for r in rules}
    assert found == set(clauses.items())


def test_a_clash_within_the_error_refuses_nothing(tmp_path: Path) -> None:
    delivery = crossing(tmp_path, 1, 起点埋深=1.45, 终点埋深=1.45)
    (finding,) = of(delivery, "CLS-01", Severity.WARNING)
    assert finding.found == "0.05"
    assert of(delivery, "CLS-01", Severity.ERROR) == []
    assert len(delivery.tables["pipe_segment"]) == 2


def test_clearances_cite_their_own_cell(tmp_path: Path) -> None:
    """0.1 m above gas where 0.15 m are asked: both orders are in the table, one of them read."""
    delivery = crossing(tmp_path, 1, 起点埋深=1.6, 终点埋深=1.6)
    (finding,) = [f for f in delivery.findings if "vertical" in str(f.rule)]
    assert (finding.found, finding.expected) == ("0.1", "≥ 0.15 m")
    assert finding.clause and finding.extra["limit_rule"]
    assert finding.clause in finding.zh and finding.clause in finding.en
    assert ("已核验" in finding.zh) is finding.verified
    assert (finding.place.element, finding.extra["other"]) == ("JS0A~JS0B", "JS0~JS1")


@pytest.mark.parametrize("bent", [False, True])
def test_a_drawn_line_is_measured_along_its_vertices(tmp_path: Path, bent: bool) -> None:
    """Gas drawn around the end of a water main: straight from end to end it would cross it."""
    points, lines = run_of(2, 管线种类="给水")
    points = [{**row, "管线种类": "给水"} for row in points]
    points += [point(f"JS{e}", dx=25, dy=y, 管线种类="燃气") for e, y in (("A", -10), ("B", 10))]
    lines.append(line("JSA", "JSB", 管线种类="燃气", 材质="钢", 压力=0.1))
    drawn = layers(points, lines)
    if bent:
        way = [(-10, 25), (-10, 45), (10, 45), (10, 25)]
        drawn[1].loc[1, "geometry"] = LineString([(EAST + y, NORTH + x) for y, x in way])
    delivery = read(
        write_gpkg(tmp_path / "survey.gpkg", *drawn), options=ReadOptions(vertical="1985")
    )
    assert len(of(delivery, "CLS-01", Severity.ERROR)) == (0 if bent else 2)


def test_thousands_are_summarised(tmp_path: Path) -> None:
    delivery = crossing(tmp_path, 130, 起点埋深=1.45, 终点埋深=1.45)
    found = of(delivery, "CLS-01", Severity.WARNING)
    assert len(found) == 101
    assert found[-1].extra["count"] == 30


def test_missing_attributes_are_asked_for_once(tmp_path: Path) -> None:
    """Gas of unknown pressure beside water: a limit of 0.5 to 1.5 m, and 0.4 m measured."""
    points, lines = run_of(4, 管线种类="给水")
    for n, row in enumerate(list(points)):
        row["管线种类"] = "给水"
        points.append(point(f"JSB{n}", dx=30.0 * n, dy=0.7, 管线种类="燃气"))
    lines += [line(f"JSB{n}", f"JSB{n + 1}", 管线种类="燃气", 材质="钢") for n in range(3)]
    delivery = read(workbook(tmp_path / "survey.xlsx", points, lines))
    (finding,) = [f for f in delivery.findings if f.rule == "CLS-02.horizontal.review"]
    assert (finding.severity, finding.extra["count"], finding.extra["rows"]) == (
        Severity.INFO, 3, "7-9",
    )  # fmt: skip
    assert "压力等级" in finding.zh and "pressure level" in finding.en


@pytest.mark.parametrize(
    ("paths", "warnings"),
    [
        # plot connections end high in deep manholes; PE gas above heating without a sleeve
        (["songjiang-hub/pipes.xlsx"], {"GRV-09", "TOP-03", "CLS-02.vertical.possible"}),
        (["qianwan/pipes"], {"GRV-09", "TOP-03"}),
        (["qianwan/pipes_heat_light.xls"], set()),
    ],
)
def test_the_clean_samples_have_no_error(paths: list[str], warnings: set[str]) -> None:
    from ingest.readers.survey import SurveyReader

    files = [
        file
        for name in paths
        for file in (
            sorted((SAMPLES / name).iterdir()) if (SAMPLES / name).is_dir() else [SAMPLES / name]
        )
    ]
    reader = SurveyReader()
    counts: Counter[tuple[str | None, Severity]] = Counter()
    for group in reader.group(files):
        findings = reader.read(group, ReadOptions()).findings
        counts += Counter((f.rule, f.severity) for f in findings)
    ours = {r: s for r, s in counts if str(r)[:3] in ("TOP", "GRV", "CLS")}
    assert Severity.ERROR not in ours.values()
    assert {rule for rule, severity in ours.items() if severity is Severity.WARNING} <= warnings
