"""The engine: findings in full where rows are refused, summarised where they are not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingest.rules.engine import DETAILED, row_spans, run
from ingest.rules.hits import Hits
from ingest.rules.network import Issue, Sheet, Stated, Survey
from ingest.rules.pack import parse_pack
from models.findings import Place

PACK = """
id: t
version: "1"
rules:
  - {id: %s, title: {zh: 题, en: title}, check: cell_issue, severity: %s, params: {kind: grammar},
     zh: "值 {found}", en: "value {found} in {column}",
     evidence: {standard: S, clause: "1", verified: true}}
"""


def survey(count: int) -> Survey:
    points = pd.DataFrame(
        {
            "sheet": np.zeros(count, int),
            "row": np.arange(count) + 2,
            "exp_no": pd.Series([f"A{i}" for i in range(count)], dtype=object),
            **{name: np.zeros(count) for name in ("x_src", "y_src", "ground_h")},
        }
    )
    rows = np.arange(count)
    issue = Issue("grammar", "point", "size", rows, np.full(count, "3OO", object))
    lines = pd.DataFrame({"a": np.empty(0, int), "b": np.empty(0, int)})
    return Survey(points, lines, [Sheet("f.csv", None, {"point": {"size": "管径"}})], [issue])


def test_errors_refuse_and_are_all_named() -> None:
    data = survey(500)
    findings = run(parse_pack((PACK % ("STR-06", "error")).encode()), data)
    assert len(findings) == 500
    assert not data.alive["point"].any()
    first = findings[0]
    assert (first.place.file, first.place.row, first.place.column) == ("f.csv", 2, "管径")
    assert (first.found, first.clause, first.verified) == ("3OO", "S 1", True)
    assert "值 3OO" in first.zh and "第2行" in first.zh
    assert "value 3OO in “管径”" in first.en


def test_warnings_keep_rows_and_are_summarised() -> None:
    data = survey(500)
    findings = run(parse_pack((PACK % ("STR-06", "warning")).encode()), data)
    assert data.alive["point"].all()
    assert len(findings) == DETAILED + 1
    assert findings[-1].extra == {"rows": "102-501", "count": 400}


def test_a_grouped_rule_gives_one_finding_a_sheet() -> None:
    data = survey(7)
    data.points.loc[4:, "sheet"] = 1
    data.sheets = [*data.sheets, Sheet("g.csv", None, {"point": {"size": "规格"}})]
    text = (PACK % ("STR-06", "warning")).replace("check:", "grouped: true, check:")
    text = text.replace("in {column}", "in {column}, {counted} ({rows})")
    first, second = run(parse_pack(text.encode()), data)
    assert (first.place.row, first.place.element) == (2, None)
    assert "f.csv column “管径”: value 3OO in “管径”, 4 rows (2-5)" in first.en
    assert (second.place.file, second.place.column, second.extra["count"]) == ("g.csv", "规格", 3)


def test_a_final_rule_is_the_last_word_about_its_rows() -> None:
    rule = PACK.split("rules:\n")[1]
    text = PACK % ("A", "error") + rule % ("B", "warning")
    assert len(run(parse_pack(text.encode()), survey(3))) == 6
    text = text.replace("check:", "final: true, check:", 1)
    assert [f.rule for f in run(parse_pack(text.encode()), survey(3))] == ["A"] * 3


def test_row_spans() -> None:
    assert row_spans(np.array([3, 4, 5, 9, 11, 12])) == "3-5,9,11-12"
    assert row_spans(np.array([7])) == "7"


def test_a_statement_is_placed_where_it_says_and_refuses_nothing() -> None:
    data = survey(3)
    data.points["key"] = data.points["exp_no"]
    data.points["class_code"] = "JS"
    cell = Place("f.xlsx", "统计表", 2, "点数", "给水")
    data.totals = [Stated(cell, "JS", "points", 5.0, 0.5)]
    rule = PACK.replace("check: cell_issue", "check: stated_points") % ("TOT-01.points", "error")
    rule = rule.replace(", params: {kind: grammar}", "").replace("{column}", "{element}")
    (finding,) = run(parse_pack(rule.encode()), data)
    assert (finding.place, finding.found) == (cell, "5")
    assert finding.zh.startswith("f.xlsx[统计表] 第2行“点数”列：")
    assert data.alive["point"].all()


def test_hits_may_say_where_they_are() -> None:
    at = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, np.nan], [np.nan, 8.0, 9.0]])
    every = Hits("point", np.arange(3), None, {"found": np.arange(3)}, at)
    kept = every.where(np.array([False, True, True]))
    assert kept.at is not None and kept.at[0, 1] == 5.0
    assert kept.values["found"].tolist() == [1, 2]
