"""Rows of a survey that are refused or remarked on, and the cell that each finding names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.testing import (
    EAST,
    NORTH,
    Row,
    keys,
    line,
    point,
    read,
    run_of,
    said,
    workbook,
)
from models.findings import Severity

Change = Callable[[list[Row], list[Row]], object]

#: A run of six points (rows 4..9) and five lines (rows 4..8) of ductile water pipe, changed, and
#: the errors that must come out: (rule, sheet, row, column), no other.
ERRORS: list[tuple[str, Change, list[tuple[str, str, int, str]]]] = [
    ("empty X", lambda p, _: p[5].update(X=None), [
        ("STR-02", "JSPoint", 9, "X"), ("LN-03.refused", "JSLine", 8, "连接点号")]),
    ("empty number", lambda p, _: p.append(point("", dx=-50) | {"物探点号": None}), [
        ("STR-02", "JSPoint", 10, "物探点号")]),
    ("text in height", lambda p, _: p[5].update(地面高程="4.l"), [
        ("STR-04", "JSPoint", 9, "地面高程"), ("LN-03.refused", "JSLine", 8, "连接点号")]),
    ("text in depth", lambda _, q: q[0].update(起点埋深="1.2m"), [
        ("STR-04", "JSLine", 4, "起点埋深")]),
    ("formula in height", lambda p, _: p[0].update(地面高程="#REF!"), [
        ("STR-07", "JSPoint", 4, "地面高程"), ("LN-03.refused", "JSLine", 4, "起点点号")]),
    ("height calculated by no program", lambda p, _: p[0].update(地面高程="=4+0"), [
        ("STR-07.unsaved", "JSPoint", 4, "地面高程"), ("LN-03.refused", "JSLine", 4, "起点点号")]),
    ("formula in size", lambda _, q: q[1].update(管径="#DIV/0!"), [
        ("STR-07", "JSLine", 5, "管径")]),
    ("no size", lambda _, q: q[2].update(管径=None), [("STR-03", "JSLine", 6, "管径")]),
    ("zero size", lambda _, q: q[2].update(管径=0), [("STR-03", "JSLine", 6, "管径")]),
    ("illegal size", lambda _, q: q[2].update(管径="DN3OO"), [("STR-06", "JSLine", 6, "管径")]),
    ("no end", lambda _, q: q[2].update(连接点号=None), [("STR-03", "JSLine", 6, "连接点号")]),
    ("neither depth nor height", lambda _, q: q[3].update(终点埋深=None), [
        ("STR-03.height", "JSLine", 7, "终点埋深")]),
    ("unknown material", lambda _, q: q[3].update(材质="竹筒"), [
        ("CODE-01", "JSLine", 7, "材质")]),
    ("unknown embedding", lambda _, q: q[3].update(埋设方式="随便"), [
        ("CODE-01", "JSLine", 7, "埋设方式")]),
    ("number twice, other data", lambda p, _: p.append(point("JS5", dx=999)), [
        ("PT-01", "JSPoint", 9, "物探点号"), ("PT-01", "JSPoint", 10, "物探点号"),
        ("LN-03.refused", "JSLine", 8, "连接点号")]),
    ("coincident", lambda p, q: [r.append(v) for r, v in (  # type: ignore[func-returns-value]
        (p, p[5] | {"物探点号": "JS6"}), (q, line("JS4", "JS6")))], [
        ("PT-02", "JSPoint", 10, "物探点号"), ("LN-03.refused", "JSLine", 9, "连接点号")]),
    ("fly point", lambda p, _: p[5].update(X=EAST, Y=NORTH), [
        ("PT-05", "JSPoint", 9, "X"), ("LN-03.refused", "JSLine", 8, "连接点号")]),
    ("loop", lambda _, q: q[4].update(连接点号="JS4"), [("LN-01", "JSLine", 8, "连接点号")]),
    ("same line", lambda _, q: q.append(dict(q[2])), [("LN-02", "JSLine", 9, "连接点号")]),
    ("reversed line", lambda _, q: q.append(q[2] | {"起点点号": "JS3", "连接点号": "JS2"}), [
        ("LN-02", "JSLine", 9, "连接点号")]),
    ("absent point", lambda _, q: q[4].update(连接点号="JS9"), [
        ("LN-03", "JSLine", 8, "连接点号")]),
    ("identity off by 3 cm", lambda _, q: q[1].update(起点高程=2.83), [
        ("LN-08", "JSLine", 5, "起点高程")]),
    ("identity off by 2 cm", lambda _, q: q[1].update(起点高程=2.82), []),
    ("more holes used", lambda _, q: q[1].update(总孔数=4, 已用孔数=5), [
        ("LN-10", "JSLine", 5, "已用孔数")]),
    ("all holes used", lambda _, q: q[1].update(总孔数="4/4"), []),
    ("holes in one cell", lambda _, q: q[1].update(总孔数="4/5"), [
        ("LN-10", "JSLine", 5, "已用孔数")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS]
)
def test_errors_name_the_cell_and_leave_the_row_out(
    tmp_path: Path, change: Change, expected: list[tuple[str, str, int, str]]
) -> None:
    points, lines = run_of(6)
    change(points, lines)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert sorted(said(delivery)) == sorted(expected)
    refused = {(sheet, row) for _, sheet, row, _ in expected}
    for name, sheet, rows in (
        ("pipe_point", "JSPoint", points),
        ("pipe_segment", "JSLine", lines),
    ):
        stored = list(delivery.tables[name]["source_row"])
        assert stored == [r for r in range(4, 4 + len(rows)) if (sheet, r) not in refused]
    ends = delivery.tables["pipe_segment"][["from_point", "to_point"]].to_numpy().ravel()
    assert set(ends) <= set(keys(delivery, "pipe_point"))
    assert delivery.features_in == len(points) + len(lines)
    assert all(f.verified for f in delivery.findings if f.severity is Severity.ERROR)


WARNINGS: list[tuple[str, Change, list[tuple[str, str, int | None, str]]]] = [
    ("placeholder", lambda _, q: q[0].update(权属单位="不详"), [
        ("STR-05", "JSLine", 4, "权属单位"), ("STR-03.attributes", "JSLine", 4, "权属单位")]),
    ("no road", lambda _, q: q[0].update(道路名称=None), [
        ("STR-03.attributes", "JSLine", 4, "道路名称")]),
    ("word of no vocabulary", lambda p, _: p[1].update(特征="奇怪点"), [
        ("CODE-01.words", "JSPoint", 5, "特征")]),
    ("material of another class", lambda _, q: q[0].update(材质="陶瓷"), [
        ("CODE-02", "JSLine", 4, "材质")]),
    ("size in metres", lambda _, q: q[0].update(管径=0.3), [("STR-06.small", "JSLine", 4, "管径")]),
    ("same point again", lambda p, _: p.append(dict(p[5])), [
        ("PT-01.same", "JSPoint", 10, "物探点号")]),
    ("well without depth", lambda p, _: p[1].update(附属物="阀门井"), [
        ("PT-07", "JSPoint", 5, "井深")]),
    ("well too shallow", lambda p, _: p[1].update(附属物="阀门井", 井深=1.0), [
        ("PT-09", "JSPoint", 5, "井深")]),
    ("lonely point", lambda p, _: p.append(point("JS6", dx=-40)), [
        ("LN-03.isolated", "JSPoint", 10, "物探点号")]),
    ("parallel line", lambda _, q: q.append(q[0] | {"管径": 200}), [
        ("LN-02.parallel", "JSLine", 9, "连接点号"), ("TOP-01", "JSPoint", 4, "特征"),
        ("TOP-01", "JSPoint", 5, "特征")]),
    ("deep", lambda _, q: q[0].update(起点埋深=10.1, 终点埋深=10.0), [
        ("LN-06", "JSLine", 4, "起点埋深")]),
    ("voltage on water", lambda _, q: q[0].update(电压=10), [
        ("LN-12.voltage", "JSLine", 4, "电压")]),
    ("tee of two", lambda p, _: p[1].update(特征="三通"), [("TOP-01", "JSPoint", 5, "特征")]),
    ("long", lambda p, _: p[5].update(X=NORTH + 120 + 75.5), [
        ("LN-04", "JSLine", 8, "连接点号")]),
    ("just not too long", lambda p, _: p[5].update(X=NORTH + 120 + 75), []),
    ("short", lambda p, _: p[5].update(X=NORTH + 120 + 0.04), [
        ("LN-05", "JSLine", 8, "连接点号")]),
    ("formula in a column of no meaning", lambda _, q: q[0].update(备注="#N/A"), [
        ("STR-07.unused", "JSLine", 4, "备注")]),
    ("remarks calculated by no program", lambda _, q: [r.update(备注="=A4") for r in q[:2]], [
        ("STR-07.unsaved-unused", "JSLine", 4, "备注")]),
    ("illegible pressure of no geometry", lambda _, q: q[0].update(电压="高"), [
        ("STR-04.attributes", "JSLine", 4, "电压")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"), [w[1:] for w in WARNINGS], ids=[w[0] for w in WARNINGS]
)
def test_warnings_name_the_cell_and_keep_the_row(
    tmp_path: Path, change: Change, expected: list[tuple[str, str, int, str]]
) -> None:
    points, lines = run_of(6)
    change(points, lines)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    told = said(delivery, Severity.WARNING)
    # One line that differs from the rest of its run is also a change at its ends.
    told = [w for w in told if not str(w[0]).startswith(("LN-09", "TOP-07"))]
    assert sorted(told) == sorted(expected)
    assert delivery.errors == 0
    dropped = sum(f.rule == "PT-01.same" for f in delivery.findings)
    assert len(delivery.tables["pipe_point"]) == len(points) - dropped
    assert len(delivery.tables["pipe_segment"]) == len(lines)


@pytest.mark.parametrize(
    ("rise", "flow", "verdict"),
    [(0.02, "+", None), (0.03, "+", "可能"), (0.60, "+", "确定"), (0.60, "-", None)],
)
def test_reverse_slope_is_weighed_against_the_survey(
    tmp_path: Path, rise: float, flow: str, verdict: str | None
) -> None:
    points, lines = run_of(2, prefix="P", 材质="混凝土", 流向=flow)
    lines[0]["终点埋深"] = round(1.2 - rise, 3)
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines, code="WS"))
    found = [f for f in delivery.findings if f.code == "GRV-01"]
    assert len(found) == (verdict is not None)
    for finding in found:
        assert verdict is not None and verdict in finding.zh
        assert finding.severity is Severity.WARNING and finding.verified is False


def test_mistakes_are_all_reported_in_one_pass(tmp_path: Path) -> None:
    points, lines = run_of(6)
    points[1]["X"] = "north"
    lines[3].update(管径="3OO", 材质="竹", 起点埋深="x")
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert {(rule, row) for rule, _, row, _ in said(delivery)} == {
        ("STR-04", 5), ("LN-03.refused", 4), ("LN-03.refused", 5),
        ("STR-06", 7), ("CODE-01", 7), ("STR-04", 7),
    }  # fmt: skip


def test_a_refused_line_still_meets_its_points(tmp_path: Path) -> None:
    points, lines = run_of(6)
    lines[2]["管径"] = "3OO"
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    assert [f.rule for f in delivery.findings] == ["STR-06"]
