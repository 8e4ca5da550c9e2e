"""Findings quote the words of the delivery, not the code words that they are read as."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.testing import read, run_of, workbook


@pytest.mark.parametrize(
    ("word", "code", "rule"),
    [
        ("检查井", "窨井", "PT-07"),
        ("窨井", "窨井", "PT-07"),
        ("路灯杆", "灯杆", "PT-07.pole"),
    ],
)
def test_pt_07_quotes_what_stands_in_the_cell(
    tmp_path: Path, word: str, code: str, rule: str
) -> None:
    points, lines = run_of(3)
    points[1] = {**points[1], "特征": None, "附属物": word}
    delivery = read(workbook(tmp_path / "a.xlsx", points, lines))
    (finding,) = [f for f in delivery.findings if f.rule == rule]
    assert finding.found == word
    assert f"“{word}”" in finding.zh
    assert f"“{word}”" in finding.en
    assert delivery.tables["pipe_point"]["appurtenance"].dropna().tolist() == [code]
