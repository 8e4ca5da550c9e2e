"""Findings on a terminal: one line for what is said alike, another for what is not."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ingest.pipeline import check
from ingest.readers.base import ReadOptions
from ingest.testing import run_of, workbook
from models.findings import Finding, Place, Severity
from twin import report


def shown(findings: list[Finding]) -> str:
    stream = io.StringIO()
    report.show(Console(file=stream, width=200), findings)
    return stream.getvalue()


def finding(zh: str, place: Place, found: str | None = None, rule: str | None = None) -> Finding:
    return Finding("GEO-09", Severity.ERROR, place, zh, "Mend it.", found, rule=rule)


def test_a_missing_crs_and_a_missing_vertical_datum_are_both_told(tmp_path: Path) -> None:
    (result,) = check([workbook(tmp_path / "a.xlsx", *run_of(3), top=())], ReadOptions())
    missing = [f for f in result.findings if f.code == "MET-01"]
    assert len(missing) == 2
    text = shown(missing)
    assert text.count("MET-01") == 2
    assert "--crs" in text
    assert "--vertical" in text


def test_rows_that_differ_in_values_only_are_one_line() -> None:
    rows = [
        finding(f"a.geojson 第{n}行：{key} 高度为 {n / 7:.2f}。请更正。", place, key)
        for n, key in enumerate(("甲-1", "乙-22", "b3"))
        for place in [Place("a.geojson", None, n, "高度", key)]
    ]
    assert shown(rows).count("GEO-09") == 1
    other = replace(rows[0], zh="a.geojson 第0行：几何为空。请更正。", found=None)
    assert shown([*rows, other]).count("GEO-09") == 2


@pytest.mark.parametrize("rules", [("GEO-09", "GEO-09"), ("GEO-09.a", "GEO-09.b")])
def test_a_rule_is_one_line_whatever_it_says(rules: tuple[str, str]) -> None:
    place = Place("a.csv")
    said = zip(rules, ("甲值有误。", "乙行为空。"), strict=True)
    text = shown([finding(zh, place, rule=rule) for rule, zh in said])
    assert text.count("GEO-09") == len(set(rules))


def test_one_file_is_named_once_and_totals_stand_below() -> None:
    rows = [
        finding(f"a.xlsx[点] 第{n}行：重复。", Place("a.xlsx", "点", n), rule="r") for n in (3, 9)
    ]
    rows.append(replace(rows[0], severity=Severity.WARNING, code="GEO-10"))
    text = shown(rows)
    assert text.count("a.xlsx") == 1
    assert "[点] 第3行：重复。" in text
    assert "行 rows 3, 9" in text
    assert "错误 error 2, 警告 warning 1" in text
    assert "--report" in text
    both = shown([*rows, replace(rows[0], place=Place("b.xlsx"))])
    assert "a.xlsx[点] 第3行：重复。" in both


def test_a_report_that_was_written_is_named() -> None:
    stream = io.StringIO()
    found = [finding("重复。", Place("a.xlsx"))]
    report.show(Console(file=stream, width=200), found, written=Path("out.xlsx"))
    assert "报告已写入 report written: out.xlsx" in stream.getvalue()
    assert "--report" not in stream.getvalue()
