"""Surveys of which half was handed in."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.pipeline import check
from ingest.readers.base import ReadOptions
from ingest.testing import (
    CRS,
    DATUM,
    LINE,
    POINT,
    cells,
    read,
    refusal,
    require_complete,
    run_of,
    write_csv,
    write_xlsx,
)
from models.findings import Finding, Severity

TOP = (CRS, DATUM)


def sheets(code: str) -> dict[str, list[list[object]]]:
    points, lines = run_of(3, prefix=code)
    return {
        f"{code}Point": cells(POINT, points, TOP),
        f"{code}Line": cells(LINE, lines, TOP),
    }


def lone(findings: tuple[Finding, ...]) -> list[Finding]:
    return [f for f in findings if f.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("kept", "missing"), [("JSPoint", "线表 line table"), ("JSLine", "点表 point table")]
)
def test_one_table_alone_is_refused_and_the_other_asked_for(
    tmp_path: Path, kept: str, missing: str
) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {kept: sheets("JS")[kept]})
    (finding,) = lone(refusal(path))
    assert (finding.code, finding.expected) == ("STR-08", missing)
    zh, en = missing.split(" ", 1)
    assert zh in finding.zh
    assert en in finding.en


@pytest.mark.parametrize("dropped", ["WSPoint", "WSLine"])
def test_so_is_half_of_a_class_beside_a_whole_one(tmp_path: Path, dropped: str) -> None:
    book = {**sheets("JS"), **sheets("WS")}
    del book[dropped]
    (finding,) = lone(refusal(write_xlsx(tmp_path / "a.xlsx", book)))
    left = "WSLine" if dropped == "WSPoint" else "WSPoint"
    assert (finding.code, finding.place.sheet) == ("STR-08", left)
    assert "污水" in finding.zh
    require_complete(finding)


def test_files_that_have_their_half_go_on(tmp_path: Path) -> None:
    for name, table in {**sheets("JS"), **sheets("WS")}.items():
        if name != "WSLine":
            write_csv(tmp_path / f"{name}.csv", table)
    results = {r.paths[0].name[:2]: r for r in check([tmp_path], ReadOptions())}
    assert results["JS"].delivery is not None
    assert results["WS"].delivery is None
    assert [f.code for f in lone(results["WS"].findings)] == ["STR-08"]


def test_a_class_in_a_column_or_of_the_same_major_is_no_half(tmp_path: Path) -> None:
    points, lines = run_of(3, prefix="PS")
    header = ["管线类别", *LINE]
    rows = [{**row, "管线类别": "污水"} for row in lines]
    for number, (first, second) in enumerate((("排水点", "污水线"), ("点表", "线表"))):
        book = {first: cells(POINT, points, TOP), second: cells(header, rows, TOP)}
        delivery = read(write_xlsx(tmp_path / f"{number}.xlsx", book))
        assert len(delivery.tables["pipe_segment"]) == 2
